/**
 * Protection against frames that come twice (RFC 9605, section 9.3): whoever
 * forwards them could say again what was said before.
 * @module
 */

/** Which counters of a key were seen: none is taken twice, nor one that is too old. */
export class ReplayWindow {
  #newest = -1;
  #seen;

  /** @param {number} [size] how far behind the newest one may come, a multiple of 32 */
  constructor(size = 1024) { this.#seen = new Uint32Array(size / 32); }

  /**
   * Whether a counter was not seen yet and is not too old. Nothing is noted: its
   * frame may turn out not to be authentic.
   * @param {number} ctr
   */
  fresh(ctr) {
    if (ctr > this.#newest) return true;
    return this.#newest - ctr < this.#size && !this.#bit(ctr);
  }

  /**
   * Notes a counter of an authentic frame. Returns false where it is not fresh.
   * @param {number} ctr
   */
  take(ctr) {
    if (!this.fresh(ctr)) return false;
    if (ctr > this.#newest) {
      if (this.#newest < 0 || ctr - this.#newest >= this.#size) this.#seen.fill(0);
      else for (let c = this.#newest + 1; c < ctr; c++) this.#clear(c);
      this.#newest = ctr;
    }
    const at = ctr % this.#size;
    this.#seen[at >>> 5] |= 1 << (at & 31);
    return true;
  }

  get #size() { return this.#seen.length * 32; }

  /** @param {number} ctr */
  #bit(ctr) {
    const at = ctr % this.#size;
    return (this.#seen[at >>> 5] >>> (at & 31) & 1) === 1;
  }

  /** @param {number} ctr */
  #clear(ctr) {
    const at = ctr % this.#size;
    this.#seen[at >>> 5] &= ~(1 << (at & 31));
  }
}
