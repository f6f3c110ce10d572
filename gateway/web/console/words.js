/**
 * Words of the console: what categories, actions, sources and times are called,
 * and which texts are covered until a moderator wants to see them. Pure.
 * @module
 */

/** @typedef {import('./api.js').Act} Act */
/** @typedef {import('./api.js').Incident} Incident */

const CATEGORIES = /** @type {Record<string, string>} */ ({
  toxicity: 'Toxicity', hate: 'Hate', harassment: 'Harassment', sexual: 'Sexual', violence: 'Violence', self_harm: 'Self-harm', spam: 'Spam', terms: 'Listed term',
});
const SOURCES = /** @type {Record<string, string>} */ ({ tier0: 'fast model', tier1: 'guard model', tier2: 'large model', report: 'reports', moderator: 'a moderator' });
const KINDS = /** @type {Record<string, string>} */ ({ chat: 'chat', voice: 'voice', name: 'name', npc: 'NPC speech', persona: 'persona', report: 'report' });
const ACTIONS = /** @type {Record<string, string>} */ ({ none: 'nothing', nudge: 'nudge', mask: 'cover words', hold: 'hold back', slow: 'slow down', mute: 'mute', isolate: 'isolate', kick: 'remove', suspend: 'suspend' });

/** From the mildest to the harshest, as a moderator may choose them. */
export const LADDER = /** @type {const} */ (['nudge', 'mask', 'slow', 'mute', 'isolate', 'kick', 'suspend']);
/** Seconds that an action may last, as offered. */
export const TIMES = [60, 600, 3600, 86_400, 7 * 86_400];
/** From here on a text is covered. */
export const SEVERE = 0.7;
const ALWAYS_COVERED = new Set(['sexual', 'violence', 'self_harm', 'hate']);

/** @param {string} name */
export const category = (name) => CATEGORIES[name] ?? (name ? name.replaceAll('_', ' ') : 'Unnamed');
/** @param {string} name */
export const source = (name) => SOURCES[name] ?? name;
/** @param {string} name */
export const kind = (name) => KINDS[name] ?? name;
/** @param {string} name */
export const action = (name) => ACTIONS[name] ?? name;

/** "mute for 10 min". @param {Act} act */
export function act({ action: name, for_s }) {
  return for_s > 0 ? `${action(name)} for ${time(for_s)}` : action(name);
}

/** @param {Act[]|undefined} acts */
export function acts(acts) {
  const real = (acts ?? []).filter((a) => a.action !== 'none');
  return real.length ? real.map(act).join(', ') : 'nothing was done';
}

/** A length of time for people. @param {number} s seconds */
export function time(s) {
  if (!Number.isFinite(s) || s < 0) return '–';
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 90 * 60) return `${Math.round(s / 60)} min`;
  if (s < 36 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} days`;
}

/** Whether the words of an incident are covered until asked for. @param {{severity: number, category: string}} incident */
export function covered({ severity, category: of }) {
  return severity >= SEVERE || ALWAYS_COVERED.has(of);
}

/** Whether nobody has judged it yet. @param {Incident} incident */
export function judgeable({ state, verdict }) { return state === 'open' || (state === 'judged' && verdict === null); }

/** How grave: for a colour and a word. @param {number} severity 0 to 1 @returns {'low'|'middle'|'high'} */
export function grade(severity) {
  return severity >= SEVERE ? 'high' : severity >= 0.4 ? 'middle' : 'low';
}

/** One step milder or harsher than what was done, as a first choice. @param {Act[]} done @param {1|-1} way @returns {Act} */
export function next(done, way) {
  const strongest = Math.max(-1, ...done.map((a) => LADDER.indexOf(/** @type {any} */ (a.action))));
  const name = LADDER[Math.min(LADDER.length - 1, Math.max(0, strongest + way))];
  return { action: name, for_s: lasts(name) ? 600 : 0 };
}

/** Whether an action lasts. @param {string} name */
export function lasts(name) { return ['slow', 'mute', 'isolate', 'suspend'].includes(name); }
