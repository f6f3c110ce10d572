/**
 * Below the people of this instance: who stands near in other instances of the
 * world. Asked for only while the panel is open.
 * @module
 */
import { hueOf } from './color.js';
import { NearSubscription } from '../near.js';
import { placeName } from './place-name.js';
import { el } from './ui.js';

const RADIUS = 30;

export class Elsewhere {
  /** @type {NearSubscription | null} */ #near = null;

  /** @param {import('../earshot.js').Earshot} session */
  constructor(session) {
    this.session = session;
    this.box = el('elsewhere');
    this.list = el('elsewhere-list');
  }

  /** @param {boolean} open */
  watch(open) {
    if (open === (this.#near !== null)) return;
    this.#near?.close();
    this.#near = open ? new NearSubscription({
      url: () => this.session.nodes.url, token: () => this.session.token,
      watches: [{ id: 'all', radius: RADIUS }], onChange: (_, feed) => this.show(feed.list()),
    }) : null;
    this.show([]);
  }

  /** @param {import('../near.js').NearPerson[]} people */
  show(people) {
    const others = people.filter((p) => !p.here);
    this.box.hidden = others.length === 0;
    this.list.replaceChildren(...others.map(row));
  }
}

/** @param {import('../near.js').NearPerson} p @returns {HTMLLIElement} */
function row(p) {
  const li = document.createElement('li'), dot = document.createElement('span'), who = document.createElement('div');
  const b = document.createElement('b'), small = document.createElement('small'), name = p.name ?? 'Somebody';
  li.style.setProperty('--hue', hueOf(p.participant).toFixed(0));
  dot.className = 'dot';
  dot.textContent = [...name][0]?.toUpperCase() ?? '?';
  dot.setAttribute('aria-hidden', 'true');
  who.className = 'who';
  b.textContent = name;
  small.textContent = `${p.distance.toFixed(0)} m away in ${placeName(p.instance)}`;
  who.append(b, small);
  li.append(dot, who);
  return li;
}
