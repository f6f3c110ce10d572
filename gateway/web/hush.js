/**
 * Notices that a server has died: nothing comes from it any more, it does not
 * answer when it is asked, and another node does. ICE would take many seconds to
 * say so, and cannot tell a node that is gone from a network that is. The bots of
 * loadtest do the same (loadtest/comeback.go).
 *
 * Where there is no other node to go to, this is of no use and does nothing.
 * @module
 */

/** Without a packet for so long, the server is asked whether it is there. */
export const HUSH_MS = 1000;
/** So long it has to answer. */
export const ANSWER_MS = 500;
/** Looks further apart than this: it was the page that did not run. */
const STALLED_MS = 250;

/** Nothing arrives any more. Pure. */
export class Hush {
  #packets = -1;
  #looked = -Infinity;
  /** When the last packet came. */ #since = 0;
  /** When the server was asked; 0 where it was not. */ #asked = 0;

  /**
   * @param {number} now ms
   * @param {number} packets that have come by now; what is counted does not matter
   * @returns {'none'|'ask'|'over'} over: it was asked and has not answered, which is said once
   */
  look(now, packets) {
    const stalled = now - this.#looked > STALLED_MS;
    this.#looked = now;
    if (packets !== this.#packets || stalled) {
      [this.#packets, this.#since, this.#asked] = [packets, now, 0];
    } else if (!this.#asked && now - this.#since >= HUSH_MS) {
      this.#asked = now;
      return 'ask';
    } else if (this.#asked && now - this.#asked >= ANSWER_MS) {
      [this.#since, this.#asked] = [now, 0]; // who stays is asked again
      return 'over';
    }
    return 'none';
  }
}

/** Watches one connection. */
export class Vigil {
  #hush = new Hush();
  #packets = 0;
  /** @type {Promise<boolean>} whether another node answers */ #elsewhere = Promise.resolve(false);

  /**
   * @param {{probe: () => unknown, others: () => string[], answers: (node: string) => Promise<boolean>, dead: () => void}} of
   *   probe asks the server; others are the URLs of other nodes that could take us; answers asks one of
   *   those whether it is there; dead is called when the server is not and another is
   */
  constructor(of) { this.of = of; }

  /** Something came from the server, by whatever way. */
  arrive() { this.#packets += 1; }

  /** To be called often: at least five times a second. @param {number} now ms */
  check(now) {
    const others = this.of.others();
    if (!others.length) return;
    switch (this.#hush.look(now, this.#packets)) {
      case 'ask':
        this.of.probe();
        this.#elsewhere = any(others.map(this.of.answers));
        break;
      case 'over': void this.#decide();
    }
  }

  async #decide() {
    const packets = this.#packets;
    if (await this.#elsewhere && packets === this.#packets) this.of.dead();
  }
}

/**
 * Whether one of them says yes, as soon as one does.
 * @param {Promise<boolean>[]} asked none of which rejects
 * @returns {Promise<boolean>}
 */
function any(asked) {
  return Promise.any(asked.map(async (a) => { if (!(await a)) throw new Error('no'); return true; })).catch(() => false);
}
