/**
 * What orders of moderation mean for who is under them: which action holds, until
 * when, in how many words. Pure.
 * @module
 */

/** @import {Order} from '../signal.js' */

/** Actions that silence the microphone. */
const SILENT = new Set(['mute', 'isolate', 'suspend']);
/** Actions that are done when they are told. */
const MILD = new Set(['nudge', 'mask']);

/** Whether an order is no more than a friendly word. @param {Order} order */
export function isNudge(order) {
  return !order.lifted && order.sanctions.length > 0 && order.sanctions.every(({ action }) => action === 'nudge');
}

/** Whether an order takes something away that one should read about. @param {Order} order */
export function isGrave(order) {
  return !order.lifted && order.sanctions.some(({ action }) => !MILD.has(action));
}

/**
 * The order that keeps the microphone silent, the longest of them; null for none.
 * Over ones do not count, though the server has not said so yet.
 * @param {Iterable<Order>} orders
 * @param {number} now ms since 1970
 * @returns {{order: Order, until: number} | null} until: ms since 1970, Infinity until lifted
 */
export function silence(orders, now) {
  /** @type {{order: Order, until: number} | null} */ let longest = null;
  for (const order of orders) {
    for (const { action, until } of order.lifted ? [] : order.sanctions) {
      if (!SILENT.has(action)) continue;
      const end = until ? Date.parse(until) : Infinity;
      if (end > now && end > (longest?.until ?? 0)) longest = { order, until: end };
    }
  }
  return longest;
}

/** "9:41", "2 h", "3 d"; '' where it has no end. @param {number} ms */
export function countdown(ms) {
  if (!Number.isFinite(ms)) return '';
  const s = Math.max(0, Math.ceil(ms / 1000));
  if (s >= 48 * 3600) return `${Math.round(s / 86_400)} d`;
  if (s >= 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

/** Letters that stand for covered words: blocks anywhere, stars where a line is said to be masked. */
const COVERED = /([\u25fc\u25a0\u2588]+(?:\s[\u25fc\u25a0\u2588]+)*)/u, STARRED = /([\u25fc\u25a0\u2588]+|\*{2,})/u;

/**
 * A line cut into what is written and what is covered.
 * @param {string} text
 * @param {boolean} masked the server says that words of it were covered
 * @returns {{text: string, covered: boolean}[]}
 */
export function cut(text, masked) {
  if (!masked) return [{ text, covered: false }];
  return text.split(COVERED.test(text) ? COVERED : STARRED).flatMap((part, i) => (part ? [{ text: part, covered: i % 2 === 1 }] : []));
}
