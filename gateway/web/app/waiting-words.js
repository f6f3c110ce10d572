/**
 * How it is in the queue, in words.
 * @module
 */

/** @typedef {import('../queue.js').Standing} Standing */

/** @param {Standing} standing @returns {string} */
export function placeOf({ position }) {
  return position === 1 ? 'You are next' : `You are ${ordinal(position)} in line`;
}

/** @param {Standing} standing @returns {string} */
export function moreOf({ waiting, estimatedSeconds }) {
  const who = waiting === 1 ? 'Nobody else waits' : `${waiting} people wait`;
  return estimatedSeconds > 0 ? `${who} · ${about(estimatedSeconds)}` : who;
}

/** @param {number} seconds @returns {string} */
function about(seconds) {
  if (seconds < 45) return 'less than a minute';
  const minutes = Math.round(seconds / 60);
  return minutes <= 1 ? 'about a minute' : `about ${minutes} minutes`;
}

/** @param {number} n @returns {string} 1st, 2nd, 3rd, 11th */
export function ordinal(n) {
  const word = new Intl.PluralRules('en', { type: 'ordinal' }).select(n);
  return `${n}${{ one: 'st', two: 'nd', few: 'rd' }[/** @type {string} */ (word)] ?? 'th'}`;
}
