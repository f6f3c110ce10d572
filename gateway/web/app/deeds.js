/**
 * What an NPC does, in words and gestures. Pure.
 * @module
 */
import { gestureOf } from './gestures.js';

/**
 * gesture: of gestures.js, or ''. shown: said over its head, as in *juggles*.
 * note: for the chat log. toast: for who it concerns.
 * @typedef {{gesture: string, shown: string, note: string, toast: string}} Telling
 */

/** Longest text made of what a model proposed. */
const LONGEST = 80;

/**
 * @param {import('../signal.js').Act} act
 * @param {string} actor its name
 * @param {string} to the name of whom it is for, 'you' or ''
 * @returns {Telling}
 */
export function tell(act, actor, to) {
  switch (act.kind) {
    case 'emote': return emote(act, actor);
    case 'look': case 'move': return { gesture: '', shown: '', note: '', toast: '' }; // the pose shows it
    case 'give': return handed(`${actor} gives ${to || 'away'}: ${thing(act)}`, to);
    case 'open': return handed(`${actor} opens ${named(act) || 'the way'}`, to);
    default: return shown(act, actor);
  }
}

/** @param {import('../signal.js').Act} act @param {string} actor @returns {Telling} */
function emote(act, actor) {
  const gesture = [act.name, ...strings(act)].map(gestureOf).find(Boolean) ?? '';
  return gesture ? { gesture, shown: '', note: '', toast: '' } : shown(act, actor);
}

/** @param {import('../signal.js').Act} act @param {string} actor @returns {Telling} */
function shown(act, actor) {
  const [what = ''] = strings(act), text = cut([plain(act.name), what].filter(Boolean).join(': '));
  return { gesture: gestureOf(act.name), shown: text, note: `${actor}: *${text}*`, toast: '' };
}

/** @param {string} text @param {string} to @returns {Telling} */
function handed(text, to) {
  return { gesture: 'offer', shown: '', note: `${text}.`, toast: to === 'you' ? text : '' };
}

/** "2 × room key". @param {import('../signal.js').Act} act */
function thing(act) {
  const count = act.args.count ?? act.args.amount ?? act.args.quantity;
  return typeof count === 'number' && count !== 1 ? `${count} × ${named(act) || 'something'}` : named(act) || 'something';
}

/** What an action is about. @param {import('../signal.js').Act} act */
function named(act) {
  const { item, name, object, thing: it, door, target } = act.args;
  const found = [item, name, object, it, door, target, ...strings(act)].find((v) => typeof v === 'string' && v);
  return cut(plain(String(found ?? '')));
}

/** @param {import('../signal.js').Act} act @returns {string[]} */
function strings(act) {
  return Object.values(act.args).flatMap((v) => typeof v === 'string' ? [v] : []);
}

/** @param {string} name as in code */
function plain(name) {
  return name.replace(/[_-]+/g, ' ').trim();
}

/** @param {string} text */
function cut(text) {
  const letters = [...text];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join('').trim()}…` : text;
}
