/**
 * All about one zone, as fields. Every change is handed on as a whole new zone.
 * @module
 */
import { LOOKS } from '../zonelook.js';
import { cutoff } from '../zones.js';
import { h } from './dom.js';
import { reshaped } from './zoneedit.js';

/** @import {Shape, Zone} from '../zones.js' */
/** @typedef {{label: string, unit: string, min: number, max: number, step: number, hint?: string, get: (z: Zone) => number, set: (z: Zone, v: number) => Zone}} Figure */

const REVERBS = { '': 'As around it', dry: 'Dry', booth: 'Booth', room: 'Room', hall: 'Hall', cathedral: 'Cathedral', outdoors: 'Outdoors' };
const FORMS = { box: 'Box', cylinder: 'Circle', polygon: 'Polygon' };
const SPEAK = { '': 'As around it', everybody: 'Everybody', nobody: 'Nobody', performers: 'Performers: streams and the grant perform', listed: 'Only those listed' };

/** @param {keyof Zone} key @param {Omit<Figure, 'get'|'set'>} rest @returns {Figure} */
function plain(key, rest) {
  return { ...rest, get: (z) => Number(z[key] ?? 0), set: (z, v) => ({ ...z, [key]: v }) };
}

/** @param {Omit<Figure, 'get'|'set'>} rest @param {(s: Shape) => number} get @param {(s: Shape, v: number) => Shape} set @returns {Figure} */
function ofShape(rest, get, set) { return { ...rest, get: (z) => get(z.shape), set: (z, v) => ({ ...z, shape: set(z.shape, v) }) }; }

const SOUND = [
  plain('gain', { label: 'Gain', unit: 'dB', min: -60, max: 12, step: 1, hint: 'How much louder voices from here are.' }),
  plain('isolation', { label: 'Isolation', unit: 'dB', min: 0, max: 60, step: 1, hint: 'What its walls take between inside and outside.' }),
  plain('occlusion', { label: 'Occlusion', unit: 'dB', min: 0, max: 30, step: 1, hint: 'What each wall takes of a voice that only passes through.' }),
  plain('fade', { label: 'Fade', unit: 'm', min: 0, max: 20, step: 0.1, hint: 'How far inside the border all of it holds. 0 cuts like a knife.' }),
];
const UPRIGHT = [
  ofShape({ label: 'Floor', unit: 'm', min: -10000, max: 10000, step: 0.5 }, (s) => s.floor, (s, floor) => ({ ...s, floor })),
  ofShape({ label: 'Height', unit: 'm', min: 0.2, max: 2000, step: 0.5, hint: 'Heads must be below it, by the fade.' }, (s) => s.height, (s, height) => ({ ...s, height })),
];
/** @type {Record<Shape['form'], Figure[]>} */
const FLAT = {
  box: [
    ofShape({ label: 'Width', unit: 'm', min: 0.2, max: 2000, step: 0.5 }, (s) => s.size?.[0] ?? 0, (s, v) => ({ ...s, size: [v, s.size?.[1] ?? 1] })),
    ofShape({ label: 'Depth', unit: 'm', min: 0.2, max: 2000, step: 0.5 }, (s) => s.size?.[1] ?? 0, (s, v) => ({ ...s, size: [s.size?.[0] ?? 1, v] })),
    ofShape({ label: 'Yaw', unit: '°', min: -360, max: 360, step: 5 }, (s) => s.yaw ?? 0, (s, yaw) => ({ ...s, yaw })),
  ],
  cylinder: [ofShape({ label: 'Radius', unit: 'm', min: 0.1, max: 1000, step: 0.25 }, (s) => s.radius ?? 0, (s, radius) => ({ ...s, radius }))],
  polygon: [],
};

export class ZoneForm {
  /** @type {Zone|null} */ #zone = null;
  /** @type {(() => void)[]} */ #shows = [];

