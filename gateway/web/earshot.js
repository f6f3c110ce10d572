/**
 * Earshot's client library: one connection of a participant to a world.
 *
 *     import { Earshot } from './earshot.js';
 *     const world = new Earshot({ url: location.origin, token });
 *     world.on('joined', ({ participants }) => …);
 *     const { spawn, world: rules } = await world.join({ microphone: track });
 *     world.sendPose(pose);                       // 30 times a second
 *     const pose = world.poseOf(id);              // each frame, interpolated
 *
 * No DOM, no framework: it uses RTCPeerConnection, WebSocket and fetch. What is
 * heard is the business of audio.js, which takes an Earshot; what is seen of
 * the app.
 *
 * API (stable; the messages are those of gateway/protocol/PROTOCOL.md)
 *
 *     new Earshot({url, token, voiceSlots=12, videoSlots=2, blocks=[], media=true, videoCodec='vp8', instance=''})
 *     join({microphone=null, e2ee=null}) -> Promise<welcome>   leave()
 *     sendPose(pose)          sendChat(text)        setMuted(b)
 *     setMicrophone(track)    share('camera'|'screen', track|null)
 *     setBlocked(id, b)       setGain(id, db)       moderate(action, id, reason)
 *     renewToken()            watchStats(b)         setVideoHeights(list)
 *     setAudio('slots'|'binaural'): a line for each voice, or one mix for two ears (before or after join)
 *     setPoseBitrate(bit/s): what poses may take of the downlink, 0 for none (before or after join)
 *     standIn(allowed, text)  forget() -> Promise
 *     report(id, reason, text, event) -> Promise    appeal(order, text) -> Promise
 *     stats() -> Promise<{rttMs, lossPercent, upKbps, downKbps, packets, slots}>
 *     jitterBuffers() -> Promise<Map mid -> {delay, emitted}>
 *     receptions() -> Promise<Map mid -> {lossPercent, jitterMs, ...}>
 *     poseOf(id, nowMs)       serverNow(nowMs)      on(event, f) -> off
 *
 *     instance is one to ask for, '' for whichever suits; what else to say of where to go (invitation,
 *     rtt: regions.js) is in nodes.asks. nodes.others: whether joining again is joining elsewhere
 *     videoCodec is what is sent: 'vp8', 'h264', 'vp9', 'av1' or 'auto'; all that the
 *     browser knows of these is received. See codecs.js. With a key: 'vp8' or 'h264'.
 *
 *     state   session   instance   you   world   spawn   muted   token   url   recording
 *     e2ee: keys, and how those are heard who encrypt; of e2ee-session.js
 *     participants: Map id -> {id, index, name, kind, muted, moderated, camera, screen, of?}, without you
 *     npcs: Map id -> {state, speaks, reason}, of NPCs and stand-ins
 *     orders: Map id -> order of moderation in force against you
 *     audioMode: how voices come now    audible: Set of ids in the mix
 *     near: Set of ids        speaking: Set of ids  blocked: Set of ids   gains: Map id -> dB
 *     slots: {voice, video}   voiceTracks, videoTracks: MediaStreamTrack[] in slot order
 *
 * Events are listed in events.js.
 *
 * A pose is {root: [x, y, z], yaw, head, left, right}: metres and radians; pose.js has the rest.
 *
 * A closed Earshot can join() again (state 'closed' with error.reconnect true
 * says that it makes sense; comeback.js says when); renew `token` first if it has expired.
 * @module
 */
import { Connection } from './connection.js';
import { E2eeSession } from './e2ee-session.js';
import { Nodes } from './nodes.js';
import * as signal from './signal.js';

export { EarshotError } from './signal.js';

/**
 * @typedef {import('./signal.js').Participant} Participant
 * @typedef {import('./signal.js').Slot} Slot
 * @typedef {import('./pose.js').Pose} Pose
 * @typedef {{url: string, token: string, voiceSlots?: number, videoSlots?: number,
 *   blocks?: Iterable<string>, media?: boolean, videoCodec?: import('./codecs.js').VideoCodec|'auto',
 *   instance?: string}} Options
 * @import {Events, State} from './events.js'
 */

