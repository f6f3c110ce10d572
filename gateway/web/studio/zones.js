/**
 * The zones of a world: a map to draw them on and a form for the one that is
 * chosen. Every change is sent at once; what the server refuses stays here, and
 * says why.
 * @module
 */
import { colorOf, LOOKS, nameOf } from '../zonelook.js';
import { sentence } from './api.js';
import { debounce, fill, h, icon } from './dom.js';
import { fresh } from './zoneedit.js';
import { ZoneForm } from './zoneform.js';
import { ZoneMap } from './zonemap.js';

/** @typedef {import('../zones.js').Zone} Zone */

const SEND_MS = 60, MAX_UNDO = 100;

export class ZonesPanel {
  /** @type {Zone[]} as they stand here */ #now;
  #live = ''; // as the server has them, JSON
  #selected = '';
  /** @type {string[]} lists before, JSON */ #past = [];
  #settled;
  #sending = false;
  #send;

  /**
   * @param {import('./api.js').Api} api
   * @param {import('./api.js').World} world
   * @param {(world: import('./api.js').World) => void} changed
   */
  constructor(api, world, changed) {
    this.api = api;
    this.name = world.name;
    this.changed = changed;
    this.#now = structuredClone(world.parameters.zones ?? []);
    this.#live = this.#settled = JSON.stringify(this.#now);
    this.#send = debounce(SEND_MS, () => { void this.#patch(); });
    this.status = h('span.live', { role: 'status' });
    this.back = h('button.icon-only', { type: 'button', disabled: true, title: 'Back to the zones before', 'aria-label': 'Back to the zones before', onclick: () => this.#undo() }, icon('undo'));
    this.list = h('div.zonelist', { role: 'listbox', 'aria-label': 'Zones' });
    this.map = new ZoneMap({
      select: (id) => this.#select(id),
      change: (shape) => this.#replace((z) => ({ ...z, shape })),
      settle: () => this.#settle(),
    }, { scene: world.scene ?? '', spawn: world.spawn ?? [0, 0, 0] });
    this.form = new ZoneForm({ change: (zone) => { this.#replace(() => zone); this.#settleSoon(); }, remove: () => this.#remove(), others: () => this.#now });
    this.element = h('section.section.zones', { 'aria-label': 'Zones' },
      h('header', null, h('h3', null, 'Zones'), this.status, this.back),
      h('p.soft', null, 'Rooms, private tables, stages and quiet places. Who crosses a border hears it at once, and so does everybody while you draw.'),
      h('div.zoneadd', null, ...Object.entries(LOOKS).map(([kind, { label }]) => h('button.small', { type: 'button', dataset: { add: kind }, onclick: () => this.#add(/** @type {Zone['kind']} */ (kind)) }, icon('plus'), label))),
      h('div.zonework', null, h('div', null, this.map.element, this.list), this.form.element));
    this.#settleSoon = debounce(600, () => this.#settle());
    this.#draw();
  }

  #settleSoon;

  /** The server says how the world is now. @param {import('./api.js').World} world */
  update(world) {
    const zones = world.parameters.zones ?? [], told = JSON.stringify(zones);
    if (this.#sending || this.map.dragging || JSON.stringify(this.#now) !== this.#live || told === this.#live) return;
    this.#now = structuredClone(zones);
    this.#live = this.#settled = told;
    this.#draw();
  }

  /** @param {string} id */
  #select(id) {
    this.#selected = id;
    this.#draw();
  }

  /** @param {Zone['kind']} kind */
  #add(kind) {
    const zone = fresh(kind, this.map.middle, this.#now);
    this.#now = [...this.#now, zone];
    this.#selected = zone.id;
    this.#settle();
    this.#changed();
  }

  #remove() {
    this.#now = this.#now.filter((z) => z.id !== this.#selected).map((z) => (z.megaphone?.to === this.#selected ? { ...z, megaphone: { gain: z.megaphone.gain } } : z));
    this.#selected = '';
    this.#settle();
    this.#changed();
  }

  /** @param {(zone: Zone) => Zone} how to change the one that is chosen */
  #replace(how) {
    this.#now = this.#now.map((z) => (z.id === this.#selected ? tidied(how(z)) : z));
    this.#changed();
  }

  #undo() {
    const before = this.#past.pop();
    if (!before) return;
    this.#now = JSON.parse(before);
    this.#settled = before;
    this.#changed();
  }

  /** A movement ended: where it began is what one can go back to. */
  #settle() {
    const now = JSON.stringify(this.#now);
    if (now === this.#settled) return;
    this.#past = [...this.#past, this.#settled].slice(-MAX_UNDO);
    this.#settled = now;
    this.back.disabled = false;
  }

  #changed() {
    this.#draw();
    this.#send();
  }

  async #patch() {
    const sent = JSON.stringify(this.#now);
    if (this.#sending || sent === this.#live) return;
    this.#sending = true;
    const start = performance.now();
    try {
      const answer = await this.api.setWorld(this.name, { zones: JSON.parse(sent) });
      this.#live = sent;
      this.changed(answer);
      this.#say('good', `Live after ${Math.round(performance.now() - start)} ms`);
    } catch (error) {
      this.#say('bad', `Not applied: ${sentence(error)}`);
    } finally {
      this.#sending = false;
    }
    if (JSON.stringify(this.#now) !== sent) this.#send();
  }

  /** @param {'good'|'bad'} look @param {string} text */
  #say(look, text) {
    this.status.className = `live ${look}`;
    fill(this.status, look === 'good' && icon('check'), text);
  }

  #draw() {
    const chosen = this.#now.find((z) => z.id === this.#selected) ?? null;
    this.back.disabled = this.#past.length === 0;
    Object.assign(this.map, { zones: this.#now, selected: this.#selected });
    this.map.draw();
    this.form.show(chosen);
    fill(this.list, ...this.#now.map((z) => {
      const dot = h('i');
      dot.style.background = colorOf(z.kind, 1);
      return h('button', { type: 'button', role: 'option', dataset: { id: z.id }, 'aria-selected': String(z === chosen), onclick: () => this.#select(z.id) }, dot, nameOf(z), h('small', null, summary(z)));
    }), this.#now.length ? null : h('p.none', null, 'This world is one open place.'));
  }
}

/** Without the members that say nothing. @param {Zone} zone @returns {Zone} */
function tidied(zone) { return JSON.parse(JSON.stringify(zone)); }

/** @param {Zone} z */
function summary(z) {
  return [z.sealed ? 'sealed' : z.isolation ? `−${z.isolation} dB` : '', z.speak ? { everybody: 'all may speak', nobody: 'silent', performers: 'performers speak', listed: 'some may speak' }[z.speak.who] : '',
    z.megaphone ? `heard in ${z.megaphone.to || 'the world'}` : '', z.reverb ?? ''].filter(Boolean).join(', ');
}
