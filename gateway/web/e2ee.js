/**
 * End-to-end encryption of a connection's voices and videos: the page's half. It
 * holds the worker that does the work (e2ee-worker.js), puts it into senders and
 * receivers, tells it who is in which slot, and makes of its counts what a person
 * should know.
 *
 * The server is told only that frames are encrypted, never a key. What that
 * protects from, and what not: docs/e2ee.md.
 * @module
 */
import { codecOf } from './e2ee-frame.js';
import { importGroupKey } from './e2ee-keys.js';
import { SUITES } from './e2ee-sframe.js';
import { EarshotError } from './signal.js';

export { newPassphrase, ratchetKey } from './e2ee-keys.js';

/**
 * @import {Fault, Shown} from './e2ee-codec.js'
 * @import {GroupSecret} from './e2ee-keys.js'
 * @import {Participant} from './signal.js'
 * @import {Tally} from './e2ee-worker.js'
 * @typedef {{key: GroupSecret, index?: number, step?: number, suite?: 4|5, worker?: () => Worker}} E2eeOptions
 *   key: a passphrase, or at least 16 random bytes; index: 0 to 15, which key this is, where they are changed; step: how
 *   often it was ratcheted (ratchetKey) before it was given to us;
 *   suite: 4 is AES-128-GCM and the default, 5 is AES-256-GCM; worker: where this library is not of the page's own origin
 * @typedef {''|'key'|'plain'|'sender'} Trouble what keeps us from hearing somebody: nothing; they have another key;
 *   what comes in their name is not encrypted; what comes in their name is of somebody else
 * @typedef {{opened: number, dropped: number, faults: Partial<Record<Fault, number>>, trouble: Trouble}} Hearing
 *   frames since the beginning, and how it is now
 */

/** So many frames in a row have to be dropped before a person is told. */
const DOUBT_FRAMES = 10;
const DOUBT_MS = 2000;

/** Whether this browser lets encoded frames be encrypted; only on pages that come over HTTPS or from localhost. */
export function supported() { return (scripted() || streamed()) && typeof globalThis.crypto?.subtle === 'object'; }

/** What goes into an RTCPeerConnection's configuration. */
export function connectionOptions() { return scripted() ? {} : { encodedInsertableStreams: true }; }

export class Encryption {
  /** How everybody is heard from whom anything came. @type {Map<string, Hearing>} */
  hearing = new Map();
  /** What sealing and opening took since the beginning, for measuring: frames and ms, waiting included. */
  cost = { sealed: { frames: 0, ms: 0 }, opened: { frames: 0, ms: 0 } };
  /** @type {Map<string, {frames: number, at: number}>} */ #doubts = new Map();
  #worker;
  #closed = false;

