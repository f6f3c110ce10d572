// End-to-end encryption without a browser: RFC 9605 to the letter, what stays in
// clear, and what is done with every kind of frame that a server could send.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Opener, Sealer } from '../e2ee-codec.js';
import { clearLength, compose, dissect, isSilence, metadataOf } from '../e2ee-frame.js';
import { decodeKid, encodeKid, importGroupKey, newPassphrase, ratchetKey } from '../e2ee-keys.js';
import { ReplayWindow } from '../e2ee-replay.js';
import { KeyRing } from '../e2ee-ring.js';
import { SUITES, decodeHeader, deriveBytes, deriveFrameKey, encodeHeader, nonceOf, open, seal } from '../e2ee-sframe.js';
import { shownIn, troubleOf } from '../e2ee.js';
import { encryptionOf, summary, withKey } from '../app/e2ee-words.js';

/** @typedef {import('../e2ee-codec.js').Result} Result */

const vectors = JSON.parse(readFileSync(new URL('sframe-vectors.json', import.meta.url), 'utf8'));
const hex = (/** @type {Uint8Array} */ b) => Buffer.from(b).toString('hex');
const bytes = (/** @type {string} */ h) => new Uint8Array(Buffer.from(h, 'hex'));
const random = (/** @type {number} */ n) => crypto.getRandomValues(new Uint8Array(n));

// RFC 9605.

test('headers are those of appendix C.1', () => {
  assert.equal(vectors.header.length, 289);
  for (const [kid, ctr, encoded] of vectors.header) {
    const [k, c] = [BigInt(`0x${kid}`), BigInt(`0x${ctr}`)];
    assert.equal(hex(encodeHeader(k, c)), encoded);
    assert.deepEqual(decodeHeader(bytes(`${encoded}77`)), { kid: k, ctr: c, length: encoded.length / 2 });
    for (let cut = 0; cut < encoded.length; cut += 2) assert.equal(decodeHeader(bytes(encoded.slice(0, cut))), null);
  }
});

test('numbers in more bytes than they need are no header', () => {
  for (const longer of ['8007', '900001', '0805', '09000f', 'f000000000000000ff']) assert.equal(decodeHeader(bytes(longer)), null, longer);
  assert.throws(() => encodeHeader(1n << 64n, 0n), RangeError);
  assert.throws(() => encodeHeader(0n, -1n), RangeError);
});

test('keys, nonces and frames are those of appendix C.3', async () => {
  assert.equal(vectors.sframe.length, 2);
  for (const v of vectors.sframe) {
    const suite = SUITES[/** @type {4|5} */ (v.cipher_suite)], kid = BigInt(v.kid), ctr = BigInt(v.ctr);
    const { key, salt } = await deriveBytes(suite, kid, bytes(v.base_key));
    assert.equal(hex(key), v.sframe_key);
    assert.equal(hex(salt), v.sframe_salt);
    assert.equal(hex(nonceOf(salt, ctr)), v.nonce);
    const frameKey = await deriveFrameKey(suite, kid, bytes(v.base_key));
    const sealed = await seal(frameKey, kid, ctr, bytes(v.metadata), bytes(v.pt));
    assert.equal(hex(sealed), v.ct);
    const header = decodeHeader(sealed);
    assert.ok(header);
    assert.equal(hex(/** @type {Uint8Array} */ (await open(frameKey, header, bytes(v.metadata), sealed))), v.pt);
    for (let i = 0; i < sealed.length; i++) {
      const forged = sealed.slice();
      forged[i] ^= 1;
      assert.equal(await open(frameKey, header, bytes(v.metadata), forged), null, `byte ${i} is not authenticated`);
    }
    assert.equal(await open(frameKey, header, bytes('00'), sealed), null, 'the metadata are not authenticated');
    assert.equal(await open(frameKey, header, bytes(v.metadata), sealed.subarray(0, 15)), null);
  }
});

// What stays in clear.

const VP8_KEY = bytes('5042009d012a4001f000');
const H264_SPS = bytes('0000000167420015aabb'), H264_PPS = bytes('0000000168ce3c80');

test('of VP8 one byte stays clear, of a key frame ten', () => {
  assert.equal(clearLength('vp8', bytes('31aabbccdd')), 1);
  assert.equal(clearLength('vp8', new Uint8Array([...VP8_KEY, 1, 2, 3])), 10);
  assert.equal(clearLength('vp8', bytes('50')), 1);
  assert.equal(clearLength('vp8', new Uint8Array(0)), -1);
});

