/**
 * Waiting for a world that is full (docs/instances.md): a place in the queue,
 * what is told of it, and joining when it is our turn.
 *
 *     const stop = new AbortController();
 *     await joinOrWait(world, { microphone: track }, {
 *       onWait: ({ position, waiting, estimatedSeconds }) => …, signal: stop.signal,
 *     });
 *
 * The server knows who we are: asking again, also after the page was loaded
 * anew, finds the same place.
 * @module
 */
import { request } from './http.js';
import { EarshotError } from './signal.js';

/** @import {Earshot} from './earshot.js' */

/**
 * What the server says to who waits (`queueReply` of gateway/queueapi.go).
 * @typedef {{queue: string, again_s: number, position?: number, waiting?: number, estimated_s?: number, url?: string,
 *   alternates?: string[], ready?: boolean, reservation?: string, instance?: string, token?: string}} Told
 * @typedef {{told: Told, base: string}} Ticket base: the URL of who said it
 * @typedef {{position: number, waiting: number, estimatedSeconds: number}} Standing
 *   position: how many are before us, and one; estimatedSeconds: 0 where nobody knows
 */

/** A request is held for 20 s. */
const REQUEST_MS = 30_000;
/** A place is lost when it was not asked for as long; nobody has to try longer. */
const PATIENCE_MS = 120_000;
/** The pause after a request that nobody answered. */
const RETRY_MS = 2000;
/** How often a place may be lost before we give up. */
const MAX_LOST = 3;

/**
 * Joins, and where there is no room waits until there is. Rejects as join does;
 * with `canceled` when the signal ends it.
 * @param {Earshot} world
 * @param {Parameters<Earshot['join']>[0]} [options] of join
 * @param {{onWait?: (standing: Standing) => void, onTurn?: () => void, signal?: AbortSignal}} [waiting] onTurn: we wait no longer, and join
 */
export async function joinOrWait(world, options, { onWait = () => {}, onTurn = () => {}, signal } = {}) {
  const { nodes } = world, { asks } = nodes;
  asks.wait = '1';
  try {
    for (let lost = 0; ;) {
      try {
        return await world.join(options);
      } catch (error) {
        asks.reservation = '';
        if (!(error instanceof EarshotError) || !error.queue) throw error;
        const turn = await new Wait(world, error.queue, onWait, signal).turn();
        if (!turn && ++lost === MAX_LOST) throw error;
        if (!turn) continue; // join again, for another place
        onTurn();
        nodes.sent({ url: turn.url, instance: nodes.instance }, performance.now()); // the reservation says where
        asks.reservation = turn.reservation;
      }
    }
  } finally {
    asks.wait = asks.reservation = '';
  }
}

/** One wait for our turn. */
class Wait {
  /** @type {string[]} URLs to ask, the first next */ #bases;
  #heard = Date.now();

  /**
   * @param {Earshot} world
   * @param {Ticket} ticket
   * @param {(standing: Standing) => void} onWait
   * @param {AbortSignal} [signal]
   */
  constructor(world, ticket, onWait, signal) {
    this.world = world;
    this.told = ticket.told;
    this.onWait = onWait;
    this.signal = signal;
    this.#bases = [ticket.base];
    this.#take(ticket.told);
  }

  /**
   * Waits. Resolves with where to join; null: our place is lost.
   * @returns {Promise<{url: string, reservation: string}|null>}
   */
  async turn() {
    while (!this.told.ready) {
      if (this.signal?.aborted) throw this.#leave();
      const began = Date.now();
      try {
        this.#take(await this.#ask());
        // Held requests are pause enough; a page in the background is given no timers for a minute.
        await this.#pause(this.told.ready ? 0 : this.told.again_s * 1000 - (Date.now() - began));
      } catch (error) {
        const e = EarshotError.from(error);
        if (this.signal?.aborted) throw this.#leave();
        if (e.code === 'not_found') return null;
        if (e.location) this.#bases.unshift(new URL('/', e.location).href);
        else if (e.code !== 'unavailable' && e.code !== 'resource_exhausted' || Date.now() - this.#heard > PATIENCE_MS) throw e;
        else await this.#elsewhere(e);
      }
    }
    const { url = '', reservation = '' } = this.told;
    return { url: url || this.#bases[0], reservation };
  }

  /** @returns {Promise<Told>} */
  async #ask() {
    const url = new URL(`v1/queue/${this.told.queue}`, this.#bases[0]);
    if (this.told.position) url.searchParams.set('known', String(this.told.position));
    const stop = this.signal ? { signal: this.signal } : {};
    return (await request(url, this.world.token, { method: 'GET', headers: {}, ...stop }, REQUEST_MS)).json();
  }

  /** @param {Told} told */
  #take(told) {
    this.told = told;
    this.#heard = Date.now();
    if (told.token) this.world.token = told.token;
    const others = (told.alternates ?? []).map(slashed);
    this.#bases = [...new Set([...told.url && !told.ready ? [slashed(told.url)] : [], this.#bases[0], ...others])];
    if (told.position && !told.ready) {
      this.onWait({ position: told.position, waiting: told.waiting ?? told.position, estimatedSeconds: told.estimated_s ?? 0 });
    }
  }

  /** The node does not answer, or cannot now: another one, after a while. @param {EarshotError} e */
  async #elsewhere(e) {
    if (!e.told) this.#bases.push(/** @type {string} */ (this.#bases.shift()));
    await this.#pause(Math.max(e.retryAfterMs, RETRY_MS) * (1 + Math.random() / 2));
  }

  /** Gives our place up. */
  #leave() {
    const url = new URL(`v1/queue/${this.told.queue}`, this.#bases[0]);
    fetch(url, { method: 'DELETE', keepalive: true, headers: { Authorization: `Bearer ${this.world.token}` } })
      .catch(() => { /* the place is lost by itself, in two minutes */ });
    return new EarshotError('canceled', 'you left the queue');
  }

  /** @param {number} ms @returns {Promise<void>} */
  #pause(ms) {
    const { signal } = this;
    return new Promise((done) => {
      if (ms <= 0 || signal?.aborted) return done();
      const timer = setTimeout(end, ms);
      signal?.addEventListener('abort', end, { once: true });
      function end() {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        done();
      }
    });
  }
}

/** @param {string} url */
const slashed = (url) => (url.endsWith('/') ? url : `${url}/`);
