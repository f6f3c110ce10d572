// The golden vectors of presence/pose, written by Go, against pose.js; and what
// the interpolation buffer shows of a walk over a bad line.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decode, decodeSnapshot, encode, encodeSnapshot, encodeUp, headWorld, PoseBuffer, PoseError, PoseReceiver } from '../pose.js';

/** @import {Pose} from '../pose.js' */

const vectors = JSON.parse(readFileSync(new URL('../../../presence/pose/testdata/vectors.json', import.meta.url), 'utf8'));

/** @param {string} s */
const unhex = (s) => new Uint8Array(Buffer.from(s, 'hex'));
/** @param {Uint8Array} b */
const hex = (b) => Buffer.from(b).toString('hex');

/**
 * @param {number} x
 * @param {number} [yaw]
 * @returns {Pose}
 */
const standing = (x, yaw = 0) => ({ root: [x, 0, 0], yaw, head: { position: [0, 1.6, 0], rotation: [0, 0, 0, 1] }, left: null, right: null });

/**
 * @param {Pose|null} got
 * @param {Pose} want
 * @param {string} what
 */
function samePose(got, want, what) {
  assert.ok(got, what);
  close(got.root, want.root, 1e-3, `${what}: root`); // float32 at 16 km
  close([got.yaw], [want.yaw], 1e-6, `${what}: yaw`);
  for (const part of /** @type {const} */ (['head', 'left', 'right'])) {
    /** @type {import('../pose.js').Transform|null|undefined} */ const a = got[part];
    const b = want[part];
    assert.equal(!a, !b, `${what}: ${part}`);
    if (!a || !b) continue;
    close(a.position, b.position, 1e-6, `${what}: ${part}`);
    close(a.rotation, b.rotation, 1e-6, `${what}: ${part}`);
  }
}

/**
 * @param {ArrayLike<number>} got
 * @param {ArrayLike<number>} want
 * @param {number} tolerance
 * @param {string} what
 */
function close(got, want, tolerance, what) {
  for (let i = 0; i < want.length; i++) {
    assert.ok(Math.abs(got[i] - want[i]) <= tolerance, `${what} = ${Array.from(got)}, want ${Array.from(want)}`);
  }
}

test('snapshots encode to the same bytes as in Go and decode to the same pose', () => {
  assert.ok(vectors.snapshots.length >= 30);
  for (const v of vectors.snapshots) {
    assert.equal(hex(encodeSnapshot(v.pose)), v.bytes, v.name);
    samePose(decodeSnapshot(unhex(v.bytes)), v.decoded, v.name);
  }
});

test('datagrams decode as in Go, and encode again to the same frame', () => {
  for (const v of vectors.datagrams) {
    const got = decode(unhex(v.bytes));
    assert.deepEqual([got.seq, got.time, got.blocks.length], [v.seq, v.time, v.blocks.length], v.name);
    for (const [i, want] of v.blocks.entries()) {
      const { pose, payload, ...head } = got.blocks[i];
      const { decoded, payload: bytes, ...wantHead } = want;
      assert.deepEqual(head, wantHead, v.name);
      assert.equal(hex(payload), bytes, v.name);
      if (decoded) samePose(pose, decoded, v.name);
      else assert.equal(pose, null, v.name);
    }
    if (got.blocks.some((b) => !b.pose)) continue;
    const blocks = got.blocks.map(({ index, age, payload }) => ({ index, age, pose: decodeSnapshot(payload) }));
    const again = decode(encode(got.seq, got.time, blocks));
    assert.deepEqual([again.seq, again.time, again.blocks.length], [got.seq, got.time, got.blocks.length], v.name);
  }
});

test('the uplink datagram is the one Go writes', () => {
  const [, one, two] = vectors.snapshots;
  const [first, second] = vectors.datagrams;
  assert.equal(hex(encodeUp(65535, 4294967290, one.pose)), first.bytes);
  assert.equal(hex(encodeUp(65536, 4294967296 + 27, two.pose, { time: 4294967290, pose: one.pose })), second.bytes);
  assert.equal(decode(encodeUp(1, 600, one.pose, { time: 300, pose: two.pose })).blocks.length, 1, 'a pose older than 255 ms');
});

test('malformed datagrams are refused', () => {
  for (const v of vectors.malformed) {
    assert.throws(() => decode(unhex(v.bytes)), PoseError, v.name);
  }
});

test('no bytes do harm', () => {
  let seed = 1;
  const random = () => (seed = Math.imul(seed, 1664525) + 1013904223 >>> 0) / 2 ** 32;
  for (let i = 0; i < 20000; i++) {
    const bytes = unhex(vectors.datagrams[i % vectors.datagrams.length].bytes);
    for (let n = 0; n < 4; n++) bytes[Math.floor(random() * bytes.length)] = random() * 256;
    try {
      for (const { pose } of decode(bytes.subarray(0, random() < 0.5 ? bytes.length : random() * bytes.length)).blocks) {
        assert.ok(!pose || [...Array.from(pose.root), pose.yaw, ...Array.from(pose.head.rotation)].every(Number.isFinite));
      }
    } catch (error) {
      assert.ok(error instanceof PoseError, String(error));
    }
  }
});

