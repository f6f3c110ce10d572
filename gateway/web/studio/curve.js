/**
 * The plot of how loud a voice is over distance: points and axes, no drawing.
 *
 * Pure functions. Metres, decibels, pixels.
 * @module
 */
import { coneGain, decibels, distanceGain } from '../spatial.js';

/** @typedef {import('../spatial.js').Curve} Curve */

/** The quietest shown; below it nothing is heard in a conversation. */
export const FLOOR_DB = -48;

/**
 * @typedef {object} Plot
 * @property {number} metres at the right edge
 * @property {string} front path before the talker
 * @property {string} behind path behind the talker
 * @property {string} area below the front path
 * @property {{x: number, label: string}[]} xTicks
 * @property {{y: number, label: string}[]} yTicks
 * @property {number} range pixels where voices end
 * @property {number} fade pixels where the fade begins
 */

/**
 * @param {Curve} curve
 * @param {{width: number, height: number, left: number, bottom: number, top: number, right: number}} box
 * @returns {Plot}
 */
export function plot(curve, box) {
  const metres = niceEnd(curve.range * 1.08);
  const x = (/** @type {number} */ m) => box.left + m / metres * (box.width - box.left - box.right);
  const y = (/** @type {number} */ db) => box.top + Math.max(db, FLOOR_DB) / FLOOR_DB * (box.height - box.top - box.bottom);
  const back = coneGain(curve.cone, 180);
  const samples = Array.from({ length: 161 }, (_, i) => metres * i / 160);
  // The exact end, so that the fall to nothing stands where it is.
  samples.push(curve.range, Math.max(curve.range - curve.fade, 0));
  samples.sort((a, b) => a - b);
  const path = (/** @type {number} */ gain) => samples.map((d, i) => `${i ? 'L' : 'M'}${round(x(d))} ${round(y(decibels(distanceGain(curve, d) * gain)))}`).join('');
  const front = path(1);
  return {
    metres, front, behind: path(back),
    area: `${front}L${round(x(metres))} ${round(y(FLOOR_DB))}L${round(x(0))} ${round(y(FLOOR_DB))}Z`,
    xTicks: ticks(metres).map((m) => ({ x: round(x(m)), label: String(m) })),
    yTicks: [0, -12, -24, -36, -48].map((db) => ({ y: round(y(db)), label: String(db).replace('-', '−') })),
    range: round(x(Math.min(curve.range, metres))),
    fade: round(x(Math.max(curve.range - curve.fade, 0))),
  };
}

/**
 * The gain at a distance in words.
 * @param {Curve} curve
 * @param {number} d metres
 */
export function describe(curve, d) {
  const g = distanceGain(curve, d);
  return g === 0 ? `${num(d)} m: not heard` : `${num(d)} m: ${num(decibels(g))} dB`.replace('-', '−');
}

/**
 * Why the server would refuse a curve, '' if it would not. The same rules as
 * spatialaudio.Curve.Validate.
 * @param {Curve} c
 * @param {number} viewRange
 */
export function refuse(c, viewRange) {
  if (c.ref === 0 && c.model !== 'linear') return `With the ${c.model} model the full-voice distance must be more than 0.`;
  if (c.model === 'linear' && c.max <= c.ref) return 'The linear model needs a furthest distance beyond the full-voice distance.';
  if (c.model === 'linear' && c.rolloff > 1) return 'The linear model takes a rolloff of at most 1.';
  if (c.fade > c.range) return 'The fade cannot be longer than the voice range.';
  if (c.range > viewRange) return 'Voices cannot reach further than people are seen: raise the view range first.';
  return '';
}

/** A round number at or above v. @param {number} v */
export function niceEnd(v) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(v, 1e-3)));
  const steps = /** @type {number} */ ([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((n) => n * unit >= v * 0.9999));
  return Number((steps * unit).toPrecision(6));
}

/** @param {number} end */
function ticks(end) {
  const unit = 10 ** Math.floor(Math.log10(end));
  const step = unit * /** @type {number} */ ([0.1, 0.2, 0.25, 0.5, 1, 2].find((n) => end / (n * unit) <= 6.5));
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

/** @param {number} v */
function round(v) { return Math.round(v * 10) / 10; }

/** @param {number} v */
function num(v) { return String(Number(v.toFixed(1))); }
