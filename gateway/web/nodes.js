/**
 * Where to join: at the address that was given, or, when that node is gone or
 * sent us away, at one of those that a server named. A node that fell silent is
 * not gone back to at once, whoever says that what we look for is there. The
 * bots of loadtest follow the same rules (loadtest/route.go). Pure.
 * @module
 */

/** @import {EarshotError, Welcome, Bye, Invite} from './signal.js' */

/**
 * For so long after a node fell silent nobody is sent there by others: they may
 * take seconds to learn what its people know already.
 */
export const DISTRUST_MS = 6000;

export class Nodes {
  /** To ask for there; '' for any. */ instance = '';
  /** To come by there; '' for by oneself. */ handoff = '';
  /** @type {Record<string, string>} what else to say at the door, such as invitation, as PROTOCOL.md section 2 has it */ asks = {};
  /** Whether another node could take us. */ others = false;
  /** @type {string[]} where to try, the first next */ #list;
  /** What the caller wanted. */ #asked;
  /** Where we are, or were. */ #at = '';
  /** The node that fell silent, and when; '' for none. */ #dead = '';
  #when = 0;

  /**
   * @param {string} home URL of the server, ending in a slash
   * @param {string} [instance] to ask for; '' for any
   */
  constructor(home, instance = '') {
    this.#list = [home];
    this.home = home;
    this.instance = this.#asked = instance;
  }

  /** URL to join at. */
  get url() { return this.#list[0]; }

  /** Where else one could join. */
  get alternates() { return this.others ? this.#list.slice(1) : []; }

  /** What to say at the door: the query of a join. */
  get query() {
    const all = Object.entries({ instance: this.instance, handoff: this.handoff, ...this.asks });
    return Object.fromEntries(all.filter(([, value]) => value));
  }

  /**
   * Has the next join ask for another instance.
   * @param {{instance: string, url?: string, invitation?: string}} to instance: '' for whichever suits; url: origin of
   *   the node that has it, as far as is known
   */
  go({ instance, url = '', invitation = '' }) {
    this.instance = this.#asked = instance;
    this.asks.invitation = invitation;
    if (url) this.#list = [...new Set([slashed(url), ...this.#list])];
  }

  /** A node answered our offer, perhaps another than we asked. @param {string} session URL */
  joined(session) {
    const node = origin(session);
    if (node !== origin(this.url)) this.#list = [...new Set([`${node}/`, ...this.#list])];
  }

  /** We are in. @param {Welcome} m */
  welcomed(m) {
    this.#at = m.instance;
    this.told(m.alternates ?? []);
    this.#dead = '';
  }

  /** Which other nodes could take us now. @param {string[]} alternates URLs */
  told(alternates) {
    const others = alternates.map(slashed);
    this.others = others.length > 0;
    this.instance = this.others ? this.#at : this.#asked;
    this.#list = [...new Set([this.url, ...others, this.home])];
  }

  /**
   * The server ended it, and may have said where to go.
   * @param {Pick<Bye, 'url'|'instance'>} m
   * @param {number} now ms
   */
  sent(m, now) {
    if (!m.url || !this.trusts(m.url, now)) return;
    this.instance = m.instance ?? '';
    this.#list = [...new Set([slashed(m.url), ...this.#list])];
  }

  /** The node that had us fell silent. @param {number} now ms */
  fell(now) {
    this.#dead = origin(this.url);
    this.#when = now;
    this.#next();
  }

  /**
   * An attempt to join failed: the next node, where this one cannot be reached;
   * what was wanted at first, where our instance is gone.
   * @param {EarshotError} error
   */
  failed(error) {
    if (error.code === 'not_found') this.instance = this.#asked;
    if (error.code === 'unavailable' && !error.told) this.#next();
  }

  /**
   * Whether to go where another node sends us.
   * @param {string} location
   * @param {number} now ms
   */
  trusts(location, now) { return !this.#dead || origin(location) !== this.#dead || now - this.#when > DISTRUST_MS; }

  /** The node that fell silent answers again. */
  answered() { this.#dead = ''; }

  #next() { this.#list.push(/** @type {string} */ (this.#list.shift())); }
}

/**
 * Where one is invited to.
 * @param {Invite} m
 * @param {string} here the present server, which an empty url means
 */
export function nodesOf(m, here) {
  return Object.assign(new Nodes(slashed(m.url || here), m.instance), { handoff: m.handoff, others: true });
}

/** @param {string} url */
const slashed = (url) => (url.endsWith('/') ? url : `${url}/`);

/** @param {string} url */
const origin = (url) => new URL(url).origin;
