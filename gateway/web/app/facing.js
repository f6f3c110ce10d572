/**
 * Whom one faces. Pure.
 * @module
 */

/** From here on one is asked, metres, and so far to the side, radians. */
const NEAR = 4, ASIDE = 0.62;
/** Who is asked already stays a little longer, so that it does not flicker. */
const LONGER = 1.2;

/** @typedef {{id: string, x: number, z: number}} Spot */

/**
 * Whom one faces: the nearest of those ahead.
 * @param {{x: number, z: number, yaw: number}} you @param {Spot[]} spots @param {string} [was] whom one faced before
 * @returns {string} id, or ''
 */
export function faced(you, spots, was = '') {
  let best = '', least = Infinity;
  for (const { id, x, z } of spots) {
    const dx = x - you.x, dz = z - you.z, d = Math.hypot(dx, dz), k = id === was ? LONGER : 1;
    const aside = Math.abs(Math.atan2(Math.sin(Math.atan2(-dx, -dz) - you.yaw), Math.cos(Math.atan2(-dx, -dz) - you.yaw)));
    if (d > NEAR * k || (aside > ASIDE * k && d > 0.6)) continue;
    const cost = d * (1 + aside) / k;
    if (cost < least) [best, least] = [id, cost];
  }
  return best;
}
