/**
 * Where an NPC stands and walks: not in its YAML, since the same character may
 * live in several places.
 * @module
 */
import { fill, h, icon } from './dom.js';
import { newId } from './fields.js';

/** @typedef {import('./draft.js').Place} Place */

export class PlaceForm {
  /** @type {Place|null} */ #place = null;

  /** @param {HTMLElement} box @param {(place: Place) => void} changed */
  constructor(box, changed) {
    this.changed = changed;
    this.rows = h('div.rows', { role: 'group', 'aria-label': 'Waypoints' });
    this.home = h('div.group');
    fill(box, h('section.section', { 'aria-label': 'Place' }, h('h3', null, 'Place'), h('p.hint', null, 'In metres; this is not in the YAML, so that a character can live in several worlds.'),
      h('div.group', null, this.home, h('div.field', null, h('span.caption', null, 'Walks between'), this.rows,
        h('button.add', { type: 'button', onclick: () => {
          const place = this.#place;
          if (!place) return;
          const last = place.waypoints.at(-1)?.position ?? place.position;
          this.#change({ ...place, waypoints: [...place.waypoints, { position: [...last], pause: 5 }] });
          this.show(this.#place);
        } }, icon('plus'), 'Add a waypoint')))));
  }

  /** @param {Place|null} place */
  show(place) {
    this.#place = place && { ...place, waypoints: place.waypoints ?? [] };
    const p = this.#place;
    if (!p) return fill(this.home);
    if (this.home.contains(document.activeElement) || this.rows.contains(document.activeElement)) {
      if (document.activeElement instanceof HTMLInputElement) return;
    }
    const axis = (/** @type {string} */ label, /** @type {number} */ i) => this.#number(label, p.position[i] ?? 0, 'm', (v) => ({ ...this.place, position: this.place.position.map((x, n) => (n === i ? v : x)) }));
    fill(this.home, axis('East (x)', 0), axis('South (z)', 2), axis('Up (y)', 1),
      this.#number('Faces', p.yaw, '°', (v) => ({ ...this.place, yaw: v })), this.#number('Walks at', p.speed, 'm/s', (v) => ({ ...this.place, speed: Math.max(v, 0) })));
    fill(this.rows, p.waypoints.map((w, i) => {
      const set = (/** @type {Partial<typeof w>} */ part) => ({ ...this.place, waypoints: this.place.waypoints.map((o, n) => (n === i ? { ...o, ...part } : o)) });
      const at = (/** @type {number} */ n) => (/** @type {number} */ v) => set({ position: this.place.waypoints[i].position.map((x, m) => (m === n ? v : x)) });
      return h('div.row.way', null, this.#bare(`Waypoint ${i + 1}, x`, w.position[0], 'x', at(0)), this.#bare(`Waypoint ${i + 1}, z`, w.position[2], 'z', at(2)), this.#bare(`Waypoint ${i + 1}, pause`, w.pause, 's', (v) => set({ pause: Math.max(v, 0) })),
        h('button.icon-only', { type: 'button', title: 'Remove', 'aria-label': `Remove waypoint ${i + 1}`, onclick: () => { this.#change({ ...this.place, waypoints: this.place.waypoints.filter((_, n) => n !== i) }); this.show(this.#place); } }, icon('close')));
    }));
  }

  get place() { return /** @type {Place} */ (this.#place); }

  /** @param {Place} place */
  #change(place) {
    this.#place = place;
    this.changed(place);
  }

  /** @param {string} label @param {number} value @param {string} unit @param {(v: number) => Place} make */
  #number(label, value, unit, make) {
    const id = newId();
    const input = this.#input(label, value, make);
    input.id = id;
    return h('div.field.half', null, h('label', { htmlFor: id }, label), h('span.unit', null, input, h('span', { 'aria-hidden': 'true' }, unit)));
  }

  /** @param {string} label @param {number} value @param {string} unit @param {(v: number) => Place} make */
  #bare(label, value, unit, make) { return h('span.unit', null, this.#input(label, value, make), h('span', { 'aria-hidden': 'true' }, unit)); }

  /** @param {string} label @param {number} value @param {(v: number) => Place} make */
  #input(label, value, make) {
    const input = h('input', { type: 'text', inputMode: 'decimal', autocomplete: 'off', value: String(Number((value ?? 0).toFixed(3))), 'aria-label': label, oninput: () => {
      const v = Number(input.value.trim().replace(',', '.'));
      const ok = input.value.trim() !== '' && Number.isFinite(v);
      input.setAttribute('aria-invalid', String(!ok));
      if (ok) this.#change(make(v));
    } });
    return input;
  }
}
