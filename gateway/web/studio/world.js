/**
 * How a world sounds: its parameters with sliders, and the curve they make.
 * Every change is sent at once and can be taken back.
 * @module
 */
import { sentence } from './api.js';
import { describe, plot, refuse } from './curve.js';
import { debounce, el, fill, h, icon, svg } from './dom.js';
import { ZonesPanel } from './zones.js';

/**
 * @typedef {import('./api.js').Parameters} Parameters
 * @typedef {import('./api.js').World} World
 * @typedef {{key: string, label: string, unit: string, min: number, max: number, step: number, hint: string}} Knob
 */

/** @type {Knob[]} */
const VOICE = [
  { key: 'voice.range', label: 'Voice range', unit: 'm', min: 1, max: 100, step: 0.5, hint: 'Beyond it nobody is heard.' },
  { key: 'voice.fade', label: 'Fade', unit: 'm', min: 0, max: 30, step: 0.5, hint: 'The last metres, in which a voice falls to nothing.' },
  { key: 'voice.ref', label: 'Full voice within', unit: 'm', min: 0.1, max: 20, step: 0.1, hint: 'The reference distance of the model.' },
  { key: 'voice.rolloff', label: 'Rolloff', unit: '', min: 0, max: 5, step: 0.05, hint: 'How fast it falls behind that.' },
  { key: 'voice.max', label: 'Furthest distance', unit: 'm', min: 1, max: 10000, step: 1, hint: 'Only the linear model uses it.' },
  { key: 'voice.cone.inner', label: 'Cone, inner', unit: '°', min: 0, max: 360, step: 5, hint: 'Within this angle before the mouth a voice is whole.' },
  { key: 'voice.cone.outer', label: 'Cone, outer', unit: '°', min: 0, max: 360, step: 5, hint: 'Outside this angle it has the gain behind.' },
  { key: 'voice.cone.outer_gain', label: 'Gain behind', unit: '', min: 0, max: 1, step: 0.01, hint: '1 is as loud as in front.' },
];
/** @type {Knob[]} */
const SPACE = [
  { key: 'view_range', label: 'View range', unit: 'm', min: 5, max: 300, step: 1, hint: 'How far others are seen; at least the voice range.' },
  { key: 'chat_range', label: 'Chat range', unit: 'm', min: 1, max: 300, step: 1, hint: 'How far text chat reaches.' },
  { key: 'npc_density', label: 'NPC density', unit: '', min: 0, max: 1, step: 0.05, hint: 'The share of the NPCs that are in the world.' },
];
const MODELS = { linear: 'Linear: falls evenly', inverse: 'Inverse: like in the open', exponential: 'Exponential: falls fast' };
const BOX = { width: 820, height: 250, left: 34, right: 12, top: 10, bottom: 34 };
const SEND_MS = 150;

export class WorldPanel {
  /** @type {World|null} */ world = null;
  /** @type {ZonesPanel|null} */ zones = null;
  /** @type {Parameters} as the server has them */ #live = /** @type {any} */ (null);
  /** @type {Parameters} as they stand here */ #now = /** @type {any} */ (null);
  /** @type {Map<string, (number|string)[]>} the values before, of each knob */ #before = new Map();
  /** @type {Map<string, () => void>} */ #shows = new Map();
  #send;
  /** @type {Set<World>} */ #sending = new Set();
  /** The knob that is being moved, and its value when that began. */ #moving = { key: '', from: /** @type {number|string} */ (0) };

