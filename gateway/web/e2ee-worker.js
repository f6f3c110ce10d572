/**
 * The worker that seals and opens encoded frames, away from the page's own
 * thread: one for a connection, whatever its number of slots.
 *
 * Frames come by RTCRtpScriptTransform, or as streams that the page hands over
 * where a browser has only createEncodedStreams (e2ee.js). What cannot be sealed is
 * not sent, what cannot be opened is not decoded. A frame waits for the one
 * before it in its stream, so that their order stays.
 *
 * Messages from the page
 *     {type: 'suite', suite}        the first
 *     {type: 'key', generation, step, key: CryptoKey, use}    {type: 'ratchet'}
 *     {type: 'me', participant}     before it is known, nothing is sent
 *     {type: 'slots', slots: {<slot>: Shown|null}}      by names such as audio-0
 *     {type: 'stream', line, readable, writable}
 * and to it
 *     {type: 'failed', message}     a message of the page could not be followed
 *     {type: 'report', received: Tally[], sent: Tally[]}  twice a second, where anything came: a
 *         tally for each slot and whom it was said to show; counts are since the last report
 * @module
 */
import { Opener, Sealer } from './e2ee-codec.js';
import { codecOf } from './e2ee-frame.js';
import { KeyRing } from './e2ee-ring.js';
import { SUITES } from './e2ee-sframe.js';

/**
 * @import {Fault, Result, Shown} from './e2ee-codec.js'
 * @typedef {{side: 'send'|'receive', name: string, codec: string}} Line
 *   name: of the source or slot; codec: where a frame does not say it itself
 * @typedef {{participant: string, sealed: number, plain: number, ms: number, faults: Partial<Record<Fault, number>>}} Tally
 *   frames that passed, and what that took altogether, waiting included
 * @typedef {{data: ArrayBuffer, getMetadata(): {mimeType?: string}}} EncodedFrame
 */

const REPORT_MS = 500;

const scope = /** @type {any} */ (globalThis);
/** @type {KeyRing|null} */ let ring = null;
let participant = '';
/** @type {Map<string, Opener>} */ const openers = new Map();
/** @type {Record<string, Shown|null>} */ let shown = {};
/** @type {Map<string, Tally>} */ const received = new Map();
/** @type {Map<string, Tally>} */ const sent = new Map();

scope.onmessage = async (/** @type {MessageEvent} */ { data }) => {
  try {
    await follow(data);
  } catch (error) {
    scope.postMessage({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
};

scope.onrtctransform = (/** @type {any} */ { transformer }) => {
  pipe(transformer.options, transformer.readable, transformer.writable);
};

setInterval(report, REPORT_MS);

/** @param {any} message */
async function follow(message) {
  switch (message.type) {
    case 'suite': ring ??= new KeyRing(SUITES[/** @type {4|5} */ (message.suite)]); break;
    case 'key': ring?.set(message.generation, message.key, message.use, message.step); break;
    case 'ratchet': await ring?.ratchet(); break;
    case 'me': participant = message.participant; break;
    case 'slots':
      shown = message.slots;
      for (const [slot, opener] of openers) opener.show(shown[slot] ?? null);
      break;
    case 'stream': pipe(message.line, message.readable, message.writable); break;
  }
}

/**
 * @param {Line} line
 * @param {ReadableStream} readable
 * @param {WritableStream} writable
 */
function pipe(line, readable, writable) {
  const handle = line.side === 'send' ? sender(line.name) : receiver(line.name);
  const tallies = line.side === 'send' ? sent : received;
  readable.pipeThrough(new TransformStream({
    async transform(/** @type {EncodedFrame} */ frame, controller) {
      const begin = performance.now(), codec = codecOf(frame.getMetadata().mimeType ?? line.codec);
      const { who, result } = await handle(codec, new Uint8Array(frame.data), begin);
      count(tallies, line.name, who, result, performance.now() - begin);
      if (!('data' in result)) return;
      frame.data = /** @type {ArrayBuffer} */ (exact(result.data));
      controller.enqueue(frame);
    },
  })).pipeTo(writable).catch(() => { /* the connection has ended */ });
}

/**
 * @param {string} source
 * @returns {(codec: import('./e2ee-frame.js').Codec|null, data: Uint8Array) => Promise<{who: string, result: Result}>}
 */
function sender(source) {
  /** @type {Sealer|null} */ let sealer = null;
  return async (codec, data) => {
    if (!sealer && ring?.ready && participant) sealer = new Sealer(ring, participant, source);
    return { who: participant, result: sealer ? await sealer.seal(codec, data) : { fault: 'key' } };
  };
}

/**
 * @param {string} slot
 * @returns {(codec: import('./e2ee-frame.js').Codec|null, data: Uint8Array, nowMs: number) => Promise<{who: string, result: Result}>}
 */
function receiver(slot) {
  return async (codec, data, nowMs) => {
    if (!ring) return { who: '', result: { fault: 'key' } };
    let opener = openers.get(slot);
    if (!opener) {
      openers.set(slot, opener = new Opener(ring));
      opener.show(shown[slot] ?? null);
    }
    const who = opener.shown?.participant ?? '';
    return { who, result: await opener.open(codec, data, nowMs) };
  };
}

/**
 * @param {Map<string, Tally>} tallies
 * @param {string} name
 * @param {string} who
 * @param {Result} result
 * @param {number} ms
 */
function count(tallies, name, who, result, ms) {
  const key = `${name} ${who}`;
  let tally = tallies.get(key);
  if (!tally) tallies.set(key, tally = { participant: who, sealed: 0, plain: 0, ms: 0, faults: {} });
  tally.ms += ms;
  if ('fault' in result) tally.faults[result.fault] = (tally.faults[result.fault] ?? 0) + 1;
  else if (result.sealed) tally.sealed++;
  else tally.plain++;
}

function report() {
  if (received.size === 0 && sent.size === 0) return;
  scope.postMessage({ type: 'report', received: [...received.values()], sent: [...sent.values()] });
  received.clear();
  sent.clear();
}

/**
 * The memory of bytes alone, as frames want it.
 * @param {Uint8Array} bytes
 */
function exact(bytes) {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
}
