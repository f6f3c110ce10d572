/**
 * The server's clock (ms, 32 bits, as in poses and chat) told from the local
 * one. The answer that took the least time is the best one, and fades as the
 * two clocks drift apart.
 * @module
 */

/** How much worse a sample is held to be a second after it was taken, in ms. */
const AGEING_MS_PER_S = 0.5;

export class ServerClock {
  #offset = 0;
  #uncertainty = Infinity;
  #at = 0;

  /** Whether anything is known. */
  get known() { return this.#uncertainty < Infinity; }

  /**
   * Learns from an answer.
   * @param {number} serverTime what the answer says
   * @param {number} sentMs local time of the question; for a message nobody
   *   asked for, a guess of when it was sent
   * @param {number} receivedMs local time of the answer
   */
  observe(serverTime, sentMs, receivedMs) {
    const uncertainty = Math.max(0, receivedMs - sentMs) / 2;
    const aged = this.#uncertainty + (receivedMs - this.#at) / 1000 * AGEING_MS_PER_S;
    if (uncertainty > aged) return;
    this.#offset = serverTime - (sentMs + receivedMs) / 2;
    this.#uncertainty = uncertainty;
    this.#at = receivedMs;
  }

  /**
   * Server time at a local time, as a number that wraps at 2^32 like the
   * server's; keep differences small with `| 0`.
   * @param {number} localMs performance.now()
   */
  at(localMs) {
    const t = (localMs + this.#offset) % 2 ** 32;
    return t < 0 ? t + 2 ** 32 : t;
  }
}
