/**
 * Appeals: what somebody says against a decision. Who decided first may not
 * decide again; such ones are shown, and locked with the reason.
 * @module
 */
import { sentence } from '../studio/api.js';
import { face } from '../studio/list.js';
import { el, fill, h, toast, when } from '../studio/dom.js';
import { acts, category, covered } from './words.js';

/** @typedef {import('./api.js').Appeal} Appeal */

export class AppealsPane {
  /** @type {Appeal[]} */ appeals = [];
  /** @type {Set<string>} whose covered words are shown */ #open = new Set();
  /** @type {Set<string>} that are being decided */ #deciding = new Set();

  /** @param {import('./api.js').Api} api @param {{look: (incident: string) => void, decided: () => void}} to */
  constructor(api, to) {
    this.api = api;
    this.to = to;
    this.box = el('appeals');
  }

  async load() {
    this.appeals = (await this.api.appeals()).appeals ?? [];
    this.draw();
  }

  draw() {
    const { activeElement } = document;
    if (this.box.contains(activeElement) && activeElement instanceof HTMLInputElement && activeElement.value) return; // not under a hand that writes
    fill(this.box, h('div.column', null, h('h2', null, 'Appeals'), h('p.lead', null, 'Somebody says that a decision about them is wrong. A moderator who did not make it decides; they are told what came of it.'),
      this.appeals.length ? this.appeals.map((a) => this.#card(a)) : h('p.nothing', null, 'No appeal is open.')));
  }

  /** @param {Appeal} a */
  #card(a) {
    const note = h('input', { type: 'text', maxLength: 300, placeholder: 'Reason, for the record', 'aria-label': `Reason for ${a.name}`, disabled: a.mine });
    const decide = (/** @type {'upheld'|'overturned'} */ verdict) => { void this.decide(a, verdict, note.value.trim()); };
    return h('article.appeal', { dataset: { id: a.id }, className: a.mine ? 'appeal locked' : 'appeal' },
      h('header', null, face(a.who, a.name), h('div', null, h('b', null, a.name), h('small', null, `${category(a.incident?.category ?? '')} · ${acts(a.incident?.actions)} · ${when(a.at)}`)),
        h('button.small', { type: 'button', onclick: () => this.to.look(a.incident.id) }, 'Look at the incident')),
      h('blockquote', null, a.incident && covered(a.incident) && !this.#open.has(a.id)
        ? h('button.link', { type: 'button', onclick: () => { this.#open.add(a.id); this.draw(); } }, 'Show what they write: it may quote what was severe') : a.text),
      a.mine ? h('p.lock', null, 'You made this decision, so another moderator decides about the appeal.')
        : h('footer', null, note, h('button.small', { type: 'button', dataset: { decide: 'upheld' }, onclick: () => decide('upheld') }, 'It stands'), h('button.primary', { type: 'button', dataset: { decide: 'overturned' }, onclick: () => decide('overturned') }, 'Overturn it')));
  }

  /** @param {Appeal} a @param {'upheld'|'overturned'} verdict @param {string} note */
  async decide(a, verdict, note) {
    if (this.#deciding.has(a.id)) return;
    this.#deciding.add(a.id);
    try {
      await this.api.decide(a.id, verdict, note);
      toast(verdict === 'upheld' ? 'The decision stands. They are told.' : 'Overturned: what was done is undone, and they are told.', 'good');
      this.appeals = this.appeals.filter((b) => b.id !== a.id);
      /** @type {HTMLElement|null} */ (document.activeElement)?.blur();
      this.draw();
      this.to.decided();
    } catch (error) {
      toast(sentence(error), 'bad');
    } finally {
      this.#deciding.delete(a.id);
    }
  }
}
