/**
 * One colour for each participant, the same on every screen.
 * @module
 */

/** Hue of an id in degrees: FNV-1a, spread by the golden ratio.
 * @param {string} id @returns {number} */
export function hueOf(id) {
  let h = 2166136261;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 16777619);
  return ((h >>> 0) % 1009 * 0.618033988749895 % 1) * 360;
}
