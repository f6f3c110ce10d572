/**
 * SFrame (RFC 9605) with the cipher suites AES_128_GCM_SHA256_128 (4) and
 * AES_256_GCM_SHA512_128 (5): header, keys, sealing and opening of one frame.
 * Which key and which counter is e2ee-keys.js' business.
 *
 * Works in windows, workers and Node by WebCrypto. No state: all functions are
 * pure. test/sframe-vectors.json holds it to appendix C of the RFC.
 * @module
 */

/**
 * @typedef {{id: number, hash: 'SHA-256'|'SHA-512', keyBytes: number}} Suite
 * @typedef {{key: CryptoKey, salt: Uint8Array}} FrameKey of one KID
 * @typedef {{kid: bigint, ctr: bigint, length: number}} Header length: in bytes
 */

/** @type {Readonly<Record<4|5, Suite>>} by the numbers of RFC 9605, section 8.1 */
export const SUITES = Object.freeze({
  4: Object.freeze({ id: 4, hash: 'SHA-256', keyBytes: 16 }),
  5: Object.freeze({ id: 5, hash: 'SHA-512', keyBytes: 32 }),
});

/** Bytes of the authentication tag of both suites. */
export const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const MAX = (1n << 64n) - 1n;
const EMPTY = new Uint8Array(0);

/**
 * The header of section 4.3: a configuration byte, then KID and CTR in as few
 * bytes as they need, none where they are below 8.
 * @param {bigint} kid 0 to 2^64-1
 * @param {bigint} ctr 0 to 2^64-1
 */
export function encodeHeader(kid, ctr) {
  if (kid < 0n || kid > MAX || ctr < 0n || ctr > MAX) throw new RangeError('KID and CTR have 64 bits');
  const k = kid < 8n ? 0 : bytesOf(kid), c = ctr < 8n ? 0 : bytesOf(ctr);
  const header = new Uint8Array(1 + k + c);
  header[0] = (k ? 0x80 | (k - 1) << 4 : Number(kid) << 4) | (c ? 0x08 | (c - 1) : Number(ctr));
  write(header, 1, k, kid);
  write(header, 1 + k, c, ctr);
  return header;
}

/**
 * Reads a header. Returns null where there is none: too few bytes, or a number
 * in more bytes than it needs, which the RFC forbids.
 * @param {Uint8Array} bytes
 * @returns {Header|null}
 */
export function decodeHeader(bytes) {
  if (bytes.length < 1) return null;
  const config = bytes[0];
  const k = config & 0x80 ? (config >> 4 & 7) + 1 : 0, c = config & 0x08 ? (config & 7) + 1 : 0;
  const length = 1 + k + c;
  if (bytes.length < length) return null;
  const kid = k ? read(bytes, 1, k) : BigInt(config >> 4 & 7), ctr = c ? read(bytes, 1 + k, c) : BigInt(config & 7);
  if (k && (kid < 8n || bytesOf(kid) !== k) || c && (ctr < 8n || bytesOf(ctr) !== c)) return null;
  return { kid, ctr, length };
}

/**
 * Key and salt of a KID (section 4.4.2).
 * @param {Suite} suite
 * @param {bigint} kid
 * @param {Uint8Array} baseKey
 * @returns {Promise<FrameKey>}
 */
export async function deriveFrameKey(suite, kid, baseKey) {
  const { key, salt } = await deriveBytes(suite, kid, baseKey);
  return { key: await crypto.subtle.importKey('raw', own(key), 'AES-GCM', false, ['encrypt', 'decrypt']), salt };
}

/**
 * The same as bytes, for tests against the vectors.
 * @param {Suite} suite
 * @param {bigint} kid
 * @param {Uint8Array} baseKey
 */
