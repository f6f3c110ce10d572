/**
 * The wire format of poses: presence/pose/POSE.md, the twin of the Go package
 * presence/pose. Both read presence/pose/testdata/vectors.json.
 *
 * Metres and radians; right-handed, y up, -z forward. The root is the point
 * between the feet, in the world; head and hands are relative to it (translate
 * by root, turn by yaw). A hand that is not tracked is null or absent.
 * @module
 */

/**
 * @typedef {[number, number, number]} Vec3
 * @typedef {[number, number, number, number]} Quat x y z w
 * @typedef {{position: Vec3, rotation: Quat}} Transform
 * @typedef {{root: Vec3, yaw: number, head: Transform, left?: Transform|null, right?: Transform|null}} Pose
 * @typedef {{index: number, kind: number, profile: number, ref: number, age: number,
 *   payload: Uint8Array, pose: Pose|null}} Block age in ms; pose is null for a
 *   kind or profile this code does not know
 * @typedef {{seq: number, time: number, blocks: Block[]}} Datagram time in ms, 32 bits
 */

export const MAX_DATAGRAM = 1200;
export const SNAPSHOT = 2;
export const VR3 = 0;

const VERSION = 1;
const HEADER_BYTES = 8;
const BLOCK_BYTES = 5;
const ROOT_STEP = 0.002;
const HEIGHT_STEP = 0.004;
const JOINT_STEP = 0.004;
const JOINT_BIAS = 1;
const YAW_STEPS = 1024;
const MAX_ROOT = 16000;
const ROTATION_STEPS = 511;
const FLAG_BYTE = 9;
const LEFT_BIT = 0x20;
const RIGHT_BIT = 0x10;
const SNAPSHOT_BITS = 138;
const JOINT_BITS = 62;

/** Bytes that are not a pose datagram. */
export class PoseError extends Error {}

/**
 * The datagram that says where we are.
 * @param {number} seq one more for each datagram, cut to 16 bits
 * @param {number} time when pose was captured: ms of any steady clock
 * @param {Pose} pose
 * @param {{time: number, pose: Pose}|null} [before] the one before, so that a
 *   single loss costs nothing
 * @returns {Uint8Array}
 */
export function encodeUp(seq, time, pose, before = null) {
  const now = Math.floor(time);
  const block = { index: 0, age: 0, pose };
  const age = before ? now - Math.floor(before.time) : 256;
  if (!before || age < 0 || age > 255) return encode(seq, now, [block]);
  return encode(seq, now, [block, { index: 0, age, pose: before.pose }]);
}

/**
 * A datagram of snapshots.
 * @param {number} seq
 * @param {number} time ms
 * @param {{index: number, age: number, pose: Pose}[]} blocks at most 31 fit
 * @returns {Uint8Array}
 */
export function encode(seq, time, blocks) {
  const bytes = new Uint8Array(MAX_DATAGRAM);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION << 4);
  view.setUint16(1, seq);
  view.setUint32(3, time);
  view.setUint8(7, blocks.length);
  let at = HEADER_BYTES;
  for (const { index, age, pose } of blocks) {
    const payload = encodeSnapshot(pose);
    if (at + BLOCK_BYTES + payload.length > MAX_DATAGRAM) throw new RangeError(`${blocks.length} poses do not fit into a datagram`);
    view.setUint16(at, (index & 0xfff) << 4 | SNAPSHOT << 2 | VR3);
    view.setUint8(at + 2, payload.length);
    view.setUint8(at + 4, Math.min(Math.max(age, 0), 255));
    bytes.set(payload, at + BLOCK_BYTES);
    at += BLOCK_BYTES + payload.length;
  }
  return bytes.slice(0, at);
}

/**
 * Takes a datagram of either direction apart. Blocks of an unknown kind or
 * profile have no pose. Throws a PoseError for bytes of another format.
 * @param {ArrayBuffer|Uint8Array} datagram
 * @returns {Datagram}
 */
