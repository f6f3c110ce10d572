/**
 * How moderation does: precision by the decisions of moderators, time to action,
 * overturned appeals; and small plots of the newest incidents.
 * @module
 */
import { el, fill, h, svg } from '../studio/dom.js';
import { keep, path } from '../studio/sparkline.js';
import { category, time } from './words.js';

/** @typedef {import('./api.js').Figures} Figures */
/** @typedef {import('./api.js').Incident} Incident */

const HOURS = 24, HOUR_MS = 3_600_000;

/**
 * Incidents of each of the last hours, oldest first. Pure.
 * @param {Incident[]} incidents @param {number} now ms
 * @returns {{all: number, open: number}[]}
 */
export function perHour(incidents, now) {
  const hours = Array.from({ length: HOURS }, () => ({ all: 0, open: 0 }));
  for (const i of incidents) {
    const ago = Math.floor((now - Date.parse(i.at)) / HOUR_MS);
    if (!(ago >= 0 && ago < HOURS)) continue;
    hours[HOURS - 1 - ago].all++;
    if (i.state === 'open') hours[HOURS - 1 - ago].open++;
  }
  return hours;
}

/**
 * By category: how many were judged, and how many of those right. Most first. Pure.
 * @param {Incident[]} incidents
 * @returns {{name: string, all: number, judged: number, right: number}[]}
 */
export function byCategory(incidents) {
  /** @type {Map<string, {name: string, all: number, judged: number, right: number}>} */ const out = new Map();
  for (const { category: name, verdict } of incidents) {
    const row = out.get(name) ?? { name, all: 0, judged: 0, right: 0 };
    out.set(name, row);
    row.all++;
    if (verdict) row.judged++;
    if (verdict && verdict !== 'wrong') row.right++;
  }
  return [...out.values()].sort((a, b) => b.all - a.all);
}

export class FiguresPane {
  /** @type {Figures|null} */ figures = null;
  /** @type {Record<'open'|'incidents'|'precision'|'time_to_action_p50_s', number[]>} */ #past = { open: [], incidents: [], precision: [], time_to_action_p50_s: [] };

  constructor() { this.box = el('figures'); }

  /** @param {Figures} figures */
  take(figures) {
    this.figures = figures;
    for (const name of /** @type {(keyof FiguresPane['past'])[]} */ (Object.keys(this.#past))) keep(this.#past[name], figures[name] ?? 0, 120);
  }

  get past() { return this.#past; }

  /** @param {Incident[]} incidents that the page knows */
  draw(incidents) {
    const f = this.figures;
    if (!f) return fill(this.box, h('p.nothing', null, 'No figures yet.'));
    const judged = incidents.some((i) => i.verdict) || f.precision > 0;
    fill(this.box, h('div.column', null, h('h2', null, 'Figures'),
      h('dl.tiles', null,
        tile('Open', String(f.open), 'wait for a person', this.#past.open),
        tile('Precision', judged ? percent(f.precision) : '–', 'of judged ones were not wrong', this.#past.precision),
        tile('Time to action', f.time_to_action_p50_s > 0 ? time(f.time_to_action_p50_s) : '–', 'median, until something was done', this.#past.time_to_action_p50_s),
        tile('Incidents', String(f.incidents), `${f.automatic} decided by the machine`, this.#past.incidents),
        tile('Overturned', f.appeals > 0 ? percent(f.overturned / f.appeals) : '–', `${f.overturned} of ${f.appeals} appeals`),
        f.unverified === undefined ? tile('By the machine', f.incidents ? percent(f.automatic / f.incidents) : '–', 'of all, without a person') : tile('Unverified', String(f.unverified), 'passed before they were judged')),
      h('section.chart', null, h('h3', null, 'The last 24 hours'), hours(perHour(incidents, Date.now())), h('p.legend', null, h('i.all', null), 'incidents', h('i.open', null), 'still open')),
      h('section.chart', null, h('h3', null, 'By category, and how often moderators agreed'), categories(byCategory(incidents)))));
  }
}

/** @param {string} name @param {string} value @param {string} small @param {number[]} [past] */
function tile(name, value, small, past = []) {
  const d = past.some((v) => v !== past[0]) ? path(past, 120, 22) : '';
  return h('div.tile', null, h('dt', null, name), h('dd', null, value, h('small', null, small)), d ? svg('svg', { viewBox: '0 0 120 22', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('path', { d, 'vector-effect': 'non-scaling-stroke' })) : null);
}

/** @param {{all: number, open: number}[]} of */
function hours(of) {
  const most = Math.max(4, ...of.map((o) => o.all)), W = 720, H = 120, step = W / of.length;
  const bar = (/** @type {number} */ n, /** @type {number} */ i, /** @type {string} */ name) => svg('rect', { class: name, x: i * step + 3, width: step - 6, y: H - n / most * H, height: n / most * H, rx: 3 });
  const drawn = svg('svg', { viewBox: `0 -4 ${W} ${H + 22}`, role: 'img', 'aria-label': `Incidents in the last 24 hours: ${of.reduce((n, o) => n + o.all, 0)}` },
    svg('path', { class: 'axis', d: `M0 ${H}H${W}` }), ...of.flatMap((o, i) => [bar(o.all, i, 'all'), bar(o.open, i, 'open')]));
  for (const ago of [24, 18, 12, 6, 0]) {
    const label = svg('text', { x: Math.min(W - 2, Math.max(2, (HOURS - ago) * step)), y: H + 15, 'text-anchor': ago === 24 ? 'start' : ago ? 'middle' : 'end' });
    label.textContent = ago ? `${ago} h ago` : 'now';
    drawn.append(label);
  }
  return drawn;
}

/** @param {{name: string, all: number, judged: number, right: number}[]} of */
function categories(of) {
  if (!of.length) return h('p.none', null, 'Nothing happened yet.');
  const most = Math.max(...of.map((o) => o.all));
  return h('ul.categories', null, of.map((o) => h('li', null, h('span', null, category(o.name)),
    svg('svg', { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('rect', { class: 'all', width: o.all / most * 100, height: 10, rx: 1 }), svg('rect', { class: 'right', width: o.right / most * 100, height: 10, rx: 1 })),
    h('output', null, String(o.all)), h('small', null, o.judged ? `${percent(o.right / o.judged)} right of ${o.judged}` : 'none judged'))));
}

/** @param {number} share */
function percent(share) { return `${Math.round(share * 100)} %`; }