test('of H.264 all stays clear up to the first numbers of the first slice', () => {
  const frame = new Uint8Array([...H264_SPS, ...H264_PPS, 0, 0, 0, 1, 0x65, 0x88, 0x80, 0x40, 0x11, 0x22, 0x33]);
  assert.equal(clearLength('h264', frame), frame.length - 3);
  assert.equal(clearLength('h264', bytes('000001419a11223344')), 7);
  assert.equal(clearLength('h264', new Uint8Array([...H264_SPS, ...H264_PPS])), -1, 'no slice');
  assert.equal(clearLength('h264', bytes('31aabbcc')), -1, 'no start code');
});

test('of voice nothing stays clear', () => assert.equal(clearLength('opus', bytes('78aabb')), 0));

test('a sealed H.264 frame has no start codes of its own, and survives being cut into packets', () => {
  const clear = new Uint8Array([...H264_SPS, 0, 0, 1, 0x65, 0x88, 0x80, 0x40]);
  for (let i = 0; i < 300; i++) {
    const sealed = random(200).map((b, at) => (at > 0 && b < 128 ? b & 3 : b)); // as bad as it can be
    sealed.set([0xfd, 0xe2]);
    const frame = compose('h264', clear, sealed);
    assert.doesNotMatch(hex(frame.subarray(clear.length)).replace(/../g, '$&,'), /^(..,)*00,00,0[012],/);
    // A receiver writes start codes of four bytes, whatever the sender wrote.
    const arrived = new Uint8Array([...H264_SPS, 0, 0, 0, 1, ...frame.subarray(H264_SPS.length + 3)]);
    const parts = dissect('h264', arrived);
    assert.equal(hex(parts?.sealed ?? new Uint8Array(0)), hex(sealed));
    assert.equal(hex(metadataOf('h264', parts?.clear ?? clear)), hex(metadataOf('h264', clear)));
  }
});

// Keys.

test('a KID tells generation, step and sender', () => {
  const id = { generation: 11, step: 3, sender: 0xbeef };
  assert.deepEqual(decodeKid(encodeKid(id, 0xfedcba98)), id);
  assert.equal(decodeKid(0x123n), null);
});

test('no counter is taken twice, nor an old one', () => {
  const window = new ReplayWindow(64), /** @type {Set<number>} */ seen = new Set();
  let newest = 2 ** 40;
  for (let i = 0; i < 20_000; i++) {
    const jump = Math.random() < 0.01 ? 200 : 5, ctr = Math.max(0, newest + Math.floor(Math.random() * 90) - 80 + (Math.random() < 0.1 ? jump : 0));
    const want = !seen.has(ctr) && ctr > newest - 64 || seen.size === 0;
    assert.equal(window.fresh(ctr), want, `fresh(${ctr}) with newest ${newest}`);
    assert.equal(window.take(ctr), want);
    if (want) { seen.add(ctr); newest = seen.size === 1 ? ctr : Math.max(newest, ctr); }
  }
});

test('keys too weak to be keys are refused', async () => {
  await assert.rejects(importGroupKey(new Uint8Array(15)), RangeError);
  await assert.rejects(importGroupKey('  '), RangeError);
  assert.match(newPassphrase(), /^[\w-]{22}$/);
  assert.notEqual(newPassphrase(), newPassphrase());
});

const SECRET = random(32);

/** @param {Uint8Array|string} [secret] @param {4|5} [suite] */
async function ringOf(secret = SECRET, suite = 4) {
  const ring = new KeyRing(SUITES[suite]);
  ring.set(0, await importGroupKey(secret), true);
  return ring;
}

/** @param {Result} result @param {Uint8Array} want */
function opened(result, want) {
  assert.ok('data' in result, `dropped: ${JSON.stringify(result)}`);
  assert.equal(hex(result.data), hex(want));
}

/** @param {Result} result */
const data = (result) => 'data' in result ? result.data : assert.fail(JSON.stringify(result));

const ADA = { participant: 'pa_ada', source: 'microphone', encrypted: true }, BO = { ...ADA, participant: 'pa_bo' };
const MARA = { participant: 'pa_mara', source: 'microphone', encrypted: false };

