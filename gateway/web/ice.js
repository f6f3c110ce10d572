/**
 * The STUN and TURN servers by which a network can be left that lets little
 * out. The server names them, with credentials for this token, before the first
 * offer; they are kept until most of their life is over.
 * @module
 */
import { getIce } from './http.js';

/** Joining waits so long for them; most networks need none. */
const PATIENCE_MS = 1500;
/** Share of their life after which they are asked for anew. */
const FRESH = 0.8;

export class IceServers {
  /** @type {RTCIceServer[]} */ #servers = [];
  #until = 0;
  /** Of which server they are. */ #of = '';
  /** @type {Promise<void>|null} */ #asking = null;

  /**
   * @param {() => string} base URL of the server
   * @param {() => string} token the present one
   * @param {typeof getIce} [ask]
   * @param {() => number} [now] ms
   */
  constructor(base, token, ask = getIce, now = () => performance.now()) {
    this.base = base;
    this.token = token;
    this.ask = ask;
    this.now = now;
  }

  /**
   * The servers: at once where they are known, none where the server cannot be
   * asked. Never throws: without them a connection may still come about.
   * @returns {Promise<RTCIceServer[]>}
   */
  async get() {
    if (this.now() < this.#until && this.#of === this.base()) return this.#servers;
    this.#asking ??= this.#refresh().finally(() => { this.#asking = null; });
    /** @type {ReturnType<typeof setTimeout>|undefined} */ let timer;
    await Promise.race([this.#asking, new Promise((done) => { timer = setTimeout(done, PATIENCE_MS); })]);
    clearTimeout(timer);
    return this.#servers;
  }

  /** What is known, without waiting; what is old is asked for, for the next time. */
  peek() {
    void this.get();
    return this.#servers;
  }

  async #refresh() {
    try {
      const base = this.base();
      const { ice_servers: servers, expires } = await this.ask(base, this.token());
      [this.#servers, this.#of] = [servers, base];
      this.#until = this.now() + FRESH * Math.max(0, Date.parse(expires) - Date.now());
    } catch {
      /* the next connection asks again */
    }
  }
}
