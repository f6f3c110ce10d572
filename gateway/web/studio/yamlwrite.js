/**
 * Writes values as YAML: the way a person would, and so that they read back
 * the same.
 *
 * Pure functions.
 * @module
 */

/**
 * @typedef {import('./yamlparse.js').Style} Style
 * @typedef {string|number|boolean|ValueList|ValueMap} Value
 * @typedef {Value[]} ValueList
 * @typedef {{[key: string]: Value}} ValueMap
 */

/** Columns after which a folded text goes on in the next line. */
const WIDTH = 88;

/** Words that YAML 1.1 or 1.2 read as something else than text. */
const NOT_TEXT = /^(?:~|null|true|false|yes|no|on|off|y|n|[-+]?\.(?:inf|nan)|[-+]?[0-9][0-9_.,:eExXoObB+-]*|0x[0-9a-fA-F]+|[-+]?\.[0-9].*|[0-9]{4}-[0-9]{1,2}-.*|<<|=)$/i;

/**
 * Whether text may stand without quotes.
 * @param {string} s
 * @param {boolean} flow inside [ ] or { }
 */
export function isPlain(s, flow = false) {
  return s !== '' && !/[\n\r\t\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(s) && s.trim() === s
    && !/^[-?:](?:\s|$)|^[,[\]{}#&*!|>'"%@`]|^(?:---|\.\.\.)/.test(s)
    && !/:(?:\s|$)|\s#/.test(s) && !(flow && /[,[\]{}]|:(?=[,[\]{}])/.test(s)) && !NOT_TEXT.test(s);
}

/**
 * Text in double quotes, on one line.
 * @param {string} s
 */
export function quote(s) {
  return JSON.stringify(s).replace(/[\x7f-\x9f\u2028\u2029\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** @param {string} key */
export function writeKey(key) { return isPlain(key, true) ? key : quote(key); }

/**
 * A scalar as it stands after `key: ` or `- `.
 * @param {Value} value
 * @param {number} indent columns of the lines below the first, for blocks
 * @param {Style} [style] as it was written before
 * @param {boolean} [flow]
 */
export function writeScalar(value, indent, style = 'plain', flow = false) {
  if (typeof value !== 'string') return String(value);
  const block = !flow && value.trim() !== '' && !/[\r\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(value);
  if (block && (style === 'literal' || style === 'folded')) return writeBlock(value, indent, style);
  if (block && value.includes('\n')) return writeBlock(value, indent, 'literal');
  if (style === 'single' && !/[\n\t\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  if (style === 'double') return quote(value);
  if (block && value.length > WIDTH && isPlain(value.replace(/:(?=\s|$)/g, '').replaceAll(' #', ' '))) return writeBlock(value, indent, 'folded');
  return isPlain(value, flow) ? value : quote(value);
}

/**
 * @param {string} value not only white space
 * @param {number} indent
 * @param {'literal'|'folded'} style
 */
function writeBlock(value, indent, style) {
  const body = value.replace(/\n*$/, '');
  const tail = value.length - body.length;
  const chomp = tail === 0 ? '-' : tail === 1 ? '' : '+';
  const fold = style === 'folded' && !/(?:^|\n)[ \t]|[ \t]\n/.test(body) && !body.startsWith('\n');
  // A first line that begins with a space needs the indentation told.
  const first = body.split('\n').find((l) => l !== '') ?? '';
  const told = /^[ \t]/.test(first) ? String(Math.min(indent, 2) || 2) : '';
  const pad = ' '.repeat(indent);
  const lines = (fold ? body.split('\n').flatMap((l, i) => (l === '' ? [''] : [...(i ? [''] : []), ...wrap(l, WIDTH - indent)])) : body.split('\n'));
  const extra = chomp === '+' ? '\n'.repeat(tail - 1) : '';
  return `${fold ? '>' : '|'}${told}${chomp}\n${lines.map((l) => (l === '' ? '' : pad + l)).join('\n')}${extra}`;
}

/**
 * Breaks a text at single spaces.
 * @param {string} text
 * @param {number} width
 */
function wrap(text, width) {
  const lines = [];
  let line = '';
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (line && line.length + 1 + word.length > width) { lines.push(line); line = word; }
    else line = line ? `${line} ${word}` : word;
  }
  lines.push(line);
  return lines;
}

/**
 * Lines of a field, without the line break at the end.
 * @param {string} key
 * @param {Value} value
 * @param {number} indent
 */
export function writeEntry(key, value, indent) {
  const pad = ' '.repeat(indent);
  if (typeof value !== 'object') return `${pad}${writeKey(key)}: ${writeScalar(value, indent + 2)}`;
  if (isShort(value)) return `${pad}${writeKey(key)}: ${writeFlow(value)}`;
  return `${pad}${writeKey(key)}:\n${writeBlockValue(value, indent + 2)}`;
}

/**
 * Lines of an item of a list.
 * @param {Value} value
 * @param {number} indent of the dash
 */
export function writeItem(value, indent) {
  const pad = ' '.repeat(indent);
  if (typeof value !== 'object') return `${pad}- ${writeScalar(value, indent + 2)}`;
  if (Array.isArray(value) || Object.keys(value).length === 0) return `${pad}- ${writeFlow(value)}`;
  return `${pad}- ${writeBlockValue(value, indent + 2).slice(indent + 2)}`;
}

/** @param {Value} value @param {number} indent @returns {string} */
function writeBlockValue(value, indent) {
  if (Array.isArray(value)) return value.map((v) => writeItem(v, indent)).join('\n');
  return Object.entries(value).map(([k, v]) => writeEntry(k, v, indent)).join('\n');
}

/** Lists of a few short words stand on one line. @param {Value} value */
function isShort(value) {
  if (!Array.isArray(value)) return typeof value === 'object' && Object.keys(value).length === 0;
  return value.every((v) => typeof v !== 'object' && !/\n/.test(String(v)) && String(v).length <= 24) && writeFlow(value).length <= 72;
}

/** @param {Value} value @returns {string} */
export function writeFlow(value) {
  if (Array.isArray(value)) return `[${value.map(writeFlow).join(', ')}]`;
  if (typeof value !== 'object') return writeScalar(value, 0, 'plain', true);
  return `{${Object.entries(value).map(([k, v]) => `${writeKey(k)}: ${writeFlow(v)}`).join(', ')}}`;
}
