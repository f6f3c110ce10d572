/**
 * The console's half of the server's HTTP API. Every call ends with what was
 * asked for or throws a ConsoleError whose message says what to do.
 * @module
 */
import { events } from '../studio/sse.js';

/**
 * @typedef {'right'|'wrong'|'too_harsh'|'too_mild'} Verdict
 * @typedef {{action: string, for_s: number}} Act for_s: seconds, 0 until lifted
 * @typedef {{id: string, at: string, world: string, who: string, name: string, kind: string, source: string,
 *   category: string, severity: number, scores: Record<string, number|null>, terms: string[], rule: string,
 *   actions: Act[], proposed: Act[], automatic: boolean, review: boolean, unverified: boolean, reports: number,
 *   state: 'open'|'judged'|'undone', order: string, verdict: Verdict|null, by: string}} Incident severity and scores: 0 to 1, a score null where it is not known;
 *   open: waits for a person; judged with no verdict: decided by the machine, nobody has looked at it
 * @typedef {{at: string, who: string, name: string, text: string}} Line
 * @typedef {{id: string, kind: string, seconds?: number}} Evidence
 * @typedef {{what: string, facts: string, automation: string, rule: string, redress: string}} Statement
 * @typedef {{weight: number, category: string, rule: string, at: string, incident: string}} Strike
 * @typedef {{action: string, until?: string, order: string}} InForce
 * @typedef {{who: string, name: string, strikes: Strike[], in_force: InForce[], incidents: Incident[],
 *   reports_made: number, reports_against: number}} Person
 * @typedef {Incident & {text: string, context: Line[], evidence: Evidence[], statement: Statement, person: Person,
 *   elsewhere?: string[]}} Detail elsewhere: nodes that have some of what was said, and do not answer
 * @typedef {{id: string, order: string, at: string, who: string, name: string, text: string, incident: Incident, mine: boolean}} Appeal
 *   mine: you made the first judgement, so you may not decide
 * @typedef {{open: number, incidents: number, automatic: number, precision: number, time_to_action_p50_s: number,
 *   appeals: number, overturned: number, unverified?: number}} Figures
 * @typedef {{name: string, title: string, policy: string, voice: boolean}} World
 * @typedef {{worlds: World[], figures: Figures, you: string, kept: 'memory'|'file'}} Overview
 * @typedef {{line: number, field: string, message: string}} Problem
 * @typedef {{yaml: string, name: string, default: boolean}} Policy
 * @typedef {{problems?: Problem[], compared: number, same: number, harsher: number, milder: number, added: number,
 *   removed: number, examples: {incident: string, before: string|string[], after: string|string[]}[]}} Replay
 * @typedef {{incident?: Incident, figures?: Figures}} News
 */

const TIMEOUT_MS = 15_000;

export class ConsoleError extends Error {
  /** @param {string} code @param {string} message @param {{problems?: Problem[], status?: number}} [more] */
  constructor(code, message, { problems = [], status = 0 } = {}) {
    super(message);
    this.name = 'ConsoleError';
    this.code = code;
    this.problems = problems;
    this.status = status;
  }
}

export class Api {
  token = '';
  /** Asked for another token when one expired; '' for none. @type {() => Promise<string>} */
  renew = async () => '';

  /** @param {URL} base of the server */
  constructor(base) { this.base = base; }

