/**
 * What can be done to zones on a map, without the map: new ones, moving,
 * resizing, turning. Pure; every function returns a new value.
 * @module
 */
import { outline } from '../zones.js';

/** @import {Shape, Zone} from '../zones.js' */
/** @typedef {{name: string, at: [number, number]}} Handle at: x and z; name: corner-N, turn or radius */
/** @typedef {Zone['kind']} Kind */

/** Metres to which what is drawn snaps. */
export const SNAP = 0.05;
const MIN_SIZE = 0.4, TURN_SNAP = 5, TURN_AWAY = 1.2;

/** @type {Record<Kind, Omit<Zone, 'id'|'kind'|'shape'> & {shape: Shape}>} */
const PRESETS = {
  room: { shape: { form: 'box', floor: 0, height: 4, size: [6, 5] }, fade: 0.5, isolation: 30, occlusion: 6, reverb: 'room' },
  table: { shape: { form: 'cylinder', floor: 0, height: 4, radius: 2 }, fade: 0.4, sealed: true },
  stage: { shape: { form: 'box', floor: 0, height: 5, size: [8, 4] }, fade: 0.5, gain: 4, speak: { who: 'performers' }, megaphone: { gain: -12 } },
  megaphone: { shape: { form: 'cylinder', floor: 0, height: 4, radius: 1 }, fade: 0.3, megaphone: { gain: -9 } },
  quiet: { shape: { form: 'box', floor: 0, height: 4, size: [7, 6] }, fade: 0.5, isolation: 18, reverb: 'hall', speak: { who: 'nobody' } },
};

/**
 * A new zone as most want it, under a name that is free.
 * @param {Kind} kind
 * @param {[number, number]} at
 * @param {Zone[]} list
 * @returns {Zone}
 */
export function fresh(kind, at, list) {
  /** @type {string} */ let id = kind;
  let n = 1;
  while (list.some((z) => z.id === id)) id = `${kind}-${++n}`;
  const { shape, ...rest } = structuredClone(PRESETS[kind]);
  return { id, kind, shape: { ...shape, center: snapped(at) }, ...rest };
}

/** @param {Shape} shape @param {number} dx metres @param {number} dz @returns {Shape} */
export function moved(shape, dx, dz) {
  if (shape.form === 'polygon') return { ...shape, corners: (shape.corners ?? []).map(([x, z]) => [tidy(x + dx), tidy(z + dz)]) };
  const [x, z] = shape.center ?? [0, 0];
  return { ...shape, center: [tidy(x + dx), tidy(z + dz)] };
}

/** Its middle on the map. @param {Shape} shape @returns {[number, number]} */
export function middle(shape) {
  if (shape.form !== 'polygon') return shape.center ?? [0, 0];
  const corners = shape.corners ?? [];
  return [mean(corners.map((c) => c[0])), mean(corners.map((c) => c[1]))];
}

/** What can be dragged. @param {Shape} shape @returns {Handle[]} */
export function handles(shape) {
  if (shape.form === 'cylinder') {
    const [x, z] = middle(shape);
    return [{ name: 'radius', at: [x + (shape.radius ?? 0), z] }];
  }
  const list = outline(shape).map((at, i) => ({ name: `corner-${i}`, at }));
  if (shape.form === 'box') list.push({ name: 'turn', at: world(shape, 0, -(shape.size?.[1] ?? 0) / 2 - TURN_AWAY) });
  return list;
}

/**
 * The shape with one handle somewhere else. What would be too small or not
 * convex stays as it was.
 * @param {Shape} shape
 * @param {string} handle
 * @param {[number, number]} to
 * @returns {Shape}
 */
export function dragged(shape, handle, to) {
  const at = snapped(to), corner = Number(handle.split('-')[1]);
  if (handle === 'radius') return { ...shape, radius: Math.max(round(Math.hypot(at[0] - middle(shape)[0], at[1] - middle(shape)[1]), SNAP), MIN_SIZE / 2) };
  if (handle === 'turn') {
    const [x, z] = middle(shape), yaw = round(Math.atan2(x - to[0], z - to[1]) * 180 / Math.PI, TURN_SNAP);
    return { ...shape, yaw: yaw === -180 ? 180 : yaw + 0 };
  }
  if (shape.form === 'box') return stretched(shape, corner, at);
  const corners = (shape.corners ?? []).map((c, i) => (i === corner ? at : c));
  return convex(corners) ? { ...shape, corners } : shape;
}

