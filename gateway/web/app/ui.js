/**
 * The page around the view: bar, panels, toasts, banner, help. It holds no
 * state of the session; world.js tells it what to show.
 * @module
 */
import { isTyping } from './inputs.js';

/** An element of the page that is there. @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export function el(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (found);
}

/** An icon of the page's sheet. @param {string} name @returns {SVGSVGElement} */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

/** Narrow screens show one panel at a time. */
export const narrow = matchMedia('(max-width: 1060px)');
const PANELS = /** @type {const} */ (['chat', 'people', 'network']);
/** @typedef {typeof PANELS[number]} PanelName */

export class UI {
  constructor() {
    this.help = /** @type {HTMLDialogElement} */ (el('help'));
    /** @type {Record<string, () => void>} key code to what it does */ this.keys = { KeyH: () => this.showHelp() };
    /** @type {(name: PanelName, open: boolean) => void} */ this.onPanel = () => {};
    this.canvas = el('view');
    el('b-help').onclick = () => this.showHelp();
    for (const name of PANELS) {
      el(`b-${name}`).onclick = () => this.toggle(name);
      const close = /** @type {HTMLButtonElement} */ (el(name).querySelector('.close'));
      close.onclick = () => { this.toggle(name, false); el(`b-${name}`).focus(); };
    }
    addEventListener('keydown', (e) => this.key(e));
    this.help.addEventListener('click', (e) => { if (e.target === this.help) this.help.close(); });
  }

  /** Shows what belongs to being in a world, or the join card. @param {boolean} inside */
  setInside(inside) {
    el('hud').hidden = !inside;
    el('join').hidden = inside;
    document.body.dataset.stage = inside ? 'world' : 'join';
    if (!inside) return;
    for (const name of PANELS) this.toggle(name, !narrow.matches && name !== 'network');
    this.canvas.focus({ preventScroll: true });
  }

  /** @param {PanelName} name @param {boolean} [open] */
  toggle(name, open = el(name).hidden) {
    if (open && narrow.matches) for (const other of PANELS) if (other !== name && !el(other).hidden) this.toggle(other, false);
    el(name).hidden = !open;
    el(`b-${name}`).setAttribute('aria-pressed', String(open));
    this.onPanel(name, open);
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    if (el('hud').hidden || this.help.open) return;
    if (e.code === 'Escape' && isTyping(e.target)) return this.canvas.focus();
    if (isTyping(e.target) || e.ctrlKey || e.metaKey || e.altKey || e.repeat) return;
    if (e.code === 'Enter' && e.target instanceof HTMLButtonElement) return;
    const act = e.key === '?' ? this.keys.KeyH : this.keys[e.code];
    if (!act) return;
    e.preventDefault();
    act();
  }

  showHelp() {
    document.exitPointerLock?.();
    if (!this.help.open) this.help.showModal();
  }

  /** @param {string} id @param {boolean} pressed @param {string} label @param {string} iconName */
  setButton(id, pressed, label, iconName) {
    const b = el(id);
    b.setAttribute('aria-pressed', String(pressed));
    b.setAttribute('aria-label', label);
    b.title = label;
    b.querySelector('use')?.setAttribute('href', `#i-${iconName}`);
  }

  /** A notice over the view that stays until it is taken away. @param {string} text '' takes it away */
  banner(text) {
    el('banner').hidden = !text;
    el('banner-text').textContent = text;
  }

  /** A notice that goes by itself. @param {string} text @param {'info' | 'bad' | 'gift'} [kind] */
  toast(text, kind = 'info') {
    const box = el('toasts'), p = document.createElement('p');
    p.textContent = text;
    p.className = kind;
    for (const shown of [...box.children]) if (shown.textContent === text) shown.remove(); // said again, not twice
    while (box.childElementCount >= 3) box.firstElementChild?.remove();
    box.append(p);
    setTimeout(() => p.remove(), kind === 'bad' ? 7000 : 4000);
  }
}
