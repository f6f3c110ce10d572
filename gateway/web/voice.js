/**
 * One voice slot in the audio graph: a voice at its talker's mouth, the mix for
 * two ears, or a bed of a crowd.
 *
 *     the binaural mix of who asked for it, which the server made -> out
 *     voice track -> gain (fade before range x zones x personal volume) -> HRTF
 *     panner (distance model and cone) -> fader -> out -> output
 *     a bed -> wide.js -> out
 *
 * Knows nothing of participants but their ids: what a slot has and where that is,
 * audio.js says.
 * @module
 */
import { MOVED_M, ramp } from './listener.js';
import { PlayoutDelay, planHandover } from './handover.js';
import { rmsDb } from './level.js';
import { forward } from './spatial.js';
import { Wide } from './wide.js';

/** @import {Placement} from './listener.js' */
/** @typedef {{pre: AnalyserNode, left: AnalyserNode, right: AnalyserNode}} Tap */

/** How fast a voice comes up that has taken a slot over. */
const UP_TAU_S = 0.003;
/** Changes of volume while a voice stays, and the tail of one that ends. */
export const GAIN_TAU_S = 0.03;
/** From here on a low-pass takes nothing. */
const OPEN_HZ = 20_000;
/** Crossfade to a changed curve. */
const CURVE_TAU_S = 0.04;
/** It begins later by this much: the audio thread is ahead of currentTime, and what begins in its past jumps. */
const CURVE_LEAD_S = 0.03;

export class Voice {
  participant = '';
  /** @type {Tap|null} */ #tap = null;
  /** @type {AnalyserNode|null} */ #meter = null;
  playout = new PlayoutDelay();
  /** What is in the slot is to fade out: something else has it by now. */ leaving = false;
  /** @type {Wide|null} */ #wide = null;
  #bed = '';
  #placed = false;
  /** @type {import('./handover.js').Handover} */ #handover = { fadeTau: 0, step: 0, up: 0, drained: 0 };
  /** @type {BiquadFilterNode|null} */ #muffler = null;
  #gain = 0;
  /** @type {GainNode|null} */ #mix = null;
  #mixed = false;
  #drained = 0;
  #closed = false;
  /** @type {number[]} */ #at = [];

  /**
   * @param {AudioContext} context
   * @param {AudioNode} output
   * @param {MediaStreamTrack} track
   * @param {import('./spatial.js').Curve} curve
   */
  constructor(context, output, track, curve) {
    this.context = context;
    this.curve = curve;
    const stream = new MediaStream([track]);
    // Chromium decodes a received track only if a media element has it too.
    this.element = new Audio();
    this.element.muted = true;
    this.element.srcObject = stream;
    this.play();
    this.source = context.createMediaStreamSource(stream);
    this.gain = new GainNode(context, { gain: 0, channelCount: 1, channelCountMode: 'explicit' });
    this.out = new GainNode(context);
    this.panner = pannerOf(context, curve);
    this.fader = new GainNode(context);
    this.source.connect(this.gain).connect(this.panner).connect(this.fader).connect(this.out).connect(output);
  }

