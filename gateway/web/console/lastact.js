/**
 * The moderator's own last act, which can be taken back. A verdict waits a
 * moment before the server is told, so that a slip of a finger does nothing to
 * anybody; an act that the server knows is undone there.
 * @module
 */

/** How long a verdict waits, ms. */
export const WAIT_MS = 5000;

/** @typedef {{what: string, send?: (last: boolean) => Promise<void>, undo: () => void | Promise<void>}} Act what: for people; send: none where it is done already */

export class LastAct {
  /** @type {Act|null} */ act = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;

  /** @param {(act: Act|null) => void} onChange what can be taken back now */
  constructor(onChange) { this.onChange = onChange; }

  /** @param {Act} act */
  do(act) {
    this.flush();
    this.act = act;
    if (act.send) this.#timer = setTimeout(() => this.flush(), WAIT_MS);
    this.onChange(act);
  }

  /** Tells the server what waits. @param {boolean} [last] the page goes away */
  flush(last = false) {
    const { act } = this;
    if (!act?.send) return;
    clearTimeout(this.#timer);
    this.act = null;
    this.onChange(null);
    void act.send(last);
  }

  /** @returns {boolean} whether there was one */
  undo() {
    const { act } = this;
    if (!act) return false;
    clearTimeout(this.#timer);
    this.act = null;
    this.onChange(null);
    void act.undo();
    return true;
  }
}
