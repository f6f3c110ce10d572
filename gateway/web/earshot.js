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
 *     new Earshot({url, token, voiceSlots=12, videoSlots=2, blocks=[], media=true, videoCodec='vp8'})
 *     join({microphone=null, e2ee=null}) -> Promise<welcome>   leave()
 *     sendPose(pose)          sendChat(text)        setMuted(b)
 *     setMicrophone(track)    share('camera'|'screen', track|null)
 *     setBlocked(id, b)       setGain(id, db)       moderate(action, id, reason)
 *     renewToken()            watchStats(b)         setVideoHeights(list)
 *     setAudio('slots'|'binaural'): a line for each voice, or one mix for two ears (before or after join)
 *     standIn(allowed, text)  forget() -> Promise
 *     report(id, reason, text, event) -> Promise    appeal(order, text) -> Promise
 *     stats() -> Promise<{rttMs, lossPercent, upKbps, downKbps, packets, slots}>
 *     jitterBuffers() -> Promise<Map mid -> {delay, emitted}>
 *     receptions() -> Promise<Map mid -> {lossPercent, jitterMs, ...}>
 *     poseOf(id, nowMs)       serverNow(nowMs)      on(event, f) -> off
 *
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
 * says that it makes sense); renew `token` first if it has expired.
 * @module
 */
import { E2eeSession } from './e2ee-session.js';
import { IceServers } from './ice.js';
import { MediaLink } from './media.js';
import { Pending } from './pending.js';
import { PoseUp } from './poseup.js';
import { Roster } from './roster.js';
import { Safety } from './safety.js';
import * as signal from './signal.js';
import { SocketLink } from './socket.js';
import { Upkeep } from './upkeep.js';

export { EarshotError } from './signal.js';

/**
 * @typedef {import('./signal.js').Participant} Participant
 * @typedef {import('./signal.js').Slot} Slot
 * @typedef {import('./pose.js').Pose} Pose
 * @typedef {{url: string, token: string, voiceSlots?: number, videoSlots?: number,
 *   blocks?: Iterable<string>, media?: boolean, videoCodec?: import('./codecs.js').VideoCodec|'auto'}} Options
 * @import {Events, State} from './events.js'
 */

const JOIN_TIMEOUT_MS = 20_000;

