/**
 * Changes one value in a YAML text and leaves everything else as it was:
 * comments, unknown fields, order, the way things are written.
 *
 * Every edit is checked before it is returned: the new text, read again, must
 * differ from the old by exactly that value, and no comment may be gone. Where
 * that does not hold, or the text cannot be read, EditRefused says why and
 * nothing changes.
 *
 * Pure functions from text to text.
 * @module
 */
import { YamlProblem, at, parse, toValue } from './yamlparse.js';
import { quote, writeEntry, writeFlow, writeItem, writeKey, writeScalar } from './yamlwrite.js';

/**
 * @typedef {import('./yamlparse.js').Node} Node
 * @typedef {import('./yamlparse.js').MapNode} MapNode
 * @typedef {import('./yamlparse.js').SeqNode} SeqNode
 * @typedef {import('./yamlparse.js').Entry} Entry
 * @typedef {import('./yamlparse.js').Comment} Comment
 * @typedef {import('./yamlwrite.js').Value} Value
 * @typedef {(string|number)[]} Path
 * @typedef {(path: Path) => readonly string[]} Order the usual order of the fields at a path
 * @typedef {{text: string, root: MapNode, comments: Comment[]}} Parsed
 */

/** The text must be changed by hand; the message says why. */
export class EditRefused extends Error {
  /** @param {string} message @param {number} [line] from 1 */
  constructor(message, line) {
    super(message);
    this.name = 'EditRefused';
    this.line = line;
  }
}

/** @type {Order} */
const NO_ORDER = () => [];

/**
 * Sets a text, number or truth value; '' or null takes the field away.
 * @param {string} text
 * @param {Path} path
 * @param {string|number|boolean|null} value
 * @param {Order} [order]
 * @param {boolean} [empty] '' is a value like others
 */
export function setScalar(text, path, value, order = NO_ORDER, empty = false) {
  const doc = read(text);
  const node = at(doc.root, path);
  const gone = value === null || (value === '' && !empty);
  if (gone && !node) return text;
  const next = gone ? remove(doc, path) : put(doc, path, /** @type {Value} */ (value), order);
  return checked(doc, next, (all) => change(all, path, gone ? undefined : String(value)), true);
}

/**
 * Makes a list of texts these; none takes the field away. Items that stay keep
 * their lines.
 * @param {string} text
 * @param {Path} path
 * @param {string[]} items
 * @param {Order} [order]
 */
export function setList(text, path, items, order = NO_ORDER) {
  const doc = read(text);
  const node = at(doc.root, path);
  if (!items.length && !node) return text;
  const apply = (/** @type {any} */ all) => change(all, path, items.length ? items : undefined);
  if (!items.length) return checked(doc, remove(doc, path), apply, true);
  if (!node || node.kind !== 'seq' || node.flow) {
    if (node?.kind === 'map') throw new EditRefused('There are fields where the form expects a list.', node.line + 1);
    return checked(doc, put(doc, path, items, order), apply, true);
  }
  let head = 0;
  let tail = 0;
  const old = node.items.map((i) => toValue(i.value));
  while (head < old.length && head < items.length && old[head] === items[head]) head++;
  while (tail < old.length - head && tail < items.length - head && old.at(-1 - tail) === items.at(-1 - tail)) tail++;
  // From the end, so that offsets before stay true.
  let next = text;
  const same = Math.min(old.length, items.length) - tail;
  for (let i = old.length - tail - 1; i >= same; i--) next = cutItem(doc, next, node, i);
  const more = items.slice(same, items.length - tail);
  if (more.length) next = addAfter(doc, next, node, same, more);
  for (let i = same - 1; i >= head; i--) {
    const { value } = node.items[i];
    if (value.kind !== 'scalar') throw new EditRefused('An item is no plain text.', value.line + 1);
    next = splice(next, value.start, value.end, (value.style === 'none' ? ' ' : '') + writeScalar(items[i], node.indent + 2, value.style));
  }
  return checked(doc, next, apply, old.length <= items.length);
}

