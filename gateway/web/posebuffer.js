/**
 * Poses of others, smooth: from datagrams that come late, twice, out of order
 * or not at all to where somebody is in this frame.
 *
 *     const poses = new PoseReceiver();
 *     poses.receive(datagram, performance.now());      // pose-down
 *     const pose = poses.pose(index, frameTime);       // null until known
 *     poses.forget(index);                             // on 'left'
 *
 * PoseBuffer alone works in server time and needs no clock.
 * @module
 */
import { decode } from './posecodec.js';

/** @import {Pose, Quat, Transform, Vec3} from './posecodec.js' */
/** @typedef {{time: number, pose: Pose}} Sample time: server ms, not cut to 32 bits */

/** Least delay between capture and display, in ms. */
const MIN_DELAY_MS = 50;
/** More delay would show a stranger's past; late poses are extrapolated instead. */
const MAX_DELAY_MS = 1000;
/** How fast the delay may change, in ms per ms: too little to see. */
const SLEW = 0.1;
/** The root goes on at its speed for so long, then comes to rest in so long. */
const EXTRAPOLATE_MS = 150;
const EASE_MS = 250;
/** Faster than this nobody walks: it was a teleport, to be shown as one. */
const TELEPORT_M_PER_MS = 0.02;
const TELEPORT_M = 1;
/** Two poses farther apart in time tell nothing about rate or speed. */
const PAUSE_MS = 500;
const STALE_AGE_MS = 255;
const SAMPLES = 64;
const STATISTICS = 64;
/** How fast the estimate of a clock that runs slow may rise, in ms per ms. */
const DRIFT = 1e-3;

/** The poses of one participant, in server time. */
export class PoseBuffer {
  /** @type {Sample[]} */ #samples = [];
  #seq = -1;
  #interval = 1000 / 30;
  /** @type {number[]} */ #ages = [];
  #pushed = 0;
  #jitter = 0;
  #delay = MIN_DELAY_MS;
  #sampled = -Infinity;

