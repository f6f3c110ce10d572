/**
 * What is known of a person: strikes, sanctions in force, incidents, reports;
 * and acts by hand.
 * @module
 */
import { face } from '../studio/list.js';
import { confirm } from '../studio/dialog.js';
import { download, fill, h, toast, when } from '../studio/dom.js';
import { sentence } from '../studio/api.js';
import { LADDER, TIMES, act, action, category, grade, lasts, time } from './words.js';

/** @typedef {import('./api.js').Person} Person */
/** @typedef {{undone: (order: string) => void, acted: (order: string, words: string) => void, open: (incident: string) => void, admin: boolean}} To */

export class PersonPane {
  /** @type {Person|null} */ person = null;
  world = '';
  /** What the server is being told, so that nothing is done twice. @type {Set<string>} */ #telling = new Set();

  /** @param {HTMLElement} box @param {import('./api.js').Api} api @param {To} to */
  constructor(box, api, to) {
    this.box = box;
    this.api = api;
    this.to = to;
  }

  /** @param {Person|null} person @param {string} world */
  show(person, world) {
    const typing = this.person?.who === person?.who && this.box.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement;
    this.person = person;
    this.world = world;
    if (!typing) this.draw();
  }

  draw() {
    const p = this.person;
    if (!p) return fill(this.box);
    if (!p.who) return fill(this.box, h('p.none', null, 'A character, and nobody to act on. Right: it stays unsaid, or unpublished. Wrong: it may be published.'));
    const strikes = p.strikes ?? [], force = p.in_force ?? [], past = p.incidents ?? [];
    fill(this.box,
      h('header.person', null, face(p.who, p.name), h('div', null, h('h2', null, p.name || 'Somebody'), h('code', null, p.who))),
      h('dl.counts', null,
        count(strikes.length, 'strikes'), count(past.length, 'incidents'), count(p.reports_against ?? 0, 'reports about them'), count(p.reports_made ?? 0, 'reports by them')),
      h('h3', null, 'In force'),
      force.length ? h('ul.force', null, force.map((s) => h('li', null,
        h('span', null, h('b', null, action(s.action)), h('small', null, s.until ? ` ${ends(s.until)}` : ' until somebody lifts it')),
        h('button.small', { type: 'button', onclick: () => { void this.undo(s.order); } }, 'Undo')))) : h('p.none', null, 'Nothing holds against this person.'),
      this.#form(),
      strikes.length ? [h('h3', null, 'Strikes'), h('ul.strikes', null, strikes.slice(0, 8).map((s) => h('li', null, h('span', null, category(s.category)), h('small', null, `${s.rule ? `${s.rule} · ` : ''}${when(s.at)}`), meter(s.weight))))] : null,
      past.length ? [h('h3', null, 'Before'), h('ul.past', null, past.slice(0, 12).map((i) => h('li', null, h('button', { type: 'button', dataset: { grade: grade(i.severity) }, onclick: () => this.to.open(i.id) },
        h('span.bar', null), h('span', null, `${category(i.category)} · ${i.state === 'open' ? 'open' : i.state === 'undone' ? 'undone' : String(i.verdict ?? 'judged').replace('_', ' ')}`), h('small', null, when(i.at))))))] : null,
      this.to.admin ? h('div.data', null, h('button.link', { type: 'button', onclick: () => { void this.export(); } }, 'Export what is kept'),
        h('button.link.danger', { type: 'button', onclick: () => { void this.erase(); } }, 'Erase it')) : null);
  }

  #form() {
    const select = h('select', { 'aria-label': 'Action', id: 'act-action' }, LADDER.filter((a) => a !== 'mask').map((a) => h('option', { value: a, selected: a === 'mute' }, action(a))));
    const length = h('select', { 'aria-label': 'For how long' }, TIMES.map((s) => h('option', { value: String(s), selected: s === 600 }, time(s))), h('option', { value: '0' }, 'until lifted'));
    const reason = h('input', { type: 'text', maxLength: 200, required: true, placeholder: 'Reason, for the record', 'aria-label': 'Reason' });
    select.onchange = () => { length.hidden = !lasts(select.value); };
    return h('details.act', { open: false }, h('summary', null, 'Act by hand', h('kbd', null, 'A')), h('form', {
      onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); void this.act({ action: select.value, for_s: lasts(select.value) ? Number(length.value) : 0, reason: reason.value.trim() }); },
    }, h('div.two', null, select, length), reason, h('button.primary', { type: 'submit' }, 'Do it')));
  }

  /** Opens the form for an act by hand. */
  openForm() {
    const form = this.box.querySelector('details.act');
    if (!(form instanceof HTMLDetailsElement)) return;
    form.open = true;
    form.scrollIntoView({ block: 'nearest' });
    form.querySelector('select')?.focus();
  }

  /** @param {{action: string, for_s: number, reason: string}} body */
  async act(body) {
    const { person } = this;
    if (!person || this.#telling.has(person.who)) return;
    this.#telling.add(person.who);
    try {
      const { order } = await this.api.act(person.who, { world: this.world, ...body });
      this.to.acted(order, `${person.name}: ${act(body)}`);
      /** @type {HTMLElement|null} */ (document.activeElement)?.blur();
      await this.refresh();
    } catch (error) {
      toast(sentence(error), 'bad');
    } finally {
      this.#telling.delete(person.who);
    }
  }

  /** @param {string} order */
  async undo(order) {
    if (this.#telling.has(order)) return;
    this.#telling.add(order);
    try {
      await this.api.undo(order, '');
      toast('Undone. They are told so.', 'good');
      this.to.undone(order);
      await this.refresh();
    } catch (error) {
      toast(sentence(error), 'bad');
    } finally {
      this.#telling.delete(order);
    }
  }

  async refresh() {
    const who = this.person?.who;
    if (!who) return;
    const person = await this.api.person(who).catch(() => null);
    if (person && this.person?.who === who) this.show({ ...person, name: person.name || this.person.name }, this.world);
  }

  async export() {
    const { person } = this;
    if (!person) return;
    try {
      download(await this.api.export(person.who), `${person.who}.json`);
    } catch (error) {
      toast(sentence(error), 'bad');
    }
  }

  async erase() {
    const { person } = this;
    if (!person || !await confirm(`Erase what is kept of ${person.name}?`, 'Texts, names and evidence of this person are gone for good. The chain of the log still verifies, since it keeps what it hashed them to.', 'Erase it')) return;
    try {
      await this.api.erase(person.who);
      toast('Erased.', 'good');
      await this.refresh();
    } catch (error) {
      toast(sentence(error), 'bad');
    }
  }
}

/** @param {number} n @param {string} of */
function count(n, of) { return h('div', null, h('dt', null, of), h('dd', null, String(n))); }

/** @param {number} weight of a strike, 0 to about 1 */
function meter(weight) { return h('span.weight', { title: `Weight ${weight.toFixed(2)}: it decays` }, weight.toFixed(1)); }

/** @param {string} until */
function ends(until) {
  const left = (Date.parse(until) - Date.now()) / 1000;
  return left > 0 ? `for ${time(left)} more` : 'over';
}