/**
 * Puts an item into a list of fields.
 * @param {string} text
 * @param {Path} path
 * @param {number} index
 * @param {Value} item
 * @param {Order} [order]
 */
export function insertItem(text, path, index, item, order = NO_ORDER) {
  const doc = read(text);
  const node = at(doc.root, path);
  const apply = (/** @type {any} */ all) => change(all, path, [...(reach(all, path) || []).slice(0, index), strings(item), ...(reach(all, path) || []).slice(index)]);
  if (node?.kind === 'seq' && !node.flow) return checked(doc, addAfter(doc, text, node, index, [item]), apply, true);
  if (node && (node.kind === 'map' || (node.kind === 'seq' && node.items.length > 0))) throw new EditRefused('This list is written in [ ]: add the item in the text.', node.line + 1);
  return checked(doc, put(doc, path, [item], order), apply, true);
}

/**
 * Takes an item out of a list, with the comments in it and right above it.
 * @param {string} text
 * @param {Path} path
 * @param {number} index
 */
export function removeItem(text, path, index) {
  const doc = read(text);
  const node = list(doc, path);
  const apply = (/** @type {any} */ all) => {
    const rest = reach(all, path).filter((/** @type {any} */ _, /** @type {number} */ i) => i !== index);
    return change(all, path, rest.length ? rest : undefined);
  };
  if (node.items.length === 1) return checked(doc, remove(doc, path, true), apply, false);
  return checked(doc, cutItem(doc, text, node, index), apply, false);
}

/**
 * Moves an item of a list one place up or down, with the comments above it.
 * @param {string} text
 * @param {Path} path
 * @param {number} index
 * @param {-1|1} by
 */
export function moveItem(text, path, index, by) {
  const doc = read(text);
  const node = list(doc, path);
  const [a, b] = by < 0 ? [index - 1, index] : [index, index + 1];
  if (a < 0 || b >= node.items.length) return text;
  const first = itemLines(doc, node, a);
  const second = itemLines(doc, node, b);
  const lines = text.split('\n');
  const next = [
    ...lines.slice(0, first.from), ...lines.slice(second.from, second.to),
    ...lines.slice(first.to, second.from), ...lines.slice(first.from, first.to), ...lines.slice(second.to),
  ].join('\n');
  return checked(doc, next, (all) => {
    const items = [...reach(all, path)];
    [items[a], items[b]] = [items[b], items[a]];
    return change(all, path, items);
  }, true);
}

/**
 * Gives a field another name, where no other has it.
 * @param {string} text
 * @param {Path} path of the field
 * @param {string} name
 */
