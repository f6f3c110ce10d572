/**
 * How loud a talker is at a listener: the same formulae as the Go package
 * spatialaudio, held together by spatialaudio/testdata/gains.json. The panner
 * of the browser applies modelGain and coneGain itself; fadeGain is ours.
 *
 * Pure functions. Metres, degrees, linear gains.
 * @module
 */

/**
 * @typedef {{inner: number, outer: number, outer_gain: number}} Cone degrees, linear
 * @typedef {{model: 'linear'|'inverse'|'exponential', ref: number, max: number,
 *   rolloff: number, range: number, fade: number, cone: Cone}} Curve
 * @typedef {ArrayLike<number>} Vector x y z, or x y z w
 */

/**
 * PannerNode's distance model (Web Audio API, "Distance Effects").
 * @param {Curve} curve
 * @param {number} d metres
 */
export function modelGain(curve, d) {
  const { model, ref, max, rolloff } = curve;
  if (model === 'linear') {
    const near = Math.min(ref, max);
    const far = Math.max(ref, max);
    const f = clamp(rolloff, 0, 1);
    if (near === far) return 1 - f;
    return 1 - f * (clamp(d, near, far) - near) / (far - near);
  }
  if (ref === 0) return 0;
  if (model === 'exponential') return (Math.max(d, ref) / ref) ** -rolloff;
  return ref / (ref + rolloff * (Math.max(d, ref) - ref));
}

/**
 * 1, falling to 0 over the last `fade` metres before `range`; 0 beyond.
 * @param {Curve} curve
 * @param {number} d metres
 */
export function fadeGain(curve, d) {
  if (!(d < curve.range)) return 0;
  if (d <= curve.range - curve.fade) return 1;
  return (curve.range - d) / curve.fade;
}

/**
 * @param {Curve} curve
 * @param {number} d metres
 */
export function distanceGain(curve, d) {
  const fade = fadeGain(curve, d);
  return fade === 0 ? 0 : fade * modelGain(curve, d);
}

/**
 * PannerNode's cone (Web Audio API, "Sound Cones").
 * @param {Cone} cone
 * @param {number} angle degrees between where the talker faces and the listener
 */
export function coneGain(cone, angle) {
  const a = Math.abs(angle);
  const inner = Math.abs(cone.inner) / 2;
  const outer = Math.abs(cone.outer) / 2;
  if (a <= inner) return 1;
  if (a >= outer) return cone.outer_gain;
  const x = (a - inner) / (outer - inner);
  return 1 - x + cone.outer_gain * x;
}

/**
 * Gain at which ears hear a mouth that speaks towards its -z.
 * @param {Curve} curve
 * @param {Vector} ears position
 * @param {Vector} mouth position
 * @param {Vector} rotation of the mouth, a quaternion
 */
export function gain(curve, ears, mouth, rotation) {
  const d = distance(ears, mouth);
  const g = distanceGain(curve, d);
  return g === 0 ? 0 : g * coneGain(curve.cone, angle(ears, mouth, rotation));
}

/**
 * Degrees by which a talker faces away from the listener; 90 where both are in
 * one place, as the specification's algorithm has it.
 * @param {Vector} ears
 * @param {Vector} mouth
 * @param {Vector} rotation
 */
export function angle(ears, mouth, rotation) {
  const x = ears[0] - mouth[0];
  const y = ears[1] - mouth[1];
  const z = ears[2] - mouth[2];
  if (x === 0 && y === 0 && z === 0) return 90;
  const [fx, fy, fz] = forward(rotation);
  const sin = Math.hypot(fy * z - fz * y, fz * x - fx * z, fx * y - fy * x);
  return Math.atan2(sin, fx * x + fy * y + fz * z) * 180 / Math.PI;
}

/**
 * -z turned by a quaternion; of unit length if the quaternion is.
 * @param {Vector} q
 * @returns {[number, number, number]}
 */
export function forward(q) {
  const [x, y, z, w] = components(q);
  return [-2 * (x * z + w * y), -2 * (y * z - w * x), -(w * w + z * z - x * x - y * y)];
}

/**
 * +y turned by a quaternion; of unit length if the quaternion is.
 * @param {Vector} q
 * @returns {[number, number, number]}
 */
export function up(q) {
  const [x, y, z, w] = components(q);
  return [2 * (x * y - w * z), w * w + y * y - x * x - z * z, 2 * (y * z + w * x)];
}

/**
 * @param {Vector} a
 * @param {Vector} b
 */
export function distance(a, b) {
  return Math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2);
}

/**
 * How much of somebody there is for one who keeps a personal space: 1 outside
 * of it, falling smoothly to 0 at half its radius. The same for the eye and the ear.
 * @param {number} radius metres, 0 for none
 * @param {number} d metres
 */
export function spaceGain(radius, d) {
  if (!(radius > 0)) return 1;
  const x = clamp(2 * d / radius - 1, 0, 1);
  return x * x * (3 - 2 * x);
}

/**
 * 20 log10 of a linear gain, -120 at the least.
 * @param {number} g
 */
export function decibels(g) { return g > 1e-6 ? 20 * Math.log10(g) : -120; }

/** @param {number} db */
export function linear(db) { return 10 ** (db / 20); }

/**
 * The zero quaternion counts as the identity.
 * @param {Vector} q
 * @returns {[number, number, number, number]}
 */
function components(q) {
  const turned = q[0] !== 0 || q[1] !== 0 || q[2] !== 0 || q[3] !== 0;
  return turned ? [q[0], q[1], q[2], q[3]] : [0, 0, 0, 1];
}

/**
 * @param {number} v
 * @param {number} low
 * @param {number} high
 */
function clamp(v, low, high) { return Math.min(Math.max(v, low), high); }
