/**
 * What is heard: each voice slot of an Earshot panned to where its talker's
 * head is, with exactly the curve the server decided with.
 *
 *     const audio = new SpatialAudio(earshot);    // before earshot.join()
 *     button.onclick = () => audio.resume();      // browsers want a gesture
 *     audio.update(head);                         // every frame; head = {position, rotation} of the listener
 *
 *     the binaural mix of who asked for it, which the server made -> master
 *     voice track -> gain (fade before range x zones x personal volume) -> HRTF
 *     panner (distance model and cone) -> fader -> out -> master -> speakers
 *
 * In a world with zones a wall between puts a low-pass before the gain, and the
 * room that the listener is in adds its reverberation to the master.
 *
 * A change of the world's curve crossfades each voice to a panner with the new
 * one, so that designers may drag sliders while people talk.
 *
 * Whoever comes closer than `space` metres is lowered, to nothing at half of it;
 * NPCs are not, since one walks up to them to talk.
 *
 * API: resume(), update(head), meter(slot) -> dBFS before panning, tap(slot),
 * volume (linear, of all voices), space (m), context, voices, close(); and LevelMeter for
 * a microphone.
 * @module
 */
import { Acoustics } from './acoustics.js';
import { PlayoutDelay, planHandover } from './handover.js';
import { headWorld } from './pose.js';
import { Reverb } from './reverb.js';
import { distance, forward, linear, spaceGain, up } from './spatial.js';

/** @import {Earshot} from './earshot.js' */
/** @typedef {{position: ArrayLike<number>, rotation: ArrayLike<number>}} Placement metres, quaternion */
/** @typedef {{pre: AnalyserNode, left: AnalyserNode, right: AnalyserNode}} Tap */

/** Panners move this often: 20 Hz cost a renderer twice the CPU of 10 Hz (facts/prototypes.md). */
const UPDATE_MS = 80;
const RAMP_S = 0.08;
/** How fast a voice comes up that has taken a slot over. */
const UP_TAU_S = 0.003;
/** How often to ask how long voices lie in their jitter buffers. */
const ASK_DELAY_MS = 2000;
/** Changes of volume while a voice stays, and the tail of one that ends. */
const GAIN_TAU_S = 0.03;
const MOVED_M = 1e-4;
/** From here on a low-pass takes nothing. */
const OPEN_HZ = 20_000;
/** Crossfade to a changed curve. */
const CURVE_TAU_S = 0.04;
/** It begins later by this much: the audio thread is ahead of currentTime, and what begins in its past jumps. */
const CURVE_LEAD_S = 0.03;

export class SpatialAudio {
  /** @type {Voice[]} */ voices = [];
  /** Radius of the listener's personal space, metres; 0 for none. */
  space = 0;
  /** What the zones of the world do to voices. */ acoustics = new Acoustics([]);
  #last = -Infinity;
  #asked = -Infinity;
  /** @type {Placement} */ #ears = { position: [0, 0, 0], rotation: [0, 0, 0, 1] };
  /** @type {(() => void)[]} */ #off;

