/**
 * The card of who waits for a full world: which place, how many wait, about how
 * long, and a way to leave. Who is let in is told in the title, too: most people
 * look at something else meanwhile.
 * @module
 */
import { el } from './ui.js';
import { moreOf, placeOf } from './waiting-words.js';

/** @typedef {import('../queue.js').Standing} Standing */

export class WaitingCard {
  #title = document.title;
  /** @type {AbortController} */ #stop = new AbortController();

  constructor() {
    el('wait-leave').onclick = () => this.#stop.abort();
  }

  /** What joinOrWait is given: once for each wait. @param {() => void} onTurn what else is to be done before joining */
  begin(onTurn) {
    this.#stop = new AbortController();
    return { onWait: (/** @type {Standing} */ s) => this.show(s), onTurn: () => { this.turn(); onTurn(); }, signal: this.#stop.signal };
  }

  /** @param {Standing} standing */
  show(standing) {
    if (el('wait').hidden) {
      el('join-form').hidden = true;
      el('wait').hidden = false;
      el('wait-leave').focus();
    }
    const place = placeOf(standing);
    el('wait-place').textContent = place;
    el('wait-more').textContent = moreOf(standing);
    document.title = `${place} · ${this.#title}`;
  }

  /** It is our turn. */
  turn() {
    el('wait-place').textContent = 'It is your turn';
    el('wait-more').textContent = 'Coming in …';
    document.title = `It is your turn · ${this.#title}`;
  }

  /** We are in, or not any more. */
  hide() {
    document.title = this.#title;
    el('join-form').hidden = false;
    el('wait').hidden = true;
  }
}
