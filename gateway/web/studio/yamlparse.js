/**
 * Reads the part of YAML that personas are written in, with the place of
 * everything, so that the form can show it and yamledit.js can change one
 * value and leave the rest of the text as it is.
 *
 * Whatever it does not know (anchors, aliases, tags, complex keys, several
 * documents) it refuses with the line: the form then says so, and the text is
 * left to the designer and to the server, which alone decides what is valid.
 *
 * Pure. Lines count from 0 inside nodes and from 1 in messages.
 * @module
 */
import { blockValue, foldFlow, unquoteDouble, unquoteSingle } from './yamlscalar.js';

/**
 * @typedef {{start: number, end: number, line: number, endLine: number}} Span
 *   offsets of the value, end exclusive; its first line, and the line after its last
 * @typedef {Span & {kind: 'map', flow: boolean, indent: number, entries: Entry[]}} MapNode
 * @typedef {Span & {kind: 'seq', flow: boolean, indent: number, items: Item[]}} SeqNode
 * @typedef {Span & {kind: 'scalar', style: Style, value: string}} ScalarNode
 * @typedef {'none'|'plain'|'single'|'double'|'literal'|'folded'} Style none: nothing is written
 * @typedef {MapNode|SeqNode|ScalarNode} Node
 * @typedef {{key: string, keyStart: number, keyEnd: number, line: number, value: Node}} Entry
 * @typedef {{start: number, line: number, value: Node}} Item start: of the dash
 * @typedef {{line: number, start: number, text: string}} Comment text from # on
 */

/** Why a text cannot be read here. */
export class YamlProblem extends Error {
  /** @param {number} line from 0 @param {string} message */
  constructor(line, message) {
    super(message);
    this.name = 'YamlProblem';
    this.line = line + 1;
  }
}

const MAX_DEPTH = 64;

/**
 * @param {string} text with \n line ends
 * @returns {{root: MapNode, comments: Comment[]}} throws YamlProblem
 */
export function parse(text) { return new Reader(text).document(); }

/**
 * A node as plain values; scalars are strings, nothing is ''.
 * @param {Node} node
 * @returns {any}
 */
export function toValue(node) {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'seq') return node.items.map((i) => toValue(i.value));
  return Object.fromEntries(node.entries.map((e) => [e.key, toValue(e.value)]));
}

/**
 * The node at a path, or null.
 * @param {Node} root
 * @param {readonly (string|number)[]} path
 * @returns {Node|null}
 */
export function at(root, path) {
  /** @type {Node|null} */
  let node = root;
  for (const step of path) {
    if (node?.kind === 'map') node = node.entries.find((e) => e.key === step)?.value ?? null;
    else if (node?.kind === 'seq' && typeof step === 'number') node = node.items[step]?.value ?? null;
    else return null;
  }
  return node;
}

