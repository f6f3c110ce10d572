/**
 * What the text of a YAML scalar means: quotes, escapes and folding. Used by
 * yamlparse.js, which finds where scalars are.
 *
 * Pure functions.
 * @module
 */

/** Escapes of a double-quoted scalar (YAML 1.2, section 5.7). @type {Record<string, string>} */
const ESCAPES = {
  0: '\0', a: '\x07', b: '\b', t: '\t', '\t': '\t', n: '\n', v: '\v', f: '\f', r: '\r', e: '\x1b',
  ' ': ' ', '"': '"', '/': '/', '\\': '\\', N: '\x85', _: '\xa0', L: '\u2028', P: '\u2029',
};
const HEX = /** @type {Record<string, number>} */ ({ x: 2, u: 4, U: 8 });

/**
 * Folds the lines of a plain or quoted scalar: a break becomes a space, empty
 * lines become breaks. The lines come without the white space around breaks.
 * @param {string[]} lines
 */
export function foldFlow(lines) {
  let out = lines[0];
  let empty = 0;
  for (const line of lines.slice(1)) {
    if (line === '') empty++;
    else {
      out += empty ? '\n'.repeat(empty) : ' ';
      out += line;
      empty = 0;
    }
  }
  return out;
}

/**
 * Folds the content lines of a block scalar with `>`: lines that begin with
 * white space keep their breaks.
 * @param {string[]} lines without trailing empty ones
 */
export function foldBlock(lines) {
  let out = '';
  let empty = 0;
  /** @type {'start'|'text'|'indented'} */
  let last = 'start';
  for (const line of lines) {
    if (line === '') { empty++; continue; }
    const now = line[0] === ' ' || line[0] === '\t' ? 'indented' : 'text';
    if (last === 'start') out += '\n'.repeat(empty);
    else if (last === 'text' && now === 'text') out += empty ? '\n'.repeat(empty) : ' ';
    else out += '\n'.repeat(empty + 1);
    out += line;
    empty = 0;
    last = now;
  }
  return out;
}

/**
 * The value of a double-quoted scalar.
 * @param {string} raw between the quotes, line breaks included
 * @returns {string|null} null where an escape does not exist
 */
export function unquoteDouble(raw) {
  let out = '';
  for (let i = 0; i < raw.length;) {
    const c = raw[i];
    if (c === '\\') {
      const next = raw[i + 1];
      if (next === '\n') {
        i = skipBlank(raw, i + 2);
        continue;
      }
      if (next in HEX) {
        const digits = raw.slice(i + 2, i + 2 + HEX[next]);
        const code = /^[0-9a-fA-F]+$/.test(digits) && digits.length === HEX[next] ? parseInt(digits, 16) : Infinity;
        if (code > 0x10ffff) return null;
        out += String.fromCodePoint(code);
        i += 2 + HEX[next];
        continue;
      }
      if (!(next in ESCAPES)) return null;
      out += ESCAPES[next];
      i += 2;
    } else if (c === '\n') {
      let breaks = 0;
      out = out.replace(/[ \t]+$/, '');
      for (; i < raw.length && /[\n \t]/.test(raw[i]); i++) if (raw[i] === '\n') breaks++;
      out += breaks > 1 ? '\n'.repeat(breaks - 1) : ' ';
    } else {
      out += c;
      i++;
    }
  }
  return out;
}

/**
 * The value of a single-quoted scalar.
 * @param {string} raw between the quotes
 */
export function unquoteSingle(raw) {
  const lines = raw.replaceAll("''", "'").split('\n');
  return lines.length === 1 ? lines[0] : foldFlow(lines.map((l, i) => (i === 0 ? l.trimEnd() : i < lines.length - 1 ? l.trim() : l.trimStart())));
}

/**
 * The value of a block scalar.
 * @param {string[]} lines its content without the indentation, trailing empty lines included
 * @param {boolean} folded
 * @param {''|'-'|'+'} chomp
 */
export function blockValue(lines, folded, chomp) {
  let end = lines.length;
  while (end > 0 && lines[end - 1] === '') end--;
  const content = lines.slice(0, end);
  const text = folded ? foldBlock(content) : content.join('\n');
  if (chomp === '+') return (end ? text + '\n' : '') + '\n'.repeat(lines.length - end);
  return end && chomp === '' ? text + '\n' : text;
}

/** @param {string} s @param {number} i */
function skipBlank(s, i) {
  while (s[i] === ' ' || s[i] === '\t') i++;
  return i;
}