export function renameKey(text, path, name) {
  const doc = read(text);
  const parent = at(doc.root, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.find((e) => e.key === path.at(-1)) : undefined;
  if (parent?.kind !== 'map' || !entry) throw new EditRefused('The field is not there any more.');
  if (name === '') throw new EditRefused('A name is needed.', entry.line + 1);
  if (parent.entries.some((e) => e !== entry && e.key === name)) throw new EditRefused(`${name} is there already.`, entry.line + 1);
  const next = splice(text, entry.keyStart, entry.keyEnd, writeKey(name));
  return checked(doc, next, (all) => change(all, path.slice(0, -1), Object.fromEntries(
    Object.entries(reach(all, path.slice(0, -1))).map(([k, v]) => [k === entry.key ? name : k, v]))), true);
}

/** @param {string} text @returns {Parsed} */
function read(text) {
  try {
    return { text, ...parse(text) };
  } catch (error) {
    if (error instanceof YamlProblem) throw new EditRefused(`Line ${error.line} cannot be read: ${error.message}. Correct it in the text first.`, error.line);
    throw error;
  }
}

/**
 * Writes a value where there is one or none.
 * @param {Parsed} doc
 * @param {Path} path
 * @param {Value} value
 * @param {Order} order
 * @returns {string}
 */
function put(doc, path, value, order) {
  const { text, root } = doc;
  const parentPath = path.slice(0, -1);
  const key = path[path.length - 1];
  const parent = at(root, parentPath);
  const node = at(root, path);
  if (node && parent) return overwrite(doc, parent, node, value, path, order);
  if (typeof key !== 'string') throw new EditRefused('The item is not there any more.');
  if (!parent || parent.kind === 'scalar') {
    if (parent && parent.kind === 'scalar' && parent.value !== '' && parent.value !== 'null' && parent.value !== '~') throw new EditRefused('There is a text where the form expects fields.', parent.line + 1);
    return put(doc, parentPath, { [key]: value }, order);
  }
  if (parent.kind === 'seq') throw new EditRefused('There is a list where the form expects fields.', parent.line + 1);
  if (parent.flow) {
    const entries = { ...toValue(parent), [key]: value };
    return splice(text, parent.start, parent.end, flowOf(doc, parent, entries));
  }
  const before = order(parentPath);
  const place = before.indexOf(key);
  // After the last field that usually stands before it.
  const earlier = parent.entries.filter((e) => place >= 0 && before.indexOf(e.key) >= 0 && before.indexOf(e.key) < place);
  const after = place >= 0 ? earlier.at(-1) : parent.entries.at(-1);
  const entry = writeEntry(key, value, parent.indent);
  const lines = text.split('\n');
  if (after) lines.splice(after.value.endLine, 0, ...entry.split('\n'));
  else {
    const first = parent.entries[0];
    // Beside a dash the first field has no line of its own.
    if (first.keyStart !== starts(text)[first.line] + parent.indent || /^ *- /.test(lines[first.line])) lines.splice(first.value.endLine, 0, ...entry.split('\n'));
    else lines.splice(first.line, 0, ...entry.split('\n'));
  }
  return lines.join('\n');
}

/**
 * @param {Parsed} doc @param {Node} parent @param {Node} node @param {Value} value @param {Path} path @param {Order} order
 * @returns {string}
 */
function overwrite(doc, parent, node, value, path, order) {
  const { text } = doc;
  const indent = parent.kind === 'scalar' ? 0 : parent.indent;
  const inFlow = parent.kind !== 'scalar' && parent.flow;
  if (typeof value !== 'object') {
    if (node.kind !== 'scalar') throw new EditRefused(`There ${node.kind === 'seq' ? 'is a list' : 'are fields'} where the form expects a text.`, node.line + 1);
    const style = node.style === 'none' || node.value === 'null' || node.value === '~' ? 'plain' : node.style;
    let written = writeScalar(value, indent + 2, style, inFlow);
    // A block of lines would swallow a comment behind it.
    if (written.includes('\n') && doc.comments.some((c) => c.line === node.endLine - 1 && c.start >= node.end)) written = quote(String(value));
    return splice(text, node.start, node.end, (node.style === 'none' ? ' ' : '') + written);
  }
  if (node.kind === 'seq' && node.flow) {
    const flow = flowOf(doc, node, value);
    if (Array.isArray(value) && value.every((v) => typeof v !== 'object') && (flow.length <= 100 || inFlow)) return splice(text, node.start, node.end, flow);
    if (inFlow) throw new EditRefused('This list is inside [ ] or { }: change it in the text.', node.line + 1);
    return asBlock(doc, node, value, path);
  }
  if (node.kind === 'scalar' && (node.style === 'none' || node.value === 'null' || node.value === '~')) {
    if (inFlow) return splice(text, node.start, node.end, (node.style === 'none' ? ' ' : '') + writeFlow(value));
    return asBlock(doc, node, value, path);
  }
  if (node.kind === 'map' && !Array.isArray(value)) {
    const [key] = Object.keys(value);
    return put(doc, [...path, key], value[key], order);
  }
  throw new EditRefused('There is something else than the form expects.', node.line + 1);
}

/** Rewrites a field whose value was empty or in [ ]. @param {Parsed} doc @param {Node} node @param {Value} value @param {Path} path */
function asBlock(doc, node, value, path) {
  const entry = entryOf(doc.root, path);
  if (!entry) throw new EditRefused('This item must be changed in the text.', node.line + 1);
  const lines = doc.text.split('\n');
  const indent = entry.keyStart - starts(doc.text)[entry.line];
  const written = writeEntry(entry.key, value, indent).slice(indent).split('\n');
  const kept = doc.comments.filter((c) => c.line >= node.line && c.line < node.endLine).map((c) => ' '.repeat(indent) + c.text);
  const head = lines[entry.line].slice(0, indent);
  lines.splice(entry.line, node.endLine - entry.line, ...kept, head + written[0], ...written.slice(1));
  return lines.join('\n');
}

/**
 * Takes a field away, and what is empty without it. Its comments stay as lines
 * of their own unless they are to go with it.
 * @param {Parsed} doc @param {Path} path @param {boolean} [withComments]
 * @returns {string}
 */
function remove(doc, path, withComments = false) {
  const { text, root } = doc;
  const parent = at(root, path.slice(0, -1));
  const entry = entryOf(root, path);
  if (parent?.kind !== 'map' || !entry) throw new EditRefused('This item must be removed in the text.');
  if (parent.flow) {
    const { [entry.key]: _, ...rest } = toValue(parent);
    return Object.keys(rest).length || path.length < 2 ? splice(text, parent.start, parent.end, flowOf(doc, parent, rest)) : remove(doc, path.slice(0, -1));
  }
  const onlyOne = parent.entries.length === 1;
  if (onlyOne && path.length > 1 && typeof path.at(-2) === 'string') return remove(doc, path.slice(0, -1), withComments);
  const lines = text.split('\n');
  const besideDash = !/^ *$/.test(lines[entry.line].slice(0, entry.keyStart - starts(text)[entry.line]));
  if (besideDash || onlyOne) {
    if (entry.value.kind !== 'scalar') throw new EditRefused('This is the first field of its item: remove it in the text.', entry.line + 1);
    return splice(text, entry.value.start, entry.value.end, `${entry.value.style === 'none' ? ' ' : ''}""`);
  }
  const kept = withComments ? [] : doc.comments.filter((c) => c.line >= entry.line && c.line < entry.value.endLine)
    .map((c) => ' '.repeat(parent.indent) + c.text);
  lines.splice(entry.line, entry.value.endLine - entry.line, ...kept);
  return lines.join('\n');
}

/** @param {MapNode} root @param {Path} path @returns {Entry|undefined} */
function entryOf(root, path) {
  const parent = at(root, path.slice(0, -1));
  return parent?.kind === 'map' ? parent.entries.find((e) => e.key === path.at(-1)) : undefined;
}

/** @param {Parsed} doc @param {Path} path @returns {SeqNode} */
function list(doc, path) {
  const node = at(doc.root, path);
  if (node?.kind !== 'seq') throw new EditRefused('The list is not there any more.');
  if (node.flow) throw new EditRefused('This list is written in [ ]: change it in the text.', node.line + 1);
  return node;
}

/** Lines of an item with the comments right above it. @param {Parsed} doc @param {SeqNode} node @param {number} index */
function itemLines(doc, node, index) {
  const item = node.items[index];
  const lines = doc.text.split('\n');
  if (!/^ *$/.test(lines[item.line].slice(0, item.start - starts(doc.text)[item.line]))) throw new EditRefused('This item shares its line with another: change it in the text.', item.line + 1);
  let from = item.line;
  const top = index ? node.items[index - 1].value.endLine : node.line;
  while (from > top && lines[from - 1].trim().startsWith('#') && lines[from - 1].indexOf('#') === node.indent) from--;
  return { from, to: item.value.endLine };
}

/** @param {Parsed} doc @param {string} text which may differ from the doc's behind the item only @param {SeqNode} node @param {number} index */
function cutItem(doc, text, node, index) {
  const { from, to } = itemLines(doc, node, index);
  return cut(text, from, to);
}

/** @param {string} text @param {number} from @param {number} to lines */
function cut(text, from, to) {
  const lines = text.split('\n');
  lines.splice(from, to - from);
  return lines.join('\n');
}

/** @param {Parsed} doc @param {string} text @param {SeqNode} node @param {number} index @param {Value[]} items */
function addAfter(doc, text, node, index, items) {
  const written = items.flatMap((v) => writeItem(v, node.indent).split('\n'));
  const lines = text.split('\n');
  const place = index === 0 ? itemLines(doc, node, 0).from : node.items[index - 1].value.endLine;
  lines.splice(place, 0, ...written);
  return lines.join('\n');
}

/**
 * A value in [ ] or { }, unless that would lose comments. What was there before
 * is written as it was.
 * @param {Parsed} doc @param {MapNode|SeqNode} node @param {Value} value
 */
function flowOf(doc, node, value) {
  const inside = doc.comments.find((c) => c.start > node.start && c.start < node.end);
  if (inside) throw new EditRefused('There is a comment inside the brackets, which the form would lose. Change it in the text.', inside.line + 1);
  const source = (/** @type {Node} */ n) => doc.text.slice(n.start, n.end);
  if (node.kind === 'seq' && Array.isArray(value)) {
    const known = new Map(node.items.map((i) => [toValue(i.value), source(i.value)]));
    return `[${value.map((v) => known.get(v) ?? writeFlow(v)).join(', ')}]`;
  }
  const known = new Map(node.kind === 'map' ? node.entries.map((e) => [e.key, e]) : []);
  return `{${Object.entries(value).map(([k, v]) => {
    const e = known.get(k);
    return e && same(toValue(e.value), v) ? doc.text.slice(e.keyStart, e.keyEnd) + (e.value.end > e.keyEnd ? `: ${source(e.value)}` : '') : `${writeKey(k)}: ${writeFlow(v)}`;
  }).join(', ')}}`;
}

/** @param {string} text @param {number} from @param {number} to @param {string} insert */
function splice(text, from, to, insert) { return text.slice(0, from) + insert + text.slice(to); }

/** Offset of each line. @param {string} text */
function starts(text) {
  const all = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) all.push(i + 1);
  return all;
}

