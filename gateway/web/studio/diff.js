/**
 * Differences between two texts by line, and how to show them. Versions are
 * compared by the server; this compares what is not stored: a draft.
 *
 * Pure functions.
 * @module
 */

/**
 * @typedef {{op: ' '|'-'|'+', text: string}} DiffLine
 * @typedef {{from_line: number, to_line: number, lines: DiffLine[]}} Hunk the first line on each side, from 1
 * @typedef {{op: ' '|'-'|'+', text: string, from: number, to: number, words: Piece[]}} UnifiedRow line numbers, 0 for none
 * @typedef {{text: string, changed: boolean}} Piece
 * @typedef {{line: number, text: string, op: ' '|'-'|'+', words: Piece[]}} Side
 * @typedef {{left: Side|null, right: Side|null}} SideRow
 */

/** Beyond this many differing lines on a side a change is shown as a whole. */
const MAX_EDITS = 2000;

/**
 * What makes b of a, with a few equal lines around each change.
 * @param {string} a
 * @param {string} b
 * @param {number} [context]
 * @returns {Hunk[]}
 */
export function diff(a, b, context = 3) { return hunks(editScript(a.split('\n'), b.split('\n')), context); }

/**
 * Lines added and taken away.
 * @param {Hunk[]} all
 */
export function count(all) {
  const lines = all.flatMap((h) => h.lines);
  return { added: lines.filter((l) => l.op === '+').length, removed: lines.filter((l) => l.op === '-').length };
}

/**
 * All lines of both texts in order, by Myers' algorithm ("An O(ND) Difference
 * Algorithm", 1986).
 * @param {string[]} a
 * @param {string[]} b
 * @returns {DiffLine[]}
 */
export function editScript(a, b) {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const equal = (/** @type {string} */ text) => /** @type {DiffLine} */ ({ op: ' ', text });
  return [
    ...a.slice(0, head).map(equal),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(equal),
  ];
}

/** @param {string[]} a @param {string[]} b @returns {DiffLine[]} */
function middle(a, b) {
  const limit = Math.min(a.length + b.length, MAX_EDITS);
  /** @type {Map<number, number>[]} */
  const trace = [];
  let v = new Map([[1, 0]]);
  for (let d = 0; d <= limit; d++) {
    trace.push(new Map(v));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && (v.get(k - 1) ?? -1) < (v.get(k + 1) ?? -1)) ? v.get(k + 1) ?? 0 : (v.get(k - 1) ?? 0) + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) { x++; y++; }
      v.set(k, x);
      if (x >= a.length && y >= b.length) return walk(trace, a, b);
    }
  }
  return [...a.map((text) => /** @type {DiffLine} */ ({ op: '-', text })), ...b.map((text) => /** @type {DiffLine} */ ({ op: '+', text }))];
}

/** @param {Map<number, number>[]} trace @param {string[]} a @param {string[]} b @returns {DiffLine[]} */
function walk(trace, a, b) {
  /** @type {DiffLine[]} */
  const out = [];
  let x = a.length;
  let y = b.length;
  for (let d = trace.length - 1; d >= 0; d--) {
    const v = trace[d];
    const k = x - y;
    const down = k === -d || (k !== d && (v.get(k - 1) ?? -1) < (v.get(k + 1) ?? -1));
    const px = d === 0 ? 0 : v.get(down ? k + 1 : k - 1) ?? 0;
    const py = d === 0 ? 0 : px - (down ? k + 1 : k - 1);
    while (x > px && y > py) { out.push({ op: ' ', text: a[--x] }); y--; }
    if (d > 0) {
      if (down) out.push({ op: '+', text: b[--y] });
      else out.push({ op: '-', text: a[--x] });
    }
  }
  return order(out.reverse());
}

/** Within a change, what goes stands before what comes. @param {DiffLine[]} lines */
function order(lines) {
  /** @type {DiffLine[]} */
  const out = [];
  for (let i = 0; i < lines.length;) {
    if (lines[i].op === ' ') { out.push(lines[i++]); continue; }
    let end = i;
    while (end < lines.length && lines[end].op !== ' ') end++;
    const run = lines.slice(i, end);
    out.push(...run.filter((l) => l.op === '-'), ...run.filter((l) => l.op === '+'));
    i = end;
  }
  return out;
}