export function decode(datagram) {
  const bytes = datagram instanceof Uint8Array ? datagram : new Uint8Array(datagram);
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_DATAGRAM) throw new PoseError(`a pose datagram has no ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint8(0) >> 4 !== VERSION) throw new PoseError(`pose datagram is not of version ${VERSION}`);
  const blocks = [];
  let at = HEADER_BYTES;
  for (let n = view.getUint8(7); n > 0; n--) {
    const end = at + BLOCK_BYTES + (at + BLOCK_BYTES <= bytes.length ? view.getUint8(at + 2) : MAX_DATAGRAM);
    if (end > bytes.length) throw new PoseError('pose datagram is cut short');
    blocks.push(decodeBlock(view, at, bytes.subarray(at + BLOCK_BYTES, end)));
    at = end;
  }
  if (at < bytes.length) throw new PoseError('pose datagram has bytes after its last block');
  return { seq: view.getUint16(1), time: view.getUint32(3), blocks };
}

/**
 * @param {DataView} view
 * @param {number} at
 * @param {Uint8Array} payload
 * @returns {Block}
 */
function decodeBlock(view, at, payload) {
  const head = view.getUint16(at);
  const kind = head >> 2 & 3;
  const profile = head & 3;
  return {
    index: head >> 4, kind, profile, payload,
    ref: view.getUint8(at + 3), age: view.getUint8(at + 4),
    pose: kind === SNAPSHOT && profile === VR3 ? decodeSnapshot(payload) : null,
  };
}

/**
 * A pose as 18, 25 or 33 bytes. Values out of range are clamped.
 * @param {Pose} pose
 * @returns {Uint8Array}
 */
export function encodeSnapshot({ root, yaw, head, left, right }) {
  const w = new BitWriter();
  w.signed(clampRoot(root[0]), ROOT_STEP, 24);
  w.signed(clampRoot(root[2]), ROOT_STEP, 24);
  w.signed(root[1], HEIGHT_STEP, 16);
  w.put(Math.floor(yaw * (YAW_STEPS / (2 * Math.PI)) + 0.5) % YAW_STEPS & YAW_STEPS - 1, 10);
  w.put(left ? 1 : 0, 1);
  w.put(right ? 1 : 0, 1);
  w.transform(head);
  if (left) w.transform(left);
  if (right) w.transform(right);
  return w.finish();
}

/**
 * The pose of a snapshot; throws a PoseError where the length does not fit the
 * tracked hands, or the padding is not zero.
 * @param {Uint8Array} bytes
 * @returns {Pose}
 */
export function decodeSnapshot(bytes) {
  const flags = bytes.length > FLAG_BYTE ? bytes[FLAG_BYTE] : 0;
  const bits = SNAPSHOT_BITS + (flags & LEFT_BIT ? JOINT_BITS : 0) + (flags & RIGHT_BIT ? JOINT_BITS : 0);
  if (bytes.length !== Math.ceil(bits / 8) || bytes[bytes.length - 1] & (1 << (-bits & 7)) - 1) throw new PoseError('pose snapshot is malformed');
  const r = new BitReader(bytes);
  const x = clampRoot(r.signed(ROOT_STEP, 24));
  const z = clampRoot(r.signed(ROOT_STEP, 24));
  const y = r.signed(HEIGHT_STEP, 16);
  const yaw = r.signed(2 * Math.PI / YAW_STEPS, 10);
  const left = r.take(1);
  const right = r.take(1);
  return {
    root: [x, y, z], yaw, head: r.transform(),
    left: left ? r.transform() : null,
    right: right ? r.transform() : null,
  };
}

/**
 * The head, which is also mouth and ears, in the world.
 * @param {Pose} pose
 * @returns {Transform}
 */
export function headWorld({ root, yaw, head }) {
  const s = Math.sin(yaw / 2);
  const c = Math.cos(yaw / 2);
  const [sin, cos] = [2 * s * c, c * c - s * s];
  const [x, y, z] = head.position;
  const [qx, qy, qz, qw] = head.rotation;
  return {
    position: [root[0] + cos * x + sin * z, root[1] + y, root[2] - sin * x + cos * z],
    rotation: [c * qx + s * qz, c * qy + s * qw, c * qz - s * qx, c * qw - s * qy],
  };
}

/** @param {number} v */
function clampRoot(v) { return Math.min(Math.max(v, -MAX_ROOT), MAX_ROOT); }

/** Big-endian bit fields, at most 24 bits each. */
class BitWriter {
  #bytes = new Uint8Array(33);
  #length = 0;
  #acc = 0;
  #held = 0;

  /**
   * @param {number} v
   * @param {number} bits
   */
  put(v, bits) {
    this.#acc = (this.#acc & (1 << this.#held) - 1) << bits | v & (1 << bits) - 1;
    this.#held += bits;
    while (this.#held >= 8) {
      this.#held -= 8;
      this.#bytes[this.#length++] = this.#acc >>> this.#held;
    }
  }

  /**
   * @param {number} v
   * @param {number} step
   * @param {number} bits
   */
  signed(v, step, bits) {
    const limit = 2 ** (bits - 1);
    const q = Math.floor(v / step + 0.5);
    this.put(Number.isNaN(q) ? 0 : Math.min(Math.max(q, -limit), limit - 1), bits);
  }

  /** @param {Transform} t */
  transform({ position, rotation }) {
    this.signed(position[0], JOINT_STEP, 10);
    this.signed(position[1] - JOINT_BIAS, JOINT_STEP, 10);
    this.signed(position[2], JOINT_STEP, 10);
    this.rotation(rotation);
  }

  /** @param {Quat} q */
  rotation(q) {
    let n = Math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    if (!(n > 1e-6) || n === Infinity) [q, n] = [[0, 0, 0, 1], 1];
    let largest = 0;
    for (let i = 1; i < 4; i++) if (Math.abs(q[i]) > Math.abs(q[largest])) largest = i;
    if (q[largest] < 0) n = -n;
    this.put(largest, 2);
    for (let i = 0; i < 4; i++) {
      if (i !== largest) this.put(Math.floor(q[i] / n * Math.SQRT2 * ROTATION_STEPS + 0.5) + 512, 10);
    }
  }

  finish() {
    if (this.#held > 0) this.put(0, 8 - this.#held);
    return this.#bytes.slice(0, this.#length);
  }
}

/** Reads what BitWriter wrote. */
class BitReader {
  #at = 0;
  #acc = 0;
  #held = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) { this.bytes = bytes; }

  /** @param {number} bits */
  take(bits) {
    while (this.#held < bits) {
      this.#acc = (this.#acc & (1 << this.#held) - 1) << 8 | this.bytes[this.#at++];
      this.#held += 8;
    }
    this.#held -= bits;
    return this.#acc >>> this.#held & (1 << bits) - 1;
  }

  /**
   * @param {number} step
   * @param {number} bits
   */
  signed(step, bits) {
    return (this.take(bits) << 32 - bits >> 32 - bits) * step;
  }

  /** @returns {Transform} */
  transform() {
    return {
      position: [this.signed(JOINT_STEP, 10), this.signed(JOINT_STEP, 10) + JOINT_BIAS, this.signed(JOINT_STEP, 10)],
      rotation: this.rotation(),
    };
  }

  /**
   * A unit quaternion for any bits.
   * @returns {Quat}
   */
  rotation() {
    /** @type {Quat} */ const q = [0, 0, 0, 0];
    const largest = this.take(2);
    let sum = 0;
    for (let i = 0; i < 4; i++) {
      if (i === largest) continue;
      q[i] = (this.take(10) - 512) / (ROTATION_STEPS * Math.SQRT2);
      sum += q[i] * q[i];
    }
    if (sum < 1) {
      q[largest] = Math.sqrt(1 - sum);
      return q;
    }
    const n = Math.sqrt(sum);
    return [q[0] / n, q[1] / n, q[2] / n, q[3] / n];
  }
}