  /** @returns {Promise<Overview>} */
  overview() { return this.#json('GET', ''); }
  /** @param {'open'|'all'} state @param {string} [before] @returns {Promise<{incidents: Incident[]}>} */
  incidents(state, before = '') { return this.#json('GET', `/incidents?${new URLSearchParams({ state, limit: '50', ...before && { before } })}`); }
  /** @param {string} id @returns {Promise<Detail>} */
  incident(id) { return this.#json('GET', `/incidents/${enc(id)}`); }
  /** @param {string} id @param {{verdict: Verdict, actions: Act[], note: string}} body @param {boolean} [last] the page goes away @returns {Promise<Incident>} */
  judge(id, body, last) { return this.#json('POST', `/incidents/${enc(id)}/judge`, body, last); }
  /** @param {string} order @param {string} note @returns {Promise<void>} */
  undo(order, note) { return this.#json('POST', `/orders/${enc(order)}/undo`, { note }); }
  /** @param {string} who @param {{world: string, action: string, for_s: number, reason: string}} body @returns {Promise<{order: string}>} */
  act(who, body) { return this.#json('POST', `/people/${enc(who)}/act`, body); }
  /** @param {string} who @returns {Promise<Person>} */
  person(who) { return this.#json('GET', `/people/${enc(who)}`); }
  /** Needs the grant admin. @param {string} who @returns {Promise<Blob>} */
  async export(who) { return (await this.#request('GET', `/people/${enc(who)}/export`)).blob(); }
  /** Needs the grant admin. @param {string} who @returns {Promise<void>} */
  erase(who) { return this.#json('DELETE', `/people/${enc(who)}`); }
  /** @returns {Promise<{appeals: Appeal[]}>} */
  appeals() { return this.#json('GET', '/appeals'); }
  /** @param {string} id @param {'upheld'|'overturned'} verdict @param {string} note @returns {Promise<void>} */
  decide(id, verdict, note) { return this.#json('POST', `/appeals/${enc(id)}/decide`, { verdict, note }); }
  /** @param {string} world @returns {Promise<Policy>} */
  policy(world) { return this.#json('GET', `/policies/${enc(world)}`); }
  /** Needs the grant admin. @param {string} world @param {string} yaml @returns {Promise<void>} */
  setPolicy(world, yaml) { return this.#json('PUT', `/policies/${enc(world)}`, { yaml }); }
  /** @param {string} world @param {string} yaml @returns {Promise<Replay>} */
  replay(world, yaml) { return this.#json('POST', `/policies/${enc(world)}/replay`, { yaml }); }
  /** The sound of evidence; the server writes down who listened, and why. @param {string} id @param {string} incident @returns {Promise<ArrayBuffer>} */
  async evidence(id, incident) { return (await this.#request('GET', `/evidence/${enc(id)}?${new URLSearchParams({ incident })}`)).arrayBuffer(); }

  /**
   * What happens, as it happens, until the stream ends.
   * @param {AbortSignal} signal
   * @param {() => void} onOpen
   * @returns {AsyncGenerator<News, void, void>}
   */
  async* live(signal, onOpen) {
    const response = await this.#request('GET', '/live', { headers: { Accept: 'text/event-stream' }, signal });
    if (!response.body) throw new ConsoleError('internal', 'The browser gave no stream to read from.');
    onOpen();
    yield* events(response.body);
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @param {boolean} [last] @returns {Promise<any>} */
  async #json(method, path, body, last = false) {
    const response = await this.#request(method, path, body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' }, keepalive: last });
    const text = await response.text();
    return text ? JSON.parse(text) : undefined;
  }

  /**
   * @param {string} method @param {string} path @param {RequestInit} [init] @param {boolean} [again]
   * @returns {Promise<Response>}
   */
  async #request(method, path, init = {}, again = true) {
    let response;
    try {
      response = await fetch(new URL(`v1/moderation${path}`, this.base), { method, cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS), ...init, headers: { ...init.headers, Authorization: `Bearer ${this.token}` } });
    } catch (cause) {
      if (/** @type {any} */ (cause)?.name === 'AbortError') throw cause;
      throw new ConsoleError('unavailable', 'The server cannot be reached. Check the network and try again.');
    }
    if (response.ok) return response;
    if (response.status === 401 && again) {
      const token = await this.renew();
      if (token) {
        this.token = token;
        return this.#request(method, path, init, false);
      }
    }
    /** @type {any} */
    const said = await response.json().catch(() => null);
    if (said && (typeof said.message === 'string' || Array.isArray(said.problems))) {
      throw new ConsoleError(String(said.code ?? 'invalid_argument'), said.message ?? 'The policy has problems.', { problems: said.problems ?? [], status: response.status });
    }
    throw new ConsoleError(response.status >= 500 ? 'unavailable' : 'unknown', `The server answered ${response.status} ${response.statusText}. Try again, or look in its log.`, { status: response.status });
  }
}

/** @param {string} part of a path */
function enc(part) { return encodeURIComponent(part); }