/** @param {DiffLine[]} lines @param {number} context @returns {Hunk[]} */
function hunks(lines, context) {
  /** @type {Hunk[]} */
  const out = [];
  let from = 1;
  let to = 1;
  /** @type {Hunk|null} */
  let hunk = null;
  let after = 0;
  lines.forEach((line, i) => {
    const near = line.op !== ' ' || lines.slice(Math.max(0, i - context), i + context + 1).some((l) => l.op !== ' ');
    if (near) {
      if (!hunk) out.push(hunk = { from_line: from, to_line: to, lines: [] });
      hunk.lines.push(line);
      after = 0;
    } else if (++after) hunk = null;
    if (line.op !== '+') from++;
    if (line.op !== '-') to++;
  });
  return out;
}

/**
 * One column: what goes, then what comes.
 * @param {Hunk} hunk
 * @returns {UnifiedRow[]}
 */
export function unified(hunk) {
  return sideBySide(hunk).reduce((rows, { left, right }) => {
    if (left && left.op === ' ' && right) rows.push({ op: ' ', text: left.text, from: left.line, to: right.line, words: left.words });
    else {
      if (left) rows.push({ op: '-', text: left.text, from: left.line, to: 0, words: left.words });
      if (right) rows.push({ op: '+', text: right.text, from: 0, to: right.line, words: right.words });
    }
    return rows;
  }, /** @type {UnifiedRow[]} */ ([])).reduce((rows, row) => {
    // What goes stands before what comes, over a whole change.
    let i = rows.length;
    if (row.op === '-') while (i > 0 && rows[i - 1].op === '+') i--;
    rows.splice(i, 0, row);
    return rows;
  }, /** @type {UnifiedRow[]} */ ([]));
}

/**
 * Two columns; a line that was changed stands beside what became of it.
 * @param {Hunk} hunk
 * @returns {SideRow[]}
 */
export function sideBySide(hunk) {
  /** @type {SideRow[]} */
  const rows = [];
  let from = hunk.from_line;
  let to = hunk.to_line;
  for (let i = 0; i < hunk.lines.length;) {
    const { op, text } = hunk.lines[i];
    if (op === ' ') {
      const words = [{ text, changed: false }];
      rows.push({ left: { line: from++, text, op, words }, right: { line: to++, text, op, words } });
      i++;
      continue;
    }
    const run = [];
    while (i < hunk.lines.length && hunk.lines[i].op !== ' ') run.push(hunk.lines[i++]);
    const gone = run.filter((l) => l.op === '-');
    const come = run.filter((l) => l.op === '+');
    for (let n = 0; n < Math.max(gone.length, come.length); n++) {
      const [old, now] = [gone[n], come[n]];
      const [a, b] = old && now ? inside(old.text, now.text) : [old && [{ text: old.text, changed: false }], now && [{ text: now.text, changed: false }]];
      rows.push({
        left: old ? { line: from++, text: old.text, op: '-', words: a } : null,
        right: now ? { line: to++, text: now.text, op: '+', words: b } : null,
      });
    }
  }
  return rows;
}

/** What differs inside two lines: all between their equal beginnings and ends, by words. @param {string} a @param {string} b @returns {[Piece[], Piece[]]} */
function inside(a, b) {
  const x = a.split(/(?<=\s)|(?=\s)|\b/);
  const y = b.split(/(?<=\s)|(?=\s)|\b/);
  let head = 0;
  while (head < x.length && head < y.length && x[head] === y[head]) head++;
  let tail = 0;
  while (tail < x.length - head && tail < y.length - head && x.at(-1 - tail) === y.at(-1 - tail)) tail++;
  const alike = [...x.slice(0, head), ...x.slice(x.length - tail)].join('').trim().length;
  const cut = (/** @type {string[]} */ w) => (alike === 0 ? [{ text: w.join(''), changed: false }] : [
    { text: w.slice(0, head).join(''), changed: false }, { text: w.slice(head, w.length - tail).join(''), changed: true }, { text: w.slice(w.length - tail).join(''), changed: false },
  ].filter((p) => p.text));
  return [cut(x), cut(y)];
}