  /**
   * @param {Earshot} earshot
   * @param {{context?: AudioContext}} [options]
   */
  constructor(earshot, { context = new AudioContext({ latencyHint: 'interactive' }) } = {}) {
    this.earshot = earshot;
    this.context = context;
    this.master = context.createGain();
    this.master.connect(context.destination);
    this.reverb = new Reverb(context, this.master, context.destination);
    this.#off = [
      earshot.on('welcome', () => this.#rebuild()),
      earshot.on('slots', () => this.#assign()),
      earshot.on('world', ({ world }) => {
        this.acoustics = new Acoustics(world.zones ?? []);
        for (const voice of this.voices) if (JSON.stringify(voice.curve) !== JSON.stringify(world.voice)) voice.setCurve(world.voice);
      }),
      earshot.on('state', ({ state }) => { if (state === 'closed') this.#silence(); }),
    ];
  }

  /** Starts sound; browsers allow it in answer to a gesture of the person. */
  resume() {
    for (const voice of this.voices) voice.play();
    return this.context.resume();
  }

  /** Volume of all voices, linear. */
  get volume() { return this.master.gain.value; }

  set volume(v) { this.master.gain.setTargetAtTime(v, this.context.currentTime, GAIN_TAU_S); }

  /**
   * Follows the listener and the talkers. Call it every frame.
   * @param {Placement} ears the listener's head in the world
   * @param {number} [nowMs] performance.now()
   */
  update(ears, nowMs = performance.now()) {
    if (nowMs - this.#last < UPDATE_MS) return;
    this.#last = nowMs;
    this.#ears = ears;
    listen(this.context, ears);
    this.acoustics.listen(ears.position);
    this.reverb.set(this.acoustics.reverb);
    for (const voice of this.voices) this.#place(voice, nowMs);
    this.#askDelays(nowMs);
  }

  /**
   * Level of a slot before panning, in dBFS, -120 at the least.
   * @param {number} slot
   */
  meter(slot) { return this.voices[slot]?.level() ?? -120; }

  /**
   * Measuring points of a slot: before the gain, and both ears after the panner.
   * @param {number} slot
   * @returns {Tap}
   */
  tap(slot) { return this.voices[slot].tap(); }

  /** Ends all sound. */
  close() {
    this.#off.forEach((off) => off());
    this.#silence();
    return this.context.close();
  }

  /** @param {number} nowMs */
  async #askDelays(nowMs) {
    if (nowMs - this.#asked < ASK_DELAY_MS || !this.voices.some((v) => v.participant)) return;
    this.#asked = nowMs;
    const buffers = await this.earshot.jitterBuffers().catch(() => new Map()); // it was closed meanwhile
    for (const { slot, mid } of this.earshot.slots.voice) {
      const buffer = buffers.get(mid);
      if (buffer) this.voices[slot]?.playout.observe(buffer.delay, buffer.emitted);
    }
  }

  #rebuild() {
    this.#silence();
    const curve = this.earshot.world?.voice;
    if (!curve) return;
    this.acoustics = new Acoustics(this.earshot.world?.zones ?? []);
    this.voices = this.earshot.voiceTracks.map((track) => new Voice(this.context, this.master, track, curve));
  }

  #silence() {
    for (const voice of this.voices) voice.close();
    this.voices = [];
  }

  #assign() {
    const now = performance.now();
    for (const { slot, participant, source } of this.earshot.slots.voice) {
      const voice = this.voices[slot];
      if (!voice) continue;
      if (voice.setMix(source === 'mix') || voice.participant === (participant ?? '')) continue;
      voice.assign(participant ?? '');
      this.#place(voice, now);
    }
  }

  /**
   * @param {Voice} voice
   * @param {number} nowMs
   */
  #place(voice, nowMs) {
    if (!voice.participant) return;
    const pose = this.earshot.poseOf(voice.participant, nowMs);
    const mouth = pose && headWorld(pose);
    const why = this.earshot.slots.voice.find((s) => s.participant === voice.participant)?.why;
    const heard = this.acoustics.render(mouth, voice.curve, why?.megaphone);
    if (!heard) return; // silent until we know where they are: a moment at most
    const personal = linear(this.earshot.gains.get(voice.participant) ?? 0);
    const { kind } = this.earshot.participants.get(voice.participant) ?? {};
    const space = mouth && kind !== 'npc' ? spaceGain(this.space, distance(this.#ears.position, mouth.position)) : 1;
    voice.muffle(heard.cutoff);
    voice.move(heard.mouth, heard.gain * personal * space);
  }
}

/** One voice slot in the audio graph. */
export class Voice {
  participant = '';
  /** @type {Tap|null} */ #tap = null;
  /** @type {AnalyserNode|null} */ #meter = null;
  playout = new PlayoutDelay();
  #placed = false;
  /** @type {import('./handover.js').Handover} */ #handover = { fadeTau: 0, step: 0, up: 0, drained: 0 };
  /** @type {BiquadFilterNode|null} */ #muffler = null;
  #gain = 0;
  /** @type {GainNode|null} */ #mix = null;
  #mixed = false;
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

/** How loud a track is, for showing a person that their microphone works. */
export class LevelMeter {
  /**
   * @param {AudioContext} context
   * @param {MediaStreamTrack} track
   */
  constructor(context, track) {
    this.source = context.createMediaStreamSource(new MediaStream([track]));
    this.analyser = new AnalyserNode(context, { fftSize: 1024 });
    this.source.connect(this.analyser);
  }

  /** dBFS over the last 20 ms, -120 at the least. */
  level() { return rmsDb(this.analyser); }

  close() { this.source.disconnect(); }
}

/** @param {AnalyserNode} analyser */
function rmsDb(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  let sum = 0;
  for (const s of samples) sum += s * s;
  return Math.max(-120, 10 * Math.log10(sum / samples.length + 1e-12));
}

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
 * @param {AudioParam} param
 * @param {number} value
 * @param {number} now
 */
function ramp(param, value, now) {
  param.cancelScheduledValues(now);
  param.setValueAtTime(param.value, now);
  param.linearRampToValueAtTime(value, now + RAMP_S);
}
