/**
 * Space for livekit-client: who joins an Earshot server with LiveKit's SDK tells
 * where they stand and hears everybody from where they are.
 *
 *     import { EarshotSpace } from 'https://your.server/livekit-earshot.js';
 *     const room = new Room();
 *     const space = new EarshotSpace(room);       // before room.connect()
 *     await room.connect(url, token);
 *     button.onclick = () => space.resume();      // browsers want a gesture
 *     space.update(pose);                         // every frame: our own pose
 *     const pose = space.poseOf(identity);        // every frame: of somebody else, or null
 *
 * Do not attach() audio tracks yourself: this plays them, each through an HRTF
 * panner with the curve the server decides with. Video tracks stay yours.
 *
 * Both ways of hearing others that need a panner are served: `tracks`, where
 * everybody has a track, and `slots`, where the participants slot-1 and so on
 * say in their attributes whom they carry. Who asks for `binaural` gets one track
 * that has all of this in it: attach() that one, it is left alone here.
 *
 * It uses what livekit-client has in public and imports nothing of it: any
 * version will do that has Room.on, publishData and remoteParticipants.
 * @module
 */
import { listen } from './listener.js';
import { PoseError, PoseReceiver, headWorld } from './pose.js';
import { PoseUp } from './poseup.js';
import { distance, fadeGain } from './spatial.js';
import { Voice } from './voice.js';

/** @import {Pose} from './pose.js' */
/** @import {Curve} from './spatial.js' */

/**
 * What of livekit-client is used.
 * @typedef {{identity: string, sid?: string, attributes?: Readonly<Record<string, string>>}} Participant
 * @typedef {{kind: string, mediaStreamTrack: MediaStreamTrack}} Track
 * @typedef {{state: string, remoteParticipants: Map<string, Participant>,
 *   localParticipant: {publishData(data: Uint8Array, options: object): Promise<unknown>},
 *   on(event: any, f: (...args: any[]) => void): unknown, off(event: any, f: (...args: any[]) => void): unknown}} Room
 */

/** The topics of data that belong to Earshot. */
export const TOPIC = Object.freeze({ pose: 'earshot.pose', people: 'earshot.people', control: 'earshot.control' });

/** The curve of a world that says no other: spatialaudio.DefaultCurve. @type {Curve} */
export const DEFAULT_CURVE = Object.freeze({
  model: 'inverse', ref: 1.5, max: 10000, rolloff: 1, range: 20, fade: 3, cone: { inner: 120, outer: 240, outer_gain: 0.5 },
});

/** Poses go up at most so often. */
const SEND_MS = 33;
/** Panners move so often: see audio.js. */
const MOVE_MS = 80;

export class EarshotSpace {
  /** The curve of the world, as the server told it. @type {Curve} */ curve = DEFAULT_CURVE;
  /** @type {Map<string, {participant: Participant, voice: Voice}>} by id of the MediaStreamTrack */ voices = new Map();
  /** @type {Map<string, number>} index of poses by identity */ #index = new Map();
  /** @type {Map<string, string>} id of Earshot by identity */ #ids = new Map();
  #poses = new PoseReceiver();
  #up = new PoseUp();
  #sent = -Infinity;
  #moved = -Infinity;
  #text = new TextDecoder();
  /** @type {[string, (...args: any[]) => void][]} */ #on;

