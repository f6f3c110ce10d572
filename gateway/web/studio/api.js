/**
 * The studio's half of the server's HTTP API. Every call ends with what was
 * asked for or throws a StudioError whose message says what to do.
 * @module
 */
import { events } from './sse.js';

/**
 * @typedef {import('./draft.js').Problem} Problem
 * @typedef {import('./draft.js').Place} Place
 * @typedef {import('../spatial.js').Curve} Curve
 * @typedef {{voice: Curve, view_range: number, chat_range: number, npc_density: number, zones: import('../zones.js').Zone[]}} Parameters
 * @typedef {{name: string, title: string, npcs: string[], parameters: Parameters, scene?: string, spawn?: number[]}} World
 * @typedef {{turns: number, scripted: number, degraded: number, interrupted: number, ttft_p50_ms: number, ttft_p95_ms: number,
 *   word_p50_ms: number, word_p95_ms: number, tokens_in: number, tokens_out: number, cost: number, last_error?: string}} Figures
 * @typedef {{id: string, world: string, name: string, version: number, published: string, out?: boolean, speaks: string, reason?: string, figures: Figures}} Npc
 *   out: whether it is in a running instance
 * @typedef {{worlds: World[], npcs: Npc[], models: string[], speech: {kind: string, reason?: string},
 *   transcription: {kind: string, reason?: string}, kept: string}} Studio
 * @typedef {{id: string, world: string, yaml: string, version: number, published: string, place: Place}} Saved
 * @typedef {{version: number, at: string, by: string, note: string, yaml?: string}} Version
 * @typedef {{own: boolean, speaker: string, text: string}} Turn
 * @typedef {{text?: string, done?: boolean, error?: string, source?: string, degraded?: string, reason?: string, backend?: string, model?: string, ttft_ms?: number, tokens_in?: number, tokens_out?: number}} TalkEvent
 */

const TIMEOUT_MS = 15_000;

export class StudioError extends Error {
  /** @param {string} code @param {string} message @param {{problems?: Problem[], status?: number}} [more] */
  constructor(code, message, { problems = [], status = 0 } = {}) {
    super(message);
    this.name = 'StudioError';
    this.code = code;
    this.problems = problems;
    this.status = status;
  }
}

