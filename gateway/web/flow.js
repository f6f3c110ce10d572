/**
 * Notices that a dense flow has stopped: voices, poses, messages, whatever comes
 * from the server. Most browsers on laptops tell a page nothing when the network
 * changes, and ICE takes seconds to find a way dead. A flow that stops may have
 * ended by itself, so the server is asked first; who is alone notices nothing,
 * and misses nothing.
 * @module
 */

/** How often check() is to be called, in ms. */
export const CHECK_MS = 25;
/** Of the last checks, so many must have found something new before a silence is one. */
const CHECKS = 40;
const DENSE = 0.6;
/** Silence after which the server is asked, and how long it may take to answer, in ms. */
const QUIET_MS = 75;
const ANSWER_MS = 50;
/** The least time from one alarm to the next, doubled with each that was none. */
const FIRST_REST_MS = 3000;
const LONGEST_REST_MS = 60_000;

export class Flow {
  /** @type {boolean[]} */ #heard = [];
  #arrived = false;
  #last = 0;
  #dense = false;
  /** When the server has to have answered; 0 while it is not asked. */
  #deadline = 0;
  #rested = -Infinity;
  #rest = FIRST_REST_MS;

  /**
   * @param {() => number} probe asks the server, and returns the usual round trip in ms
   * @param {() => void} stopped called when nothing comes any more
   */
  constructor(probe, stopped) {
    this.probe = probe;
    this.stopped = stopped;
  }

  /** Something came. */
  arrive() { this.#arrived = true; }

  /**
   * The connection was moved after an alarm. Whether that was right shows by
   * what came in the meantime: nothing, where the old way was dead.
   * @param {number} now ms
   */
  moved(now) {
    if (!this.#arrived) [this.#rest, this.#rested] = [FIRST_REST_MS, now + FIRST_REST_MS];
  }

  /** @param {number} now ms */
  check(now) {
    const arrived = this.#arrived;
    this.#arrived = false;
    if (arrived) {
      this.#last = now;
      if (this.#deadline) this.#forget(); // the server is there: the flow ended by itself, or stumbled
    }
    if (arrived || !this.#dense) this.#remember(arrived);
    if (!this.#dense || now - this.#last < QUIET_MS) return;
    if (!this.#deadline) {
      this.#deadline = now + ANSWER_MS + 2 * this.probe();
    } else if (now >= this.#deadline) {
      this.#alarm(now);
    }
  }

  /** @param {boolean} arrived */
  #remember(arrived) {
    this.#heard.push(arrived);
    if (this.#heard.length > CHECKS) this.#heard.shift();
    this.#dense = this.#heard.filter(Boolean).length >= CHECKS * DENSE;
  }

  #forget() { [this.#heard, this.#dense, this.#deadline] = [[], false, 0]; }

  /** @param {number} now */
  #alarm(now) {
    this.#forget();
    if (now < this.#rested) return;
    this.#rested = now + this.#rest;
    this.#rest = Math.min(2 * this.#rest, LONGEST_REST_MS);
    this.stopped();
  }
}