/** @param {any} all @param {Path} path */
function reach(all, path) { return path.reduce((v, step) => v?.[step], all); }

/**
 * The plain values with one changed; what is empty then is gone too.
 * @param {any} all @param {Path} path @param {any} value undefined takes it away
 * @returns {any}
 */
function change(all, path, value) {
  if (!path.length) return value;
  const [step, ...rest] = path;
  const copy = Array.isArray(all) ? [...all] : all && typeof all === 'object' ? { ...all } : {};
  const next = change(copy[step], rest, value);
  if (next !== undefined) copy[step] = next;
  else delete copy[step];
  return copy;
}

/** Scalars as strings, as toValue has them. @param {any} v @returns {any} */
function strings(v) {
  if (Array.isArray(v)) return v.map(strings);
  return v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, strings(x)])) : String(v);
}

/**
 * Returns the new text if it says what it should.
 * @param {Parsed} doc @param {string} next @param {(all: any) => any} apply @param {boolean} keep all comments must be there still
 */
function checked(doc, next, apply, keep) {
  let again;
  try {
    again = parse(next);
  } catch {
    throw new EditRefused('The form cannot write this without changing other lines. Change it in the text.');
  }
  if (!same(toValue(again.root), apply(toValue(doc.root)))) throw new EditRefused('The form cannot write this without changing other lines. Change it in the text.');
  if (keep) {
    /** @type {Map<string, number>} */
    const left = new Map();
    for (const { text } of again.comments) left.set(text, (left.get(text) ?? 0) + 1);
    for (const { text, line } of doc.comments) {
      const n = left.get(text) ?? 0;
      if (n === 0) throw new EditRefused('A comment would be lost. Change this in the text.', line + 1);
      left.set(text, n - 1);
    }
  }
  return next;
}

/** Equal, where empty fields count as none. @param {any} a @param {any} b @returns {boolean} */
function same(a, b) {
  if (isEmpty(a) && isEmpty(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a)) return a.length === b.length && a.every((v, i) => same(v, b[i]));
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((k) => same(a[k], b[k]));
}

/** @param {any} v @returns {boolean} */
function isEmpty(v) { return v === undefined || v === '' || v === null || (typeof v === 'object' && !Array.isArray(v) && Object.values(v).every(isEmpty)); }