  /**
   * @param {E2eeOptions} options
   * @param {string} videoCodec that one wishes for
   * @param {(participant: string, trouble: Trouble) => void} onTrouble how somebody is heard has changed
   * @param {(error: EarshotError) => void} onFailed
   */
  constructor({ suite = 4, worker = ownWorker }, videoCodec, onTrouble, onFailed) {
    if (!supported()) throw new EarshotError('failed_precondition', 'this browser cannot encrypt voices end to end: use a recent Chromium, Firefox or Safari over HTTPS, or join without a key');
    if (!SUITES[suite]) throw new EarshotError('invalid_argument', `suite is ${suite}: use 4 or 5`);
    /** The one to negotiate. */
    this.videoCodec = sealable(videoCodec);
    this.onTrouble = onTrouble;
    this.#worker = worker();
    this.#worker.onmessage = ({ data }) => {
      if (data.type === 'report') this.#report(data);
      else onFailed(new EarshotError('invalid_argument', data.message));
    };
    this.#worker.onerror = () => onFailed(new EarshotError('internal', 'the worker that encrypts could not be started: nothing is sent, and nothing heard'));
    this.#worker.postMessage({ type: 'suite', suite });
  }

  /**
   * Sets a key of the group. Those of other indices stay good for hearing, so
   * that a change need not reach everybody at once.
   * @param {number} index 0 to 15
   * @param {GroupSecret} secret
   * @param {boolean} [use] whether to send with it from now on
   * @param {number} [step] how often it was ratcheted before it was given to us, 0 to 15
   */
  async setKey(index, secret, use = true, step = 0) {
    if (!(Number.isInteger(step) && step >= 0 && step < 16)) throw new EarshotError('invalid_argument', `step is ${step}: use 0 to 15`);
    if (!(Number.isInteger(index) && index >= 0 && index < 16)) throw new EarshotError('invalid_argument', `index is ${index}: use 0 to 15`);
    const key = await importGroupKey(secret).catch((error) => { throw new EarshotError('invalid_argument', error.message, { cause: error }); });
    if (!this.#closed) this.#worker.postMessage({ type: 'key', generation: index, step, key, use });
  }

  /** Goes on to the next key, which follows from the present one; listeners go along. */
  ratchet() { this.#worker.postMessage({ type: 'ratchet' }); }

  /**
   * Encrypts what is sent. To be called before anything is.
   * @param {RTCRtpSender} sender
   * @param {string} source
   * @param {string} codec where a frame does not say what it is
   */
  seal(sender, source, codec) { this.#attach(sender, { side: 'send', name: source, codec }); }

  /**
   * Decrypts what comes in a slot.
   * @param {RTCRtpReceiver} receiver
   * @param {'voice'|'video'} kind
   * @param {number} slot
   * @param {string} codec
   */
  open(receiver, kind, slot, codec) { this.#attach(receiver, { side: 'receive', name: `${kind}-${slot}`, codec }); }

  /** @param {string} participant who we are; before that is known nothing is sent */
  begin(participant) { this.#worker.postMessage({ type: 'me', participant }); }

  /**
   * Tells what is in the slots.
   * @param {{voice: import('./signal.js').Slot[], video: import('./signal.js').Slot[]}} slots
   * @param {Map<string, Participant>} participants
   */
  show(slots, participants) {
    this.#worker.postMessage({ type: 'slots', slots: shownIn(slots, participants) });
  }

  /** @param {string} participant who has left */
  forget(participant) {
    this.hearing.delete(participant);
    this.#doubts.delete(participant);
  }

  close() {
    this.#closed = true;
    this.#worker.terminate();
  }

  /**
   * @param {any} end a sender or receiver
   * @param {import('./e2ee-worker.js').Line} line
   */
  #attach(end, line) {
    if (scripted()) {
      const Transform = /** @type {any} */ (globalThis).RTCRtpScriptTransform;
      end.transform = new Transform(this.#worker, line);
      return;
    }
    const { readable, writable } = end.createEncodedStreams();
    this.#worker.postMessage({ type: 'stream', line, readable, writable }, [readable, writable]);
  }

  /**
   * Whether so much is wrong with somebody that it is no matter of a slot that
   * changes, where a few frames come before the news of whose they are.
   * @param {string} participant
   * @param {number} good
   * @param {number} bad
   */
  #doubt(participant, good, bad) {
    const now = performance.now(), before = this.#doubts.get(participant);
    const frames = good > 0 ? 0 : bad + (before && now - before.at < DOUBT_MS ? before.frames : 0);
    this.#doubts.set(participant, { frames, at: now });
    return frames >= DOUBT_FRAMES;
  }

  /** @param {{received: Tally[], sent: Tally[]}} report */
  #report({ received, sent }) {
    for (const { sealed, ms } of sent) add(this.cost.sealed, sealed, ms);
    for (const tally of received) {
      if (tally.sealed > 0) add(this.cost.opened, tally.sealed, ms(tally));
      if (tally.participant) this.#hear(tally);
    }
  }

  /** @param {Tally} tally */
  #hear({ participant, sealed, plain, faults }) {
    const before = this.hearing.get(participant) ?? { opened: 0, dropped: 0, faults: {}, trouble: /** @type {Trouble} */ ('') };
    let dropped = 0;
    for (const [fault, n] of /** @type {[Fault, number][]} */ (Object.entries(faults))) {
      before.faults[fault] = (before.faults[fault] ?? 0) + n;
      dropped += n;
    }
    const bad = this.#doubt(participant, sealed + plain, dropped);
    const trouble = sealed > 0 ? '' : bad ? troubleOf(faults) ?? before.trouble : before.trouble;
    this.hearing.set(participant, { ...before, opened: before.opened + sealed, dropped: before.dropped + dropped, trouble });
    if (trouble !== before.trouble) this.onTrouble(participant, trouble);
  }
}

/**
 * What a person should be told of frames none of which could be opened; null
 * where it is nothing new.
 * @param {Partial<Record<Fault, number>>} faults
 * @returns {Trouble|null}
 */
export function troubleOf(faults) {
  const most = /** @type {Fault|undefined} */ (Object.entries(faults).sort(([, a], [, b]) => b - a)[0]?.[0]);
  switch (most) {
    case 'key': case 'forged': return 'key';
    case 'plain': case 'codec': return 'plain';
    case 'sender': return 'sender';
    default: return null;
  }
}

/**
 * What the worker has to know of the slots. Somebody who was not introduced counts
 * as one who encrypts: of them nothing in clear is played.
 * @param {{voice: import('./signal.js').Slot[], video: import('./signal.js').Slot[]}} slots
 * @param {Map<string, Participant>} participants
 */
export function shownIn(slots, participants) {
  /** @type {Record<string, Shown|null>} */ const shown = {};
  for (const kind of /** @type {const} */ (['voice', 'video'])) {
    for (const { slot, participant = '', source } of slots[kind]) {
      const known = participants.get(participant);
      shown[`${kind}-${slot}`] = participant && source ? { participant, source, encrypted: known ? known.encrypted === true : true } : null;
    }
  }
  return shown;
}

/**
 * The codec to use where another one was wished for: those that cannot be sealed
 * are refused, and auto is VP8.
 * @param {string} videoCodec
 * @returns {'vp8'|'h264'}
 */
function sealable(videoCodec) {
  const codec = videoCodec === 'auto' ? 'vp8' : codecOf(videoCodec);
  if (codec !== 'vp8' && codec !== 'h264') throw new EarshotError('invalid_argument', `videoCodec is ${videoCodec}: with a key use vp8 or h264`);
  return codec;
}

/** @param {Tally} tally */
function ms({ ms: all, sealed, plain, faults }) {
  const frames = sealed + plain + Object.values(faults).reduce((a, b) => a + b, 0);
  return all * sealed / frames;
}

/**
 * @param {{frames: number, ms: number}} sum
 * @param {number} frames
 * @param {number} time
 */
function add(sum, frames, time) {
  sum.frames += frames;
  sum.ms += time;
}

function ownWorker() { return new Worker(new URL('./e2ee-worker.js', import.meta.url), { type: 'module', name: 'earshot-e2ee' }); }

function scripted() { return typeof (/** @type {any} */ (globalThis).RTCRtpScriptTransform) === 'function'; }

function streamed() {
  return typeof RTCRtpSender !== 'undefined' && 'createEncodedStreams' in RTCRtpSender.prototype;
}
