/**
 * What a connection needs done again and again: asking the time, which tells
 * the server's clock and the round trip, and renewing the token before it ends.
 * @module
 */
import { ServerClock } from './clock.js';
import * as signal from './signal.js';

const PING_MS = 2000;
/** Share of a token's life after which it is renewed. */
const RENEW_AT = 0.8;
const RENEW_REF = 'renew';

export class Upkeep {
  /** Of the last ping, ms; 0 before it is known. */
  rttMs = 0;
  #clock = new ServerClock();
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #renewal;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #pinging;

  /**
   * @param {(message: object) => void} send
   * @param {() => string} token the present one
   */
  constructor(send, token) {
    this.send = send;
    this.token = token;
  }

  /** @param {signal.Welcome} m */
  start(m) {
    const now = performance.now();
    this.#clock.observe(m.server_time, now - 1000, now); // till the first pong: it was sent within the last second
    this.#ping();
    this.#pinging = setInterval(() => this.#ping(), PING_MS);
    this.renewed(m.token_expires);
  }

  stop() {
    clearTimeout(this.#renewal);
    clearInterval(this.#pinging);
  }

  /** @param {signal.Pong} m */
  pong(m) {
    const now = performance.now();
    this.rttMs = now - m.t;
    this.#clock.observe(m.server_time, m.t, now);
  }

  /** Asks the server now, whether it is there. Returns the usual round trip, ms. */
  probe() {
    this.#ping();
    return this.rttMs;
  }

  /**
   * The server's clock, in ms.
   * @param {number} nowMs performance.now()
   */
  serverNow(nowMs) { return this.#clock.at(nowMs); }

  /** Asks for a new token. */
  renew() { this.send({ ...signal.renew(), ref: RENEW_REF }); }

  /**
   * Starts counting anew: the present token is fresh.
   * @param {string} expires RFC 3339
   */
  renewed(expires) {
    const life = tokenLife(this.token(), expires);
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => {
      this.renew();
      // Asked again, should the answer be lost with a broken connection.
      this.#renewal = setTimeout(() => this.renewed(expires), Math.max(5000, life / 20));
    }, Math.max(1000, life * RENEW_AT));
  }

  #ping() { this.send(signal.ping(performance.now())); }
}

/**
 * How long a token just issued lasts, in ms: what the local clock makes of its
 * end, but no longer than the token itself says, since the local clock may be
 * behind.
 * @param {string} token
 * @param {string} expires RFC 3339
 */
export function tokenLife(token, expires) {
  const left = Date.parse(expires) - Date.now();
  try {
    const claims = JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));
    const whole = (claims.exp - claims.iat) * 1000;
    return Math.max(0, whole > 0 ? Math.min(left, whole) : left);
  } catch {
    return Math.max(0, left);
  }
}
