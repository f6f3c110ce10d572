/**
 * When the sound of a voice slot turns from one talker to the next.
 *
 * The server says what is in a slot when it sends it, but what it sent before
 * still lies in the jitter buffer: for as long as that takes to play, the slot
 * sounds of the old talker and must stay at the old talker's place. Pure: times
 * in, times out.
 * @module
 */

/** Bounds of what is believed of a jitter buffer, and what is taken before it has told. */
const MIN_DELAY_S = 0.02;
const MAX_DELAY_S = 0.15;
const USUAL_DELAY_S = 0.06;
/** Time constant of taking a voice away when nothing of it is left to wait for. */
const CUT_TAU_S = 0.002;
const CUT_S = 0.008;
/** The next voice comes up this long after the step, when the place has been taken. */
const UP_AFTER_S = 0.002;
/** A fade of this many time constants is inaudible at its end: -35 dB. */
const FADE_TAUS = 4;

/** How long sound lies in the jitter buffer, told by its counters. */
export class PlayoutDelay {
  /** s */ value = USUAL_DELAY_S;
  #delay = 0;
  #emitted = 0;

  /**
   * Learns from jitterBufferDelay (s, summed over samples) and
   * jitterBufferEmittedCount of RTCInboundRtpStreamStats. What counts is what
   * left the buffer since the last time.
   * @param {number} delay
   * @param {number} emitted
   */
  observe(delay, emitted) {
    const samples = emitted - this.#emitted, mean = (delay - this.#delay) / samples;
    this.#delay = delay;
    this.#emitted = emitted;
    if (samples > 0 && mean >= 0) this.value = Math.min(MAX_DELAY_S, Math.max(MIN_DELAY_S, mean));
  }
}

/**
 * @typedef {object} Handover times of the AudioContext, s
 * @property {number} fadeTau time constant with which the old voice fades at its place, from now on
 * @property {number} step when the place changes
 * @property {number} up from when the new voice sounds
 * @property {number} drained when nothing of the old voice is left, to be told to the slot's next handover
 */

/**
 * Plans one handover.
 * @param {number} now
 * @param {number} delay of the jitter buffer, s
 * @param {boolean} occupied whether there was a talker in the slot till now
 * @param {number} drained of the handover before, 0 for none
 * @returns {Handover}
 */
export function planHandover(now, delay, occupied, drained) {
  const end = occupied ? now + delay : drained;
  const left = end - now;
  const [step, fadeTau] = left > CUT_S ? [end, left / FADE_TAUS] : [now + CUT_S, CUT_TAU_S];
  return { fadeTau, step, up: step + UP_AFTER_S, drained: end };
}
