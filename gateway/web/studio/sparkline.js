/**
 * A small line of the newest values of a figure, and numbers for people.
 *
 * Pure functions.
 * @module
 */

/**
 * Keeps the newest values.
 * @param {number[]} values
 * @param {number} value
 * @param {number} [most]
 */
export function keep(values, value, most = 60) {
  values.push(value);
  if (values.length > most) values.splice(0, values.length - most);
}

/**
 * An SVG path; the newest value is at the right edge. '' for fewer than two.
 * @param {number[]} values
 * @param {number} width
 * @param {number} height
 */
export function path(values, width, height) {
  if (values.length < 2) return '';
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = high - low;
  const step = width / (values.length - 1);
  return values.map((v, i) => `${i ? 'L' : 'M'}${one(i * step)} ${one(span === 0 ? height / 2 : height - 1 - (v - low) / span * (height - 2))}`).join('');
}

/** Milliseconds for people. @param {number|undefined} ms */
export function time(ms) {
  if (!ms) return '–';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
}

/** A part of a whole, in per cent. @param {number} part @param {number} whole */
export function share(part, whole) {
  if (!whole) return '–';
  const p = 100 * part / whole;
  return `${p > 0 && p < 1 ? '<1' : Math.round(p)} %`;
}

/** Money as the operator counts it. @param {number|undefined} v */
export function money(v) {
  if (!v) return '0';
  return v < 0.01 ? v.toPrecision(2) : v.toFixed(2);
}

/** @param {number} v */
function one(v) { return Math.round(v * 10) / 10; }
