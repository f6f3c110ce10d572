/**
 * Sealing what we send and opening what comes, frame by frame: the decisions,
 * without streams, workers or browsers.
 *
 * What is opened is decided by what is in the frame. What a slot is said to show
 * (`Shown`, told by the server) decides only about frames in clear, and about
 * voices that come in somebody else's place: it may come later than the frames of a
 * new talker, or sooner than the last ones of the old.
 * @module
 */
import { clearLength, compose, dissect, isSilence, metadataOf } from './e2ee-frame.js';
import { decodeHeader, join, open, seal } from './e2ee-sframe.js';

/**
 * @import {Codec} from './e2ee-frame.js'
 * @import {KeyRing} from './e2ee-ring.js'
 * @typedef {{participant: string, source: string, encrypted: boolean}} Shown who is in a slot
 * @typedef {'codec'|'plain'|'key'|'forged'|'replay'|'sender'} Fault why a frame was dropped:
 *   codec: of a kind that cannot be sealed; plain: in clear, from one who encrypts or from nobody;
 *   key: sealed with a key we do not have; forged: not authentic with the key we have, or with another one of
 *   the same index; replay: seen before; sender: of somebody else than the slot shows
 * @typedef {{data: Uint8Array, sealed: boolean}|{fault: Fault}} Result
 */

/** For so long a slot may give another voice than it is said to show: the news of a change and the voice travel apart. */
const SETTLE_MS = 2000;
/** Counters begin at random in 2^40 to 2^47: six bytes, and nobody sends 2^47 frames after it. */
const FIRST_CTR = 2 ** 40;
const LAST_CTR = 2 ** 48 - 1;

/** Seals the frames of one source. */
export class Sealer {
  /** @type {Promise<Awaited<ReturnType<KeyRing['own']>>>} */ #key;
  #epoch;
  #ctr = firstCounter();

  /**
   * @param {KeyRing} ring
   * @param {string} participant who we are
   * @param {string} source microphone, camera or screen
   */
  constructor(ring, participant, source) {
    this.ring = ring;
    this.participant = participant;
    this.source = source;
    this.#epoch = ring.current;
    this.#key = ring.own(participant, source);
  }

  /**
   * Seals a frame. May be called again before it has answered: simulcast layers
   * come at once, and each frame has a counter of its own.
   * @param {Codec|null} codec
   * @param {Uint8Array} frame
   * @returns {Promise<Result>} a fault where it must not be sent
   */
  async seal(codec, frame) {
    const at = codec ? clearLength(codec, frame) : -1;
    if (!codec || at < 0) return { fault: 'codec' };
    if (this.#epoch !== this.ring.current || this.#ctr >= LAST_CTR) this.#renew();
    const ctr = this.#ctr++, key = await this.#key;
    if (!key) return { fault: 'key' };
    const clear = frame.subarray(0, at);
    const sealed = await seal(key.frameKey, key.kid, BigInt(ctr), metadataOf(codec, clear), frame.subarray(at));
    return { data: compose(codec, clear, sealed), sealed: true };
  }

  #renew() {
    this.#epoch = this.ring.current;
    this.#key = this.ring.own(this.participant, this.source);
    this.#ctr = firstCounter();
  }
}

/** Opens the frames of one slot. */
export class Opener {
  /** @type {Shown|null} null is nobody */ #shown = null;
  /** Of the frames in a row that are not of whom the slot shows. */ #strange = { since: 0, last: -Infinity };

  /** @param {KeyRing} ring */
  constructor(ring) { this.ring = ring; }

  /** Who the slot is said to show. */
  get shown() { return this.#shown; }

  /** @param {Shown|null} shown */
  show(shown) {
    if (shown?.participant !== this.#shown?.participant || shown?.source !== this.#shown?.source) this.#strange.last = -Infinity;
    this.#shown = shown;
  }

  /**
   * @param {Codec|null} codec
   * @param {Uint8Array} frame
   * @param {number} nowMs
   * @returns {Promise<Result>} a fault where it must not be decoded
   */
  async open(codec, frame, nowMs) {
    if (!codec) return this.#shown && !this.#shown.encrypted ? { data: frame, sealed: false } : { fault: 'codec' };
    if (codec === 'opus' && isSilence(frame)) return { data: frame, sealed: false };
    const parts = dissect(codec, frame);
    if (!parts) return this.#shown && !this.#shown.encrypted ? { data: frame, sealed: false } : { fault: 'plain' };
    const header = decodeHeader(parts.sealed), sender = header && await this.ring.sender(header.kid);
    if (!header || !sender) return { fault: 'key' };
    const ctr = Number(header.ctr);
    if (!sender.window.fresh(ctr)) return { fault: 'replay' };
    const data = await open(sender.frameKey, header, metadataOf(codec, parts.clear), parts.sealed);
    if (!data) return { fault: 'forged' };
    this.ring.prove(header.kid, sender);
    if (!sender.window.take(ctr)) return { fault: 'replay' };
    if (!await this.#expected(sender.id, nowMs)) return { fault: 'sender' };
    return { data: join(parts.clear, data), sealed: true };
  }

  /**
   * Whether a frame is of whom the slot shows, or may be of one before or after.
   * @param {import('./e2ee-keys.js').KeyId} id
   * @param {number} nowMs
   */
  async #expected(id, nowMs) {
    const shown = this.#shown, strange = this.#strange;
    if (shown && await this.ring.tag(id, shown.participant, shown.source) === id.sender) {
      strange.last = -Infinity;
      return true;
    }
    if (nowMs - strange.last > SETTLE_MS) strange.since = nowMs;
    strange.last = nowMs;
    return nowMs - strange.since < SETTLE_MS;
  }
}

function firstCounter() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return FIRST_CTR + (high >>> 18) * 2 ** 32 + low; // 46 random bits
}
