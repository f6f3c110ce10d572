/**
 * What an NPC says, next to it: a bubble of the page, because letters of the
 * page stay sharp at every picture quality. It is for the eyes; screen readers
 * get the whole line from the chat log.
 * @module
 */
import { apart, letterSize, placeBubble, readingTime, reveal, wholeWords } from './bubble-place.js';
import { el } from './ui.js';

/** Nothing more came for an utterance that never ended, ms. */
const LOST = 15_000;
/** @type {Record<string, string>} */
const NOTES = { other_region: 'from another region', smaller_model: 'from a smaller model', script: 'scripted line' };

export class Bubble {
  /** @param {boolean} still all text at once, no fading */
  constructor(still) {
    this.still = still;
    this.id = '';
    this.text = '';
    this.shown = 0;
    this.final = true;
    this.changed = 0;
    this.gone = true;
    /** @type {import('./bubble-place.js').Placed['side']} */ this.side = 'above';
    this.size = 0;
    this.box = document.createElement('div');
    this.box.className = 'bubble';
    this.box.hidden = true;
    this.words = document.createElement('p');
    this.note = document.createElement('small');
    this.lines = document.createElement('div');
    this.lines.className = 'lines';
    this.lines.append(this.words);
    this.box.append(this.lines, this.note);
    el('bubbles').append(this.box);
  }

  /** @param {import('../signal.js').Caption} m @param {boolean} scripted whether all it says is scripted, which its name says already @param {number} now ms */
  say(m, scripted, now) {
    if (m.id !== this.id) this.begin(m.id);
    this.text = m.text;
    this.final = m.final;
    this.changed = now;
    this.box.classList.toggle('interrupted', m.interrupted);
    this.box.classList.remove('deed');
    // A greeting comes from the script by design: only what should have been an answer is marked.
    this.note.textContent = m.interrupted ? 'interrupted' : m.degraded === 'script' && scripted ? '' : NOTES[m.degraded] ?? '';
  }

  /** Moderation took it back: it is gone at once. */
  takeBack() {
    this.begin('');
    Object.assign(this, { text: '', final: true, gone: true });
    this.note.textContent = '';
    this.box.hidden = true;
  }

  /** Something done that no gesture shows. @param {string} text @param {number} now ms */
  act(text, now) {
    if (!this.gone) return; // words come first; the chat log has it
    this.begin('');
    Object.assign(this, { text, shown: text.length, final: true, changed: now });
    this.note.textContent = '';
    this.box.classList.remove('interrupted');
    this.box.classList.add('deed');
  }

  /** @param {string} id */
  begin(id) {
    this.id = id;
    this.shown = 0;
    this.gone = false;
    this.words.textContent = '';
    this.box.classList.remove('fading');
  }

  /** Whether words are still appearing. */
  get growing() {
    return !this.gone && (!this.final || this.shown < this.text.length);
  }

  /**
   * @param {number} dt seconds @param {number} now ms
   * @param {(import('./bubble-place.js').Anchor & {distance: number}) | null} at null where it cannot be seen
   * @param {import('./bubble-place.js').Box} screen @param {number} range metres within which it is heard
   * @param {import('./bubble-place.js').Box[]} taken by bubbles of those nearer; its own is added
   */
  update(dt, now, at, screen, range, taken) {
    if (this.gone) return;
    this.shown = this.still ? this.text.length : reveal(this.shown, this.text.length, dt);
    const text = wholeWords(this.text, this.shown);
    if (text !== this.words.textContent) {
      this.words.textContent = text;
      this.lines.classList.toggle('more', this.lines.scrollHeight > this.lines.clientHeight + 2);
    }
    if (this.growing) this.changed = this.final ? now : this.changed;
    const age = now - this.changed, stays = this.final ? readingTime(this.text.length) : LOST;
    this.box.classList.toggle('fading', age > stays);
    if (age > stays + (this.still ? 0 : 450)) this.gone = true;
    const visible = !this.gone && at !== null && at.distance < range && text !== '';
    this.box.hidden = !visible;
    if (!visible || !at) return;
    this.put(at, screen, taken);
    this.box.style.opacity = String(Math.min(1, (range - at.distance) / 1.5).toFixed(2));
  }

  /** @param {import('./bubble-place.js').Anchor & {distance: number}} at @param {import('./bubble-place.js').Box} screen @param {import('./bubble-place.js').Box[]} taken */
  put(at, screen, taken) {
    const size = letterSize(at.distance);
    if (size !== this.size) this.box.style.fontSize = `${this.size = size}px`;
    const w = this.box.offsetWidth, h = this.box.offsetHeight, { x, y, side, tail } = placeBubble(at, w, h, screen, this.side);
    const moved = apart({ left: x, top: y, right: x + w, bottom: y + h }, taken, screen), top = y + moved;
    taken.push({ left: x, top, right: x + w, bottom: top + h });
    this.box.classList.toggle('moved', Math.abs(moved) > 30);
    if (side !== this.box.dataset.side) this.box.dataset.side = this.side = side;
    this.box.style.setProperty('--tail', `${tail.toFixed(0)}px`);
    this.box.style.transform = `translate(${Math.round(x)}px, ${Math.round(top)}px)`;
    this.box.style.zIndex = String(Math.round(1000 - at.distance * 10));
  }

  dispose() {
    this.box.remove();
  }
}