test('the head in the world turns and moves with the root', () => {
  /** @type {Pose} */ const pose = { ...standing(5, Math.PI / 2), head: { position: [0, 1.5, -1], rotation: [0, 0, 0, 1] } };
  const { position, rotation } = headWorld(pose);
  close(position, [4, 1.5, 0], 1e-9, 'head'); // yaw 90 degrees: forward is -x
  close(rotation, [0, Math.SQRT1_2, 0, Math.SQRT1_2], 1e-9, 'head');
});

test('a walk at 30 Hz is shown without a step, a little in the past', () => {
  const buffer = new PoseBuffer();
  const shown = [];
  for (let t = 0; t < 3000; t++) {
    if (t % 33 === 8) buffer.push(t / 33, t - 8, standing(0.002 * (t - 8)), t);
    if (t % 16 === 0 && t > 1000) shown.push(/** @type {Pose} */ (buffer.sample(t)).root[0]);
  }
  assert.ok(buffer.delayMs > 50 && buffer.delayMs < 65, `delay ${buffer.delayMs}`); // 1.5 x 33 + 8
  for (let i = 1; i < shown.length; i++) close([shown[i] - shown[i - 1]], [0.032], 1e-5, 'step of a frame');
});

test('poses that stop coming: on for 150 ms, at rest after 250 more, joints held', () => {
  const buffer = new PoseBuffer();
  for (let i = 0; i <= 30; i++) buffer.push(i, i * 33, standing(0.066 * i, 0.1 * i), i * 33);
  const last = 30 * 33;
  const at = (/** @type {number} */ over) => /** @type {Pose} */ (buffer.sample(last + over + buffer.delayMs)).root[0] - 1.98;
  buffer.sample(last);
  close([at(100)], [0.2], 1e-3, 'after 100 ms'); // 2 m/s
  close([at(150)], [0.3], 1e-3, 'after 150 ms');
  close([at(400)], [0.55], 1e-3, 'after 400 ms');
  close([at(5000)], [0.55], 1e-3, 'after 5 s');
  close([/** @type {Pose} */ (buffer.sample(last + 5000)).yaw], [3], 1e-9, 'yaw');
});

test('old and repeated datagrams are dropped, sequence numbers wrap', () => {
  const buffer = new PoseBuffer();
  assert.equal(buffer.push(65534, 0, standing(0), 10), true);
  assert.equal(buffer.push(1, 99, standing(3), 110), true);
  assert.equal(buffer.push(65535, 33, standing(1), 111), false, 'older datagram');
  assert.equal(buffer.push(1, 99, standing(3), 112), false, 'the same again');
  assert.equal(buffer.push(1, 120, standing(4), 130), true, 'a second pose of the same datagram');
});

test('a teleport is not a flight, and yaw takes the shorter way', () => {
  const buffer = new PoseBuffer();
  buffer.push(0, 1000, standing(0, 3), 1000);
  buffer.push(1, 1033, standing(0.01, -3), 1033);
  buffer.push(2, 1066, standing(50, -3), 1066);
  const turned = /** @type {Pose} */ (buffer.sample(1016.5 + 50));
  close([Math.cos(turned.yaw)], [-1], 1e-6, 'cos of yaw half way');
  const before = /** @type {Pose} */ (buffer.sample(1065 + buffer.delayMs));
  assert.ok(before.root[0] < 0.1, `x ${before.root[0]} just before the teleport`);
  assert.equal(/** @type {Pose} */ (buffer.sample(1200)).root[0], 50);
});

test('over a line with loss and 40 ms of jitter the picture never jumps', () => {
  const poses = new PoseReceiver();
  let seed = 7;
  const random = () => (seed = Math.imul(seed, 1664525) + 1013904223 >>> 0) / 2 ** 32;
  /** @type {{at: number, bytes: Uint8Array}[]} */ const line = [];
  const start = 2 ** 32 - 5000; // the 32 bit server clock wraps on the way
  for (let i = 0; i < 600; i++) {
    const t = i * 33;
    if (random() < 0.05) continue;
    line.push({ at: 777 + t + 20 + random() * 40, bytes: encode(i, start + t, [{ index: 9, age: 12, pose: standing(0.0015 * (t - 12)) }]) });
  }
  line.sort((a, b) => a.at - b.at);
  let previous = NaN;
  let worst = 0;
  for (let now = 777; now < 777 + 19000; now += 16) {
    while (line.length && line[0].at <= now) poses.receive(line[0].bytes, /** @type {{at: number, bytes: Uint8Array}} */ (line.shift()).at);
    const pose = poses.pose(9, now);
    if (!pose || now < 3000) continue;
    if (!Number.isNaN(previous)) worst = Math.max(worst, Math.abs(pose.root[0] - previous - 0.024));
    previous = pose.root[0];
  }
  assert.ok(worst < 0.02, `a frame is ${worst} m off a walk of 24 mm a frame`);
  assert.equal(poses.pose(10, 5000), null);
  poses.forget(9);
  assert.equal(poses.pose(9, 5000), null);
});
