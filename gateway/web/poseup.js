/**
 * Our own poses on their way up: numbered, and each with the one before, so that
 * one lost datagram costs nothing. No network: how a datagram travels is told.
 * @module
 */
import { encodeUp } from './pose.js';

/** @import {Pose} from './pose.js' */

export class PoseUp {
  #seq = 0;
  /** @type {{time: number, pose: Pose}|null} */ #last = null;

  /**
   * @param {Pose} pose
   * @param {number} nowMs performance.now() at its capture
   * @param {(datagram: Uint8Array) => boolean} send false where it was dropped
   * @returns {boolean} what send says; of one that was dropped nothing is kept
   */
  send(pose, nowMs, send) {
    const time = Math.round(nowMs) >>> 0;
    if (!send(encodeUp(this.#seq, time, pose, this.#last))) return false;
    this.#seq = (this.#seq + 1) & 0xffff;
    this.#last = { time, pose };
    return true;
  }

  /** A new connection: the pose before is not known there. */
  reset() { this.#last = null; }
}
