/**
 * The keys that a participant holds: those of the group by generation and step of
 * the ratchet, and those of senders as far as frames of theirs came. Everything
 * is kept for as long as a connection lasts; how much is bounded.
 *
 * Used by the worker. Methods may be called at the same time: what two streams
 * ask for at once is made twice and kept once.
 * @module
 */
import { GENERATIONS, STEPS, decodeKid, encodeKid, expand, ratchetGroupKey } from './e2ee-keys.js';
import { ReplayWindow } from './e2ee-replay.js';
import { deriveFrameKey } from './e2ee-sframe.js';

/**
 * @import {KeyId} from './e2ee-keys.js'
 * @import {FrameKey, Suite} from './e2ee-sframe.js'
 */

/** Keys of senders that are remembered: those whose frames were authentic, and others. */
const MAX_PROVEN = 1024;
const MAX_DOUBTED = 64;
const NOTHING = new Uint8Array(0);

/** One sender's key, as a receiver has it. */
export class SenderKey {
  window = new ReplayWindow();

  /**
   * @param {KeyId} id
   * @param {FrameKey} frameKey
   */
  constructor(id, frameKey) {
    this.id = id;
    this.frameKey = frameKey;
  }
}

/** The keys of a group, and those of its senders as far as they are needed. */
export class KeyRing {
  /** Which key we seal with. */
  current = { generation: 0, step: 0 };
  /** @type {Map<number, CryptoKey>} by generation and step */ #groups = new Map();
  /** @type {Map<number, number>} newest step of each generation */ #newest = new Map();
  /** @type {Map<bigint, SenderKey>} */ #proven = new Map();
  /** @type {Map<bigint, SenderKey>} none of whose frames was authentic so far */ #doubted = new Map();
  /** @type {Map<string, number>} */ #tags = new Map();

  /** @param {Suite} suite */
  constructor(suite) { this.suite = suite; }