/** A box whose opposite corner stays. @param {Shape} shape @param {number} corner @param {[number, number]} to @returns {Shape} */
function stretched(shape, corner, to) {
  const [fx, fz] = outline(shape)[(corner + 2) % 4], angle = (shape.yaw ?? 0) * Math.PI / 180;
  const sin = Math.sin(angle), cos = Math.cos(angle), dx = to[0] - fx, dz = to[1] - fz;
  const size = /** @type {[number, number]} */ ([dx * cos - dz * sin, dx * sin + dz * cos].map((v) => tidy(Math.abs(v))));
  if (Math.min(...size) < MIN_SIZE) return shape;
  return { ...shape, size, center: [tidy((fx + to[0]) / 2), tidy((fz + to[1]) / 2)] };
}

/**
 * The same place in another form.
 * @param {Shape} shape
 * @param {Shape['form']} form
 * @returns {Shape}
 */
export function reshaped(shape, form) {
  if (form === shape.form) return shape;
  const { floor, height } = shape, corners = outline(shape), center = snapped(middle(shape));
  const xs = corners.map((c) => c[0]), zs = corners.map((c) => c[1]);
  const size = /** @type {[number, number]} */ ([xs, zs].map((v) => Math.max(round(Math.max(...v) - Math.min(...v), SNAP), MIN_SIZE)));
  if (form === 'box') return { form, floor, height, center, size };
  if (form === 'cylinder') return { form, floor, height, center, radius: round(Math.min(...size) / 2, SNAP) };
  return { form, floor, height, corners: corners.filter((_, i) => corners.length <= 16 || i % 6 === 0).map(([x, z]) => [tidy(x), tidy(z)]) };
}

/** Whether corners make a convex polygon of some size. @param {[number, number][]} corners */
export function convex(corners) {
  const n = corners.length;
  let turned = 0, left = false, right = false;
  for (let i = 0; i < n; i++) {
    const [a, b, c] = [corners[(i + n - 1) % n], corners[i], corners[(i + 1) % n]];
    const ux = b[0] - a[0], uz = b[1] - a[1], vx = c[0] - b[0], vz = c[1] - b[1];
    if (Math.hypot(ux, uz) < MIN_SIZE / 2) return false;
    const turn = Math.atan2(ux * vz - uz * vx, ux * vx + uz * vz);
    turned += turn;
    left ||= turn < 0;
    right ||= turn > 0;
  }
  return n >= 3 && left !== right && Math.abs(Math.abs(turned) - 2 * Math.PI) < 0.01;
}

/** What the map must show: x and z from and to, with room around. @param {Zone[]} list @returns {[number, number, number, number]} */
export function extent(list) {
  const corners = [[-14, -14], [14, 14], ...list.flatMap((z) => outline(z.shape))];
  const xs = corners.map((c) => c[0]), zs = corners.map((c) => c[1]);
  return [Math.min(...xs) - 3, Math.min(...zs) - 3, Math.max(...xs) + 3, Math.max(...zs) + 3];
}

/** @param {Shape} shape a box @param {number} u @param {number} v @returns {[number, number]} */
function world({ center = [0, 0], yaw = 0 }, u, v) {
  const sin = Math.sin(yaw * Math.PI / 180), cos = Math.cos(yaw * Math.PI / 180);
  return [center[0] + u * cos + v * sin, center[1] - u * sin + v * cos];
}

/** @param {[number, number]} at @returns {[number, number]} */
function snapped([x, z]) { return [round(x, SNAP), round(z, SNAP)]; }

/** @param {number} v @param {number} step */
function round(v, step) { return tidy(Math.round(v / step) * step); }

/** Without the dust of binary fractions. @param {number} v */
function tidy(v) { return Math.round(v * 1000) / 1000 + 0; }

/** @param {number[]} list */
function mean(list) { return list.reduce((a, b) => a + b, 0) / Math.max(list.length, 1); }
