/**
 * The controls of the form, one class for each kind of field of schema.js.
 * A control shows a node of the YAML and writes back into the text; where the
 * text cannot be written safely it keeps what was typed and says so.
 * @module
 */
import { fill, h, icon } from './dom.js';
import { fieldName } from './schema.js';
import { EditRefused, renameKey, setList, setScalar } from './yamledit.js';
import { toValue } from './yamlparse.js';

/**
 * @typedef {import('./schema.js').Field} Field
 * @typedef {import('./yamlparse.js').Node} Node
 * @typedef {import('./yamledit.js').Path} Path
 * @typedef {import('./yamledit.js').Order} Order
 * @typedef {object} Context
 * @property {() => string} text now
 * @property {(text: string, by: string) => void} write
 * @property {(line: number) => void} goTo a line of the text
 * @property {Order} order
 * @property {() => void} again shows the whole text once more
 * @typedef {{element: HTMLElement, path: Path, refresh: (node: Node|null, force: boolean) => void, controls: () => Control[]}} Control
 */

let counter = 0;
/** An id that no other element has. */
export function newId() { return `f${++counter}`; }

/** What all controls share: label, hint, and the place for problems. */
export class Base {
  /** @type {string|null} the text that edits start from, while one field is typed in */ #from = null;
  /** @type {string|null} what the last edit made of it */ #made = null;