  /** Whether there is a key to seal with. */
  get ready() { return this.#groups.has(epoch(this.current)); }

  /**
   * Sets the key of a generation; those of others stay good for receiving.
   * @param {number} generation 0 to 15
   * @param {CryptoKey} key of importGroupKey
   * @param {boolean} use whether to seal with it from now on
   * @param {number} [step] of the ratchet that the key is of, 0 to 15
   */
  set(generation, key, use, step = 0) {
    if (!within(generation, GENERATIONS) || !within(step, STEPS)) throw new RangeError(`index ${generation}, step ${step}: use 0 to ${GENERATIONS - 1} and 0 to ${STEPS - 1}`);
    for (let old = 0; old < STEPS; old++) this.#groups.delete(epoch({ generation, step: old }));
    this.#forget(generation);
    this.#groups.set(epoch({ generation, step }), key);
    this.#newest.set(generation, step);
    if (use || generation === this.current.generation) this.current = { generation, step };
  }

  /**
   * Goes one step on with the key we seal with; receivers follow by themselves.
   * The key before it stays for what is on its way, older ones are forgotten.
   */
  async ratchet() {
    const { generation, step } = this.current, next = { generation, step: step + 1 };
    if (next.step >= STEPS) throw new RangeError('this key was ratcheted as often as it can be: set a new one');
    if (!await this.#group(next)) throw new RangeError('there is no key to ratchet');
    for (let old = 0; old < step; old++) this.#groups.delete(epoch({ generation, step: old }));
    this.current = next;
  }

  /**
   * The key of a KID, or null where we have none of its generation.
   * @param {bigint} kid
   * @returns {Promise<SenderKey|null>}
   */
  async sender(kid) {
    const known = this.#proven.get(kid) ?? this.#doubted.get(kid);
    if (known) return known;
    const id = decodeKid(kid), group = id && await this.#group(id);
    if (!id || !group) return null;
    const derived = new SenderKey(id, await deriveFrameKey(this.suite, kid, await this.#baseKey(group, kid)));
    const meanwhile = this.#proven.get(kid) ?? this.#doubted.get(kid); // another stream asked too
    if (meanwhile) return meanwhile;
    keep(this.#doubted, kid, derived, MAX_DOUBTED);
    return derived;
  }

  /**
   * Notes that a frame with this KID was authentic: its replay window is worth
   * keeping.
   * @param {bigint} kid
   * @param {SenderKey} key
   */
  prove(kid, key) {
    if (this.#proven.has(kid)) return;
    this.#doubted.delete(kid);
    keep(this.#proven, kid, key, MAX_PROVEN);
  }

  /**
   * What `sender` of a KID is for a source of a participant.
   * @param {{generation: number, step: number}} id
   * @param {string} participant
   * @param {string} source
   * @returns {Promise<number>} 16 bits; -1 where there is no key
   */
  async tag(id, participant, source) {
    const name = `${epoch(id)} ${source} ${participant}`;
    const known = this.#tags.get(name);
    if (known !== undefined) return known;
    const group = await this.#group(id);
    if (!group) return -1;
    const key = await crypto.subtle.importKey('raw', await expand(group, 'sender tag', NOTHING, 32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${source}\0${participant}`)));
    const tag = mac[0] << 8 | mac[1];
    keep(this.#tags, name, tag, MAX_PROVEN);
    return tag;
  }

  /**
   * A key of our own, new for every session and source.
   * @param {string} participant
   * @param {string} source
   * @returns {Promise<{kid: bigint, frameKey: FrameKey}|null>}
   */
  async own(participant, source) {
    const id = this.current, group = await this.#group(id);
    if (!group) return null;
    const [random] = crypto.getRandomValues(new Uint32Array(1));
    const kid = encodeKid({ ...id, sender: await this.tag(id, participant, source) }, random);
    return { kid, frameKey: await deriveFrameKey(this.suite, kid, await this.#baseKey(group, kid)) };
  }

  /**
   * @param {CryptoKey} group
   * @param {bigint} kid
   */
  #baseKey(group, kid) {
    const context = new Uint8Array(8);
    new DataView(context.buffer).setBigUint64(0, kid);
    return expand(group, 'sender', context, this.suite.keyBytes);
  }

  /**
   * The group's key of a step; steps that were not asked for yet follow from the
   * newest before them.
   * @param {{generation: number, step: number}} id
   * @returns {Promise<CryptoKey|undefined>}
   */
  async #group({ generation, step }) {
    const known = this.#groups.get(epoch({ generation, step }));
    if (known) return known;
    for (let at = this.#newest.get(generation) ?? STEPS; at < step; at++) {
      const before = this.#groups.get(epoch({ generation, step: at }));
      if (!before) return undefined;
      const next = await ratchetGroupKey(before);
      if (this.#groups.get(epoch({ generation, step: at })) !== before) return undefined; // a new key was set meanwhile
      this.#groups.set(epoch({ generation, step: at + 1 }), next);
      this.#newest.set(generation, Math.max(this.#newest.get(generation) ?? 0, at + 1));
    }
    return this.#groups.get(epoch({ generation, step }));
  }

  /** @param {number} generation */
  #forget(generation) {
    for (const keys of [this.#proven, this.#doubted]) {
      for (const [kid, key] of keys) if (key.id.generation === generation) keys.delete(kid);
    }
    this.#tags.clear();
  }
}

/** @param {number} n @param {number} end */
function within(n, end) { return Number.isInteger(n) && n >= 0 && n < end; }

/** @param {{generation: number, step: number}} id */
function epoch({ generation, step }) { return generation << 4 | step; }


/**
 * Adds to a map that has bounds; the oldest goes.
 * @template K, V
 * @param {Map<K, V>} map
 * @param {K} key
 * @param {V} value
 * @param {number} most
 */
function keep(map, key, value, most) {
  if (map.size >= most) for (const oldest of map.keys()) { map.delete(oldest); break; }
  map.set(key, value);
}