  /** How far in the past the pose is shown, in ms. */
  get delayMs() { return this.#delay; }

  /** How many poses are held. */
  get size() { return this.#samples.length; }

  /**
   * Takes a pose. Those of datagrams older than one seen are dropped, as are
   * those not newer than the newest held.
   * @param {number} seq of the datagram, 16 bits
   * @param {number} time server time of the capture
   * @param {Pose} pose
   * @param {number} arrived server time now
   * @param {boolean} [stale] whether the capture may be older than time says
   * @returns {boolean} whether it was new
   */
  push(seq, time, pose, arrived, stale = false) {
    if (this.#seq >= 0 && (seq - this.#seq << 16) < 0) return false;
    this.#seq = seq;
    const last = this.#samples.at(-1);
    if (last && time <= last.time) return false;
    if (last && !stale && time - last.time < PAUSE_MS) this.#interval += (time - last.time - this.#interval) / 8;
    if (!stale) this.#measure(Math.max(arrived - time, 0));
    this.#samples.push({ time, pose });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    return true;
  }

  /**
   * The pose to draw now; null before the first one.
   * @param {number} now server time
   * @returns {Pose|null}
   */
  sample(now) {
    if (this.#samples.length === 0) return null;
    this.#follow(now);
    const at = now - this.#delay;
    let i = this.#samples.length - 1;
    while (i > 0 && this.#samples[i].time > at) i--;
    this.#samples.splice(0, Math.max(i - 1, 0)); // one before is kept for the speed
    i = Math.min(i, 1);
    const [a, b] = [this.#samples[i], this.#samples[i + 1]];
    if (b && at > a.time) return between(a, b, at);
    if (b) return a.pose;
    return beyond(this.#samples[i - 1], a, at);
  }

  /**
   * Follows the 95th percentile of how old poses are when they come.
   * @param {number} age ms
   */
  #measure(age) {
    this.#ages.push(age);
    if (this.#ages.length > STATISTICS) this.#ages.shift();
    if (this.#pushed++ % 8 !== 0) return;
    this.#jitter = this.#ages.toSorted((a, b) => a - b)[Math.floor((this.#ages.length - 1) * 0.95)];
  }

  /**
   * Moves the delay towards 1.5 intervals and the jitter.
   * @param {number} now
   */
  #follow(now) {
    const target = Math.min(Math.max(1.5 * this.#interval + this.#jitter, MIN_DELAY_MS), MAX_DELAY_MS);
    const most = this.#sampled === -Infinity ? Infinity : Math.max(now - this.#sampled, 0) * SLEW;
    this.#delay += Math.min(Math.max(target - this.#delay, -most), most);
    this.#sampled = now;
  }
}

/** All participants whose poses come in on one pose-down channel. */
export class PoseReceiver {
  /** @type {Map<number, PoseBuffer>} */ #buffers = new Map();
  #known = false;
  #time = 0;
  #offset = 0;
  #heard = 0;

  /**
   * Takes a datagram. Throws a PoseError for malformed bytes.
   * @param {ArrayBuffer|Uint8Array} datagram
   * @param {number} now local ms, as of performance.now()
   */
  receive(datagram, now) {
    const { seq, time, blocks } = decode(datagram);
    const sent = this.#hear(time, now);
    const arrived = this.serverTime(now);
    for (const { index, age, pose } of blocks) {
      if (!pose) continue;
      let buffer = this.#buffers.get(index);
      if (!buffer) this.#buffers.set(index, buffer = new PoseBuffer());
      buffer.push(seq, sent - age, pose, arrived, age === STALE_AGE_MS);
    }
  }

  /**
   * The pose to draw at a local time; null where none has come.
   * @param {number} index
   * @param {number} now local ms
   */
  pose(index, now) { return this.#buffers.get(index)?.sample(this.serverTime(now)) ?? null; }

  /**
   * Forgets a participant: the index may be somebody else's later.
   * @param {number} index
   */
  forget(index) { this.#buffers.delete(index); }

  /**
   * The server's clock at a local time, late by the least time a datagram was
   * ever under way, which is just what playing out needs. Not cut to 32 bits.
   * @param {number} now local ms
   */
  serverTime(now) { return now - this.#offset; }

  /**
   * The offset is the least local minus server time seen; it rises slowly.
   * @param {number} time server ms, 32 bits
   * @param {number} now
   * @returns {number} the same time, not cut
   */
  #hear(time, now) {
    const sent = this.#known ? this.#time + (time - this.#time | 0) : time;
    const offset = now - sent;
    if (this.#known) this.#offset = Math.min(this.#offset + DRIFT * Math.max(now - this.#heard, 0), offset);
    else this.#offset = offset;
    this.#known = true;
    this.#heard = now;
    this.#time = Math.max(sent, this.#time);
    return sent;
  }
}

/**
 * @param {Sample} a
 * @param {Sample} b
 */
function teleported(a, b) {
  return moved(a, b) > TELEPORT_M + TELEPORT_M_PER_MS * (b.time - a.time);
}

/**
 * @param {Sample} a
 * @param {Sample} b
 */
function moved({ pose: { root: p } }, { pose: { root: q } }) {
  return Math.hypot(q[0] - p[0], q[1] - p[1], q[2] - p[2]);
}

/**
 * @param {Sample} a
 * @param {Sample} b
 * @param {number} at
 * @returns {Pose}
 */
function between(a, b, at) {
  if (teleported(a, b)) return a.pose;
  const t = (at - a.time) / (b.time - a.time);
  const [p, q] = [a.pose, b.pose];
  return {
    root: lerp(p.root, q.root, t),
    yaw: p.yaw + t * turn(p.yaw, q.yaw),
    head: blend(p.head, q.head, t),
    left: p.left && q.left ? blend(p.left, q.left, t) : p.left,
    right: p.right && q.right ? blend(p.right, q.right, t) : p.right,
  };
}

/**
 * After the last pose the root goes on and comes to rest; the joints hold.
 * @param {Sample|undefined} before
 * @param {Sample} last
 * @param {number} at
 * @returns {Pose}
 */
function beyond(before, last, at) {
  const over = Math.min(at - last.time, EXTRAPOLATE_MS + EASE_MS);
  if (!before || over <= 0 || last.time - before.time > PAUSE_MS || teleported(before, last)) return last.pose;
  const eased = Math.max(over - EXTRAPOLATE_MS, 0);
  const way = over - eased * eased / (2 * EASE_MS);
  return { ...last.pose, root: lerp(before.pose.root, last.pose.root, 1 + way / (last.time - before.time)) };
}

/**
 * @param {Transform} a
 * @param {Transform} b
 * @param {number} t
 * @returns {Transform}
 */
function blend(a, b, t) {
  return { position: lerp(a.position, b.position, t), rotation: slerp(a.rotation, b.rotation, t) };
}

/**
 * @param {Vec3} a
 * @param {Vec3} b
 * @param {number} t
 * @returns {Vec3}
 */
function lerp(a, b, t) {
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
}

/**
 * The shorter way from one yaw to another.
 * @param {number} a
 * @param {number} b
 */
function turn(a, b) {
  const d = (b - a) % (2 * Math.PI);
  if (d > Math.PI) return d - 2 * Math.PI;
  return d < -Math.PI ? d + 2 * Math.PI : d;
}

/**
 * @param {Quat} a
 * @param {Quat} b
 * @param {number} t
 * @returns {Quat}
 */
function slerp(a, b, t) {
  const dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const angle = Math.acos(Math.min(Math.abs(dot), 1));
  const sin = Math.sin(angle);
  // Below a tenth of a milliradian the sine is no divisor, and a line will do.
  const p = sin > 1e-4 ? Math.sin((1 - t) * angle) / sin : 1 - t;
  const q = (sin > 1e-4 ? Math.sin(t * angle) / sin : t) * (dot < 0 ? -1 : 1);
  return [p * a[0] + q * b[0], p * a[1] + q * b[1], p * a[2] + q * b[2], p * a[3] + q * b[3]];
}