export class Earshot extends EventTarget {
  /** @type {State} */ state = 'closed';
  session = '';
  instance = '';
  /** @type {signal.World|null} */ world = null;
  /** @type {signal.Spawn|null} */ spawn = null;
  /** @type {signal.Recording|null} what is recorded here; null: nothing */ recording = null;
  muted = false;
  /** @type {MediaLink|SocketLink|null} */ #link = null;
  /** @type {MediaStreamTrack|null} */ #microphone = null;
  /** @type {{resolve: (w: signal.Welcome) => void, reject: (e: Error) => void}|null} */ #joining = null;
  /** @type {Roster} */ #roster;
  #upkeep = new Upkeep((message) => this.#send(message), () => this.token);
  /** @type {Map<string, object>} what was chosen and holds after joining again too, by type */ #chosen = new Map();
  #forgetting = new Pending('forget');
  #safety = new Safety((message) => this.#send(message));
  e2ee = new E2eeSession((participant, trouble) => this.#emit('e2ee', { participant, trouble }), (error) => this.#emit('error', error));
  #poses = new PoseUp();
  #ice = new IceServers(() => this.url, () => this.token);
  #onPageHide = () => this.leave();

  /** @param {Options} options */
  constructor({ url, token, voiceSlots = 12, videoSlots = 2, blocks = [], media = true, videoCodec = 'vp8' }) {
    super();
    if (voiceSlots > signal.LIMITS.voiceSlots || videoSlots > signal.LIMITS.videoSlots) {
      throw new signal.EarshotError('invalid_argument', 'at most 32 voice slots and 8 video slots');
    }
    this.url = url.endsWith('/') ? url : `${url}/`;
    this.token = token;
    this.voiceSlots = voiceSlots;
    this.videoSlots = videoSlots;
    this.media = media;
    this.videoCodec = videoCodec;
    this.#roster = new Roster(blocks);
  }

  get you() { return this.#roster.you; }
  get participants() { return this.#roster.participants; }
  get near() { return this.#roster.near; }
  get audioMode() { return this.#roster.audioMode; }
  get audible() { return this.#roster.audible; }
  get speaking() { return this.#roster.speaking; }
  get blocked() { return this.#roster.blocked; }
  get gains() { return this.#roster.gains; }
  get slots() { return this.#roster.slots; }
  get npcs() { return this.#roster.npcs; }
  /** What moderation decided against us and is in force. */ get orders() { return this.#safety.orders; }

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
    this.#reset();
    this.#microphone = microphone;
    this.#setState('connecting');
    /** @type {Promise<signal.Welcome>} */
    const welcomed = new Promise((resolve, reject) => { this.#joining = { resolve, reject }; });
    const timeout = setTimeout(() => this.#end(new signal.EarshotError('deadline_exceeded', 'the server did not welcome us in time', { reconnect: true })), JOIN_TIMEOUT_MS);
    try {
      await Promise.race([this.#connect(e2ee), welcomed]); // so that a failure of either shows at once
      return await welcomed;
    } catch (error) {
      welcomed.catch(() => { /* it is the error we throw, or follows from it */ });
      this.#end(signal.EarshotError.from(error));
      throw signal.EarshotError.from(error);
    } finally {
      clearTimeout(timeout);
    }
  }

  /** Leaves, at once. Also done when the page goes away. */
  leave() {
    if (this.state === 'closed') return;
    this.#link?.close(true);
    this.#end();
  }

  /**
   * Tells where we stand. To be called at most 120 times a second, better 30.
   * The previous pose goes along, so that one lost datagram costs nothing.
   * @param {Pose} pose
   * @param {number} [nowMs] performance.now() at its capture
   * @returns {boolean} false where it was dropped because the line is full or not open
   */
  sendPose(pose, nowMs = performance.now()) {
    return this.#poses.send(pose, nowMs, (datagram) => this.#link?.pose(datagram) ?? false);
  }

  /**
   * Where somebody near is now, interpolated; null where it is not known.
   * @param {string} id
   * @param {number} [nowMs] performance.now()
   * @returns {Pose|null}
   */
  poseOf(id, nowMs = performance.now()) {
    return this.#roster.poseOf(id, nowMs);
  }

  /** @param {string} text 1 to 500 characters, heard within the world's chat_range */
  sendChat(text) { this.#send(signal.chat(text)); }

  /**
   * Mutes or unmutes the microphone. While muted nothing leaves this machine,
   * and the server forwards nothing either.
   * @param {boolean} muted
   */
  setMuted(muted) {
    this.muted = muted;
    this.#send(signal.mute(muted));
    return this.#sendMicrophone();
  }

  /** @param {MediaStreamTrack|null} track */
  setMicrophone(track) {
    this.#microphone = track;
    return this.#sendMicrophone();
  }

  /**
   * Shows a camera or screen, or with null stops it. Needs the grant
   * publish.video. A canvas that stands still sends nothing, neither to those
   * who come to look later nor after loss: paint it once a second, as Chromium
   * does by itself with a screen.
   * @param {'camera'|'screen'} source
   * @param {MediaStreamTrack|null} track
   */
  async share(source, track) {
    if (!(this.#link instanceof MediaLink)) throw new signal.EarshotError('failed_precondition', 'this session has no media');
    if (!track) this.#send(signal.publish(source, false));
    await this.#link.send(source, track);
    if (track) this.#send(signal.publish(source, true));
  }

  /**
   * Blocks: no voice, video, pose or chat either way, decided on the server.
   * @param {string} id
   * @param {boolean} blocked
   */
  setBlocked(id, blocked) { this.#send(signal.block(id, blocked)); }

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
    return this.#forgetting.ask((ref) => this.#send({ ...signal.forget(), ref }));
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
    return this.#safety.report(signal.report(id, reason, text, event));
  }

  /**
   * Asks that another person looks at an order against us. Resolves when they
   * were asked, rejects with an EarshotError.
   * @param {string} order
   * @param {string} text why it is wrong, 1 to 1,000 characters
   */
  async appeal(order, text) {
    this.#demandJoined();
    return this.#safety.appeal(signal.appeal(order, text));
  }

  /** Asks for a new token. It is done without asking at 80 % of the life of each. */
  renewToken() { this.#upkeep.renew(); }

  /** @param {boolean} on whether 'slots' comes twice a second with fresh reasons */
  watchStats(on) { this.#send(signal.watch(on)); }

  /**
   * How the connection does. Rates and loss are over the time since the last call.
   * @returns {Promise<import('./stats.js').Summary & {slots: {voice: Slot[], video: Slot[]}}>}
   */
  async stats() {
    const link = this.#link;
    const media = link instanceof MediaLink ? await link.stats() : { rttMs: 0, lossPercent: 0, upKbps: 0, downKbps: 0, packets: 0 };
    return { ...media, rttMs: media.rttMs || this.#upkeep.rttMs, slots: this.slots };
  }

  /**
   * What went through the jitter buffers of the voice slots, by the slot's mid:
   * delay (s, summed over samples) by emitted (samples) is how long a voice
   * lies there. Empty without media.
   * @returns {Promise<Map<string, {delay: number, emitted: number}>>}
   */
  async jitterBuffers() { return this.#link instanceof MediaLink ? this.#link.jitterBuffers() : new Map(); }

  /**
   * How each slot comes, by its mid: loss since the last call, jitter. Empty without media.
   * @returns {Promise<Map<string, import('./stats.js').Reception>>}
   */
  async receptions() { return this.#link instanceof MediaLink ? this.#link.receptions() : new Map(); }

  /** @returns {MediaStreamTrack[]} */
  get voiceTracks() { return this.#link instanceof MediaLink ? this.#link.voiceTracks : []; }

  /** @returns {MediaStreamTrack[]} */
  get videoTracks() { return this.#link instanceof MediaLink ? this.#link.videoTracks : []; }

  /**
   * The server's clock, in ms.
   * @param {number} [nowMs] performance.now()
   */
  serverNow(nowMs = performance.now()) { return this.#upkeep.serverNow(nowMs); }

  /** @param {import('./e2ee.js').E2eeOptions|null} e2ee */
  async #connect(e2ee) {
    /** @type {import('./socket.js').LinkHandlers} */
    const handlers = {
      onControl: (text) => this.#receive(text),
      onPose: (datagram) => this.#receivePoses(datagram),
      onState: (state) => this.#follow(state),
      onLost: (error) => this.#end(error),
    };
    globalThis.addEventListener?.('pagehide', this.#onPageHide);
    if (!this.media) {
      const link = new SocketLink(this.url, handlers);
      this.#link = link;
      link.connect(this.token);
      return;
    }
    const encryption = await this.e2ee.prepare(e2ee, this.videoCodec);
    if (!this.#joining) return; // left meanwhile
    const link = new MediaLink({ url: this.url, token: () => this.token, ice: this.#ice, probe: () => this.#upkeep.probe(), voiceSlots: this.voiceSlots, videoSlots: this.videoSlots, videoCodec: this.videoCodec, encryption }, handlers);
    this.#link = link;
    await link.connect(this.muted ? null : this.#microphone);
  }

  /** @param {'connected'|'reconnecting'} state */
  #follow(state) {
    // Connected means welcomed: until then the world is not known.
    if (this.#joining || this.state === 'closed') return;
    this.#setState(state);
  }

  /** @param {string} text */
  #receive(text) {
    /** @type {signal.ServerMessage|null} */
    let message;
    try {
      message = signal.parse(text);
    } catch (error) {
      this.#emit('error', signal.EarshotError.from(error));
      return;
    }
    if (message) this.#take(message);
  }

  /** @param {signal.ServerMessage} m */
  #take(m) {
    switch (m.type) {
      case 'welcome': return this.#welcomed(m);
      case 'chat': return this.#emit('chat', m);
      case 'caption': return this.#emit('caption', m);
      case 'act': return this.#emit('act', m);
      case 'data': return this.#emit('data', m);
      case 'recording': this.recording = m.active ? m : null; return this.#emit('recording', m);
      case 'world': this.world = m.world; return this.#emit('world', m);
      case 'forgotten': return this.#forgetting.resolve();
      case 'retract': case 'order': case 'reported': case 'appealed': return this.#tell(this.#safety.take(m));
      case 'layers': return void (this.#link instanceof MediaLink && this.#link.want(m.source, m));
      case 'token': return this.#renewed(m);
      case 'pong': return this.#upkeep.pong(m);
      case 'error': return this.#refused(m);
      case 'bye': return this.#bye(m);
      default: return this.#tell(this.#roster.take(m));
    }
  }

  /** @param {signal.Welcome} m */
  #welcomed(m) {
    if (m.protocol !== signal.VERSION) {
      this.#end(new signal.EarshotError('unimplemented', `the server speaks version ${m.protocol} of the protocol, this page version ${signal.VERSION}: reload it`));
      return;
    }
    const deaf = this.e2ee.welcomed(m);
    if (deaf) return this.#end(deaf);
    Object.assign(this, { session: m.session, instance: m.instance, world: m.world, spawn: m.spawn, recording: null });
    this.#roster.you = m.you;
    this.#setState('connected');
    this.#emit('welcome', m);
    this.#sayReady();
    this.#upkeep.start(m);
    this.#joining?.resolve(m);
    this.#joining = null;
  }

  /** Blocks before anything is received, so that nobody blocked is heard or seen even for a moment. */
  #sayReady() {
    const blocks = [...this.blocked];
    const { readyBlocks } = signal.LIMITS;
    for (const id of blocks.slice(readyBlocks)) this.#send(signal.block(id, true));
    const { audio, ...others } = Object.fromEntries(this.#chosen);
    if (audio) this.#send(audio);
    this.#send(signal.ready(blocks.slice(0, readyBlocks)));
    if (this.muted) this.#send(signal.mute(true));
    for (const message of Object.values(others)) this.#send(message);
    for (const [id, db] of this.gains) this.#send(signal.gain(id, db));
  }

  /** @param {import('./roster.js').News|signal.Order|signal.Reported|signal.Retract|null} told */
  #tell(told) {
    if (!told) return;
    this.e2ee.follow(told, this.#roster);
    this.#emit(told.type, told);
  }

  /** @param {ArrayBuffer} datagram */
  #receivePoses(datagram) {
    try {
      this.#roster.takePoses(datagram, performance.now());
    } catch (error) {
      this.#emit('error', new signal.EarshotError('invalid_argument', 'the server sent a malformed pose', { cause: error }));
    }
  }

  /** @param {signal.ErrorMessage} m */
  #refused(m) {
    const error = new signal.EarshotError(m.code, m.message, { ref: m.ref });
    if (this.#joining) return this.#end(error);
    if (this.#forgetting.refused(error) || this.#safety.refused(error)) return;
    this.#emit('error', error);
  }

  /** @param {signal.Bye} m */
  #bye(m) {
    this.#emit('bye', m);
    this.#link?.close(false);
    this.#end(new signal.EarshotError(m.code, m.message, { reconnect: m.reconnect }));
  }

  /** @param {signal.Token} m */
  #renewed(m) {
    this.token = m.token;
    this.#upkeep.renewed(m.expires);
  }

  #demandJoined() {
    if (this.state === 'closed') throw new signal.EarshotError('failed_precondition', 'not joined: join first');
  }

  #sendMicrophone() {
    if (!(this.#link instanceof MediaLink)) return Promise.resolve();
    return this.#link.send('microphone', this.muted ? null : this.#microphone);
  }

  /** @param {{type: string}} message */
  #choose(message) {
    this.#chosen.set(message.type, message);
    this.#send(message);
  }

  /** @param {object} message */
  #send(message) { this.#link?.control(JSON.stringify(message)); }

  /** @param {State} state @param {signal.EarshotError} [error] */
  #setState(state, error) {
    if (state === this.state) return;
    this.state = state;
    this.#emit('state', error ? { state, error } : { state });
  }

  /**
   * Ends the connection; error is why, unless we wanted it.
   * @param {signal.EarshotError} [error]
   */
  #end(error) {
    if (this.state === 'closed') return;
    this.#link?.close(true);
    this.#link = null;
    this.e2ee.end();
    this.#upkeep.stop();
    globalThis.removeEventListener?.('pagehide', this.#onPageHide);
    this.#joining?.reject(error ?? new signal.EarshotError('canceled', 'you left while joining'));
    this.#joining = null;
    const unanswered = error ?? new signal.EarshotError('canceled', 'you left before it was done');
    this.#forgetting.reject(unanswered);
    this.#safety.end(unanswered);
    this.#setState('closed', error);
  }

  #reset() {
    this.#roster.reset();
    this.#upkeep = new Upkeep((message) => this.#send(message), () => this.token);
    this.#poses.reset();
  }

  /**
   * @template {keyof Events} K
   * @param {K} type
   * @param {Events[K]} detail
   */
  #emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