  /**
   * @param {import('./api.js').Api} api
   * @param {(world: World) => void} changed
   */
  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
    this.box = el('world');
    this.status = h('span.live', { role: 'status' });
    this.figure = h('div');
    this.probe = h('output');
    new ResizeObserver(() => { if (this.#now && this.figure.clientWidth) this.#draw(); }).observe(this.figure);
    this.#send = debounce(SEND_MS, () => { void this.#patch(); });
  }

  /** @param {World} world */
  show(world) {
    if (this.world?.name === world.name && this.#now) return;
    void this.#patch(); // what was changed just before another world was chosen
    this.world = world;
    this.#live = structuredClone(world.parameters);
    this.#now = structuredClone(world.parameters);
    this.#before.clear();
    this.#shows.clear();
    this.#say('', 'Changes apply to the running world at once.');
    this.zones = new ZonesPanel(this.api, world, this.changed);
    fill(this.box, h('div.world', null,
      h('header', null, h('h2', null, `How ${world.title || world.name} sounds`), this.status),
      h('section.section.plot', { 'aria-label': 'Gain over distance' }, this.figure,
        h('div.legend', null, h('span', null, h('i'), 'before the talker'), h('span', null, h('i.behind'), 'behind'), this.probe)),
      h('section.section', null, h('h3', null, 'Voice'), h('div.knobs', null, this.#model(), ...VOICE.map((k) => this.#knob(k)))),
      h('section.section', null, h('h3', null, 'Space'), h('div.knobs', null, ...SPACE.map((k) => this.#knob(k)))),
      this.zones.element));
    this.#draw();
  }

  /** The server says how the world is now. @param {World} world */
  update(world) {
    if (this.world?.name === world.name) this.zones?.update(world);
    if (this.world?.name !== world.name || this.#sending.has(this.world)) return;
    if (JSON.stringify(this.#now) !== JSON.stringify(this.#live) || JSON.stringify(world.parameters) === JSON.stringify(this.#live)) return;
    this.#live = structuredClone(world.parameters);
    this.#now = structuredClone(world.parameters);
    this.#draw();
  }

  #model() {
    const select = h('select', { id: 'k-model', onchange: () => this.#set('voice.model', select.value, true) }, Object.entries(MODELS).map(([value, text]) => h('option', { value }, text)));
    const back = this.#back('voice.model', 'distance model');
    this.#shows.set('voice.model', () => { select.value = this.#now.voice.model; back.disabled = !this.#before.get('voice.model')?.length; });
    return h('div.knob.pick', null, h('label', { htmlFor: 'k-model' }, 'Distance model'), select, back, h('small', null, 'How a voice gets weaker, as in the Web Audio API.'));
  }

  /** @param {Knob} knob */
  #knob({ key, label, unit, min, max, step, hint }) {
    const id = `k-${key.replaceAll('.', '-')}`;
    const log = min > 0 && max / min > 1000; // a slider over decades
    const toSlider = (/** @type {number} */ v) => (log ? Math.log10(Math.max(v, min)) : v);
    const slider = h('input', { type: 'range', min: String(toSlider(min)), max: String(toSlider(max)), step: log ? '0.01' : String(step), 'aria-label': label,
      oninput: () => this.#set(key, log ? Math.round(10 ** Number(slider.value)) : Number(slider.value), false), onchange: () => this.#settle() });
    const number = h('input', { id, type: 'text', inputMode: 'decimal', autocomplete: 'off',
      oninput: () => { const v = Number(number.value.replace(',', '.')); if (number.value.trim() !== '' && Number.isFinite(v)) this.#set(key, v, false); }, onchange: () => { this.#settle(); this.#draw(); },
      onkeydown: (/** @type {KeyboardEvent} */ e) => {
        const way = e.key === 'ArrowUp' ? 1 : e.key === 'ArrowDown' ? -1 : 0;
        if (!way) return;
        e.preventDefault();
        this.#set(key, Number((Number(get(this.#now, key)) + way * step).toFixed(4)), true);
        number.value = String(get(this.#now, key));
      } });
    const back = this.#back(key, label);
    this.#shows.set(key, () => {
      const v = Number(get(this.#now, key));
      // Values beyond the slider are fine: it grows to show them.
      if (toSlider(v) > Number(slider.max)) slider.max = String(toSlider(v));
      slider.value = String(toSlider(v));
      slider.setAttribute('aria-valuetext', `${v} ${unit}`);
      if (document.activeElement !== number) number.value = String(Number(v.toFixed(3)));
      back.disabled = !this.#before.get(key)?.length;
    });
    return h('div.knob', { dataset: { knob: key } }, h('label', { htmlFor: id }, label), h('div.number', null, number, h('span', { 'aria-hidden': 'true' }, unit)), back, slider, h('small', null, hint));
  }

  /** @param {string} key @param {string} label */
  #back(key, label) {
    return h('button.icon-only', { type: 'button', disabled: true, title: 'Back to the value before', 'aria-label': `${label}: back to the value before`, onclick: () => {
      const past = this.#before.get(key);
      const value = past?.pop();
      if (value === undefined) return;
      put(this.#now, key, value);
      this.#draw();
      this.#send();
    } }, icon('undo'));
  }

  /** @param {string} key @param {number|string} value @param {boolean} whole not a part of a movement */
  #set(key, value, whole) {
    const from = get(this.#now, key);
    if (value === from) return;
    if (this.#moving.key !== key) { this.#settle(); this.#moving = { key, from }; }
    put(this.#now, key, value);
    if (whole) this.#settle();
    this.#draw();
    this.#send();
  }

  /** A movement ended: its beginning is what one can go back to. */
  #settle() {
    const { key, from } = this.#moving;
    if (key && get(this.#now, key) !== from) this.#before.set(key, [...this.#before.get(key) ?? [], from]);
    this.#moving = { key: '', from: 0 };
    this.#shows.get(key)?.();
  }

  /** Sends what changed, of the world that is shown or was when it changed. */
  async #patch({ world, now, live } = { world: this.world, now: this.#now, live: this.#live }) {
    if (!world || this.#sending.has(world)) return;
    const say = (/** @type {'good'|'bad'|''} */ look, /** @type {string} */ text) => { if (this.world === world) this.#say(look, text); };
    const wrong = refuse(now.voice, now.view_range);
    if (wrong) return say('bad', `Not applied: ${wrong}`);
    const sent = structuredClone(now);
    /** @type {Record<string, unknown>} */
    const change = {};
    for (const key of /** @type {(keyof Parameters)[]} */ (Object.keys(sent))) if (JSON.stringify(sent[key]) !== JSON.stringify(live[key])) change[key] = sent[key];
    if (!Object.keys(change).length) return say('good', 'Live');
    this.#sending.add(world);
    say('', 'Applying …');
    const start = performance.now();
    try {
      const answer = await this.api.setWorld(world.name, change);
      live = structuredClone(answer?.parameters ?? sent);
    } catch (error) {
      return say('bad', `Not applied: ${sentence(error)}`);
    } finally {
      this.#sending.delete(world);
    }
    if (this.world === world) this.#live = live;
    this.changed({ ...world, parameters: structuredClone(live) });
    say('good', `Live after ${Math.round(performance.now() - start)} ms`);
    if (JSON.stringify(now) === JSON.stringify(sent)) return;
    if (this.world === world) this.#send();
    else await this.#patch({ world, now, live });
  }

  /** @param {'good'|'bad'|''} look @param {string} text */
  #say(look, text) {
    this.status.className = `live ${look}`;
    fill(this.status, look === 'good' && icon('check'), text);
  }

  #draw() {
    for (const show of this.#shows.values()) show();
    const { voice } = this.#now;
    const width = this.figure.clientWidth || BOX.width;
    const p = plot(voice, { ...BOX, width });
    const bottom = BOX.height - BOX.bottom;
    const right = width - BOX.right;
    const line = svg('line', { class: 'probe', y1: BOX.top, y2: bottom, x1: -9, x2: -9 });
    const dot = svg('circle', { class: 'probe-dot', r: 4.5, cx: -9, cy: -9 });
    const picture = svg('svg', { viewBox: `0 0 ${width} ${BOX.height}`, role: 'img', 'aria-label': `Gain over distance. ${[1, voice.range / 4, voice.range / 2].map((d) => describe(voice, d)).join(', ')}, nothing from ${voice.range} m on.` },
      svg('rect', { class: 'faded', x: p.fade, y: BOX.top, width: Math.max(p.range - p.fade, 0), height: bottom - BOX.top }),
      ...p.yTicks.flatMap((t) => [svg('line', { class: 'grid', x1: BOX.left, x2: right, y1: t.y, y2: t.y }), svg('text', { class: 'axis', x: BOX.left - 8, y: t.y + 4, 'text-anchor': 'end' }, t.label)]),
      ...p.xTicks.map((t) => svg('text', { class: 'axis', x: t.x, y: bottom + 18, 'text-anchor': 'middle' }, t.label)),
      svg('text', { class: 'axis', x: right, y: BOX.height - 1, 'text-anchor': 'end' }, 'metres'), svg('text', { class: 'axis', x: 0, y: BOX.height - 1 }, 'dB'),
      svg('path', { class: 'area', d: p.area }), svg('path', { class: 'behind', d: p.behind }), svg('path', { class: 'front', d: p.front }),
      svg('line', { class: 'limit', x1: p.range, x2: p.range, y1: BOX.top, y2: bottom }), line, dot);
    fill(this.figure, picture);
    this.probe.textContent = `half as loud at ${half(voice)}`;
    picture.addEventListener('pointermove', (event) => {
      const e = /** @type {PointerEvent} */ (event);
      const box = picture.getBoundingClientRect();
      const x = Math.min(Math.max((e.clientX - box.left) / box.width * width, BOX.left), right);
      const d = (x - BOX.left) / (right - BOX.left) * p.metres;
      line.setAttribute('x1', String(x));
      line.setAttribute('x2', String(x));
      dot.setAttribute('cx', String(x));
      dot.setAttribute('cy', String(yAt(p.front, x)));
      this.probe.textContent = describe(voice, d);
    });
    picture.addEventListener('pointerleave', () => {
      for (const a of ['x1', 'x2']) line.setAttribute(a, '-9');
      dot.setAttribute('cx', '-9');
      this.probe.textContent = `half as loud at ${half(voice)}`;
    });
  }
}

/** Where a voice has lost 6 dB. @param {import('../spatial.js').Curve} curve */
function half(curve) {
  for (let d = 0; d <= curve.range; d += curve.range / 400) {
    const db = Number(/ (−?[\d.]+) dB/.exec(describe(curve, d))?.[1].replace('−', '-') ?? -99);
    if (db <= -6) return `${d.toFixed(1)} m`;
  }
  return `${curve.range} m`;
}

/** Height of a path at x, between its points. @param {string} d @param {number} x */
function yAt(d, x) {
  const points = d.slice(1).split('L').map((p) => p.split(' ').map(Number));
  const i = Math.max(1, points.findIndex((p) => p[0] >= x));
  const [[x0, y0], [x1, y1]] = [points[i - 1], points[i] ?? points[i - 1]];
  return x1 === x0 ? y1 : y0 + (y1 - y0) * (x - x0) / (x1 - x0);
}

/** @param {any} o @param {string} key with dots @returns {number|string} */
function get(o, key) { return key.split('.').reduce((v, k) => v?.[k], o); }

/** @param {any} o @param {string} key @param {number|string} value */
function put(o, key, value) {
  const steps = key.split('.');
  const last = /** @type {string} */ (steps.pop());
  steps.reduce((v, k) => v[k] ??= {}, o)[last] = value;
}