  /**
   * @param {Room} room of livekit-client, not connected yet
   * @param {{context?: AudioContext, voices?: boolean}} [options] voices: false to hear by other means
   */
  constructor(room, { context, voices = true } = {}) {
    this.room = room;
    this.context = voices ? context ?? new AudioContext({ latencyHint: 'interactive' }) : null;
    this.master = this.context && new GainNode(this.context);
    if (this.context) this.master?.connect(this.context.destination);
    this.#on = [
      ['trackSubscribed', (track, _, participant) => this.#hear(track, participant)],
      ['trackUnsubscribed', (track) => this.#silence(track)],
      ['participantAttributesChanged', (_, participant) => this.#assign(participant)],
      ['participantDisconnected', ({ identity }) => this.#forget(identity)],
      ['dataReceived', (data, from, _, topic) => { if (!from) this.#take(topic, data); }],
      ['disconnected', () => this.#end()],
    ];
    for (const [event, f] of this.#on) room.on(event, f);
  }

  /** Starts sound; browsers allow it in answer to a gesture of the person. */
  async resume() {
    for (const { voice } of this.voices.values()) voice.play();
    await this.context?.resume();
  }

  /** Volume of all voices, linear. */
  get volume() { return this.master?.gain.value ?? 0; }

  set volume(v) { this.master?.gain.setTargetAtTime(v, this.context?.currentTime ?? 0, 0.03); }

  /**
   * Tells others where we are, 30 times a second at most, and turns what is
   * heard accordingly. Call it every frame.
   * @param {Pose} pose metres and radians; see pose.js
   * @param {number} [nowMs] performance.now()
   */
  update(pose, nowMs = performance.now()) {
    if (nowMs - this.#sent >= SEND_MS && this.room.state === 'connected') {
      this.#sent = nowMs;
      this.#up.send(pose, nowMs, (datagram) => { this.#send(datagram, TOPIC.pose, false); return true; });
    }
    if (!this.context || nowMs - this.#moved < MOVE_MS) return;
    this.#moved = nowMs;
    const ears = headWorld(pose);
    listen(this.context, ears);
    for (const { participant, voice } of this.voices.values()) {
      const other = this.poseOf(talker(participant), nowMs);
      if (!other) continue; // silent until we know where they are
      const mouth = headWorld(other);
      voice.move(mouth, fadeGain(this.curve, distance(ears.position, mouth.position)));
    }
  }

  /**
   * Where somebody is now, interpolated; null where it is not known: they are
   * far, or not here.
   * @param {string} identity
   * @param {number} [nowMs] performance.now()
   * @returns {Pose|null}
   */
  poseOf(identity, nowMs = performance.now()) {
    const index = this.#index.get(identity);
    return index === undefined ? null : this.#poses.pose(index, nowMs);
  }

  /**
   * Blocks or unblocks: no voice, video, pose or chat between the two; the other
   * is not told. It holds when the server says so; see PROTOCOL.md.
   * @param {string} identity
   * @param {boolean} blocked
   */
  setBlocked(identity, blocked) {
    const participant = this.#ids.get(identity);
    if (!participant) throw new Error(`nobody here has the identity ${identity}`);
    return this.#send(new TextEncoder().encode(JSON.stringify({ type: 'block', participant, blocked })), TOPIC.control, true);
  }

  /** Lets go of the room and ends all sound. */
  close() {
    for (const [event, f] of this.#on) this.room.off(event, f);
    this.#end();
    return this.context?.close();
  }

  /**
   * @param {Uint8Array} data
   * @param {string} topic
   * @param {boolean} reliable
   */
  #send(data, topic, reliable) {
    const sent = this.room.localParticipant.publishData(data, { reliable, topic });
    return reliable ? sent : sent.catch(() => { /* a pose that is lost is followed by the next */ });
  }

  /**
   * What the server itself sends: nobody else can, since theirs name a sender.
   * @param {string|undefined} topic
   * @param {Uint8Array} data
   */
  #take(topic, data) {
    try {
      if (topic === TOPIC.pose) this.#poses.receive(data, performance.now());
      if (topic === TOPIC.people) this.#meet(JSON.parse(this.#text.decode(data)).people);
      if (topic === TOPIC.control) this.#obey(JSON.parse(this.#text.decode(data)));
    } catch (error) {
      if (!(error instanceof PoseError || error instanceof SyntaxError)) throw error;
      console.warn(`earshot: a message on ${topic} is of another version: ${error.message}`);
    }
  }

  /** @param {{index: number, id: string, identity: string}[]} people */
  #meet(people) {
    for (const { index, id, identity } of people) {
      for (const [other, taken] of this.#index) if (taken === index && other !== identity) this.#forget(other);
      if (this.#index.get(identity) !== index) this.#poses.forget(index);
      this.#index.set(identity, index);
      this.#ids.set(identity, id);
    }
  }

  /** @param {{type: string, world?: {voice?: Curve}}} message of PROTOCOL.md */
  #obey({ type, world }) {
    if (type !== 'welcome' && type !== 'world' || !world?.voice) return;
    this.curve = world.voice;
    for (const { voice } of this.voices.values()) voice.setCurve(world.voice);
  }

  /**
   * @param {Track} track
   * @param {Participant} participant
   */
  #hear(track, participant) {
    if (track.kind !== 'audio' || !this.context || !this.master || participant.attributes?.['earshot.mix']) return;
    const voice = new Voice(this.context, this.master, track.mediaStreamTrack, this.curve);
    this.voices.set(track.mediaStreamTrack.id, { participant, voice });
    voice.assign(talker(participant));
  }

  /** @param {Track} track */
  #silence({ mediaStreamTrack: { id } }) {
    this.voices.get(id)?.voice.close();
    this.voices.delete(id);
  }

  /** A slot turns to another talker. @param {Participant} changed */
  #assign(changed) {
    for (const { participant, voice } of this.voices.values()) {
      if (participant.identity === changed.identity && voice.participant !== talker(participant)) voice.assign(talker(participant));
    }
  }

  /** @param {string} identity */
  #forget(identity) {
    const index = this.#index.get(identity);
    if (index !== undefined) this.#poses.forget(index);
    this.#index.delete(identity);
    this.#ids.delete(identity);
  }

  #end() {
    for (const { voice } of this.voices.values()) voice.close();
    this.voices.clear();
    for (const identity of [...this.#index.keys()]) this.#forget(identity);
    this.#up.reset();
  }
}

/**
 * The identity of who is heard on a participant's track: of a slot the one its
 * attributes name, '' for nobody.
 * @param {Participant} participant
 */
function talker({ identity, attributes }) {
  return attributes && 'earshot.slot' in attributes ? attributes['earshot.identity'] ?? '' : identity;
}