/** A sentence for whatever was thrown. @param {unknown} error */
export function sentence(error) {
  const text = error instanceof Error ? error.message : String(error);
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

export class Api {
  token = '';
  /** Asked for another token when one expired; '' for none. @type {() => Promise<string>} */
  renew = async () => '';

  /** @param {URL} base of the server */
  constructor(base) { this.base = base; }

  /** @returns {Promise<Studio>} */
  studio() { return this.#json('GET', ''); }
  /** @param {string} world @param {Partial<Parameters>} parameters @returns {Promise<World>} */
  setWorld(world, parameters) { return this.#json('PATCH', `/worlds/${enc(world)}`, parameters); }
  /** @param {string} id @returns {Promise<Saved>} */
  npc(id) { return this.#json('GET', `/npcs/${enc(id)}`); }
  /** @param {string} id @param {{yaml: string, place?: Place, note: string, if_version: number}} body @returns {Promise<{version: number}>} */
  apply(id, body) { return this.#json('PUT', `/npcs/${enc(id)}`, body); }
  /** @param {{id: string, world: string, yaml: string, place: Place, note: string}} body @returns {Promise<{version?: number}>} */
  create(body) { return this.#json('POST', '/npcs', body); }
  /** @param {string} id @returns {Promise<void>} */
  remove(id) { return this.#json('DELETE', `/npcs/${enc(id)}`); }
  /** @param {string} yaml @param {AbortSignal} signal @returns {Promise<{problems: Problem[], name: string, tokens: number}>} */
  check(yaml, signal) { return this.#json('POST', '/check', { yaml }, signal); }
  /** @param {string} id @returns {Promise<{versions: Version[]}>} */
  versions(id) { return this.#json('GET', `/npcs/${enc(id)}/versions`); }
  /** @param {string} id @param {number} version @returns {Promise<Version & {yaml: string}>} */
  version(id, version) { return this.#json('GET', `/npcs/${enc(id)}/versions/${version}`); }
  /** @param {string} id @param {number} from @param {number} to @returns {Promise<{hunks: import('./diff.js').Hunk[]}>} */
  diff(id, from, to) { return this.#json('GET', `/npcs/${enc(id)}/diff?from=${from}&to=${to}`); }
  /** @param {string} id @param {number} version @param {string} note @returns {Promise<{version: number}>} */
  rollback(id, version, note) { return this.#json('POST', `/npcs/${enc(id)}/rollback`, { version, note }); }

  /**
   * Talks with a draft.
   * @param {{yaml: string, world: string, turns: Turn[]}} body
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<TalkEvent, void, void>}
   */
  async* talk(body, signal) {
    const response = await this.#request('POST', '/talk', JSON.stringify(body), { 'Content-Type': 'application/json', Accept: 'text/event-stream' }, signal);
    if (!response.body) throw new StudioError('internal', 'The browser gave no stream to read the answer from.');
    try {
      yield* events(response.body);
    } catch (error) {
      if (signal.aborted) return;
      throw new StudioError('unavailable', 'The answer was cut off on its way here. Ask again.', { status: 0 });
    }
  }

  /** @param {string} yaml @param {string} text @param {AbortSignal} signal @returns {Promise<Blob>} WAV */
  async speech(yaml, text, signal) {
    return (await this.#request('POST', '/speech', JSON.stringify({ yaml, text }), { 'Content-Type': 'application/json' }, signal)).blob();
  }

  /** @param {Blob} file @returns {Promise<{yaml: string, warnings?: string[]}>} */
  async import(file) {
    return (await this.#request('POST', '/import', file, { 'Content-Type': 'application/octet-stream' }, AbortSignal.timeout(60_000))).json();
  }

  /** @param {string} id @param {'json'|'png'|'charx'} format @param {'v2'|'v3'} version @returns {Promise<Blob>} */
  async card(id, format, version) {
    return (await this.#request('GET', `/npcs/${enc(id)}/card?format=${format}&version=${version}`, null, {}, AbortSignal.timeout(60_000))).blob();
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] @returns {Promise<any>} */
  async #json(method, path, body, signal) {
    const response = await this.#request(method, path, body === undefined ? null : JSON.stringify(body), body === undefined ? {} : { 'Content-Type': 'application/json' }, signal ?? AbortSignal.timeout(TIMEOUT_MS));
    const text = await response.text();
    return text ? JSON.parse(text) : undefined;
  }

  /**
   * @param {string} method @param {string} path @param {BodyInit|null} body @param {Record<string, string>} headers @param {AbortSignal} signal
   * @param {boolean} [again]
   * @returns {Promise<Response>}
   */
  async #request(method, path, body, headers, signal, again = true) {
    let response;
    try {
      response = await fetch(new URL(`v1/studio${path}`, this.base), { method, body, headers: { ...headers, Authorization: `Bearer ${this.token}` }, signal, cache: 'no-store' });
    } catch (cause) {
      if (/** @type {any} */ (cause)?.name === 'AbortError') throw cause;
      throw new StudioError('unavailable', 'The server cannot be reached. Check the network; what you typed is kept here, try again.');
    }
    if (response.ok) return response;
    if (response.status === 401 && again) {
      const token = await this.renew();
      if (token) {
        this.token = token;
        return this.#request(method, path, body, headers, signal, false);
      }
    }
    /** @type {any} */
    const said = await response.json().catch(() => null);
    if (typeof said?.message === 'string') throw new StudioError(String(said.code), said.message, { problems: said.problems ?? [], status: response.status });
    throw new StudioError(response.status >= 500 ? 'unavailable' : 'unknown', `The server answered ${response.status} ${response.statusText}. Try again, or look in its log.`, { status: response.status });
  }
}

/** @param {string} part of a path */
function enc(part) { return encodeURIComponent(part); }
