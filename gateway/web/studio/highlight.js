/**
 * Colours YAML: cuts a text into lines of pieces with a class each. It works
 * on broken text too, line by line, and never changes a character.
 *
 * Pure functions.
 * @module
 */

/** @typedef {'key'|'mark'|'text'|'quoted'|'number'|'word'|'comment'|'macro'|''} Kind */
/** @typedef {[Kind, string][]} Line */

const KEY = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#'"[\]{},&*!|>%@`-](?:[^:#]|:(?=\S)|(?<=\S)#)*?|-(?=\S)(?:[^:#]|:(?=\S))*?)(?=\s*:(?:\s|$))/;
const NUMBER = /^[-+]?(?:\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)$/;
const WORD = /^(?:true|false|null|~)$/;
const MACRO = /(\{\{[^{}\n]*\}\}|<(?:char|user|bot|START)>)/;

/** Texts above this many characters are not coloured: the page stays quick. */
export const MAX_COLOURED = 200_000;

/**
 * @param {string} text
 * @returns {Line[]} one for each line
 */
export function highlight(text) {
  const lines = text.split('\n');
  if (text.length > MAX_COLOURED) return lines.map((l) => [['', l]]);
  /** Indentation of the field whose block of text goes on, -1 for none. */
  let block = -1;
  /** The quote that a line before left open. */
  let open = '';
  return lines.map((line) => {
    const indent = line.search(/\S/);
    if (open) {
      const out = /** @type {Line} */ ([]);
      open = quoted(line, 0, open, out);
      return out;
    }
    if (block >= 0 && (indent < 0 || indent > block)) return macros('text', line);
    block = -1;
    if (indent < 0) return [['', line]];
    const state = { block: -1, open: '' };
    const out = oneLine(line, indent, state);
    ({ block, open } = state);
    return out;
  });
}

/** @param {string} line @param {number} indent @param {{block: number, open: string}} state @returns {Line} */
function oneLine(line, indent, state) {
  /** @type {Line} */
  const out = [];
  push(out, '', line.slice(0, indent));
  let i = indent;
  if (/^(?:---|\.\.\.)(?:\s|$)/.test(line)) { push(out, 'mark', line); return out; }
  while (/^-(?:\s|$)/.test(line.slice(i))) {
    const dash = /** @type {RegExpExecArray} */ (/^-\s*/.exec(line.slice(i)))[0];
    push(out, 'mark', '-');
    push(out, '', dash.slice(1));
    state.block = i;
    i += dash.length;
  }
  const key = KEY.exec(line.slice(i))?.[0];
  if (key !== undefined) {
    const colon = line.indexOf(':', i + key.length);
    push(out, 'key', key);
    push(out, '', line.slice(i + key.length, colon));
    push(out, 'mark', ':');
    state.block = i;
    i = colon + 1;
  }
  const parent = state.block;
  state.block = -1;
  const space = /** @type {RegExpExecArray} */ (/^\s*/.exec(line.slice(i)))[0];
  push(out, '', space);
  i += space.length;
  if (/^[|>][-+0-9]*\s*(?:#.*)?$/.test(line.slice(i)) && parent >= 0) {
    const mark = /** @type {RegExpExecArray} */ (/^[|>][-+0-9]*/.exec(line.slice(i)))[0];
    push(out, 'mark', mark);
    push(out, 'comment', line.slice(i + mark.length));
    state.block = parent;
    return out;
  }
  value(line, i, out, state);
  return out;
}

/** @param {string} line @param {number} i @param {Line} out @param {{block: number, open: string}} state */
function value(line, i, out, state) {
  let flow = 0;
  while (i < line.length) {
    const c = line[i];
    if (c === '#' && (i === 0 || /\s/.test(line[i - 1]))) { push(out, 'comment', line.slice(i)); return; }
    if ((c === '"' || c === "'") && (flow > 0 || /[\s:\-[{,]/.test(line[i - 1] ?? ' '))) {
      const end = closing(line, i + 1, c);
      if (end < 0) { state.open = quoted(line, i, c, out); return; }
      pieces(out, 'quoted', line.slice(i, end));
      i = end;
      continue;
    }
    if ((c === '[' || c === '{') && line[i + 1] !== '{' && (flow > 0 || /^\s*$/.test(line.slice(0, i).replace(/^.*?:\s|^\s*-\s/, '')))) { flow++; push(out, 'mark', c); i++; continue; }
    if (flow > 0 && /[\]},]/.test(c)) { if (c !== ',') flow--; push(out, 'mark', c); i++; continue; }
    const rest = line.slice(i);
    const plain = /** @type {RegExpExecArray} */ ((flow > 0 ? /^(?:\s+|[^\s,[\]{}#"'][^,[\]{}]*?(?=\s+#|[,[\]{}]|$)|.)/ : /^(?:\s+|.*?(?=\s+#|\s*$))/).exec(rest))[0] || rest;
    const text = plain.trim();
    const pair = flow > 0 ? /^([^:]+)(:)(\s.*|)$/.exec(plain) : null;
    if (pair) { push(out, 'key', pair[1]); push(out, 'mark', ':'); pieces(out, NUMBER.test(pair[3].trim()) ? 'number' : 'text', pair[3]); }
    else if (NUMBER.test(text)) push(out, 'number', plain);
    else if (WORD.test(text)) push(out, 'word', plain);
    else if (text === '') push(out, '', plain);
    else pieces(out, 'text', plain);
    i += plain.length;
  }
}

/** Where a quoted text ends, -1 if not on this line. @param {string} line @param {number} i @param {string} quote */
function closing(line, i, quote) {
  for (; i < line.length; i++) {
    if (quote === '"' && line[i] === '\\') i++;
    else if (line[i] === quote) {
      if (quote === "'" && line[i + 1] === "'") i++;
      else return i + 1;
    }
  }
  return -1;
}

/** A line within an open quote; returns the quote if it stays open. @param {string} line @param {number} i @param {string} quote @param {Line} out */
function quoted(line, i, quote, out) {
  const end = closing(line, line[i] === quote && out.length ? i + 1 : i, quote);
  pieces(out, 'quoted', line.slice(i, end < 0 ? undefined : end));
  if (end < 0) return quote;
  value(line, end, out, { block: -1, open: '' });
  return '';
}

/** @param {Kind} kind @param {string} text @returns {Line} */
function macros(kind, text) {
  /** @type {Line} */
  const out = [];
  pieces(out, kind, text);
  return out.length ? out : [['', '']];
}

/** Puts text there with its macros apart. @param {Line} out @param {Kind} kind @param {string} text */
function pieces(out, kind, text) {
  text.split(MACRO).forEach((part, n) => push(out, n % 2 ? 'macro' : kind, part));
}

/** @param {Line} out @param {Kind} kind @param {string} text */
function push(out, kind, text) { if (text) out.push([kind, text]); }
