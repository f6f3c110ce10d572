/**
 * The characters by world, with a search. It shows; main.js decides.
 * @module
 */
import { el, fill, h, icon } from './dom.js';

/**
 * @typedef {{id: string, world: string, name: string, version: number, out?: boolean, speaks: string, reason?: string}} Row version 0: not applied yet
 * @typedef {{name: string, title: string}} Place
 */

export class NpcList {
  /** @type {Place[]} */ worlds = [];
  /** @type {Row[]} */ rows = [];
  /** @type {Set<string>} ids with unsaved changes */ edited = new Set();
  selected = '';
  world = '';
  #shown = '';

  /** @param {{open: (id: string) => void, openWorld: (world: string) => void}} to */
  constructor(to) {
    this.to = to;
    this.box = el('npcs');
    this.search = /** @type {HTMLInputElement} */ (el('search'));
    this.search.oninput = () => this.draw();
    this.search.onkeydown = (e) => {
      const first = this.box.querySelector('button.npc');
      if (e.key === 'Enter' && first instanceof HTMLElement) first.click();
      if (e.key === 'ArrowDown' && first instanceof HTMLElement) { e.preventDefault(); first.focus(); }
      if (e.key === 'Escape' && this.search.value) { e.stopPropagation(); this.search.value = ''; this.draw(); }
    };
    this.box.onkeydown = (e) => {
      const way = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
      if (!way) return;
      const all = [...this.box.querySelectorAll('button')];
      const next = all[all.indexOf(/** @type {any} */ (document.activeElement)) + way];
      e.preventDefault();
      (next ?? this.search).focus();
    };
  }

  draw() {
    const wanted = this.search.value.trim().toLowerCase();
    const rows = this.rows.filter((r) => `${r.name} ${r.id} ${r.world}`.toLowerCase().includes(wanted));
    const key = JSON.stringify([rows, this.worlds, [...this.edited], this.selected, this.world, wanted]);
    if (key === this.#shown) return;
    this.#shown = key;
    const focused = document.activeElement instanceof HTMLElement && this.box.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    fill(this.box, ...this.worlds.flatMap((w) => {
      const here = rows.filter((r) => r.world === w.name);
      if (!here.length && wanted) return [];
      return [
        h('div.place', null, h('span', null, w.title || w.name), h('button', { type: 'button', dataset: { id: `world:${w.name}` }, title: `How ${w.title || w.name} sounds: ranges, curve, density`, 'aria-current': String(this.world === w.name), onclick: () => this.to.openWorld(w.name) }, icon('sliders'), 'World')),
        ...here.map((r) => this.#row(r)),
        here.length ? null : h('p.none', null, 'Nobody lives here yet.'),
      ];
    }), rows.length || !wanted ? null : h('p.none', null, `Nobody is called “${this.search.value.trim()}”.`));
    if (focused) /** @type {HTMLElement|null} */ (this.box.querySelector(`[data-id="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {Row} r */
  #row(r) {
    const how = r.version === 0 ? 'not applied yet' : r.out === false ? 'nobody is around' : r.speaks === 'model' ? 'answers by a model' : 'scripted lines only';
    return h('button.npc', { type: 'button', dataset: { id: r.id }, 'aria-current': String(r.id === this.selected), title: r.reason || how, onclick: () => this.to.open(r.id) },
      face(r.id, r.name), h('b', null, r.name || r.id), this.edited.has(r.id) ? h('span.edited', { role: 'img', 'aria-label': 'unsaved changes', title: 'Unsaved changes' }) : h('span.v', null, r.version ? `v${r.version}` : 'new'),
      h('small', null, h(`span.dot${r.version === 0 || r.out === false ? '' : r.speaks === 'model' ? '.model' : '.script'}`), how));
  }
}

/** A coloured initial. @param {string} id @param {string} name */
export function face(id, name) {
  const tone = [...id].reduce((n, c) => (n * 31 + (c.codePointAt(0) ?? 0)) % 997, 7) % 6;
  return h('span.face', { 'aria-hidden': 'true', dataset: { tone: String(tone) } }, ([...(name || id)][0] ?? '?').toUpperCase());
}