  /** @param {Field} field @param {Path} path @param {Context} context */
  constructor(field, path, context) {
    this.field = field;
    this.path = path;
    this.context = context;
    this.id = newId();
    this.note = h('p.note', { id: `${this.id}-n`, hidden: true, role: 'status' });
    this.element = h('div', { className: `field k-${field.kind}${field.half ? ' half' : ''}`, dataset: { field: fieldName(path) } });
    this.element.addEventListener('focusout', () => { this.#from = this.#made = null; });
  }

  /** @returns {Control[]} */
  controls() { return [/** @type {any} */ (this)]; }

  /** @param {HTMLElement} control @param {...(HTMLElement|string)} more */
  build(control, ...more) {
    const { label, hint } = this.field;
    control.id ||= this.id;
    const hintId = `${this.id}-h`;
    control.setAttribute('aria-describedby', `${hint ? `${hintId} ` : ''}${this.note.id}`);
    fill(this.element, h('label', { htmlFor: this.id }, label), control, ...more, this.note, hint && h('small', { id: hintId }, hint));
  }

  /**
   * Edits the text. While a field is typed in, every edit starts from the text
   * before the first, so that a word cleared and typed again is as it was.
   * @param {(text: string) => string} change
   * @returns {boolean} whether it could
   */
  edit(change) {
    const now = this.context.text();
    if (this.#from === null || this.#made !== now) this.#from = now;
    try {
      const next = change(this.#from);
      this.#made = next;
      this.refused = false;
      this.say('');
      this.context.write(next, fieldName(this.path));
      return true;
    } catch (error) {
      if (!(error instanceof EditRefused)) throw error;
      this.refused = true;
      this.say(`Not written yet. ${error.message}`, error.line);
      return false;
    }
  }

  /** @param {string} text '' takes it away @param {number} [line] */
  say(text, line) {
    this.note.hidden = !text;
    this.element.classList.toggle('wrong', text !== '');
    fill(this.note, text, line ? h('button.link', { type: 'button', onclick: () => this.context.goTo(line) }, `Line ${line}`) : '');
  }

  /** What is wrong according to the server. @param {import('./draft.js').Problem[]} problems */
  problems(problems) {
    if (this.refused) return;
    this.say(problems.map((p) => p.message.charAt(0).toUpperCase() + p.message.slice(1)).join('. '));
  }
}

/** One value: text, number, choice or switch. */
export class Scalar extends Base {
  /** @param {Field} field @param {Path} path @param {Context} context */
  constructor(field, path, context) {
    super(field, path, context);
    const { kind, placeholder, options, unit, rows } = field;
    const typed = () => this.write();
    if (kind === 'text') this.input = h('textarea', { rows: rows ?? 2, placeholder: placeholder ?? '', oninput: typed, spellcheck: true });
    else if (kind === 'choice') this.input = h('select', { onchange: typed }, (options ?? []).map(([value, text]) => h('option', { value }, text)));
    else if (kind === 'switch') this.input = h('input', { type: 'checkbox', role: 'switch', onchange: typed });
    else this.input = h('input', { type: 'text', inputMode: kind === 'number' ? 'decimal' : 'text', placeholder: placeholder ?? '', oninput: typed, autocomplete: 'off', spellcheck: kind === 'line' });
    if (kind === 'number') this.input.addEventListener('keydown', (e) => this.#arrow(/** @type {KeyboardEvent} */ (e)));
    if (unit) {
      this.input.id = this.id;
      this.build(h('span.unit', null, this.input, h('span', { 'aria-hidden': 'true' }, unit)));
      /** @type {HTMLLabelElement} */ (this.element.querySelector('label')).htmlFor = this.id;
    } else this.build(this.input);
  }

  /** @param {Node|null} node @param {boolean} force */
  refresh(node, force) {
    if (!force && (this.refused || document.activeElement === this.input)) return;
    if (force) this.refused = false;
    const { input } = this;
    const value = node?.kind === 'scalar' ? node.value : '';
    if (node && node.kind !== 'scalar') {
      this.say(`There ${node.kind === 'seq' ? 'is a list' : 'are fields'} in the YAML where the form expects a text.`, node.line + 1);
      this.refused = true;
    }
    if (input instanceof HTMLSelectElement) {
      if (![...input.options].some((o) => o.value === value)) input.append(h('option', { value }, value));
      input.value = value;
    } else if (input.type === 'checkbox') /** @type {HTMLInputElement} */ (input).checked = value === 'true';
    else if (input.value !== value) input.value = value;
  }

  write() {
    const { input, field } = this;
    /** @type {string|number|boolean|null} */
    let value = input.value;
    if (input.type === 'checkbox') value = /** @type {HTMLInputElement} */ (input).checked || null;
    else if (field.kind === 'number') {
      const text = value.trim().replace(',', '.');
      value = text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    }
    this.edit((text) => setScalar(text, this.path, value, this.context.order));
  }

  /** Arrow keys change a number by its step. @param {KeyboardEvent} e */
  #arrow(e) {
    const way = e.key === 'ArrowUp' ? 1 : e.key === 'ArrowDown' ? -1 : 0;
    if (!way) return;
    e.preventDefault();
    const { min = -Infinity, max = Infinity, step = 1, placeholder } = this.field;
    const now = Number(this.input.value || placeholder) || 0;
    this.input.value = String(Number(Math.min(Math.max(now + way * step * (e.shiftKey ? 10 : 1), min), max).toFixed(6)));
    this.write();
  }
}

/** Sentences, one in each row. */
export class Lines extends Base {
  /** @param {Field} field @param {Path} path @param {Context} context */
  constructor(field, path, context) {
    super(field, path, context);
    this.rows = h('div.rows', { role: 'group', 'aria-label': field.label });
    this.build(this.rows, h('button.add', { type: 'button', onclick: () => this.#add('').focus() }, icon('plus'), field.add ?? 'Add'));
    this.element.querySelector('label')?.removeAttribute('for');
  }

  /** @param {Node|null} node @param {boolean} force */
  refresh(node, force) {
    if (!force && (this.refused || this.rows.contains(document.activeElement))) return;
    if (force) this.refused = false;
    const values = node?.kind === 'seq' ? node.items.map((i) => (i.value.kind === 'scalar' ? i.value.value : JSON.stringify(toValue(i.value)))) : [];
    const now = [...this.rows.querySelectorAll('textarea')];
    if (now.length === values.length) return now.forEach((t, i) => { if (t.value !== values[i]) t.value = values[i]; });
    fill(this.rows);
    for (const value of values) this.#add(value);
  }

  /** @param {string} value */
  #add(value) {
    const input = h('textarea', { rows: 1, value, oninput: () => this.write(), 'aria-label': this.field.label });
    const row = h('div.row', null, input, h('button.icon-only', { type: 'button', title: 'Remove', 'aria-label': `Remove from ${this.field.label}`, onclick: () => { row.remove(); this.write(); } }, icon('close')));
    this.rows.append(row);
    return input;
  }

  write() {
    const values = [...this.rows.querySelectorAll('textarea')].map((t) => t.value).filter((v) => v.trim() !== '');
    this.edit((text) => setList(text, this.path, values, this.context.order));
  }
}

/** Short words beside each other. */
export class Tags extends Base {
  /** @type {string[]} */ values = [];

  /** @param {Field} field @param {Path} path @param {Context} context */
  constructor(field, path, context) {
    super(field, path, context);
    this.input = h('input', {
      type: 'text', id: this.id, autocomplete: 'off', spellcheck: false, placeholder: 'Add …',
      onkeydown: (/** @type {KeyboardEvent} */ e) => this.#key(e), onchange: () => this.#take(), onblur: () => this.#take(),
    });
    if (field.suggest) this.input.setAttribute('list', `list-${field.suggest}`);
    this.box = h('div.tags', { onclick: (/** @type {MouseEvent} */ e) => { if (e.target === this.box) this.input.focus(); } });
    this.build(this.box);
    this.input.setAttribute('aria-describedby', this.box.getAttribute('aria-describedby') ?? '');
    /** @type {HTMLLabelElement} */ (this.element.querySelector('label')).htmlFor = this.input.id;
    this.box.removeAttribute('id');
    this.#draw();
  }

  /** @param {Node|null} node @param {boolean} force */
  refresh(node, force) {
    if (!force && this.refused) return;
    if (force) this.refused = false;
    const values = node?.kind === 'seq' ? node.items.map((i) => (i.value.kind === 'scalar' ? i.value.value : JSON.stringify(toValue(i.value)))) : [];
    if (values.join('\0') === this.values.join('\0')) return;
    this.values = values;
    this.#draw();
  }

  #draw() {
    const had = document.activeElement === this.input;
    fill(this.box, this.values.map((v, i) => h('span.tag', null, v, h('button', { type: 'button', 'aria-label': `Remove ${v}`, onclick: () => this.#set(this.values.filter((_, n) => n !== i)) }, icon('close')))), this.input);
    if (had) this.input.focus();
  }

  /** @param {string[]} values */
  #set(values) {
    this.values = values;
    this.#draw();
    this.edit((text) => setList(text, this.path, values, this.context.order));
  }

  #take() {
    const value = this.input.value.trim();
    if (!value) return;
    this.input.value = '';
    if (!this.values.includes(value)) this.#set([...this.values, value]);
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    if (e.key === 'Enter' || (e.key === ',' && !this.field.key.includes('key'))) { e.preventDefault(); this.#take(); }
    else if (e.key === 'Backspace' && !this.input.value && this.values.length) this.#set(this.values.slice(0, -1));
  }
}

/** Names with values. */
export class Pairs extends Base {
  /** @param {Field} field @param {Path} path @param {Context} context */
  constructor(field, path, context) {
    super(field, path, context);
    this.rows = h('div.rows', { role: 'group', 'aria-label': field.label });
    this.build(this.rows, h('button.add', { type: 'button', onclick: () => this.#add('', '').name.focus() }, icon('plus'), field.add ?? 'Add'));
    this.element.querySelector('label')?.removeAttribute('for');
  }

  /** @param {Node|null} node @param {boolean} force */
  refresh(node, force) {
    if (!force && (this.refused || this.rows.contains(document.activeElement))) return;
    if (force) this.refused = false;
    fill(this.rows);
    if (node?.kind === 'map') for (const e of node.entries) this.#add(e.key, e.value.kind === 'scalar' ? e.value.value : JSON.stringify(toValue(e.value)));
  }

  /** @param {string} key @param {string} value */
  #add(key, value) {
    let there = key; // its name in the text; '' before it has one
    const name = h('input', { type: 'text', value: key, placeholder: 'name', 'aria-label': 'Name', spellcheck: false, autocomplete: 'off' });
    const held = h('input', { type: 'text', value, placeholder: 'value', 'aria-label': 'Value', autocomplete: 'off', inputMode: this.field.integers ? 'numeric' : 'text' });
    const put = (/** @type {string} */ text) => {
      const number = this.field.integers && /^-?\d+$/.test(held.value.trim()) ? Number(held.value) : held.value;
      return setScalar(text, [...this.path, there], number, this.context.order, true);
    };
    name.onchange = () => {
      const to = name.value.trim();
      const from = there;
      if (!to || to === from) return;
      if (from) { if (this.edit((text) => renameKey(text, [...this.path, from], to))) there = to; return; }
      there = to;
      if (!this.edit(put)) there = '';
    };
    held.oninput = () => { if (there) this.edit(put); };
    const row = h('div.row.pair', null, name, held, h('button.icon-only', {
      type: 'button', title: 'Remove', 'aria-label': `Remove ${key || 'this row'}`,
      onclick: () => { if (!there || this.edit((text) => setScalar(text, [...this.path, there], null, this.context.order))) row.remove(); },
    }, icon('close')));
    this.rows.append(row);
    return { name, held };
  }
}
