/**
 * Shows differences: side by side where there is room, else in one column.
 * @module
 */
import { count, sideBySide, unified } from './diff.js';
import { fill, h } from './dom.js';

/** @typedef {import('./diff.js').Hunk} Hunk */

const wide = matchMedia('(min-width: 900px)');

/**
 * @param {HTMLElement} box
 * @param {Hunk[]} hunks
 * @param {string} none what to say where nothing differs
 */
export function showDiff(box, hunks, none) {
  box.classList.add('diff');
  if (!hunks.length) return fill(box, h('p', null, none));
  fill(box, h('table', { 'aria-label': 'Differences' }, h('colgroup', null, (wide.matches ? ['n', '', 'n', ''] : ['n', 'n', '']).map((c) => h('col', { className: c }))),
    hunks.map((hunk, i) => h('tbody', null,
      i > 0 || hunk.from_line > 1 ? h('tr.gap', null, h('td', { colSpan: wide.matches ? 4 : 3 }, `line ${hunk.to_line}`)) : null,
      wide.matches ? sideRows(hunk) : unifiedRows(hunk)))));
}

/** @param {Hunk[]} hunks */
export function changes(hunks) {
  const { added, removed } = count(hunks);
  return h('span.changes', { 'aria-label': `${added} lines added, ${removed} removed` }, h('span.plus', null, `+${added}`), h('span.minus', null, `−${removed}`));
}

/** @param {Hunk} hunk */
function sideRows(hunk) {
  return sideBySide(hunk).map(({ left, right }) => h('tr', null, ...[left, right].flatMap((side) => {
    const look = !side ? 'blank' : side.op === '-' ? 'gone' : side.op === '+' ? 'come' : '';
    return [h('td', { className: `n ${look}` }, side ? String(side.line) : ''), h('td', { className: look }, side ? words(side.words) : '')];
  })));
}

/** @param {Hunk} hunk */
function unifiedRows(hunk) {
  return unified(hunk).map((row) => {
    const look = row.op === '-' ? 'gone' : row.op === '+' ? 'come' : '';
    return h('tr', null, h('td', { className: `n ${look}` }, row.from ? String(row.from) : ''), h('td', { className: `n ${look}` }, row.to ? String(row.to) : ''), h('td', { className: look }, words(row.words)));
  });
}

/** @param {import('./diff.js').Piece[]} pieces */
function words(pieces) { return pieces.map((p) => (p.changed ? h('mark', null, p.text) : p.text)); }
