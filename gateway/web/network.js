/**
 * Notices that this machine changed its network, as a phone that leaves the
 * Wi-Fi does. Waiting until ICE finds the old way dead would cost seconds of
 * silence.
 * @module
 */

/** Changes within this time are one: the systems tell them in several ways. */
const SAME_MS = 300;

export class NetworkWatch {
  #connection;
  /** @type {string|undefined} */ #type;
  #last = -Infinity;
  #onChange = () => this.#changed();
  #onOnline = () => this.#tell();

  /**
   * @param {() => void} changed called for each change to another network that works
   * @param {EventTarget} [window]
   * @param {(EventTarget & {type?: string})|undefined} [connection] navigator.connection, where there is one
   * @param {() => number} [now] ms
   */
  constructor(changed, window = globalThis, connection = /** @type {any} */ (globalThis.navigator)?.connection, now = () => performance.now()) {
    this.changed = changed;
    this.window = window;
    this.now = now;
    this.#connection = connection;
    this.#type = connection?.type;
    window.addEventListener?.('online', this.#onOnline);
    connection?.addEventListener?.('change', this.#onChange);
  }

  stop() {
    this.window.removeEventListener?.('online', this.#onOnline);
    this.#connection?.removeEventListener?.('change', this.#onChange);
  }

  /** `change` comes for each new estimate of the bandwidth, too: only the kind of network counts. */
  #changed() {
    const type = this.#connection?.type;
    if (type === this.#type) return;
    this.#type = type;
    if (type !== 'none') this.#tell();
  }

  #tell() {
    const now = this.now();
    if (now - this.#last < SAME_MS) return;
    this.#last = now;
    this.changed();
  }
}