export async function deriveBytes(suite, kid, baseKey) {
  // With an empty salt, HKDF of WebCrypto is Extract("", base_key) and then Expand.
  const secret = await crypto.subtle.importKey('raw', own(baseKey), 'HKDF', false, ['deriveBits']);
  const expand = async (/** @type {string} */ label, /** @type {number} */ n) => {
    const info = new Uint8Array(label.length + 10);
    info.set(new TextEncoder().encode(label));
    write(info, label.length, 8, kid);
    info[label.length + 9] = suite.id;
    return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: suite.hash, salt: EMPTY, info }, secret, n * 8));
  };
  const [key, salt] = await Promise.all([expand('SFrame 1.0 Secret key ', suite.keyBytes), expand('SFrame 1.0 Secret salt ', NONCE_BYTES)]);
  return { key, salt };
}

/**
 * The nonce of a counter: the salt XOR the counter at its end (section 4.4.3).
 * @param {Uint8Array} salt
 * @param {bigint} ctr
 */
export function nonceOf(salt, ctr) {
  const nonce = salt.slice();
  let left = ctr;
  for (let i = nonce.length - 1; left > 0n; i--, left >>= 8n) nonce[i] ^= Number(left & 0xffn);
  return nonce;
}

/**
 * Seals a frame: header, ciphertext, tag. The metadata are authenticated, not
 * encrypted, and not part of the result.
 * @param {FrameKey} key
 * @param {bigint} kid
 * @param {bigint} ctr never twice with one key: that would give both away
 * @param {Uint8Array} metadata
 * @param {Uint8Array} plaintext
 * @returns {Promise<Uint8Array>}
 */
export async function seal(key, kid, ctr, metadata, plaintext) {
  const header = encodeHeader(kid, ctr);
  const sealed = await crypto.subtle.encrypt(parameters(key, ctr, header, metadata), key.key, own(plaintext));
  return join(header, new Uint8Array(sealed));
}

/**
 * Opens what seal() made. Returns null where it is not authentic.
 * @param {FrameKey} key of header.kid
 * @param {Header} header
 * @param {Uint8Array} metadata
 * @param {Uint8Array} sealed header included
 * @returns {Promise<Uint8Array|null>}
 */
export async function open(key, header, metadata, sealed) {
  if (sealed.length < header.length + TAG_BYTES) return null;
  try {
    return new Uint8Array(await crypto.subtle.decrypt(
      parameters(key, header.ctr, sealed.subarray(0, header.length), metadata), key.key, own(sealed.subarray(header.length))));
  } catch {
    return null; // OperationError: the tag is not that of these bytes and this key
  }
}

/**
 * Two pieces as one.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function join(a, b) {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/**
 * @param {FrameKey} key
 * @param {bigint} ctr
 * @param {Uint8Array} header
 * @param {Uint8Array} metadata
 * @returns {AesGcmParams}
 */
function parameters({ salt }, ctr, header, metadata) {
  return { name: 'AES-GCM', iv: own(nonceOf(salt, ctr)), additionalData: own(metadata.length ? join(header, metadata) : header), tagLength: TAG_BYTES * 8 };
}

/**
 * WebCrypto's types want to know that the memory is not shared; ours never is.
 * @param {Uint8Array} bytes
 */
function own(bytes) { return /** @type {Uint8Array<ArrayBuffer>} */ (bytes); }

/** @param {bigint} n above 0 */
function bytesOf(n) {
  let bytes = 0;
  for (let left = n; left > 0n; left >>= 8n) bytes++;
  return bytes;
}

/**
 * @param {Uint8Array} into
 * @param {number} at
 * @param {number} length
 * @param {bigint} n
 */
function write(into, at, length, n) {
  let left = n;
  for (let i = at + length - 1; i >= at; i--, left >>= 8n) into[i] = Number(left & 0xffn);
}

/**
 * @param {Uint8Array} from
 * @param {number} at
 * @param {number} length
 */
function read(from, at, length) {
  let n = 0n;
  for (let i = at; i < at + length; i++) n = n << 8n | BigInt(from[i]);
  return n;
}