const BLOCK_HEADER = /^([|>])(?:([+-])([1-9])?|([1-9])([+-])?)?[ \t]*( #.*)?$/;
const PLAIN_KEY = /^(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-?:](?=[^\s]))(?:[^:#\n]|:(?=\S)|(?<=\S)#)*?(?=[ \t]*:(?:[ \t]|$))/;
const QUOTED_KEY = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?=[ \t]*:(?:[ \t]|$))/;

class Reader {
  /** @type {number[]} offset of each line */ starts = [0];
  /** @type {Map<number, Comment>} by offset */ #comments = new Map();
  depth = 0;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.starts.push(i + 1);
  }

  /** @returns {{root: MapNode, comments: Comment[]}} */
  document() {
    let first = this.content(0);
    if (first < this.starts.length && /^---[ \t]*$/.test(this.line(first))) first = this.content(first + 1);
    if (first >= this.starts.length) throw new YamlProblem(0, 'the file is empty');
    const root = this.block(first, this.indent(first), -1);
    const rest = this.content(root.endLine);
    if (rest < this.starts.length) throw new YamlProblem(rest, /^(---|\.\.\.)/.test(this.line(rest)) ? 'a second document begins here: one persona per file' : 'this line is indented less than those before it');
    if (root.kind !== 'map') throw new YamlProblem(first, 'want fields like name: and description:');
    return { root, comments: [...this.#comments.values()].sort((a, b) => a.start - b.start) };
  }

  /** @param {number} n */
  line(n) { return this.text.slice(this.starts[n], n + 1 < this.starts.length ? this.starts[n + 1] - 1 : undefined); }

  /** @param {number} n */
  indent(n) {
    const line = this.line(n);
    const i = line.search(/[^ ]/);
    if (line[i] === '\t') throw new YamlProblem(n, 'a tab stands where YAML wants spaces');
    return i < 0 ? line.length : i;
  }

  /** The next line from n on that is neither empty nor a comment. @param {number} n */
  content(n) {
    for (; n < this.starts.length; n++) {
      const line = this.line(n).trim();
      if (line === '') continue;
      if (line[0] !== '#') break;
      this.comment(n, this.line(n).indexOf('#'));
    }
    return n;
  }

  /** @param {number} line @param {number} col */
  comment(line, col) {
    const start = this.starts[line] + col;
    this.#comments.set(start, { line, start, text: this.line(line).slice(col).trimEnd() });
  }

  /** Whether a line begins a document or ends one. @param {number} n */
  marker(n) { return /^(---|\.\.\.)(\s|$)/.test(this.line(n)); }

  /**
   * The node that begins at a place, in block context.
   * @param {number} line @param {number} col @param {number} parent indentation
   * @returns {Node}
   */
  block(line, col, parent) {
    if (++this.depth > MAX_DEPTH) throw new YamlProblem(line, 'nested too deep');
    const rest = this.line(line).slice(col);
    /** @type {Node} */
    let node;
    if (/^-(\s|$)/.test(rest)) node = this.sequence(line, col);
    else if (PLAIN_KEY.test(rest) || QUOTED_KEY.test(rest)) node = this.mapping(line, col);
    else node = this.inline(line, col, parent);
    this.depth--;
    return node;
  }

  /** @param {number} line @param {number} col @returns {SeqNode} */
  sequence(line, col) {
    const start = this.starts[line] + col;
    /** @type {Item[]} */
    const items = [];
    for (;;) {
      const value = this.after(line, col + 1, col, false);
      items.push({ start: this.starts[line] + col, line, value });
      const next = this.content(value.endLine);
      const done = next >= this.starts.length || this.indent(next) < col || this.marker(next) || !/^-(\s|$)/.test(this.line(next).slice(col));
      if (!done && this.indent(next) === col) { line = next; continue; }
      if (next < this.starts.length && this.indent(next) > col) throw new YamlProblem(next, 'this line is indented more than the list it is in');
      return { kind: 'seq', flow: false, indent: col, items, start, end: value.end, line: items[0].line, endLine: value.endLine };
    }
  }

  /** @param {number} line @param {number} col @returns {MapNode} */
  mapping(line, col) {
    const start = this.starts[line] + col;
    const first = line;
    /** @type {Entry[]} */
    const entries = [];
    for (;;) {
      const rest = this.line(line).slice(col);
      const raw = (PLAIN_KEY.exec(rest) ?? QUOTED_KEY.exec(rest))?.[0];
      if (raw === undefined) throw new YamlProblem(line, /^-(\s|$)/.test(rest) ? 'a list item stands among fields' : 'want a field like name: here');
      const key = this.keyOf(raw, line);
      if (raw === '<<') throw new YamlProblem(line, 'merge keys are not allowed');
      if (entries.some((e) => e.key === key)) throw new YamlProblem(line, `${key} is there twice`);
      const keyStart = this.starts[line] + col;
      const colon = col + rest.indexOf(':', raw.length);
      const value = this.after(line, colon + 1, col, true);
      entries.push({ key, keyStart, keyEnd: keyStart + raw.length, line, value });
      const next = this.content(value.endLine);
      if (next >= this.starts.length || this.indent(next) < col || this.marker(next)) {
        return { kind: 'map', flow: false, indent: col, entries, start, end: value.end, line: first, endLine: value.endLine };
      }
      if (this.indent(next) > col) throw new YamlProblem(next, 'this line is indented more than the field before it');
      line = next;
    }
  }

  /** @param {string} raw @param {number} line */
  keyOf(raw, line) {
    if (raw[0] !== '"') return raw[0] === "'" ? unquoteSingle(raw.slice(1, -1)) : raw;
    const key = unquoteDouble(raw.slice(1, -1));
    if (key === null) throw new YamlProblem(line, 'the text in quotes has an unknown \\ escape');
    return key;
  }

  /**
   * What follows a dash or a colon: on the line, or on the next ones.
   * @param {number} line @param {number} col @param {number} parent @param {boolean} inMap
   * @returns {Node}
   */
  after(line, col, parent, inMap) {
    const text = this.line(line);
    let c = col;
    while (text[c] === ' ' || text[c] === '\t') c++;
    if (c < text.length && text[c] !== '#') {
      if (inMap && /^-(\s|$)/.test(text.slice(c))) throw new YamlProblem(line, 'a list begins on its own line');
      return inMap ? this.inline(line, c, parent) : this.block(line, c, parent);
    }
    if (text[c] === '#') this.comment(line, c);
    const next = this.content(line + 1);
    if (next < this.starts.length && !this.marker(next)) {
      const indent = this.indent(next);
      if (indent > parent || (inMap && indent === parent && /^-(\s|$)/.test(this.line(next).slice(indent)))) return this.block(next, indent, parent);
    }
    const end = this.starts[line] + col;
    return { kind: 'scalar', style: 'none', value: '', start: end, end, line, endLine: line + 1 };
  }

  /** @param {number} line @param {number} col @param {number} parent @returns {Node} */
  inline(line, col, parent) {
    const c = this.line(line)[col];
    const next = this.line(line)[col + 1];
    if (c === '|' || c === '>') return this.blockScalar(line, col, parent);
    if (c === '[' || c === '{' || c === '"' || c === "'") {
      const node = this.flow(this.starts[line] + col, line);
      this.endOfLine(node);
      return node;
    }
    if (c === '&' || c === '*') throw new YamlProblem(line, 'anchors and aliases are not allowed');
    if (c === '!') throw new YamlProblem(line, 'tags are not supported here');
    if ('@`%,]}'.includes(c) || (c === '?' && (next === ' ' || next === undefined))) throw new YamlProblem(line, `text that begins with ${c} must be in quotes`);
    return this.plain(line, col, parent);
  }

  /** @param {number} line @param {number} col @param {number} parent @returns {ScalarNode} */
  plain(line, col, parent) {
    const start = this.starts[line] + col;
    const lines = [];
    let end = start;
    let endLine = line + 1;
    for (let n = line, from = col; n < this.starts.length; n++, from = 0) {
      const raw = this.line(n).slice(from);
      const text = raw.trim();
      if (n > line) {
        if (text === '') { lines.push(''); continue; }
        if (this.indent(n) <= parent || text[0] === '#' || this.marker(n)) break;
      }
      const hash = raw.search(/(?<=\s)#/);
      const bare = (hash < 0 ? raw : raw.slice(0, hash)).trim();
      if (/:(\s|$)/.test(bare)) throw new YamlProblem(n, 'text with a colon and a space must be in quotes');
      lines.push(bare);
      end = this.starts[n] + from + raw.indexOf(bare) + bare.length;
      endLine = n + 1;
      if (hash >= 0) { this.comment(n, from + hash); break; }
    }
    while (lines.at(-1) === '') lines.pop();
    return { kind: 'scalar', style: 'plain', value: foldFlow(lines), start, end, line, endLine };
  }

  /** @param {number} line @param {number} col @param {number} parent @returns {ScalarNode} */
  blockScalar(line, col, parent) {
    const header = BLOCK_HEADER.exec(this.line(line).slice(col).trimEnd());
    if (!header) throw new YamlProblem(line, 'text that begins with | or > must be in quotes');
    if (header[6]) this.comment(line, this.line(line).indexOf('#', col));
    const chomp = /** @type {''|'-'|'+'} */ (header[2] ?? header[5] ?? '');
    const given = Number(header[3] ?? header[4] ?? 0);
    let indent = given ? Math.max(parent, 0) + given : 0;
    const lines = [];
    let n = line + 1;
    for (; n < this.starts.length; n++) {
      const text = this.line(n);
      const spaces = text.search(/[^ ]/);
      if (spaces < 0) { lines.push(indent && text.length > indent ? text.slice(indent) : ''); continue; }
      if (!indent && spaces > parent) indent = spaces;
      if (!indent || spaces < indent || (indent === 0 && this.marker(n))) break;
      lines.push(text.slice(indent));
    }
    let last = n;
    if (chomp !== '+') while (last > line + 1 && this.line(last - 1).trim() === '') last--;
    else if (n >= this.starts.length && this.line(n - 1) === '') lines.pop();
    const end = this.starts[last - 1] + this.line(last - 1).length;
    const style = header[1] === '>' ? 'folded' : 'literal';
    return { kind: 'scalar', style, value: blockValue(lines, style === 'folded', chomp), start: this.starts[line] + col, end, line, endLine: last };
  }

  /** Only a comment may follow. @param {Node} node */
  endOfLine(node) {
    const line = node.endLine - 1;
    const col = node.end - this.starts[line];
    const rest = this.line(line).slice(col);
    if (!/^[ \t]*($|[ \t]#)/.test(rest)) throw new YamlProblem(line, rest.trim()[0] === ':' ? 'keys of this form are not supported here' : 'there is text after the value');
    if (rest.includes('#')) this.comment(line, col + rest.indexOf('#'));
  }

  /**
   * A value in flow context: quoted, [..], {..} or plain.
   * @param {number} i offset @param {number} line
   * @returns {Node}
   */
  flow(i, line) {
    if (++this.depth > MAX_DEPTH) throw new YamlProblem(line, 'nested too deep');
    const c = this.text[i];
    const node = c === '"' || c === "'" ? this.quoted(i, line)
      : c === '[' || c === '{' ? this.collection(i, line) : this.flowPlain(i, line);
    this.depth--;
    return node;
  }

  /** @param {number} i @param {number} line @returns {ScalarNode} */
  quoted(i, line) {
    const double = this.text[i] === '"';
    const match = (double ? /"(?:[^"\\]|\\[^])*"/y : /'(?:[^']|'')*'/y);
    match.lastIndex = i;
    const raw = match.exec(this.text)?.[0];
    if (raw === undefined) throw new YamlProblem(line, 'the closing quote is missing');
    const value = double ? unquoteDouble(raw.slice(1, -1)) : unquoteSingle(raw.slice(1, -1));
    if (value === null) throw new YamlProblem(line, 'the text in quotes has an unknown \\ escape');
    return { kind: 'scalar', style: double ? 'double' : 'single', value, start: i, end: i + raw.length, line, endLine: this.lineAt(i + raw.length, line) + 1 };
  }

  /** @param {number} i @param {number} line @returns {MapNode|SeqNode} */
  collection(i, line) {
    const map = this.text[i] === '{';
    const close = map ? '}' : ']';
    const start = i;
    const first = line;
    /** @type {Item[]} */ const items = [];
    /** @type {Entry[]} */ const entries = [];
    for (i++, line = first; ;) {
      i = this.skip(i);
      line = this.lineAt(i, line);
      if (this.text[i] === close) break;
      if (i >= this.text.length) throw new YamlProblem(first, `the closing ${close} is missing`);
      const node = this.flow(i, line);
      i = this.skip(node.end);
      line = this.lineAt(i, line);
      if (map) {
        if (node.kind !== 'scalar') throw new YamlProblem(line, 'keys of this form are not supported here; text with {{…}} must be in quotes');
        const key = node.value;
        if (entries.some((e) => e.key === key)) throw new YamlProblem(line, `${key} is there twice`);
        /** @type {Node} */
        let value = { kind: 'scalar', style: 'none', value: '', start: node.end, end: node.end, line, endLine: line + 1 };
        if (this.text[i] === ':') {
          const from = this.skip(i + 1);
          if (!',}'.includes(this.text[from] ?? '')) value = this.flow(from, this.lineAt(from, line));
          else value = { ...value, start: i + 1, end: i + 1 };
          i = this.skip(Math.max(value.end, from));
        }
        entries.push({ key, keyStart: node.start, keyEnd: node.end, line: node.line, value });
      } else {
        if (this.text[i] === ':') throw new YamlProblem(line, 'a field inside [ ] is not supported here');
        items.push({ start: node.start, line: node.line, value: node });
      }
      line = this.lineAt(i, line);
      if (this.text[i] === ',') i++;
      else if (this.text[i] !== close) throw new YamlProblem(line, `want a comma or ${close}`);
    }
    const span = { start, end: i + 1, line: first, endLine: line + 1, flow: true, indent: 0 };
    return map ? { kind: 'map', entries, ...span } : { kind: 'seq', items, ...span };
  }

  /** @param {number} i @param {number} line @returns {ScalarNode} */
  flowPlain(i, line) {
    const match = /(?:[^\s,[\]{}:#]|:(?=[^\s,[\]{}])|(?<=\S)#|[ \t\n]+(?=[^\s,[\]{}#:]|:(?=[^\s,[\]{}])))+/y;
    match.lastIndex = i;
    const raw = match.exec(this.text)?.[0];
    if (!raw || '&*!|>%@`'.includes(raw[0])) throw new YamlProblem(line, `the text here must be in quotes`);
    const endLine = this.lineAt(i + raw.length, line) + 1;
    return { kind: 'scalar', style: 'plain', value: foldFlow(raw.split('\n').map((l) => l.trim())), start: i, end: i + raw.length, line, endLine };
  }

  /** Over white space and comments inside [ ] and { }. @param {number} i */
  skip(i) {
    for (;;) {
      while (/\s/.test(this.text[i] ?? '')) i++;
      if (this.text[i] !== '#' || !/\s/.test(this.text[i - 1])) return i;
      const end = this.text.indexOf('\n', i);
      const line = this.lineAt(i, 0);
      this.comment(line, i - this.starts[line]);
      i = end < 0 ? this.text.length : end;
    }
  }

  /** The line of an offset, searched from one at or before it. @param {number} i @param {number} line */
  lineAt(i, line) {
    while (line + 1 < this.starts.length && this.starts[line + 1] <= i) line++;
    return line;
  }
}
