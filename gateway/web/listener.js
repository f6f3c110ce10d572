/**
 * Where the listener is in the audio graph.
 * @module
 */
import { forward, up } from './spatial.js';

/** @typedef {{position: ArrayLike<number>, rotation: ArrayLike<number>}} Placement metres, quaternion */

/** Panners and the listener move this often: 20 Hz cost a renderer twice the CPU of 10 Hz. */
export const UPDATE_MS = 80;
const RAMP_S = 0.08;
/** What moved less stands still, and costs nothing. */
export const MOVED_M = 1e-4;

/**
 * @param {AudioContext} context
 * @param {Placement} ears
 */
export function listen({ listener, currentTime }, { position, rotation }) {
  const [fx, fy, fz] = forward(rotation);
  const [ux, uy, uz] = up(rotation);
  if (!listener.positionX) { // Firefox has no AudioParams here
    listener.setPosition(position[0], position[1], position[2]);
    listener.setOrientation(fx, fy, fz, ux, uy, uz);
    return;
  }
  const to = [position[0], position[1], position[2], fx, fy, fz, ux, uy, uz];
  const { positionX, positionY, positionZ, forwardX, forwardY, forwardZ, upX, upY, upZ } = listener;
  [positionX, positionY, positionZ, forwardX, forwardY, forwardZ, upX, upY, upZ].forEach((param, i) => {
    if (Math.abs(param.value - to[i]) > MOVED_M) ramp(param, to[i], currentTime);
  });
}

/**
 * Goes to a value in as long as it takes until the next update.
 * @param {AudioParam} param
 * @param {number} value
 * @param {number} now
 */
export function ramp(param, value, now) {
  param.cancelScheduledValues(now);
  param.setValueAtTime(param.value, now);
  param.linearRampToValueAtTime(value, now + RAMP_S);
}
