/**
 * What the rooms of a world do to a voice: the same arithmetic as the Go
 * package spatialaudio/zone, whose doc comment has the rules, held together by
 * spatialaudio/zone/testdata/zones.json.
 *
 *     const zones = new Zones(world.zones ?? []);
 *     const path = zones.hear(zones.locate(mouth), zones.locate(ears));
 *     const { gain, amplified } = gainOf(path, curveGain);
 *
 * The server has already kept back every voice that may not arrive: nothing
 * here keeps a secret. Pure. Metres, degrees, dB, linear gains.
 * @module
 */

/**
 * @typedef {{form: 'box'|'cylinder'|'polygon', floor: number, height: number, center?: [number, number],
 *   size?: [number, number], yaw?: number, radius?: number, corners?: [number, number][]}} Shape
 *   center and corners are x and z
 * @typedef {{id: string, title?: string, kind: 'room'|'stage'|'table'|'megaphone'|'quiet', shape: Shape, fade: number,
 *   gain?: number, isolation?: number, sealed?: boolean, occlusion?: number, reverb?: string,
 *   speak?: {who: 'everybody'|'nobody'|'performers'|'listed', grants?: string[], participants?: string[]},
 *   megaphone?: {to?: string, gain: number}}} Zone
 * @typedef {ArrayLike<number>} Vector x y z
 * @typedef {{at: Vector, weights: Map<number, number>}} Spot weights: of the zones that it is in, by their place in the list
 * @typedef {{gainDb: number, wallDb: number, open: boolean, amplified: number, megaphone: number}} Path
 *   megaphone: place of its zone in the list, -1 for none
 * @typedef {{planes: [number, number, number][], x: number, z: number, r: number, floor: number, top: number, area: number}} Solid
 */

const SEALED_ISOLATION = 60, MAX_GAIN = 12;
const MAX_CUTOFF = 20_000, MIN_CUTOFF = 400;
const MAX_CUTS = 24, CUT_ENDS = 1e-6;

export class Zones {
  /** @type {Solid[]} */ #solids;
  /** @type {number[]} innermost first */ #inner;
  /** @type {number[]} */ #to;

  /** @param {Zone[]} list as the server has checked it */
  constructor(list) {
    this.list = list;
    this.#solids = list.map((z) => solid(z.shape));
    this.#to = list.map((z) => list.findIndex((o) => o.id === z.megaphone?.to));
    this.#inner = list.map((_, i) => i).sort((a, b) => this.#solids[a].area - this.#solids[b].area || b - a);
  }

  /** @param {Vector} at position of a head @returns {Spot} */
  locate(at) {
    const weights = new Map();
    for (const [i, s] of this.#solids.entries()) {
      const d = depth(s, at);
      if (d > 0) weights.set(i, soften(d, this.list[i].fade));
    }
    return { at, weights };
  }

