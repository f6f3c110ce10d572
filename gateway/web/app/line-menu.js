/**
 * The menu of a chat line: report it, block who wrote it. Opened by its button,
 * the other mouse button or a long press.
 * @module
 */
import { onLongPress } from './pick.js';
import { el } from './ui.js';

/** @typedef {{id: string, name: string, event: string, line: string}} Written */

export class LineMenu {
  /**
   * @param {HTMLElement} log
   * @param {{report: (subject: Written) => void, block: (subject: Written) => void}} to
   */
  constructor(log, to) {
    this.menu = el('line-menu');
    /** @type {Map<string, Written>} by the id of the line */ this.written = new Map();
    /** @type {Written | null} */ this.subject = null;
    const act = (/** @type {(subject: Written) => void} */ f) => () => { this.menu.hidePopover(); if (this.subject) f(this.subject); };
    el('line-report').onclick = act(to.report);
    el('line-block').onclick = act(to.block);
    this.menu.onkeydown = (e) => {
      if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
      e.preventDefault();
      (document.activeElement === el('line-report') ? el('line-block') : el('line-report')).focus();
    };
    this.off = onLongPress(log, (x, y, target) => {
      const line = target instanceof Element ? target.closest('li') : null;
      if (line) this.open(line, x, y);
    });
  }

  /** @param {HTMLElement} line @param {number} x @param {number} y in pixels of the page */
  open(line, x, y) {
    const subject = this.written.get(line.dataset.id ?? '');
    if (!subject) return;
    this.subject = subject;
    el('line-block').textContent = `Block ${subject.name}`;
    this.menu.showPopover();
    const { width, height } = this.menu.getBoundingClientRect();
    this.menu.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
    this.menu.style.top = `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`;
    el('line-report').focus();
  }

  /** A line is gone. @param {string} id */
  forget(id) {
    this.written.delete(id);
  }

  close() {
    if (this.menu.matches(':popover-open')) this.menu.hidePopover();
    this.off();
  }
}