test('who has the key hears, in both suites and all codecs', async () => {
  for (const suite of /** @type {const} */ ([4, 5])) {
    const opener = new Opener(await ringOf('correct horse', suite)), sealer = new Sealer(await ringOf('correct horse', suite), 'pa_ada', 'microphone');
    opener.show(ADA);
    for (const [codec, frame] of /** @type {[import('../e2ee-frame.js').Codec, Uint8Array][]} */ ([
      ['opus', bytes('78aabbcc')], ['opus', random(1275)], ['opus', bytes('f8fffe')], ['vp8', new Uint8Array([...VP8_KEY, ...random(5000)])],
      ['vp8', bytes('31')], ['vp8', new Uint8Array([0x31, ...random(900)])],
      ['h264', new Uint8Array([...H264_SPS, ...H264_PPS, 0, 0, 0, 1, 0x65, 0x88, 0x80, 0x40, ...random(3000)])],
    ])) {
      const sealed = data(await sealer.seal(codec, frame)), at = clearLength(codec, frame);
      assert.equal(hex(sealed.subarray(0, at)), hex(frame.subarray(0, at)), 'what the server needs is clear');
      assert.ok(frame.length - at < 16 || !hex(sealed).includes(hex(frame.subarray(at, at + 16))), 'the rest is not');
      if (codec !== 'h264') assert.equal(sealed.length, frame.length + 31);
      assert.equal(isSilence(sealed), false);
      opened(await opener.open(codec, sealed, 0), frame);
    }
  }
});

test('with another key, or none of that index, nothing comes out', async () => {
  const sealed = data(await new Sealer(await ringOf(), 'pa_ada', 'microphone').seal('opus', random(80)));
  const wrong = new Opener(await ringOf(random(32))), none = new Opener(new KeyRing(SUITES[4]));
  for (const opener of [wrong, none]) opener.show(ADA);
  assert.deepEqual(await wrong.open('opus', sealed, 0), { fault: 'forged' });
  assert.deepEqual(await none.open('opus', sealed, 0), { fault: 'key' });
});

test('what is changed on the way is dropped, also where it is clear', async () => {
  const opener = new Opener(await ringOf()), sealer = new Sealer(await ringOf(), 'pa_ada', 'camera');
  opener.show({ ...ADA, source: 'camera' });
  const frame = data(await sealer.seal('vp8', new Uint8Array([...VP8_KEY, ...random(100)])));
  for (let i = 0; i < frame.length; i++) {
    const forged = frame.slice();
    forged[i] ^= i === 0 ? 4 : 1; // of the first byte, not the bit that says key frame
    assert.ok('fault' in await opener.open('vp8', forged, 0), `byte ${i}`);
  }
  assert.ok('data' in await opener.open('vp8', frame, 0));
});

test('nothing comes twice', async () => {
  const opener = new Opener(await ringOf()), sealer = new Sealer(await ringOf(), 'pa_ada', 'microphone');
  opener.show(ADA);
  const [a, b, c] = await Promise.all([1, 2, 3].map(async (n) => data(await sealer.seal('opus', new Uint8Array([n])))));
  for (const frame of [a, c, b]) assert.ok('data' in await opener.open('opus', frame, 0), 'order does not matter');
  for (const frame of [a, b, c]) assert.deepEqual(await opener.open('opus', frame, 0), { fault: 'replay' });
});

test('in clear comes what is not encrypted, and nothing in the name of one who encrypts', async () => {
  const opener = new Opener(await ringOf()), voice = bytes('78aabbccddeeff');
  assert.deepEqual(await opener.open('opus', voice, 0), { fault: 'plain' }, 'nobody is announced');
  opener.show(ADA);
  assert.deepEqual(await opener.open('opus', voice, 0), { fault: 'plain' });
  opened(await opener.open('opus', bytes('f8fffe'), 0), bytes('f8fffe'));
  for (const near of ['f8fffe00', 'f8ff', 'f8fffd']) assert.deepEqual(await opener.open('opus', bytes(near), 0), { fault: 'plain' }, near);
  assert.deepEqual(await opener.open('vp8', bytes('f8fffe'), 0), { fault: 'plain' }, 'silence is of voices only');
  assert.deepEqual(await opener.open(null, voice, 0), { fault: 'codec' });
  opener.show(MARA);
  opened(await opener.open('opus', voice, 0), voice);
});

