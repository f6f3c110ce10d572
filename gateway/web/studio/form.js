/**
 * The form: sections of schema.js, and lists whose items have fields. It shows
 * the YAML and writes into it; it keeps no values of its own.
 * @module
 */
import { fill, h, icon, toast } from './dom.js';
import { Lines, Pairs, Scalar, Tags, newId } from './fields.js';
import { SECTIONS, TEXT_ONLY, fieldName, isKnown } from './schema.js';
import { EditRefused, insertItem, moveItem, removeItem } from './yamledit.js';
import { YamlProblem, at, parse } from './yamlparse.js';

/**
 * @typedef {import('./schema.js').Field} Field
 * @typedef {import('./yamlparse.js').Node} Node
 * @typedef {import('./yamledit.js').Path} Path
 * @typedef {import('./fields.js').Context} Context
 * @typedef {import('./fields.js').Control} Control
 * @typedef {import('./draft.js').Problem} Problem
 */

/** @param {Field} field @param {Path} path @param {Context} context @returns {Control} */
function control(field, path, context) {
  switch (field.kind) {
    case 'tags': return new Tags(field, path, context);
    case 'lines': return new Lines(field, path, context);
    case 'pairs': return new Pairs(field, path, context);
    case 'list': return new List(field, path, context);
    case 'group': return new Group(field, path, context);
    default: return new Scalar(field, path, context);
  }
}

/** Fields under one name. @implements {Control} */
class Group {
  /** @param {Field} field @param {Path} path @param {Context} context */
  constructor(field, path, context) {
    this.path = path;
    this.children = (field.fields ?? []).map((f) => control(f, [...path, f.key], context));
    this.element = h('div.group', { role: 'group', 'aria-label': field.label }, this.children.map((c) => c.element));
  }

  /** @param {Node|null} node @param {boolean} force */
  refresh(node, force) {
    for (const c of this.children) c.refresh(node && at(node, c.path.slice(this.path.length)), force);
  }

  /** @returns {Control[]} */
  controls() { return this.children.flatMap((c) => c.controls()); }
}

/** Items with fields, which can be opened, moved, removed and added. @implements {Control} */
class List {
  /** @type {{element: HTMLDetailsElement, group: Group, title: HTMLElement}[]} */ items = [];

