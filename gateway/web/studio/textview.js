/**
 * The YAML text with line numbers and colours: a text area over a picture of
 * the same text. The area has the letters that are typed, the picture their
 * colours and the problems; both wrap alike because they are styled alike.
 * @module
 */
import { fill, h } from './dom.js';
import { highlight } from './highlight.js';

/** @typedef {import('./draft.js').Problem} Problem */

export class TextView {
  /** @type {Problem[]} */ #problems = [];
  /** @type {string[]} what each drawn line was made of */ #drawn = [];
  #leave = false;

  /**
   * @param {HTMLElement} element that scrolls
   * @param {(text: string) => void} onChange
   */
  constructor(element, onChange) {
    this.element = element;
    this.onChange = onChange;
    this.area = h('textarea.code', {
      spellcheck: false, autocapitalize: 'off', autocomplete: 'off', wrap: 'soft', 'aria-label': 'YAML of the persona. Tab indents; press Escape first to leave with Tab.',
      oninput: () => this.#typed(), onkeydown: (/** @type {KeyboardEvent} */ e) => this.#key(e),
    });
    this.lines = h('div.lines', { 'aria-hidden': 'true' });
    fill(element, h('div.paper', null, this.lines, this.area));
  }

  /** @param {string} text */
  show(text) {
    if (this.area.value !== text) {
      const { selectionStart } = this.area;
      this.area.value = text;
      if (document.activeElement === this.area) this.area.setSelectionRange(Math.min(selectionStart, text.length), Math.min(selectionStart, text.length));
    }
    this.#draw();
  }

  /** @param {Problem[]} problems */
  problems(problems) {
    this.#problems = problems;
    this.#draw();
  }

  /** Shows a line and puts the cursor there. @param {number} line from 1 */
  goTo(line) {
    const start = this.area.value.split('\n').slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
    const row = this.lines.children[line - 1];
    if (row) this.element.scrollTop = /** @type {HTMLElement} */ (row).offsetTop - this.element.clientHeight / 3;
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(start, start);
    row?.classList.remove('here');
    requestAnimationFrame(() => row?.classList.add('here'));
  }

  #typed() {
    this.#draw();
    this.onChange(this.area.value);
  }

  /** Draws the lines that differ from what is there. */
  #draw() {
    const lines = highlight(this.area.value);
    const wrong = new Map(this.#problems.filter((p) => p.line > 0).map((p) => [p.line, this.#problems.filter((q) => q.line === p.line).map((q) => q.message).join('; ')]));
    while (this.lines.childElementCount > lines.length) this.lines.lastElementChild?.remove();
    this.#drawn.length = Math.min(this.#drawn.length, lines.length);
    lines.forEach((line, i) => {
      const message = wrong.get(i + 1) ?? '';
      const key = JSON.stringify([line, message]);
      if (this.#drawn[i] === key) return;
      this.#drawn[i] = key;
      const row = h('div', { className: message ? 'line bad' : 'line', title: message }, line.map(([kind, text]) => (kind ? h('span', { className: `c-${kind}` }, text) : text)));
      if (!row.textContent) row.append('\u200b');
      const old = this.lines.children[i];
      if (old) old.replaceWith(row);
      else this.lines.append(row);
    });
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    if (e.key === 'Escape') { this.#leave = true; return; }
    if (e.key === 'Tab' && !this.#leave && !e.ctrlKey && !e.metaKey && !e.altKey) {
      e.preventDefault();
      this.#indent(e.shiftKey ? -1 : 1);
    } else if (e.key === 'Enter' && !e.ctrlKey && !e.metaKey && !e.isComposing) {
      e.preventDefault();
      const { value, selectionStart, selectionEnd } = this.area;
      const line = value.slice(value.lastIndexOf('\n', selectionStart - 1) + 1, selectionStart);
      const indent = /^ */.exec(line)?.[0] ?? '';
      const more = /:\s*(?:[|>][-+]?)?\s*$/.test(line) ? '  ' : '';
      this.area.setRangeText(`\n${indent}${more}`, selectionStart, selectionEnd, 'end');
      this.#typed();
    }
    if (e.key !== 'Shift' && e.key !== 'Tab') this.#leave = false;
  }

  /** Moves the selected lines by two spaces. @param {1|-1} way */
  #indent(way) {
    const { value, selectionStart: a, selectionEnd: b } = this.area;
    const from = value.lastIndexOf('\n', a - 1) + 1;
    if (way > 0 && a === b) this.area.setRangeText('  ', a, b, 'end');
    else {
      const block = value.slice(from, b).split('\n');
      const moved = block.map((l) => (way > 0 ? (l ? `  ${l}` : l) : l.replace(/^ {1,2}/, '')));
      this.area.setRangeText(moved.join('\n'), from, b, 'preserve');
    }
    this.#typed();
  }
}