export class Earshot extends EventTarget {
  /** @type {State} */ state = 'closed';
  session = '';
  instance = '';
  /** @type {signal.World|null} */ world = null;
  /** @type {signal.Spawn|null} */ spawn = null;
  /** @type {signal.Recording|null} what is recorded here; null: nothing */ recording = null;
  /** Whether voice slots may have beds of crowds: whoever plays them places them (audio.js does). Before join. */
  beds = false;
  e2ee = new E2eeSession((participant, trouble) => this.#emit('e2ee', { participant, trouble }), (error) => this.#emit('error', error));
  /** @type {Connection} */ #connection;

  /** @param {Options} options */
  constructor({ url, token, voiceSlots = 12, videoSlots = 2, blocks = [], media = true, videoCodec = 'vp8', instance = '' }) {
    super();
    if (voiceSlots > signal.LIMITS.voiceSlots || videoSlots > signal.LIMITS.videoSlots) {
      throw new signal.EarshotError('invalid_argument', 'at most 32 voice slots and 8 video slots');
    }
    this.url = url.endsWith('/') ? url : `${url}/`;
    this.token = token;
    this.nodes = new Nodes(this.url, instance);
    this.voiceSlots = voiceSlots;
    this.videoSlots = videoSlots;
    this.media = media;
    this.videoCodec = videoCodec;
    this.#connection = new Connection(this, blocks, (type, detail) => this.#emit(type, detail));
  }

  get muted() { return this.#connection.lines.muted; }
  /** Before join; then setMuted. */ set muted(muted) { this.#connection.lines.muted = muted; }
  get you() { return this.#connection.roster.you; }
  get participants() { return this.#connection.roster.participants; }
  get near() { return this.#connection.roster.near; }
  get audioMode() { return this.#connection.roster.audioMode; }
  get audible() { return this.#connection.roster.audible; }
  get speaking() { return this.#connection.roster.speaking; }
  get blocked() { return this.#connection.roster.blocked; }
  get gains() { return this.#connection.roster.gains; }
  get slots() { return this.#connection.roster.slots; }
  /** What is still heard by a connection to the node before; null: nothing. See handoff.js. */
  get old() { return this.#connection.handoff.old; }
  get npcs() { return this.#connection.roster.npcs; }
  /** What moderation decided against us and is in force. */ get orders() { return this.#connection.safety.orders; }

  /**
   * Listens to an event by its detail. Returns a function that ends it.
   * @template {keyof Events} K
   * @param {K} type
   * @param {(detail: Events[K]) => void} listener
   */
  on(type, listener) {
    const wrapped = (/** @type {Event} */ e) => listener(/** @type {CustomEvent} */ (e).detail);
    this.addEventListener(type, wrapped);
    return () => this.removeEventListener(type, wrapped);
  }

  /**
   * Joins. Resolves with the server's welcome, when voices and poses have been
   * asked for; rejects with an EarshotError that carries the server's code and
   * message. With e2ee, voices and videos are encrypted with its key.
   * @param {{microphone?: MediaStreamTrack|null, e2ee?: import('./e2ee.js').E2eeOptions|null}} [with_]
   * @returns {Promise<signal.Welcome>}
   */
  async join({ microphone = null, e2ee = null } = {}) {
    if (this.state !== 'closed') throw new signal.EarshotError('failed_precondition', 'already joined: leave first');
    return this.#connection.join(microphone, e2ee);
  }

  /** Leaves, at once. Also done when the page goes away. */
  leave() { this.#connection.end(); }

  /**
   * Tells where we stand. To be called at most 120 times a second, better 30.
   * The previous pose goes along, so that one lost datagram costs nothing.
   * @param {Pose} pose
   * @param {number} [nowMs] performance.now() at its capture
   * @returns {boolean} false where it was dropped because the line is full or not open
   */
  sendPose(pose, nowMs = performance.now()) {
    return this.#connection.lines.pose(pose, nowMs);
  }

  /**
   * Where somebody near is now, interpolated; null where it is not known.
   * @param {string} id
   * @param {number} [nowMs] performance.now()
   * @returns {Pose|null}
   */
  poseOf(id, nowMs = performance.now()) {
    return this.#connection.handoff.poseOf(id, nowMs);
  }

  /** @param {string} text 1 to 500 characters, heard within the world's chat_range */
  sendChat(text) { this.#connection.lines.chat(text); }

  /**
   * Mutes or unmutes the microphone. While muted nothing leaves this machine,
   * and the server forwards nothing either.
   * @param {boolean} muted
   */
  setMuted(muted) {
    this.#connection.lines.muted = muted;
    this.#connection.lines.sayEverywhere(signal.mute(muted));
    return this.#connection.lines.sendVoice();
  }

  /** @param {MediaStreamTrack|null} track */
  setMicrophone(track) {
    this.#connection.lines.microphone = track;
    return this.#connection.lines.sendVoice();
  }

  /**
   * Shows a camera or screen, or with null stops it. Needs the grant
   * publish.video. A canvas that stands still sends nothing, neither to those
   * who come to look later nor after loss: paint it once a second, as Chromium
   * does by itself with a screen.
   * @param {'camera'|'screen'} source
   * @param {MediaStreamTrack|null} track
   */
  share(source, track) { return this.#connection.lines.share(source, track); }

  /**
   * Blocks: no voice, video, pose or chat either way, decided on the server.
   * @param {string} id
   * @param {boolean} blocked
   */
  setBlocked(id, blocked) { this.#connection.lines.sayEverywhere(signal.block(id, blocked)); }

  /**
   * Sets a personal volume. The server counts it in who gets a slot, audio.js
   * applies it.
   * @param {string} id
   * @param {number} db -60 to 12
   */
  setGain(id, db) {
    this.#send(signal.gain(id, db));
    this.gains.set(id, db);
  }

  /** @param {number[]} heights of the pictures in the video slots as they are shown, in pixels; 0 is unknown */
  setVideoHeights(heights) { this.#send(signal.view(heights)); }

  /**
   * Chooses how voices come: a line for each, which audio.js places, or one
   * stereo mix that the server makes for our two ears, for phones, weak headsets
   * and narrow downlinks. Event 'audio' says when it holds.
   * @param {signal.AudioMode} mode
   */
  setAudio(mode) { this.#choose(signal.audio(mode)); }

  /** How much of the downlink poses may take from now on, bit/s; 0 for none. @param {number} bitrate */
  setPoseBitrate(bitrate) { this.#choose(signal.poses(bitrate)); }

  /** Needs the grant moderate. @param {'mute'|'unmute'|'kick'} action @param {string} id @param {string} [reason] */
  moderate(action, id, reason) { this.#send(signal.moderate(action, id, reason)); }

  /**
   * Whether an NPC with our looks may take our place when the connection is
   * lost, until we are back. Said again by itself after joining again.
   * @param {boolean} allowed
   * @param {string} [text] what it should know, at most 500 characters
   */
  standIn(allowed, text) {
    this.#choose(signal.standIn(allowed, text));
  }

  /**
   * Has everything erased that NPCs remember of us, in all worlds. Resolves when
   * it is done, rejects with an EarshotError.
   * @returns {Promise<void>}
   */
  async forget() {
    this.#demandJoined();
    return this.#connection.forgetting.ask((ref) => this.#send({ ...signal.forget(), ref }));
  }

  /**
   * Tells moderators of somebody. Resolves when they have it, rejects with an
   * EarshotError.
   * @param {string} id
   * @param {signal.ReportReason} reason
   * @param {string} [text] in one's own words, at most 500 characters
   * @param {string} [event] the chat line it is about; without: the last half minute
   */
  async report(id, reason, text, event) {
    this.#demandJoined();
    return this.#connection.safety.report(signal.report(id, reason, text, event));
  }

  /**
   * Asks that another person looks at an order against us. Resolves when they
   * were asked, rejects with an EarshotError.
   * @param {string} order
   * @param {string} text why it is wrong, 1 to 1,000 characters
   */
  async appeal(order, text) {
    this.#demandJoined();
    return this.#connection.safety.appeal(signal.appeal(order, text));
  }

  /** Asks for a new token. It is done without asking at 80 % of the life of each. */
  renewToken() { this.#connection.upkeep.renew(); }

  /** @param {boolean} on whether 'slots' comes twice a second with fresh reasons */
  watchStats(on) { this.#send(signal.watch(on)); }

  /**
   * How the connection does. Rates and loss are over the time since the last call.
   * @returns {Promise<import('./stats.js').Summary & {slots: {voice: Slot[], video: Slot[]}}>}
   */
  async stats() {
    const media = await this.#connection.lines.stats();
    return { ...media, rttMs: media.rttMs || this.#connection.upkeep.rttMs, slots: this.slots };
  }

  /**
   * What went through the jitter buffers of the voice slots, by the slot's mid:
   * delay (s, summed over samples) by emitted (samples) is how long a voice
   * lies there. Empty without media.
   * @returns {Promise<Map<string, {delay: number, emitted: number}>>}
   */
  jitterBuffers() { return this.#connection.lines.jitterBuffers(); }

  /**
   * How each slot comes, by its mid: loss since the last call, jitter. Empty without media.
   * @returns {Promise<Map<string, import('./stats.js').Reception>>}
   */
  receptions() { return this.#connection.lines.receptions(); }

  /** @returns {MediaStreamTrack[]} */
  get voiceTracks() { return this.#connection.lines.voiceTracks; }

  /** @returns {MediaStreamTrack[]} */
  get videoTracks() { return this.#connection.lines.videoTracks; }

  /**
   * The server's clock, in ms.
   * @param {number} [nowMs] performance.now()
   */
  serverNow(nowMs = performance.now()) { return this.#connection.upkeep.serverNow(nowMs); }

  #demandJoined() {
    if (this.state === 'closed') throw new signal.EarshotError('failed_precondition', 'not joined: join first');
  }

  /** @param {{type: string}} message */
  #choose(message) {
    this.#connection.choices.note(message);
    this.#send(message);
  }

  /** @param {object} message */
  #send(message) { this.#connection.lines.say(message); }

  /**
   * @template {keyof Events} K
   * @param {K} type
   * @param {Events[K]} detail
   */
  #emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