test('a slot changes hands, and the news of it comes too early or too late', async () => {
  const ring = await ringOf(), ada = new Sealer(await ringOf(), 'pa_ada', 'microphone'), bo = new Sealer(await ringOf(), 'pa_bo', 'microphone');
  const opener = new Opener(ring), says = async (/** @type {Sealer} */ s) => data(await s.seal('opus', random(60)));
  assert.ok('data' in await opener.open('opus', await says(ada), 0), 'before the first news');
  opener.show(ADA);
  assert.ok('data' in await opener.open('opus', await says(ada), 100));
  assert.ok('data' in await opener.open('opus', await says(bo), 120), 'the new one is ahead of the news');
  opener.show(BO);
  assert.ok('data' in await opener.open('opus', await says(ada), 140), 'the old one is behind it');
  assert.ok('data' in await opener.open('opus', await says(bo), 160));
  opener.show(MARA);
  assert.ok('data' in await opener.open('opus', await says(bo), 180), 'what is sealed is opened whoever is announced');
  const wrong = data(await new Sealer(await ringOf(random(32)), 'pa_bo', 'microphone').seal('opus', random(60)));
  assert.deepEqual(await opener.open('opus', wrong, 200), { fault: 'forged' }, 'and never played as it came');
});

test('whose voice it is, is not for the server to say', async () => {
  const opener = new Opener(await ringOf()), ada = new Sealer(await ringOf(), 'pa_ada', 'microphone');
  opener.show(BO);
  const results = [];
  for (let t = 0; t < 4000; t += 20) results.push(await opener.open('opus', data(await ada.seal('opus', random(60))), t));
  assert.ok(results.slice(0, 99).every((r) => 'data' in r), 'for two seconds it may be late news');
  assert.ok(results.slice(100).every((r) => 'fault' in r && r.fault === 'sender'));
  opener.show(ADA);
  assert.ok('data' in await opener.open('opus', data(await ada.seal('opus', random(60))), 4000));
  opener.show({ ...ADA, source: 'screen' });
  await opener.open('opus', data(await ada.seal('opus', random(60))), 4020);
  for (let t = 4040; t < 6100; t += 20) results.push(await opener.open('opus', data(await ada.seal('opus', random(60))), t));
  assert.deepEqual(results.at(-1), { fault: 'sender' }, 'a microphone is no screen');
});

test('keys change while people talk', async () => {
  const mine = await ringOf(), theirs = await ringOf(), next = random(32);
  const sealer = new Sealer(mine, 'pa_ada', 'microphone'), opener = new Opener(theirs);
  opener.show(ADA);
  const late = data(await sealer.seal('opus', bytes('01')));
  theirs.set(1, await importGroupKey(next), false);
  assert.equal(theirs.current.generation, 0, 'known, but not used yet');
  mine.set(1, await importGroupKey(next), true);
  opened(await opener.open('opus', data(await sealer.seal('opus', bytes('02'))), 0), bytes('02'));
  opened(await opener.open('opus', late, 0), bytes('01'));
  assert.throws(() => mine.set(16, /** @type {any} */ (null), true), RangeError);
});

test('a ratchet goes on, and listeners go along', async () => {
  const mine = await ringOf(), theirs = await ringOf();
  const sealer = new Sealer(mine, 'pa_ada', 'microphone'), opener = new Opener(theirs);
  opener.show(ADA);
  for (let step = 0; step < 15; step++) {
    opened(await opener.open('opus', data(await sealer.seal('opus', bytes('0a'))), 0), bytes('0a'));
    await mine.ratchet();
  }
  await assert.rejects(mine.ratchet(), RangeError);
});

test('a newcomer with the ratcheted key hears what comes, not what was', async () => {
  const mine = await ringOf('our passphrase'), newcomer = new KeyRing(SUITES[4]);
  const sealer = new Sealer(mine, 'pa_ada', 'microphone'), opener = new Opener(newcomer);
  opener.show(ADA);
  const before = data(await sealer.seal('opus', bytes('01')));
  for (let i = 0; i < 3; i++) await mine.ratchet();
  newcomer.set(0, await importGroupKey(await ratchetKey('our passphrase', 3)), true, 3);
  opened(await opener.open('opus', data(await sealer.seal('opus', bytes('02'))), 0), bytes('02'));
  assert.deepEqual(await opener.open('opus', before, 0), { fault: 'key' });
  assert.equal(await mine.tag({ generation: 0, step: 0 }, 'pa_x', 'camera'), -1, 'old steps are forgotten');
});