  /**
   * Goes over to another curve. Old and new panner hear the same and stand at
   * the same place, and their faders always sum to 1.
   * @param {import('./spatial.js').Curve} curve
   */
  setCurve(curve) {
    const { panner: old, fader: fading, context: { currentTime: now } } = this;
    this.curve = curve;
    this.panner = pannerOf(this.context, curve);
    this.fader = new GainNode(this.context, { gain: 0 });
    params(old).forEach((param, i) => { params(this.panner)[i].value = param.value; });
    this.#at = []; // what the old one was on its way to is set anew
    this.gain.connect(this.panner).connect(this.fader).connect(this.out);
    const begin = now + CURVE_LEAD_S;
    this.fader.gain.setTargetAtTime(1, begin, CURVE_TAU_S);
    fading.gain.setTargetAtTime(0, begin, CURVE_TAU_S);
    setTimeout(() => {
      old.disconnect();
      fading.disconnect();
      if (!this.#closed) this.gain.disconnect(old);
    }, CURVE_TAU_S * 10_000);
  }

  play() { this.element.play().catch(() => { /* paused is enough for decoding */ }); }

  /**
   * Hands the slot to another talker, or to nobody. What the jitter buffer still
   * has of the old voice fades at the old voice's place; the new one is heard
   * only from its own.
   * @param {string} participant id, '' for nobody
   */
  assign(participant) {
    const now = this.context.currentTime;
    this.#handover = planHandover(now, this.playout.value, this.participant !== '', this.#handover.drained);
    this.participant = participant;
    this.#placed = false;
    this.gain.gain.cancelScheduledValues(now);
    this.gain.gain.setTargetAtTime(0, now, participant ? this.#handover.fadeTau : GAIN_TAU_S);
  }

  /**
   * Whether the slot has the mix for two ears, which is heard as it is. What the
   * jitter buffer still has when that changes is heard as it was meant.
   * @param {boolean} on
   * @returns {boolean} whether the slot went over to the mix
   */
  setMix(on) {
    if (on === this.#mixed) return false;
    const now = this.context.currentTime, drained = now + (on && !this.participant ? 0 : this.playout.value);
    this.#mixed = on;
    if (!this.#mix) {
      this.#mix = new GainNode(this.context, { gain: 0 });
      this.source.connect(this.#mix).connect(this.out);
    }
    this.#mix.gain.cancelScheduledValues(now);
    this.#mix.gain.setTargetAtTime(on ? 1 : 0, drained, UP_TAU_S);
    if (on && this.participant) this.gain.gain.cancelScheduledValues(now).setTargetAtTime(0, drained, UP_TAU_S);
    this.#handover = { ...this.#handover, drained };
    if (on) this.participant = '';
    return on;
  }

  /**
   * Whether the slot has a bed, and which. What the jitter buffer still has of the
   * voice before fades at its place.
   * @param {string} track of the bed, '' for none
   */
  setBed(track) {
    if (track === this.#bed) return;
    const now = this.context.currentTime;
    if (this.#bed) this.#wide?.fade(false, now, this.playout.value);
    const drained = now + (this.#bed || this.participant ? this.playout.value : 0);
    this.#bed = track;
    if (!track) {
      this.#handover = { ...this.#handover, drained };
      return;
    }
    this.#wide?.close();
    this.#wide = new Wide(this.context, this.source, this.out);
    this.#drained = drained;
  }

  /**
   * @param {ArrayLike<number>} centre
   * @param {number} radius metres
   * @param {ArrayLike<number>} ears
   * @param {number} gain linear
   */
  moveBed(centre, radius, ears, gain) {
    if (!this.#wide || !this.#bed) return;
    this.#wide.move(centre, radius, ears, gain);
    this.#wide.fade(!this.leaving, this.#drained);
  }

  /**
   * @param {Placement} mouth
   * @param {number} gain linear, before the panner
   */
  move(mouth, gain) {
    const now = this.context.currentTime;
    const to = [...Array.from(mouth.position), ...forward(mouth.rotation)];
    if (!this.#placed || now < this.#handover.up) return this.#takeOver(to, gain, now);
    this.#steer(to, (param, value) => ramp(param, value, now));
    if (gain !== this.#gain) this.gain.gain.setTargetAtTime(gain, now, GAIN_TAU_S);
    this.#gain = gain;
  }

  /**
   * Plans the first place of a voice, or plans it again while it has not come up.
   * @param {number[]} to
   * @param {number} gain
   * @param {number} now
   */
  #takeOver(to, gain, now) {
    const step = Math.max(now, this.#handover.step), up = Math.max(now, this.#handover.up);
    this.#placed = true;
    this.#gain = gain;
    this.#at = [];
    this.#steer(to, (param, value) => {
      param.cancelScheduledValues(now).setValueAtTime(param.value, now); // the old voice stays where it is
      param.setValueAtTime(value, step);
    });
    this.gain.gain.cancelScheduledValues(step); // not the fade, which began before
    this.gain.gain.setTargetAtTime(gain, up, UP_TAU_S);
  }

  /**
   * Takes high frequencies, as a wall does. A voice that never was behind one
   * passes no filter.
   * @param {number} hz 20,000 for none
   */
  muffle(hz) {
    if (!this.#muffler) {
      if (hz >= OPEN_HZ) return;
      this.#muffler = new BiquadFilterNode(this.context, { type: 'lowpass', frequency: OPEN_HZ, Q: -3 }); // dB: no ripple
      this.source.disconnect(this.gain);
      this.source.connect(this.#muffler).connect(this.gain);
    }
    const { frequency } = this.#muffler;
    if (Math.abs(frequency.value - hz) > 1) frequency.setTargetAtTime(hz, this.context.currentTime, GAIN_TAU_S);
  }

  /** Level before the gain, in dBFS. */
  level() {
    if (!this.#meter) {
      this.#meter = new AnalyserNode(this.context, { fftSize: 1024 });
      this.source.connect(this.#meter);
    }
    return rmsDb(this.#meter);
  }

  /** @returns {Tap} */
  tap() {
    if (!this.#tap) {
      const analyser = () => new AnalyserNode(this.context, { fftSize: 32768, smoothingTimeConstant: 0 });
      const tap = { pre: analyser(), left: analyser(), right: analyser() };
      const ears = new ChannelSplitterNode(this.context, { numberOfOutputs: 2 });
      this.source.connect(tap.pre);
      this.out.connect(ears);
      ears.connect(tap.left, 0);
      ears.connect(tap.right, 1);
      this.#tap = tap;
    }
    return this.#tap;
  }

  close() {
    this.#closed = true;
    this.source.disconnect();
    this.#wide?.close();
    this.#mix?.disconnect();
    this.#muffler?.disconnect();
    this.gain.disconnect();
    this.panner.disconnect();
    this.fader.disconnect();
    this.out.disconnect();
    this.element.srcObject = null;
  }

  /**
   * Moves those of position and orientation that have changed; one that stands
   * still costs nothing.
   * @param {number[]} to
   * @param {(param: AudioParam, value: number) => void} set
   */
  #steer(to, set) {
    params(this.panner).forEach((param, i) => {
      if (Math.abs(to[i] - this.#at[i]) <= MOVED_M) return;
      set(param, to[i]);
      this.#at[i] = to[i];
    });
  }
}

/**
 * @param {AudioContext} context
 * @param {import('./spatial.js').Curve} curve
 */
function pannerOf(context, { model, ref, max, rolloff, cone }) {
  return new PannerNode(context, {
    panningModel: 'HRTF', distanceModel: model, refDistance: ref, maxDistance: max, rolloffFactor: rolloff,
    coneInnerAngle: cone.inner, coneOuterAngle: cone.outer, coneOuterGain: cone.outer_gain,
  });
}

/** @param {PannerNode} p */
function params(p) { return [p.positionX, p.positionY, p.positionZ, p.orientationX, p.orientationY, p.orientationZ]; }
