/**
 * How zones look to people: the same colours and words on the page's map, in
 * the scene and in the studio.
 * @module
 */

/** @typedef {'room'|'stage'|'table'|'megaphone'|'quiet'} Kind */

/** @type {Readonly<Record<Kind, {label: string, rgb: string}>>} */
export const LOOKS = Object.freeze({
  room: { label: 'Room', rgb: '141, 190, 255' },
  stage: { label: 'Stage', rgb: '255, 189, 122' },
  table: { label: 'Private table', rgb: '255, 143, 177' },
  megaphone: { label: 'Megaphone', rgb: '255, 226, 120' },
  quiet: { label: 'Quiet place', rgb: '126, 220, 186' },
});

/** The look of a kind; one that a newer server has looks like a room. @param {string} kind */
export function lookOf(kind) { return LOOKS[/** @type {Kind} */ (Object.hasOwn(LOOKS, kind) ? kind : 'room')]; }

/** @param {string} kind @param {number} alpha @returns {string} a CSS colour */
export function colorOf(kind, alpha) { return `rgba(${lookOf(kind).rgb}, ${alpha})`; }

/** What people call a zone. @param {import('./zones.js').Zone} zone */
export function nameOf(zone) { return zone.title || lookOf(zone.kind).label; }
