/**
 * What is heard: each voice slot of an Earshot panned to where its talker's
 * head is, with exactly the curve the server decided with.
 *
 *     const audio = new SpatialAudio(earshot);    // before earshot.join()
 *     button.onclick = () => audio.resume();      // browsers want a gesture
 *     audio.update(head);                         // every frame; head = {position, rotation} of the listener
 *
 *     slot 0: voice.js \
 *     slot 1: voice.js  -> master -> speakers
 *     slot 2: voice.js /   reverb.js /
 *
 * A far crowd comes as beds, each many voices in one slot, which sound from a ball
 * (wide.js) and come and go within 0.2 s.
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
 * volume (linear, of all voices), space (m), context, voices, close(); and
 * LevelMeter for a microphone.
 * @module
 */
import { Acoustics } from './acoustics.js';
import { UPDATE_MS, listen } from './listener.js';
import { headWorld } from './pose.js';
import { Reverb } from './reverb.js';
import { distance, distanceGain, linear, spaceGain } from './spatial.js';
import { GAIN_TAU_S, Voice } from './voice.js';

export { LevelMeter } from './level.js';

/** @import {Earshot} from './earshot.js' */
/** @import {Placement} from './listener.js' */
/** @import {Tap} from './voice.js' */
/** @typedef {Pick<Earshot, 'slots'|'voiceTracks'|'poseOf'|'gains'|'participants'|'jitterBuffers'>} Source a connection, as it is heard */
/** @typedef {{voices: Voice[], from: Source}} Ensemble the voices of a connection */

/** How often to ask how long voices lie in their jitter buffers. */
const ASK_DELAY_MS = 2000;

export class SpatialAudio {
  /** @type {Voice[]} */ voices = [];
  /** Radius of the listener's personal space, metres; 0 for none. */
  space = 0;
  /** What the zones of the world do to voices. */ acoustics = new Acoustics([]);
  /** @type {Ensemble|null} of the connection before, in a handoff */ #before = null;
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
    earshot.beds = true;
    this.#off = [
      earshot.on('welcome', () => this.#rebuild()),
      earshot.on('slots', () => this.#assign(this.#present)),
      earshot.on('handoff', ({ phase }) => this.#handOver(phase)),
      earshot.on('world', ({ world }) => {
        this.acoustics = new Acoustics(world.zones ?? []);
        for (const voice of this.#all) if (JSON.stringify(voice.curve) !== JSON.stringify(world.voice)) voice.setCurve(world.voice);
      }),
      earshot.on('state', ({ state }) => { if (state === 'closed') this.#silence(); }),
    ];
  }

  /** Starts sound; browsers allow it in answer to a gesture of the person. */
  resume() {
    for (const voice of this.#all) voice.play();
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
    for (const { voices, from } of this.#before ? [this.#present, this.#before] : [this.#present]) {
      for (const voice of voices) this.#place(voice, from, nowMs);
      for (const { slot, bed } of from.slots.voice) if (bed && voices[slot]) this.#placeBed(voices[slot], bed);
    }
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

  /** @type {Ensemble} */
  get #present() { return { voices: this.voices, from: this.earshot }; }

  get #all() { return [...this.voices, ...this.#before?.voices ?? []]; }

  #rebuild() {
    this.#silence();
    this.acoustics = new Acoustics(this.earshot.world?.zones ?? []);
    this.#listenTo();
  }

  #listenTo() {
    const curve = this.earshot.world?.voice;
    this.voices = curve ? this.earshot.voiceTracks.map((track) => new Voice(this.context, this.master, track, curve)) : [];
  }

  /**
   * In a handoff both connections are heard: who talks comes by one of the two.
   * @param {'begun'|'slots'|'over'} phase
   */
  #handOver(phase) {
    const from = this.earshot.old;
    if (phase === 'begun' && from) {
      this.#before = { voices: this.voices, from };
      this.#listenTo();
    } else if (phase === 'slots' && this.#before) {
      this.#assign(this.#before);
    } else if (phase === 'over') {
      this.#before?.voices.forEach((voice) => voice.close());
      this.#before = null;
    }
  }

  #silence() {
    for (const voice of this.#all) voice.close();
    this.voices = [];
    this.#before = null;
  }

  /** @param {Ensemble} of */
  #assign({ voices, from }) {
    const now = performance.now();
    for (const { slot, participant, source, track, bed, leaving } of from.slots.voice) {
      const voice = voices[slot];
      if (!voice) continue;
      voice.leaving = leaving ?? false;
      if (voice.setMix(source === 'mix')) continue;
      voice.setBed(bed ? track ?? '' : '');
      if (bed) this.#placeBed(voice, bed);
      if (voice.participant === (participant ?? '')) continue;
      voice.assign(participant ?? '');
      this.#place(voice, from, now);
    }
  }

  /**
   * @param {Voice} voice
   * @param {Source} from
   * @param {number} nowMs
   */
  #place(voice, from, nowMs) {
    if (!voice.participant) return;
    const pose = from.poseOf(voice.participant, nowMs);
    const mouth = pose && headWorld(pose);
    const why = from.slots.voice.find((s) => s.participant === voice.participant)?.why;
    const heard = this.acoustics.render(mouth, voice.curve, why?.megaphone);
    if (!heard) return; // silent until we know where they are: a moment at most
    const personal = linear(from.gains.get(voice.participant) ?? 0);
    const { kind } = from.participants.get(voice.participant) ?? {};
    const space = mouth && kind !== 'npc' ? spaceGain(this.space, distance(this.#ears.position, mouth.position)) : 1;
    voice.muffle(heard.cutoff);
    voice.move(heard.mouth, voice.leaving ? 0 : heard.gain * personal * space);
  }

  /**
   * @param {Voice} voice
   * @param {import('./signal.js').Bed} bed
   */
  #placeBed(voice, { position, radius }) {
    voice.moveBed(position, radius, this.#ears.position, distanceGain(voice.curve, distance(this.#ears.position, position)));
  }
}