  /** @param {{change: (zone: Zone) => void, remove: () => void, others: () => Zone[]}} asks */
  constructor(asks) {
    this.asks = asks;
    this.element = h('div.zoneform');
  }

  /** @param {Zone|null} zone */
  show(zone) {
    const same = zone && this.#zone && layoutOf(zone) === layoutOf(this.#zone);
    this.#zone = zone;
    if (!same) this.#build();
    for (const show of this.#shows) show();
  }

  #build() {
    this.#shows = [];
    const zone = this.#zone;
    if (!zone) {
      this.element.replaceChildren(h('p.none', null, 'Add a zone, or choose one on the map: drag it to move it, its corners to resize it.'));
      return;
    }
    this.element.replaceChildren(
      h('div.zonehead', null, this.#text('Name', (z) => z.title ?? '', (z, title) => ({ ...z, title: title || undefined }), zone.id),
        h('button.small.danger', { type: 'button', onclick: () => this.asks.remove() }, 'Remove')),
      h('div.pair', null, this.#pick('Kind', Object.fromEntries(Object.entries(LOOKS).map(([k, l]) => [k, l.label])), (z) => z.kind, (z, kind) => ({ ...z, kind: /** @type {Zone['kind']} */ (kind) })),
        this.#pick('Form', FORMS, (z) => z.shape.form, (z, form) => ({ ...z, shape: reshaped(z.shape, /** @type {Shape['form']} */ (form)) }))),
      h('div.triple', null, ...[...FLAT[zone.shape.form], ...UPRIGHT].map((f) => this.#figure(f))),
      this.#tick('Sealed: no voice, line or caption passes its border', (z) => z.sealed ?? false, (z, sealed) => ({ ...z, sealed: sealed || undefined })),
      h('div.knobs', null, ...SOUND.filter((f) => !(zone.sealed && f.label === 'Isolation')).map((f) => this.#knob(f))),
      this.#walls(),
      this.#pick('Reverberation', REVERBS, (z) => z.reverb ?? '', (z, reverb) => ({ ...z, reverb: reverb || undefined })),
      this.#pick('Who may speak', SPEAK, (z) => z.speak?.who ?? '', (z, who) => ({ ...z, speak: speaking(z, who) })),
      zone.speak?.who === 'listed' ? this.#text('Grants', (z) => (z.speak?.grants ?? []).join(', '), (z, text) => ({ ...z, speak: { who: 'listed', grants: words(text), participants: z.speak?.participants } }), 'moderate') : '',
      zone.speak?.who === 'listed' ? this.#text('Participants', (z) => (z.speak?.participants ?? []).join(', '), (z, text) => ({ ...z, speak: { who: 'listed', grants: z.speak?.grants, participants: words(text) } }), 'pa_…') : '',
      this.#tick('Megaphone: heard far away', (z) => z.megaphone !== undefined, (z, on) => ({ ...z, megaphone: on ? { gain: -9 } : undefined })),
      ...(zone.megaphone ? this.#horn(zone) : []),
    );
  }

  /** @param {Zone} zone */
  #horn({ id }) {
    const to = Object.fromEntries([['', 'The whole world'], ...this.asks.others().filter((z) => z.id !== id).map((z) => [z.id, z.title || z.id])]);
    return [this.#pick('Heard in', to, (z) => z.megaphone?.to ?? '', (z, where) => ({ ...z, megaphone: { gain: z.megaphone?.gain ?? -9, ...where && { to: where } } })),
      h('div.knobs', null, this.#knob({ label: 'Loudness there', unit: 'dB', min: -60, max: 0, step: 1, hint: 'Below what it is at the mouth, wherever one stands.', get: (z) => z.megaphone?.gain ?? 0, set: (z, gain) => ({ ...z, megaphone: { ...z.megaphone, gain } }) }))];
  }

  /** Says what the walls sound like. */
  #walls() {
    const line = h('p.soft');
    this.#shows.push(() => {
      const z = this.#zone, db = z?.sealed ? 0 : z?.isolation ?? 0;
      line.hidden = !db;
      line.textContent = `Through a wall little above ${Math.round(cutoff(db) / 10) * 10} Hz is left.`;
    });
    return line;
  }

  /** @param {string} label @param {Record<string, string>} options @param {(z: Zone) => string} get @param {(z: Zone, v: string) => Zone} set */
  #pick(label, options, get, set) {
    const select = h('select', { onchange: () => this.#change((z) => set(z, select.value)) }, Object.entries(options).map(([value, text]) => h('option', { value }, text)));
    this.#shows.push(() => { if (this.#zone) select.value = get(this.#zone); });
    return h('label.field', null, h('span', null, label), select);
  }

  /** @param {string} label @param {(z: Zone) => string} get @param {(z: Zone, v: string) => Zone} set @param {string} placeholder */
  #text(label, get, set, placeholder) {
    const input = h('input', { type: 'text', placeholder, autocomplete: 'off', spellcheck: false, maxLength: 4000, onchange: () => this.#change((z) => set(z, input.value.trim())) });
    this.#shows.push(() => { if (this.#zone && document.activeElement !== input) input.value = get(this.#zone); });
    return h('label.field', null, h('span', null, label), input);
  }

  /** @param {string} label @param {(z: Zone) => boolean} get @param {(z: Zone, v: boolean) => Zone} set */
  #tick(label, get, set) {
    const input = h('input', { type: 'checkbox', onchange: () => this.#change((z) => set(z, input.checked)) });
    this.#shows.push(() => { if (this.#zone) input.checked = get(this.#zone); });
    return h('label.tick', null, input, label);
  }

  /** A number alone. @param {Figure} f */
  #figure(f) {
    const input = h('input', { type: 'number', min: String(f.min), max: String(f.max), step: 'any', 'aria-label': f.label, title: f.hint ?? '', oninput: () => this.#number(input.value, f) });
    this.#shows.push(() => { if (this.#zone && document.activeElement !== input) input.value = String(f.get(this.#zone)); });
    return h('label.field', null, h('span', null, `${f.label} (${f.unit})`), input);
  }

  /** A number with a slider. @param {Figure} f */
  #knob(f) {
    const slider = h('input', { type: 'range', min: String(f.min), max: String(f.max), step: String(f.step), 'aria-label': f.label, oninput: () => this.#number(slider.value, f) });
    const number = h('input', { type: 'text', inputMode: 'decimal', autocomplete: 'off', 'aria-label': `${f.label}, ${f.unit}`, oninput: () => this.#number(number.value.replace(',', '.'), f) });
    this.#shows.push(() => {
      if (!this.#zone) return;
      const v = f.get(this.#zone);
      slider.value = String(v);
      if (document.activeElement !== number) number.value = String(v);
    });
    return h('div.knob', null, h('label', null, f.label), h('div.number', null, number, h('span', { 'aria-hidden': 'true' }, f.unit)), h('span'), slider, h('small', null, f.hint));
  }

  /** @param {string} text @param {Figure} f */
  #number(text, f) {
    const v = Number(text);
    if (text.trim() !== '' && Number.isFinite(v)) this.#change((z) => f.set(z, v));
  }

  /** @param {(z: Zone) => Zone} how */
  #change(how) {
    if (this.#zone) this.asks.change(how(this.#zone));
  }
}

/** Of which fields the form of a zone is made. @param {Zone} z */
function layoutOf(z) { return [z.id, z.shape.form, z.sealed ?? false, z.speak?.who ?? '', z.megaphone !== undefined].join(); }

/** @param {Zone} z @param {string} who @returns {Zone['speak']} */
function speaking(z, who) {
  if (!who) return undefined;
  return who === 'listed' ? { who, grants: z.speak?.grants ?? ['moderate'], participants: z.speak?.participants } : { who: /** @type {'everybody'} */ (who) };
}

/** @param {string} text */
function words(text) { return text.split(/[\s,]+/).filter(Boolean); }
