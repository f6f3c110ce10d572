/**
 * What of an encoded frame stays in clear, and where the sealed part lies.
 *
 * The server forwards RTP packets of frames it cannot read. Of voice it needs
 * nothing: levels travel in an RTP header extension (RFC 6464). Of video it must
 * see where a key frame begins, and how large the picture is; the receiving
 * browser looks at the same bytes when it puts packets together. So stays clear,
 * and is authenticated as metadata of SFrame:
 *
 *     opus   nothing
 *     VP8    the first byte; of a key frame the first ten (RFC 6386, section 9.1:
 *            frame tag, start code, width and height)
 *     H.264  all before the first slice (parameter sets), its NAL header and
 *            three bytes more (first macroblock, type, parameter set of the slice)
 *
 * Everything after it is one sealed piece, at the end of the frame. In H.264 it
 * is part of the slice's NAL unit, so that start codes which occur in it by chance
 * are escaped as in any NAL unit (emulation prevention, H.264 section 7.4.1.1). What
 * follows the first slice is in the sealed piece too.
 *
 * Pure: bytes in, bytes out.
 * @module
 */
import { MARK } from './e2ee-keys.js';
import { TAG_BYTES } from './e2ee-sframe.js';

/** @typedef {'opus'|'vp8'|'h264'} Codec */

/**
 * Where a KID has eight bytes and a counter six, as all of ours: the first byte
 * of every header. Opus never begins so in one-channel voice, and the mark
 * follows.
 */
const CONFIG = 0xfd;
const HEADER_BYTES = 1 + 8 + 6;
const VP8_KEY_FRAME = 10;
const SLICE_HEADER = 3;
const START_CODE = [0, 0, 0, 1];
const [NAL_SLICE, NAL_IDR] = [1, 5];

/** The frame with which the server ends a talkspurt: 20 ms of silence (sfu/forward). */
const SILENCE = [0xf8, 0xff, 0xfe];

/**
 * The codec of a MIME type or short name; null for one whose frames we do not
 * know how to seal, such as AV1, which is cut into packets by its content.
 * @param {string|undefined} name
 * @returns {Codec|null}
 */
export function codecOf(name) {
  switch (name?.toLowerCase().replace(/^(audio|video)\//, '')) {
    case 'opus': return 'opus';
    case 'vp8': return 'vp8';
    case 'h264': return 'h264';
    default: return null;
  }
}

/**
 * Whether a frame is exactly the silence that the server itself puts after what
 * somebody said.
 * @param {Uint8Array} frame
 */
export function isSilence(frame) { return frame.length === SILENCE.length && SILENCE.every((b, i) => frame[i] === b); }

/**
 * How many bytes at the beginning of a frame stay clear; -1 where it is no frame
 * of the codec.
 * @param {Codec} codec
 * @param {Uint8Array} frame
 */
export function clearLength(codec, frame) {
  if (codec === 'opus') return 0;
  if (frame.length === 0) return -1;
  if (codec === 'vp8') return Math.min(frame.length, frame[0] & 1 ? 1 : VP8_KEY_FRAME);
  return sliceStart(frame);
}

/**
 * What is authenticated beside the sealed part: the clear bytes. Of H.264 with
 * start codes of four bytes, since packets carry none and each browser writes
 * its own.
 * @param {Codec} codec
 * @param {Uint8Array} clear
 */
export function metadataOf(codec, clear) { return codec === 'h264' ? withLongStartCodes(clear) : clear; }

/**
 * Puts a frame together.
 * @param {Codec} codec
 * @param {Uint8Array} clear
 * @param {Uint8Array} sealed
 */
export function compose(codec, clear, sealed) {
  const rest = codec === 'h264' ? escape(sealed) : sealed;
  const frame = new Uint8Array(clear.length + rest.length);
  frame.set(clear);
  frame.set(rest, clear.length);
  return frame;
}

/**
 * Takes a frame apart. Returns null for one that was not sealed here.
 * @param {Codec} codec
 * @param {Uint8Array} frame
 * @returns {{clear: Uint8Array, sealed: Uint8Array}|null}
 */
export function dissect(codec, frame) {
  const at = clearLength(codec, frame);
  if (at < 0 || frame[at] !== CONFIG || frame[at + 1] !== MARK || frame.length < at + HEADER_BYTES + TAG_BYTES) return null;
  const rest = frame.subarray(at);
  return { clear: frame.subarray(0, at), sealed: codec === 'h264' ? unescape(rest) : rest };
}

/**
 * Where the clear bytes of a H.264 frame in Annex B end; -1 where it has no slice.
 * @param {Uint8Array} frame
 */
function sliceStart(frame) {
  for (const nal of startCodes(frame)) {
    const type = frame[nal.end] & 0x1f;
    if (type < NAL_SLICE || type > NAL_IDR) continue;
    return Math.min(frame.length, nal.end + 1 + SLICE_HEADER);
  }
  return -1;
}

/**
 * The start codes of a byte stream: where each begins and the NAL unit after it.
 * @param {Uint8Array} bytes
 */
function* startCodes(bytes) {
  for (let i = 0; i + 3 < bytes.length; i++) {
    if (bytes[i] || bytes[i + 1] || bytes[i + 2] !== 1) continue;
    yield { begin: i > 0 && bytes[i - 1] === 0 ? i - 1 : i, end: i + 3 };
    i += 2;
  }
}

/** @param {Uint8Array} bytes */
function withLongStartCodes(bytes) {
  const codes = [...startCodes(bytes)], /** @type {number[]} */ out = [];
  codes.forEach(({ end }, i) => out.push(...START_CODE, ...bytes.subarray(end, codes[i + 1]?.begin ?? bytes.length)));
  return Uint8Array.from(out);
}

/**
 * Puts a 3 wherever bytes of a NAL unit would look like a start code.
 * @param {Uint8Array} bytes not beginning with 0 to 3
 */
function escape(bytes) {
  let zeros = 0, extra = 0;
  for (const b of bytes) {
    if (zeros === 2 && b <= 3) { extra++; zeros = 0; }
    zeros = b === 0 ? zeros + 1 : 0;
  }
  if (extra === 0) return bytes;
  const out = new Uint8Array(bytes.length + extra);
  let at = 0;
  zeros = 0;
  for (const b of bytes) {
    if (zeros === 2 && b <= 3) { out[at++] = 3; zeros = 0; }
    out[at++] = b;
    zeros = b === 0 ? zeros + 1 : 0;
  }
  return out;
}

/** @param {Uint8Array} bytes what escape() made */
function unescape(bytes) {
  const out = new Uint8Array(bytes.length);
  let at = 0, zeros = 0;
  for (const b of bytes) {
    if (zeros === 2 && b === 3) { zeros = 0; continue; }
    out[at++] = b;
    zeros = b === 0 ? zeros + 1 : 0;
  }
  return at === bytes.length ? bytes : out.subarray(0, at);
}
