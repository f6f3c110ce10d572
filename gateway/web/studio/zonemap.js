/**
 * The zones of a world seen from above: choose, move, resize and turn them with
 * a pointer or with the keyboard. North is -z. It shows and asks; zones.js decides.
 * @module
 */
import { FOUNTAIN, PAVED, STAGE } from '../app/layout.js';
import { colorOf, nameOf } from '../zonelook.js';
import { outline } from '../zones.js';
import { h, svg } from './dom.js';
import { dragged, extent, handles, middle, moved, SNAP } from './zoneedit.js';

/** @import {Shape, Zone} from '../zones.js' */
/** @typedef {{select: (id: string) => void, change: (shape: Shape) => void, settle: () => void}} Asks change: of the one that is chosen; settle: a movement ended */
/** @typedef {{id: number, from: [number, number], shape: Shape|null, handle: string, view: number[]}} Drag shape null: of the map itself */

const ZOOM = 1.18, NEAREST = 4, FURTHEST = 4000; // metres across
const ARROWS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });

export class ZoneMap {
  /** @type {Zone[]} */ zones = [];
  selected = '';
  /** @type {[number, number, number, number]|null} x, z, width, height in metres */ #view = null;
  /** @type {Drag|null} */ #drag = null;

  /** @param {Asks} asks @param {{scene: string, spawn: number[]}} world */
  constructor(asks, { scene, spawn }) {
    this.asks = asks;
    this.scene = scene;
    this.spawn = spawn;
    this.picture = svg('svg', { class: 'zonemap', role: 'group', 'aria-label': 'Map of the zones, seen from above', tabindex: 0 });
    this.where = h('output', null, '');
    this.element = h('div.mapbox', null, this.picture, h('div.mapline', null, this.where, h('button.small', { type: 'button', onclick: () => this.fit() }, 'Show all')));
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** The middle of what is shown. @returns {[number, number]} */
  get middle() {
    const [x, z, width, height] = this.#view ?? [0, 0, 0, 0];
    return [x + width / 2, z + height / 2];
  }

  get dragging() { return this.#drag?.shape !== undefined && this.#drag?.shape !== null; }

  /** Shows all zones. */
  fit() {
    this.#view = null;
    this.draw();
  }

  draw() {
    const box = this.picture.getBoundingClientRect();
    if (!box.width) return;
    this.#view ??= fitted(extent(this.zones), box.width / box.height);
    const view = this.#view, px = view[2] / box.width;
    this.picture.setAttribute('viewBox', view.join(' '));
    const chosen = this.zones.find((z) => z.id === this.selected);
    this.picture.replaceChildren(
      ...grid(view, px), ...this.#scenery(px),
      ...this.zones.filter((z) => z !== chosen).map((z) => this.#zone(z, px, false)),
      ...(chosen ? [this.#zone(chosen, px, true), ...this.#handles(chosen, px)] : []),
    );
  }

  /** @param {number} px metres a pixel */
  #scenery(px) {
    const [x, , z] = this.spawn;
    const list = [svg('circle', { class: 'spawn', cx: x, cy: z, r: 5 * px }), svg('text', { class: 'mark', x: x + 8 * px, y: z + 4 * px, 'font-size': 11 * px }, 'spawn')];
    if (this.scene !== 'plaza') return list;
    const r = STAGE.steps[0][0];
    return [svg('circle', { class: 'paved', cx: 0, cy: 0, r: PAVED }), svg('path', { class: 'paved', d: `M${-r} ${STAGE.z}A${r} ${r} 0 0 0 ${r} ${STAGE.z}` }),
      svg('circle', { class: 'water', cx: 0, cy: 0, r: FOUNTAIN.radius }), ...list];
  }

  /** @param {Zone} zone @param {number} px @param {boolean} chosen */
  #zone(zone, px, chosen) {
    const { kind, shape } = zone, [x, z] = middle(shape);
    const border = svg('polygon', {
      points: outline(shape).map((c) => c.join(',')).join(' '), fill: colorOf(kind, chosen ? 0.34 : 0.2), stroke: colorOf(kind, 1),
      'stroke-width': (zone.sealed ? 3.4 : chosen ? 2.4 : 1.6) * px, 'stroke-dasharray': zone.isolation || zone.sealed ? 'none' : `${5 * px} ${4 * px}`,
    });
    const label = svg('text', { x, y: z + 4 * px, 'text-anchor': 'middle', 'font-size': 12 * px, class: 'name' }, nameOf(zone));
    return svg('g', { class: chosen ? 'zone chosen' : 'zone', 'data-zone': zone.id, role: 'button', 'aria-pressed': String(chosen), 'aria-label': nameOf(zone) }, border, label);
  }

  /** @param {Zone} zone @param {number} px */
  #handles({ shape }, px) {
    return handles(shape).map(({ name, at: [x, z] }) => svg('circle', { class: `handle ${name === 'turn' ? 'turn' : ''}`, 'data-handle': name, cx: x, cy: z, r: 6 * px, 'stroke-width': 2 * px }));
  }

  #listen() {
    const { picture } = this;
    picture.addEventListener('pointerdown', (e) => this.#down(/** @type {PointerEvent} */ (e)));
    picture.addEventListener('pointermove', (e) => this.#move(/** @type {PointerEvent} */ (e)));
    for (const type of ['pointerup', 'pointercancel']) picture.addEventListener(type, () => this.#up());
    picture.addEventListener('wheel', (e) => {
      e.preventDefault();
      this.#zoom(this.#at(/** @type {WheelEvent} */ (e)), /** @type {WheelEvent} */ (e).deltaY > 0 ? ZOOM : 1 / ZOOM);
    }, { passive: false });
    picture.addEventListener('keydown', (e) => this.#key(/** @type {KeyboardEvent} */ (e)));
  }

  /** @param {PointerEvent} e */
  #down(e) {
    if (e.button !== 0 || this.#drag) return;
    const target = /** @type {Element} */ (e.target), handle = target.getAttribute('data-handle') ?? '';
    const id = target.closest('[data-zone]')?.getAttribute('data-zone') ?? '';
    if (id && id !== this.selected) this.asks.select(id);
    const chosen = handle || id ? this.zones.find((z) => z.id === this.selected) : undefined;
    this.#drag = { id: e.pointerId, from: this.#at(e), shape: chosen ? chosen.shape : null, handle, view: [...this.#view ?? []] };
    this.picture.setPointerCapture(e.pointerId);
  }

  /** @param {PointerEvent} e */
  #move(e) {
    const at = this.#at(e), drag = this.#drag;
    this.where.textContent = `x ${at[0].toFixed(1)} m, z ${at[1].toFixed(1)} m`;
    if (!drag || e.pointerId !== drag.id) return;
    if (drag.shape && drag.handle) this.asks.change(dragged(drag.shape, drag.handle, at));
    else if (drag.shape) this.asks.change(moved(drag.shape, snap(at[0] - drag.from[0]), snap(at[1] - drag.from[1])));
    else if (this.#view) {
      this.#view = [this.#view[0] - at[0] + drag.from[0], this.#view[1] - at[1] + drag.from[1], this.#view[2], this.#view[3]];
      this.draw();
    }
  }

  #up() {
    if (this.dragging) this.asks.settle();
    this.#drag = null;
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    const way = ARROWS[e.key], chosen = this.zones.find((z) => z.id === this.selected);
    if (e.key === '+' || e.key === '-') this.#zoom(this.middle, e.key === '-' ? ZOOM : 1 / ZOOM);
    if (!way || !chosen) return;
    e.preventDefault();
    const step = e.shiftKey ? 1 : 0.25;
    this.asks.change(moved(chosen.shape, way[0] * step, way[1] * step));
    this.asks.settle();
  }

  /** @param {[number, number]} around @param {number} by */
  #zoom(around, by) {
    const v = this.#view;
    if (!v || v[2] * by < NEAREST || v[2] * by > FURTHEST) return;
    this.#view = [around[0] - (around[0] - v[0]) * by, around[1] - (around[1] - v[1]) * by, v[2] * by, v[3] * by];
    this.draw();
  }

  /** Where on the ground a pointer is. @param {MouseEvent} e @returns {[number, number]} */
  #at(e) {
    const box = this.picture.getBoundingClientRect(), [x, z, width, height] = this.#view ?? [0, 0, 1, 1];
    return [x + (e.clientX - box.left) / box.width * width, z + (e.clientY - box.top) / box.height * height];
  }
}

/** @param {number} v */
function snap(v) { return Math.round(v / SNAP) * SNAP; }

/** @param {[number, number, number, number]} from and to @param {number} aspect @returns {[number, number, number, number]} */
function fitted([x0, z0, x1, z1], aspect) {
  const width = Math.max(x1 - x0, (z1 - z0) * aspect), height = width / aspect;
  return [(x0 + x1 - width) / 2, (z0 + z1 - height) / 2, width, height];
}

/** Lines of a round number of metres. @param {number[]} view @param {number} px */
function grid([x, z, width, height], px) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((s) => s / px > 44) ?? 1000;
  const lines = [];
  for (let v = Math.ceil(x / step) * step; v < x + width; v += step) lines.push(svg('line', { class: v === 0 ? 'axis0' : 'grid', x1: v, x2: v, y1: z, y2: z + height, 'stroke-width': px }), svg('text', { class: 'mark', x: v + 3 * px, y: z + height - 5 * px, 'font-size': 10.5 * px }, String(v)));
  for (let v = Math.ceil(z / step) * step; v < z + height; v += step) lines.push(svg('line', { class: v === 0 ? 'axis0' : 'grid', y1: v, y2: v, x1: x, x2: x + width, 'stroke-width': px }), svg('text', { class: 'mark', x: x + 4 * px, y: v - 3 * px, 'font-size': 10.5 * px }, String(v)));
  return lines;
}