  /** @param {Field} field @param {Path} path @param {Context} context */
  constructor(field, path, context) {
    this.field = field;
    this.path = path;
    this.context = context;
    this.box = h('div.items');
    const add = h('button.add', { type: 'button', onclick: () => this.#add() }, icon('plus'), field.add ?? 'Add');
    const nested = path.length > 1 && path.some((p) => typeof p === 'number');
    this.element = h('div.field.k-list', { role: 'group', 'aria-label': field.label, dataset: { field: fieldName(path) } }, nested && h('span.caption', null, field.label), this.box, add);
  }

  /** @param {Node|null} node @param {boolean} force */
  refresh(node, force) {
    const count = node?.kind === 'seq' ? node.items.length : 0;
    if (count !== this.items.length) {
      const open = this.items.map((i) => i.element.open);
      while (this.items.length > count) this.items.pop();
      while (this.items.length < count) this.items.push(this.#item(this.items.length, open.length > 0 && this.items.length >= open.length));
      fill(this.box, this.items.map((i) => i.element));
      force = true;
    }
    this.items.forEach((item, i) => {
      const value = node?.kind === 'seq' ? node.items[i].value : null;
      item.group.refresh(value, force);
      const name = value && this.field.title ? at(value, [this.field.title]) : null;
      item.title.textContent = (name?.kind === 'scalar' && name.value) || summary(value) || `${this.field.item} ${i + 1}`;
    });
  }

  /** @returns {Control[]} */
  controls() { return this.items.flatMap((i) => i.group.controls()); }

  /** @param {number} i @param {boolean} open */
  #item(i, open) {
    const path = [...this.path, i];
    const { item = 'Item' } = this.field;
    const group = new Group({ ...this.field, label: `${item} ${i + 1}` }, path, this.context);
    const title = h('span.title');
    const act = (/** @type {string} */ name, /** @type {string} */ label, /** @type {(text: string) => string} */ change) => h('button.icon-only', {
      type: 'button', title: label, 'aria-label': `${label}: ${item} ${i + 1}`,
      onclick: (/** @type {Event} */ e) => { e.preventDefault(); this.#edit(change); },
    }, icon(name));
    const element = h('details.item', { open, id: newId(), dataset: { field: fieldName(path) } },
      h('summary', null, icon('chevron'), title, h('span.acts', null,
        act('up', 'Move up', (text) => moveItem(text, this.path, i, -1)),
        act('down', 'Move down', (text) => moveItem(text, this.path, i, 1)),
        act('trash', 'Remove', (text) => removeItem(text, this.path, i)))),
      group.element);
    return { element, group, title };
  }

  #add() {
    const n = this.items.length;
    this.#edit((text) => insertItem(text, this.path, n, this.field.fresh ?? {}, this.context.order));
    const made = this.items[n];
    if (!made) return;
    made.element.open = true;
    made.element.scrollIntoView({ block: 'nearest' });
    /** @type {HTMLElement|null} */ (made.element.querySelector('input, textarea'))?.focus();
  }

  /** @param {(text: string) => string} change */
  #edit(change) {
    try {
      this.context.write(change(this.context.text()), `${fieldName(this.path)} items`);
      this.context.again();
    } catch (error) {
      if (!(error instanceof EditRefused)) throw error;
      toast(error.message, 'bad');
    }
  }
}

/** What an item without a name says. @param {Node|null} node */
function summary(node) {
  if (node?.kind !== 'map') return '';
  return node.entries.map((e) => `${e.key} ${e.value.kind === 'scalar' ? e.value.value : '…'}`).join(', ').slice(0, 80);
}

export class Form {
  /** @param {HTMLElement} element @param {Context} context */
  constructor(element, context) {
    this.element = element;
    this.context = context;
    /** @type {Control[]} */ this.controls = [];
    this.banner = h('div.banner.bad', { hidden: true, role: 'alert' });
    this.other = h('section.section', { hidden: true, 'aria-label': 'Only in the text' });
    this.extra = h('div');
    this.tabs = h('nav.chips', { 'aria-label': 'Parts of the form' });
    this.body = h('fieldset.sections', { 'aria-label': 'Persona' });
    this.scroller = h('div.scroll', null, this.banner, this.body);
    fill(element, this.tabs, this.scroller);
    const sections = SECTIONS.map((s) => {
      const controls = s.fields.map((f) => control(f, [f.key], context));
      this.controls.push(...controls);
      const section = h('section.section', { id: `s-${s.id}`, 'aria-labelledby': `t-${s.id}` }, h('h3', { id: `t-${s.id}` }, s.title), s.hint && h('p.hint', null, s.hint), h('div.group', null, controls.map((c) => c.element)));
      const chip = h('button.chip', { type: 'button', dataset: { section: s.id }, onclick: () => section.scrollIntoView({ block: 'start' }) }, s.title, h('b', { hidden: true }));
      this.tabs.append(chip);
      return section;
    });
    fill(this.body, sections, this.extra, this.other);
    this.spy = new IntersectionObserver((entries) => this.#seen(entries), { root: this.scroller, rootMargin: '-24px 0px -74% 0px' });
    for (const s of sections) this.spy.observe(s);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #seen(entries) {
    for (const e of entries) /** @type {HTMLElement} */ (e.target).dataset.seen = String(e.isIntersecting);
    const first = this.body.querySelector('section[data-seen="true"]');
    for (const chip of this.tabs.querySelectorAll('button')) chip.setAttribute('aria-current', String(first?.id === `s-${chip.dataset.section}`));
  }

  /**
   * Shows a text.
   * @param {string} text
   * @param {boolean} force also in the field that is being typed in
   */
  show(text, force) {
    try {
      const { root } = parse(text);
      for (const c of this.controls) c.refresh(at(root, c.path), force);
      this.banner.hidden = true;
      this.body.disabled = false;
      for (const chip of this.tabs.querySelectorAll('button')) this.#count(chip, root);
      const unknown = root.entries.map((e) => e.key).filter((k) => !isKnown(k) || (TEXT_ONLY.includes(k)));
      this.other.hidden = unknown.length === 0;
      fill(this.other, h('h3', null, 'Only in the text'), h('p.hint', null, 'The form does not show these fields and leaves them as they are: '), h('p', null, unknown.map((k) => h('button.chip', {
        type: 'button', onclick: () => this.context.goTo((root.entries.find((e) => e.key === k)?.line ?? 0) + 1) }, k))));
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error;
      this.banner.hidden = false;
      this.body.disabled = true;
      fill(this.banner, h('span', null, `The form cannot read line ${error.line}: ${error.message}. The text view has everything as you wrote it.`),
        h('button.small', { type: 'button', onclick: () => this.context.goTo(error.line) }, `Go to line ${error.line}`));
    }
  }

  /** @param {HTMLButtonElement} chip @param {Node} root */
  #count(chip, root) {
    const path = /** @type {Record<string, Path>} */ ({ goals: ['goals'], actions: ['actions'], lore: ['lorebook', 'entries'], variables: ['variables'] })[chip.dataset.section ?? ''];
    const node = path && at(root, path);
    const n = node?.kind === 'seq' ? node.items.length : node?.kind === 'map' ? node.entries.length : 0;
    const badge = /** @type {HTMLElement} */ (chip.querySelector('b'));
    badge.hidden = n === 0;
    badge.textContent = String(n);
  }

  /** Marks fields. @param {Problem[]} problems */
  problems(problems) {
    const all = this.controls.flatMap((c) => c.controls());
    for (const c of all) {
      const name = fieldName(c.path);
      const mine = problems.filter((p) => p.field === name || p.field.startsWith(`${name}[`) || (p.field.startsWith(`${name}.`) && !all.some((o) => o !== c && fieldName(o.path).length > name.length && p.field.startsWith(fieldName(o.path)))));
      /** @type {any} */ (c).problems?.(mine);
    }
    for (const d of this.element.querySelectorAll('details.item')) {
      const name = /** @type {HTMLElement} */ (d).dataset.field ?? '-';
      d.classList.toggle('wrong', problems.some((p) => p.field === name || p.field.startsWith(`${name}.`)));
    }
  }

  /** Brings a field into view. @param {string} field @returns {boolean} whether there is one */
  goTo(field) {
    const all = [...this.element.querySelectorAll('[data-field]')].map((e) => /** @type {HTMLElement} */ (e));
    const found = all.filter((e) => field === e.dataset.field || field.startsWith(`${e.dataset.field}.`) || field.startsWith(`${e.dataset.field}[`))
      .sort((a, b) => (b.dataset.field ?? '').length - (a.dataset.field ?? '').length)[0];
    if (!found) return false;
    for (let d = found.closest('details'); d; d = d.parentElement?.closest('details') ?? null) d.open = true;
    found.scrollIntoView({ block: 'center' });
    /** @type {HTMLElement|null} */ (found.querySelector('input, textarea, select'))?.focus({ preventScroll: true });
    return true;
  }
}
