/**
 * Who seals with what: from the key that a group shares to the SFrame key of
 * each of its senders.
 *
 *     passphrase or bytes -> group key -> (ratchet) group key of step 1, 2, …
 *     group key + KID -> base key of one sender, one source, one session
 *
 * A KID (64 bits) says everything that a receiver with the group's key needs, so
 * that it can open the first frame of somebody it was told nothing of yet:
 *
 *     0xe2 | generation:4 step:4 | sender:16 | random:32
 *
 * `generation` is the index of setKey, `step` how often the key was ratcheted
 * since; `sender` is 16 bits of HMAC(participant id, source) under a key of the
 * group: outsiders cannot forge it, and a receiver sees whether a voice is of whom
 * the server says. `random` and a random beginning of the counter (46 bits) make
 * sure that somebody who comes back, with the same key, never repeats a nonce.
 *
 * docs/e2ee.md has the whole picture, docs/decisions/0012 the reasons.
 * @module
 */
/**
 * @typedef {string|Uint8Array} GroupSecret a passphrase, or at least 16 random bytes
 * @typedef {{generation: number, step: number, sender: number}} KeyId
 */

/** First byte of every KID: tells what was sealed here from Opus and VP8 in clear. */
export const MARK = 0xe2;
/** How many keys can be set side by side, and how often one can be ratcheted. */
export const GENERATIONS = 16;
export const STEPS = 16;
const SECRET_BYTES = 16;
/** Iterations of PBKDF2: what OWASP advised in 2023 for SHA-256. */
const ITERATIONS = 600_000;
const text = new TextEncoder();
const SALT = text.encode('Earshot e2ee 1');

/**
 * Makes a group's key of what people share. It cannot be read back. A passphrase
 * is stretched, which takes some tenths of a second.
 * @param {GroupSecret} secret
 * @returns {Promise<CryptoKey>}
 */
export async function importGroupKey(secret) { return groupKey(await bytesOf(secret)); }

/**
 * The next key of the ratchet, for a newcomer who shall not understand what was
 * said before: to be given with the number of the step. The way back is not known.
 * @param {GroupSecret} secret
 * @param {number} [steps]
 * @returns {Promise<Uint8Array>} 32 bytes
 */
export async function ratchetKey(secret, steps = 1) {
  let bytes = await bytesOf(secret);
  for (let i = 0; i < steps; i++) bytes = await next(await groupKey(bytes));
  return bytes;
}

/** @param {CryptoKey} group @returns {Promise<CryptoKey>} of the step after it */
export async function ratchetGroupKey(group) { return groupKey(await next(group)); }

/** @param {CryptoKey} group */
function next(group) { return expand(group, 'ratchet', new Uint8Array(0), 32); }

/** @param {Uint8Array} bytes */
function groupKey(bytes) {
  return crypto.subtle.importKey('raw', /** @type {Uint8Array<ArrayBuffer>} */ (bytes), 'HKDF', false, ['deriveBits']);
}

/** @param {GroupSecret} secret */
async function bytesOf(secret) {
  if (typeof secret !== 'string') {
    if (secret.length < SECRET_BYTES) throw new RangeError(`the key has ${secret.length} bytes: use at least ${SECRET_BYTES} random ones`);
    return secret;
  }
  if (!secret.trim()) throw new RangeError('the passphrase is blank');
  const typed = await crypto.subtle.importKey('raw', text.encode(secret.normalize('NFC')), 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: SALT, iterations: ITERATIONS }, typed, 256));
}

/** A passphrase nobody guesses: 128 random bits, as 22 letters, digits, - and _. */
export function newPassphrase() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/**
 * @param {KeyId} id
 * @param {number} random 32 bits
 */
export function encodeKid({ generation, step, sender }, random) {
  return BigInt(MARK) << 56n | BigInt(generation << 4 | step) << 48n | BigInt(sender) << 32n | BigInt(random >>> 0);
}

/**
 * @param {bigint} kid
 * @returns {KeyId|null} null where it is none of ours
 */
export function decodeKid(kid) {
  if (kid >> 56n !== BigInt(MARK)) return null;
  const epoch = Number(kid >> 48n & 0xffn);
  return { generation: epoch >> 4, step: epoch & 15, sender: Number(kid >> 32n & 0xffffn) };
}

/**
 * HKDF-SHA-256 of a group's key.
 * @param {CryptoKey} group
 * @param {string} label
 * @param {Uint8Array} context
 * @param {number} bytes
 */
export async function expand(group, label, context, bytes) {
  const name = text.encode(`Earshot e2ee 1 ${label}\0`), info = new Uint8Array(name.length + context.length);
  info.set(name);
  info.set(context, name.length);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: SALT, info }, group, bytes * 8));
}