test('no two sources and no two sessions share a key, and counters begin anywhere', async () => {
  const ring = await ringOf(), headers = [];
  for (const source of ['microphone', 'camera', 'microphone']) {
    headers.push(decodeHeader(data(await new Sealer(ring, 'pa_ada', source).seal('opus', bytes('00')))));
  }
  assert.equal(new Set(headers.map((h) => h?.kid)).size, 3);
  assert.equal(new Set(headers.map((h) => h?.ctr)).size, 3);
  const sealer = new Sealer(ring, 'pa_ada', 'camera'); // three simulcast layers at once
  const frames = await Promise.all(Array.from({ length: 300 }, () => sealer.seal('opus', bytes('00'))));
  assert.equal(new Set(frames.map((f) => decodeHeader(data(f))?.ctr)).size, 300);
});

test('what cannot be sealed is not sent', async () => {
  const sealer = new Sealer(await ringOf(), 'pa_ada', 'camera'), early = new Sealer(new KeyRing(SUITES[4]), 'pa_ada', 'camera');
  assert.deepEqual(await sealer.seal(null, random(50)), { fault: 'codec' });
  assert.deepEqual(await sealer.seal('h264', random(50).fill(7)), { fault: 'codec' });
  assert.deepEqual(await early.seal('opus', random(50)), { fault: 'key' });
});

// What people are told.

test('faults in words', () => {
  assert.equal(troubleOf({ forged: 20, plain: 2 }), 'key');
  assert.equal(troubleOf({ plain: 20 }), 'plain');
  assert.equal(troubleOf({ replay: 20 }), null);
});

test('of whom frames in clear are played', () => {
  const slot = (/** @type {number} */ n, /** @type {string} */ participant) => ({ slot: n, mid: String(n), participant, source: /** @type {const} */ ('microphone') });
  const people = /** @type {Map<string, any>} */ (new Map([['pa_plain', {}], ['pa_sealed', { encrypted: true }]]));
  const shown = shownIn({ voice: [slot(0, 'pa_plain'), slot(1, 'pa_sealed'), slot(2, 'pa_stranger'), { slot: 3, mid: '3' }], video: [slot(0, 'pa_plain')] }, people);
  assert.deepEqual(Object.entries(shown).map(([name, s]) => `${name} ${s?.encrypted}`), ['voice-0 false', 'voice-1 true', 'voice-2 true', 'voice-3 undefined', 'video-0 false']);
});

test('marks on people', () => {
  const person = (/** @type {object} */ more) => /** @type {any} */ ({ id: 'pa_ada', name: 'Ada', kind: 'person', ...more });
  const known = (/** @type {boolean} */ active, /** @type {any} */ trouble, /** @type {any[]} */ ...people) => ({
    e2ee: { active, hearing: new Map([['pa_ada', { trouble }]]) }, participants: new Map(people.map((p) => [p.id, p])), blocked: /** @type {Set<string>} */ (new Set()),
  });
  const sealed = person({ encrypted: true });
  assert.equal(encryptionOf(known(true, ''), sealed).tag, '');
  assert.equal(encryptionOf(known(true, 'key'), sealed).tag, 'OTHER KEY');
  assert.equal(encryptionOf(known(false, ''), sealed).tag, 'NO KEY');
  assert.equal(encryptionOf(known(true, ''), person({})).tag, 'NOT ENCRYPTED');
  assert.equal(encryptionOf(known(true, ''), person({ kind: 'npc' })).tag, '');
  assert.equal(summary(known(false, '', person({}))), null);
  assert.equal(summary(known(false, '', sealed))?.text, 'No key');
  assert.equal(summary(known(true, 'key', sealed))?.text, 'Key differs');
  assert.deepEqual([summary(known(true, '', sealed))?.text, summary(known(true, '', sealed))?.bad], ['Encrypted', false]);
});

test('a key in the address goes beside a token', () => {
  assert.equal(withKey('#token=a.b-c_d', 'x y'), '#token=a.b-c_d&key=x+y');
  assert.equal(withKey('#token=a&key=b', ''), '#token=a');
  assert.equal(withKey('#key=b', ''), '');
});