  /**
   * What becomes of talker's voice at listener.
   * @param {Spot} talker
   * @param {Spot} listener
   * @returns {Path}
   */
  hear(talker, listener) {
    /** @type {Path} */
    const path = { gainDb: 0, wallDb: 0, open: true, amplified: 0, megaphone: -1 };
    for (const [i, z] of this.list.entries()) {
      const t = talker.weights.get(i) ?? 0, l = listener.weights.get(i) ?? 0;
      if (z.sealed && (t > 0) !== (l > 0)) path.open = false;
      path.gainDb += (z.gain ?? 0) * t;
      path.wallDb += (z.sealed ? SEALED_ISOLATION : z.isolation ?? 0) * Math.abs(t - l);
      const ends = Math.max(t, l);
      if (z.occlusion && ends < 1) path.wallDb += 2 * z.occlusion * Math.max(soften(deepest(this.#solids[i], talker.at, listener.at, z.fade), z.fade) - ends, 0);
      if (z.megaphone && t > 0) this.#amplify(i, z.megaphone, t, listener, path);
    }
    path.gainDb = Math.min(path.gainDb, MAX_GAIN);
    return path;
  }

  /**
   * Name of the reverberation at a spot, 'dry' for none.
   * @param {Spot} spot
   */
  reverb(spot) {
    const i = this.#inner.find((at) => spot.weights.has(at) && this.list[at].reverb);
    return i === undefined ? 'dry' : this.list[i].reverb ?? 'dry';
  }

  /**
   * The innermost zone at a spot that says who may speak, or undefined.
   * @param {Spot} spot
   */
  ruling(spot) {
    const i = this.#inner.find((at) => spot.weights.has(at) && this.list[at].speak);
    return i === undefined ? undefined : this.list[i];
  }

  /** @param {number} i @param {{gain: number}} horn @param {number} weight of the talker @param {Spot} listener @param {Path} path */
  #amplify(i, horn, weight, listener, path) {
    let gain = 10 ** (horn.gain / 20) * weight;
    if (this.#to[i] >= 0) gain *= listener.weights.get(this.#to[i]) ?? 0;
    if (gain > path.amplified) [path.amplified, path.megaphone] = [gain, i];
  }
}

/**
 * The gain of a voice at the listener, and whether it is the megaphone's.
 * @param {Path} path
 * @param {number} curve what it would be without zones
 */
export function gainOf(path, curve) {
  const gain = path.open && curve > 0 ? curve * 10 ** ((path.gainDb - path.wallDb) / 20) : 0;
  return path.amplified > gain ? { gain: path.amplified, amplified: true } : { gain, amplified: false };
}

/**
 * Where walls cut high frequencies off, in Hz: an octave for every 6 dB.
 * @param {number} wallDb
 */
export function cutoff(wallDb) { return Math.max(MAX_CUTOFF * 2 ** (-Math.max(wallDb, 0) / 6), MIN_CUTOFF); }

/**
 * The corners of a zone seen from above, x and z: for drawing.
 * @param {Shape} shape
 * @returns {[number, number][]}
 */
export function outline(shape) {
  if (shape.form === 'polygon') return shape.corners ?? [];
  const [cx, cz] = shape.center ?? [0, 0];
  if (shape.form === 'cylinder') {
    return Array.from({ length: 48 }, (_, i) => [cx + (shape.radius ?? 0) * Math.cos(i * Math.PI / 24), cz + (shape.radius ?? 0) * Math.sin(i * Math.PI / 24)]);
  }
  const sin = Math.sin((shape.yaw ?? 0) * Math.PI / 180), cos = Math.cos((shape.yaw ?? 0) * Math.PI / 180);
  const [width, depth] = shape.size ?? [0, 0];
  return [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]].map(([u, v]) => {
    const x = u * width, z = v * depth;
    return [cx + x * cos + z * sin, cz - x * sin + z * cos];
  });
}

/** @param {Shape} shape @returns {Solid} */
function solid(shape) {
  const [x, z] = shape.center ?? [0, 0], r = shape.radius ?? 0;
  /** @type {Solid} */
  const s = { planes: [], x, z, r, floor: shape.floor, top: shape.floor + shape.height, area: Math.PI * r * r };
  if (shape.form === 'cylinder') return s;
  const corners = outline(shape);
  const next = (/** @type {number} */ i) => corners[(i + 1) % corners.length];
  const twice = corners.reduce((sum, a, i) => sum + a[0] * next(i)[1] - next(i)[0] * a[1], 0);
  const hand = twice < 0 ? -1 : 1;
  s.area = Math.abs(twice) / 2;
  s.planes = corners.map((a, i) => {
    const dx = next(i)[0] - a[0], dz = next(i)[1] - a[1], length = Math.sqrt(dx * dx + dz * dz);
    const nx = -dz / length * hand, nz = dx / length * hand;
    return [nx, nz, -(nx * a[0] + nz * a[1])];
  });
  return s;
}

/** How far a place is inside of the border; negative outside. @param {Solid} s @param {Vector} p */
function depth(s, p) { return along(s, p, p, 0)[0]; }

/**
 * The depth at a + t(b-a), and how fast it grows with t there.
 * @param {Solid} s @param {Vector} a @param {Vector} b @param {number} t
 * @returns {[number, number]}
 */
function along(s, a, b, t) {
  const dx = b[0] - a[0], dy = b[1] - a[1], dz = b[2] - a[2];
  const x = a[0] + t * dx, y = a[1] + t * dy, z = a[2] + t * dz;
  let d = y - s.floor, slope = dy;
  if (s.top - y < d) [d, slope] = [s.top - y, -dy];
  for (const [nx, nz, c] of s.planes) {
    const e = c + nx * x + nz * z;
    if (e < d) [d, slope] = [e, nx * dx + nz * dz];
  }
  if (s.planes.length === 0) {
    const u = x - s.x, v = z - s.z, r = Math.sqrt(u * u + v * v);
    if (s.r - r < d) [d, slope] = [s.r - r, r > 0 ? -(u * dx + v * dz) / r : 0];
  }
  return [d, slope];
}

/**
 * The greatest depth on the straight way from a to b; from enough on it is not exact.
 * @param {Solid} s @param {Vector} a @param {Vector} b @param {number} enough
 */
function deepest(s, a, b, enough) {
  let lo = 0, hi = 1;
  let [low, rise] = along(s, a, b, lo);
  if (rise <= 0) return low;
  let [high, fall] = along(s, a, b, hi);
  if (fall >= 0) return high;
  let best = Math.max(low, high);
  for (let i = 0; i < MAX_CUTS; i++) {
    const t = (high - low + rise * lo - fall * hi) / (rise - fall);
    const most = low + rise * (t - lo);
    if (most <= 0 || best >= enough) break;
    const [d, slope] = along(s, a, b, t);
    best = Math.max(best, d);
    if (most - d < CUT_ENDS || slope === 0) return best;
    if (slope > 0) [lo, low, rise] = [t, d, slope];
    else [hi, high, fall] = [t, d, slope];
  }
  return best;
}

/** @param {number} d depth, metres @param {number} fade metres */
function soften(d, fade) {
  if (!(d > 0)) return 0;
  return d >= fade ? 1 : d / fade;
}
