/**
 * Where things stand on the plaza: the one source for what is drawn (plaza.js),
 * what one bumps into (controls.js) and what the minimap shows. Metres, y up,
 * -z is north (the stage). No three.js in here.
 * @module
 */

/** Radius of the paved disc. */
export const PAVED = 20;
/** Nobody walks further out than this. */
export const WALKABLE = 21.2;
/** Fountain basin, in the middle. */
export const FOUNTAIN = { radius: 2.7 };
/** Half disc in the north with the screen behind it. Steps are [radius, height]. */
export const STAGE = { z: -19, steps: [[8.2, 0.2], [7.5, 0.4]], back: -21.2 };
/** Screen for shared screens: centre, size; it faces +z. */
export const SCREEN = { x: 0, y: 4.15, z: -21.6, width: 9.6, height: 5.4 };

/** Compass bearing (degrees, 0 = north, clockwise) and radius to x and z.
 * @param {number} degrees @param {number} radius @returns {[number, number]} */
export function at(degrees, radius) {
  const a = degrees * Math.PI / 180;
  return [Math.sin(a) * radius, -Math.cos(a) * radius];
}

/** Low walls: arcs from bearing to bearing; the gaps are the four ways out. */
export const WALLS = [[31, 82], [98, 172], [188, 262], [278, 329]];
/** Lantern posts with strings of lights between them. */
export const LANTERNS = [22.5, 67.5, 112.5, 157.5, 202.5, 247.5, 292.5, 337.5].map((b) => at(b, 12));
/** Trees in round planters. */
export const PLANTERS = [50, 130, 230, 310].map((b) => at(b, 16));
/** Benches: position and the bearing they stand on (they face the middle). */
export const BENCHES = [36, 64, 116, 144, 216, 244, 296, 324, 90, 270].map((bearing, i) => {
  const radius = i < 8 ? 15.6 : 7.2;
  return { at: at(bearing, radius), bearing };
});

/** @typedef {{x: number, z: number, radius: number}} Collider a round thing one walks around */
/** @type {Collider[]} */
export const COLLIDERS = [
  { x: 0, z: 0, radius: FOUNTAIN.radius + 0.35 },
  ...LANTERNS.map(([x, z]) => ({ x, z, radius: 0.45 })),
  ...PLANTERS.map(([x, z]) => ({ x, z, radius: 1.75 })),
  ...BENCHES.flatMap(({ at: [x, z], bearing }) => [-0.55, 0.55].map((side) => {
    const a = bearing * Math.PI / 180;
    return { x: x + Math.cos(a) * side, z: z + Math.sin(a) * side, radius: 0.6 };
  })),
];

/** Height of the ground at a place: 0 but on the stage.
 * @param {number} x @param {number} z @returns {number} metres */
export function groundAt(x, z) {
  if (z < STAGE.back) return 0;
  const d = Math.hypot(x, z - STAGE.z);
  let y = 0;
  for (const [radius, height] of STAGE.steps) if (d < radius) y = height;
  return y;
}

/** Pushes a walker out of things and back onto the plaza, along the shortest way,
 * so that one slides along walls.
 * @param {{x: number, z: number}} p changed in place
 * @param {number} [body] radius of the walker */
export function collide(p, body = 0.3) {
  for (const c of COLLIDERS) {
    const dx = p.x - c.x, dz = p.z - c.z, d = Math.hypot(dx, dz), min = c.radius + body;
    if (d >= min) continue;
    const k = d > 1e-6 ? min / d : 0;
    p.x = k ? c.x + dx * k : c.x + min;
    p.z = k ? c.z + dz * k : c.z;
  }
  const onStage = Math.hypot(p.x, p.z - STAGE.z) < STAGE.steps[0][0];
  if (onStage) p.z = Math.max(p.z, STAGE.back + body + 0.3);
  const r = Math.hypot(p.x, p.z), wall = isOpen(p) ? WALKABLE : PAVED - 0.45;
  if (!onStage && r > wall) {
    p.x *= wall / r;
    p.z *= wall / r;
  }
}

/** Where to appear for somebody whom the server put on a disc round the middle:
 * outside of the fountain, with a view of it.
 * @param {number} x @param {number} z @returns {{x: number, z: number}} */
export function arrive(x, z) {
  const r = Math.hypot(x, z), inside = r < COLLIDERS[0].radius, k = inside ? (5 + r * 0.6) / Math.max(r, 0.01) : 1;
  const p = { x: r < 0.01 && inside ? 0 : x * k, z: r < 0.01 && inside ? 5 : z * k };
  collide(p);
  return p;
}

/** @param {{x: number, z: number}} p @returns {boolean} in one of the gaps between the walls */
function isOpen(p) {
  const bearing = (Math.atan2(p.x, -p.z) * 180 / Math.PI + 360) % 360;
  return !WALLS.some(([from, to]) => bearing > from - 1 && bearing < to + 1);
}
