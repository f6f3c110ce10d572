/**
 * A question to the server that has one answer, asked once at a time.
 * @module
 */
import { EarshotError } from './signal.js';

const TIMEOUT_MS = 15_000;

export class Pending {
  /** @type {Promise<void>|null} */ #promise = null;
  #ref;
  #settle = { resolve: () => {}, reject: (/** @type {Error} */ _) => {} };

  /** @param {string} [ref] by which a refusal is known */
  constructor(ref = '') { this.#ref = ref; }

  /** Whether an answer is waited for. */
  get waiting() { return this.#promise !== null; }

  /**
   * Asks, unless an answer is waited for already: then this waits for it too.
   * @param {(ref: string) => void} send
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
    send(this.#ref);
    return promise;
  }

  /**
   * @param {EarshotError} error
   * @returns {boolean} whether it refused this question, whose promise has it now
   */
  refused(error) {
    if (error.ref !== this.#ref || !this.waiting) return false;
    this.reject(error);
    return true;
  }

  resolve() { this.#settle.resolve(); }

  /** @param {Error} error */
  reject(error) { this.#settle.reject(error); }
}
