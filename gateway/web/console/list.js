/**
 * The rows of the queue. New ones slide in at their place; the one that is
 * looked at stays where the eye is, and the focus is never moved.
 * @module
 */
import { el, h, when } from '../studio/dom.js';
import { acts, category, grade, judgeable, kind } from './words.js';

/** @typedef {import('./api.js').Incident} Incident */

/** What is older than this does not slide in. */
const NEW_MS = 60_000;

export class IncidentList {
  selected = '';
  /** @type {Map<string, {row: HTMLElement, key: string}>} */ #rows = new Map();
  #first = true;
  #heading = h('h3.apart', { title: 'Judging some of them is how its precision is known' }, 'Decided by the machine');

  /** @param {import('./queue.js').Queue} queue @param {(id: string) => void} open */
  constructor(queue, open) {
    this.queue = queue;
    this.open = open;
    this.box = el('incidents');
  }

  draw() {
    const incidents = this.queue.rows();
    const kept = this.box.querySelector(`[data-id="${CSS.escape(this.selected)}"]`), was = kept?.getBoundingClientRect().top;
    const wanted = new Set(incidents.map((i) => i.id));
    for (const [id, { row }] of this.#rows) if (!wanted.has(id)) { row.remove(); this.#rows.delete(id); }
    /** @type {Element|null} */ let before = null;
    const apart = this.queue.show === 'open' ? incidents.find((i) => i.state !== 'open') : undefined;
    this.#heading.hidden = !apart;
    for (const incident of incidents) {
      if (incident === apart) {
        if ((before ? before.nextElementSibling : this.box.firstElementChild) !== this.#heading) this.box.insertBefore(this.#heading, before ? before.nextElementSibling : this.box.firstElementChild);
        before = this.#heading;
      }
      const row = this.#row(incident);
      const next = /** @type {Element|null} */ (before ? before.nextElementSibling : this.box.firstElementChild);
      if (next !== row) this.box.insertBefore(row, next);
      before = row;
    }
    this.#first = false;
    el('queue-empty').hidden = incidents.length > 0;
    const now = kept?.isConnected ? kept.getBoundingClientRect().top : undefined;
    if (was !== undefined && now !== undefined) this.box.scrollTop += now - was;
  }

  /** @param {Incident} i */
  #row(i) {
    const known = this.#rows.get(i.id), key = JSON.stringify([i, i.id === this.selected, when(i.at)]);
    if (known?.key === key) return known.row;
    const done = i.state === 'open' ? (i.automatic ? acts(i.actions) : i.review ? 'waits for you' : acts(i.actions)) : i.state === 'undone' ? 'undone' : i.verdict ? `judged ${i.verdict.replace('_', ' ')}` : acts(i.actions);
    const row = h('button.incident', {
      type: 'button', dataset: { id: i.id, grade: grade(i.severity), state: judgeable(i) ? 'open' : i.state }, 'aria-current': String(i.id === this.selected), onclick: () => this.open(i.id),
    },
    h('span.bar', { title: `Severity ${Math.round(i.severity * 100)} of 100` }),
    h('b', null, i.name || i.who), h('time', { dateTime: i.at }, when(i.at)),
    h('span.what', null, h('span.cat', null, category(i.category)), ` · ${kind(i.kind)}`, i.reports > 0 ? ` · ${i.reports} ${i.reports === 1 ? 'report' : 'reports'}` : ''),
    h('small', null, done));
    if (known) {
      const focused = known.row === document.activeElement;
      known.row.replaceWith(row);
      if (focused) row.focus({ preventScroll: true });
    } else if (!this.#first && Date.now() - Date.parse(i.at) < NEW_MS) row.classList.add('new');
    this.#rows.set(i.id, { row, key });
    return row;
  }

  /** @param {string} id */
  select(id) {
    this.selected = id;
    this.draw();
    this.#rows.get(id)?.row.scrollIntoView({ block: 'nearest' });
  }
}
