/**
 * A question to the server that has one answer, asked once at a time.
 * @module
 */
import { EarshotError } from './signal.js';

const TIMEOUT_MS = 15_000;

export class Pending {
  /** @type {Promise<void>|null} */ #promise = null;
  #settle = { resolve: () => {}, reject: (/** @type {Error} */ _) => {} };

  /** Whether an answer is waited for. */
  get waiting() { return this.#promise !== null; }

  /**
   * Asks, unless an answer is waited for already: then this waits for it too.
   * @param {() => void} send
   * @returns {Promise<void>}
   */
  ask(send) {
    if (this.#promise) return this.#promise;
    /** @type {Promise<void>} */
    const promise = new Promise((resolve, reject) => { this.#settle = { resolve, reject }; });
    this.#promise = promise;
    const timeout = setTimeout(() => this.reject(new EarshotError('deadline_exceeded', 'the server did not answer: try again')), TIMEOUT_MS);
    const done = () => { clearTimeout(timeout); this.#promise = null; };
    promise.then(done, done);
    send();
    return promise;
  }

  resolve() { this.#settle.resolve(); }

  /** @param {Error} error */
  reject(error) { this.#settle.reject(error); }
}
