/**
 * The WebRTC connection to Earshot: one offer that reserves everything, one
 * POST, no renegotiation afterwards (PROTOCOL.md section 2). The m-lines are
 * microphone, camera, screen (all sendonly), the voice slots, the video slots
 * and the data channels. A broken connection is resumed by ICE restarts for up
 * to ten seconds, and another network is gone over to by one at once.
 *
 * Knows nothing of what the messages mean; earshot.js does.
 * @module
 */
import { EarshotError } from './signal.js';
import { cameraEncodings, chooseCodec, keepWanted, offerExtension, screenEncodings, trimVideo, tuneScreen } from './codecs.js';
import { connectionOptions } from './e2ee.js';
import { CHECK_MS, Flow } from './flow.js';
import { answers, deleteSession, patchOffer, postOffer } from './http.js';
import { Vigil } from './hush.js';
import { NetworkWatch } from './network.js';
import { Redundancy, codecFirst } from './redundancy.js';
import { jitterBuffers, receptions, summarise, uplink } from './stats.js';

/** @import {LinkHandlers, Link} from './socket.js' */

const AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
/** The server forgets a session this long after its connection broke. */
const RESUME_MS = 10_000;
/** The same where other nodes can take us: ours has probably died, though nobody said so (hush.js). */
const MOVE_ON_MS = 2500;
const CONNECT_MS = 12_000;
const FIRST_RETRY_MS = 400;
/** How long the first request of a restart may take, and how long the others. */
const FIRST_REQUEST_MS = 1000;
const REQUEST_MS = 3000;
const POSE_BACKLOG_BYTES = 16 * 1024;
/** How often the microphone's loss is looked at. */
const REDUNDANCY_MS = 2000;

/** @implements {Link} */
export class MediaLink {
  /** @type {RTCPeerConnection} */ #pc;
  /** @type {RTCDataChannel} */ #control;
  /** @type {RTCDataChannel} */ #poseUp;
  /** @type {Record<'microphone'|'camera'|'screen', RTCRtpTransceiver>} */ #sources;
  /** @type {RTCRtpTransceiver[]} */ #voice = [];
  /** @type {RTCRtpTransceiver[]} */ #video = [];
  /** @type {string[]} messages said before the channel opened */ #unsent = [];
  /** @type {import('./stats.js').Counters|null} */ #counters = null;
  /** @type {Map<string, import('./stats.js').Reception>} */ #receptions = new Map();
  /** @type {Promise<void>} */ #tuned = Promise.resolve();
  /** @type {ReturnType<typeof setInterval> | undefined} */ #protecting = undefined;
  #redundancy = new Redundancy();
  #session = '';
  #closed = false;
  #resuming = false;
  #hurry = false;
  #connected = false;
  #network = new NetworkWatch(() => this.#move());
  #flow = new Flow(() => this.options.probe(), () => this.#move());
  #vigil = new Vigil({
    probe: () => this.options.probe(), others: () => this.options.nodes.alternates, answers,
    dead: () => this.#lose(new EarshotError('unavailable', 'the server has fallen silent, and others have not: join again', { reconnect: true })),
  });
  #played = 0;
  /** @type {ReturnType<typeof setInterval>} */ #checking;

  /**
   * @param {{nodes: import('./nodes.js').Nodes, token: () => string, ice: import('./ice.js').IceServers, probe: () => number,
   *   voiceSlots: number, videoSlots: number, videoCodec: import('./codecs.js').VideoCodec|'auto',
   *   encryption?: import('./e2ee.js').Encryption|null}} options
   *   probe sends a message that is answered, and returns the round trip in ms
   * @param {LinkHandlers} handlers
   */
  constructor(options, handlers) {
    this.options = options;
    this.handlers = handlers;
    if (typeof RTCPeerConnection === 'undefined') {
      throw new EarshotError('failed_precondition', 'this browser has no WebRTC: use another one, or join without media');
    }
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require', ...options.encryption && connectionOptions() });
    this.#pc = pc;
    const codec = options.encryption?.videoCodec ?? chooseCodec(options.videoCodec);
    this.#sources = {
      microphone: pc.addTransceiver('audio', { direction: 'sendonly' }),
      camera: pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: cameraEncodings(codec) }),
      screen: pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: screenEncodings(codec) }),
    };
    for (let i = 0; i < options.voiceSlots; i++) this.#voice.push(pc.addTransceiver('audio', { direction: 'recvonly' }));
    for (let i = 0; i < options.videoSlots; i++) this.#video.push(pc.addTransceiver('video', { direction: 'recvonly' }));
    pc.getTransceivers().forEach((transceiver) => {
      if (transceiver.receiver.track.kind === 'video') trimVideo(transceiver, codec, Boolean(options.encryption));
      else trimCodecs(transceiver, !options.encryption);
    });
    offerExtension(this.#sources.microphone, AUDIO_LEVEL);
    if (options.encryption) this.#encrypt(options.encryption);

    this.#control = pc.createDataChannel('control', { negotiated: true, id: 0 });
    this.#poseUp = pc.createDataChannel('pose-up', { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 });
    const poseDown = pc.createDataChannel('pose-down', { negotiated: true, id: 2, ordered: false, maxRetransmits: 1 });
    poseDown.binaryType = 'arraybuffer';
    // What was on its way when we closed is not for the connection after this one: the answer to our leaving is bye.
    poseDown.onmessage = ({ data }) => {
      this.#arrive();
      if (!this.#closed) this.handlers.onPose(data);
    };
    this.#control.onmessage = ({ data }) => {
      this.#arrive();
      if (!this.#closed && typeof data === 'string') this.handlers.onControl(data);
    };
    this.#control.onopen = () => this.#unsent.splice(0).forEach((text) => this.#control.send(text));
    this.#control.onclose = () => this.#lose(new EarshotError('unavailable', 'the server closed the connection', { reconnect: true }));
    pc.onconnectionstatechange = () => this.#follow();
    this.#checking = setInterval(() => this.#check(), CHECK_MS);
  }

  /** @param {import('./e2ee.js').Encryption} encryption */
  #encrypt(encryption) {
    const { videoCodec } = encryption;
    for (const [source, { sender }] of Object.entries(this.#sources)) encryption.seal(sender, source, source === 'microphone' ? 'opus' : videoCodec);
    this.#voice.forEach(({ receiver }, i) => encryption.open(receiver, 'voice', i, 'opus'));
    this.#video.forEach(({ receiver }, i) => encryption.open(receiver, 'video', i, videoCodec));
  }

  /**
   * Joins; resolves when the server has answered. handlers.onState says when
   * media flow.
   * @param {MediaStreamTrack|null} microphone
   */
  async connect(microphone) {
    const [servers] = await Promise.all([this.options.ice.get(), this.#sources.microphone.sender.replaceTrack(microphone)]);
    if (this.#closed) throw new EarshotError('canceled', 'you left while joining');
    this.#reach(servers);
    await this.#pc.setLocalDescription({ type: 'offer', sdp: stereo((await this.#pc.createOffer()).sdp ?? '') });
    const offer = this.#pc.localDescription?.sdp ?? '';
    if (!microphoneSection(offer).includes(AUDIO_LEVEL)) {
      throw new EarshotError('failed_precondition', 'this browser does not send audio levels (RFC 6464), so nobody would hear you: use another one');
    }
    const { nodes, encryption } = this.options;
    const { answer, session } = await postOffer(nodes.url, this.options.token(), offer, {
      encrypted: !!encryption, query: nodes.query, trusts: (location) => nodes.trusts(location, performance.now()), answered: () => nodes.answered(),
    });
    if (this.#closed) {
      deleteSession(session, this.options.token());
      throw new EarshotError('canceled', 'you left while joining');
    }
    this.#session = session;
    nodes.joined(session);
    await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
    setTimeout(() => {
      if (!this.#connected) this.#lose(new EarshotError('unavailable',
        'the server answered, but no media connection came about: its media port is probably blocked on the way', { reconnect: true }));
    }, CONNECT_MS);
  }

  /** The tracks of the voice slots, in their order. They exist from the start and never change. */
  get voiceTracks() { return this.#voice.map((t) => t.receiver.track); }

  /** The tracks of the video slots, in their order. */
  get videoTracks() { return this.#video.map((t) => t.receiver.track); }

  /**
   * Changes what a reserved line sends; null sends nothing.
   * @param {'microphone'|'camera'|'screen'} source
   * @param {MediaStreamTrack|null} track
   */
  async send(source, track) {
    const { sender } = this.#sources[source];
    if (track && source === 'screen' && !track.contentHint) track.contentHint = 'detail';
    await sender.replaceTrack(track);
    if (track && source === 'screen') await this.#tune('screen', (parameters) => tuneScreen(parameters, track.contentHint));
  }

  /** What a reserved line sends. @param {'microphone'|'camera'|'screen'} source */
  track(source) { return this.#sources[source].sender.track; }

  /**
   * Sends the layers of a video that anybody wants, and no others.
   * @param {'camera'|'screen'} source
   * @param {{rids: string[], spatial?: number, of?: number}} wanted
   */
  want(source, wanted) {
    return this.#tune(source, ({ encodings }) => encodings.forEach((encoding) => keepWanted(encoding, wanted)));
  }

  /**
   * Changes how a video is sent, one change after the other: a browser refuses
   * parameters that were read before another change.
   * @param {'camera'|'screen'} source
   * @param {(parameters: RTCRtpSendParameters) => void} change
   */
  #tune(source, change) {
    const { sender } = this.#sources[source];
    this.#tuned = this.#tuned.then(() => {
      const parameters = sender.getParameters();
      change(parameters);
      return sender.setParameters(parameters);
    }).catch(() => { /* the video is sent as it was */ });
    return this.#tuned;
  }

  /** @param {string} text */
  control(text) {
    if (this.#control.readyState === 'open') this.#control.send(text);
    else if (this.#control.readyState === 'connecting') this.#unsent.push(text);
  }

  /** @param {Uint8Array} datagram */
  pose(datagram) {
    if (this.#poseUp.readyState !== 'open' || this.#poseUp.bufferedAmount > POSE_BACKLOG_BYTES) return false;
    this.#poseUp.send(/** @type {Uint8Array<ArrayBuffer>} */ (datagram));
    return true;
  }

  /** Round trip, loss and rates since the last call. */
  async stats() {
    const report = await this.#pc.getStats();
    const { summary, counters } = summarise(report.values(), performance.now(), this.#counters);
    this.#counters = counters;
    return summary;
  }

  /** Loss since the last call and jitter of each media line, by mid. */
  async receptions() {
    this.#receptions = receptions((await this.#pc.getStats()).values(), this.#receptions);
    return this.#receptions;
  }

  /** What went through the jitter buffers of the voice slots, by mid. */
  async jitterBuffers() { return jitterBuffers((await this.#pc.getStats()).values()); }

  /** @param {boolean} polite whether to tell the server; no, where it told us */
  close(polite) {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#protecting);
    this.#network.stop();
    clearInterval(this.#checking);
    if (polite && this.#session) deleteSession(this.#session, this.options.token());
    this.#pc.close();
  }

  #follow() {
    if (this.#closed) return;
    const state = this.#pc.connectionState;
    if (state === 'connected') {
      this.#connected = true;
      this.#protecting ??= setInterval(() => this.#protect().catch(() => { /* closed meanwhile */ }), REDUNDANCY_MS);
      this.handlers.onState('connected');
    } else if (this.#connected && (state === 'disconnected' || state === 'failed')) {
      this.handlers.onState('reconnecting');
      void this.#resume();
    }
  }

  /**
   * Sends each frame of the microphone twice while that is of use. Both codecs
   * are agreed on, and a browser sends the one that the answer names first: the
   * old answer is applied in another order, of which the server need not know.
   */
  async #protect() {
    const pc = this.#pc, now = performance.timeOrigin + performance.now();
    const report = uplink((await this.#sources.microphone.sender.getStats()).values());
    if (report) this.#redundancy.observe(report.loss, report.at, now);
    const answer = pc.remoteDescription?.sdp ?? '', wanted = codecFirst(answer, this.#redundancy.on ? 'red' : 'opus');
    if (wanted === answer || this.#resuming || pc.signalingState !== 'stable') return;
    const offer = await pc.createOffer();
    if (this.#resuming || pc.signalingState !== 'stable') return;
    // Queued together, so that no restart comes in between.
    await Promise.all([pc.setLocalDescription(offer), pc.setRemoteDescription({ type: 'answer', sdp: wanted })]);
  }

  /** Looks whether anything came. Of voices a browser tells what it plays: when nothing new is there, that stands still. */
  #check() {
    if (!this.#connected) return;
    let played = 0;
    for (const { receiver } of this.#voice) {
      for (const { timestamp } of receiver.getSynchronizationSources()) played = Math.max(played, timestamp);
    }
    if (played !== this.#played) this.#arrive();
    this.#played = played;
    if (!this.#resuming) this.#flow.check(performance.now());
    this.#vigil.check(performance.now());
  }

  /** Something came from the server. */
  #arrive() {
    this.#flow.arrive();
    this.#vigil.arrive();
  }

  /** Uses these servers from the next offer on. @param {RTCIceServer[]} iceServers */
  #reach(iceServers) {
    if (iceServers.length) this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
  }

  /** Goes over to another network at once, also where the connection still seems to stand on the old one. */
  #move() {
    this.#hurry = this.#resuming;
    if (this.#connected && !this.#closed) void this.#resume();
  }

  /**
   * Restarts ICE, again and again with growing pauses, until the server has
   * answered and the connection works, or the server has given up.
   */
  async #resume() {
    if (this.#resuming) return;
    this.#resuming = true;
    const deadline = performance.now() + (this.options.nodes.others ? MOVE_ON_MS : RESUME_MS);
    let patience = FIRST_REQUEST_MS; // requests hang on connections of a network that is gone
    try {
      for (let pause = FIRST_RETRY_MS; !this.#closed; pause *= 2) {
        const left = deadline - performance.now();
        if (left <= 0) {
          if (this.#pc.connectionState === 'connected') return; // the old way carries on
          throw new EarshotError('unavailable', 'the connection was lost and could not be resumed in time: join again', { reconnect: true });
        }
        const answered = await this.#restart(Math.min(left, patience)).then(() => true, giveUpIfFinal);
        if (answered) this.#flow.moved(performance.now());
        patience = REQUEST_MS;
        if (await this.#isConnected(Math.min(pause, left), answered)) return;
        if (this.#hurry) [this.#hurry, pause, patience] = [false, FIRST_RETRY_MS / 2, FIRST_REQUEST_MS];
      }
    } catch (error) {
      this.#lose(/** @type {EarshotError} */ (error));
    } finally {
      this.#resuming = this.#hurry = false;
    }
  }

  /** @param {number} timeoutMs */
  async #restart(timeoutMs) {
    this.#reach(this.options.ice.peek());
    await this.#pc.setLocalDescription({ type: 'offer', sdp: stereo((await this.#pc.createOffer({ iceRestart: true })).sdp ?? '') });
    const answer = await patchOffer(this.#session, this.options.token(), this.#pc.localDescription?.sdp ?? '', timeoutMs);
    this.#vigil.arrive();
    if (!this.#closed) await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
  }

  /**
   * Waits until the connection works, for ms or until the network changed.
   * @param {number} ms
   * @param {boolean} answered whether the server knows of the restart; until then it cannot
   * @returns {Promise<boolean>}
   */
  #isConnected(ms, answered) {
    const works = () => this.#closed || answered && this.#pc.connectionState === 'connected';
    return new Promise((done) => {
      const poll = setInterval(() => {
        if (!works() && !this.#hurry && performance.now() < end) return;
        clearInterval(poll);
        done(works());
      }, 50);
      const end = performance.now() + ms;
    });
  }

  /** @param {EarshotError} error */
  #lose(error) {
    if (this.#closed) return;
    this.close(false);
    this.handlers.onLost(error);
  }
}

/**
 * Throws where trying again cannot help: the session has ended, so that only
 * joining again does, or the token is refused.
 * @param {unknown} error of a failed restart
 * @returns {false} where trying again may help
 */
function giveUpIfFinal(error) {
  if (error instanceof EarshotError) {
    if (error.code === 'not_found') throw new EarshotError(error.code, error.message, { reconnect: true });
    if (error.code === 'permission_denied' || error.code === 'unauthenticated') throw error;
  }
  return false;
}

/**
 * Opus for voice, and RED, which repairs it: what the server forwards.
 * @param {RTCRtpTransceiver} transceiver
 * @param {boolean} red whether voices may be packed with earlier frames: not where frames are sealed, each as one
 */
function trimCodecs(transceiver, red) {
  const capabilities = transceiver.direction === 'sendonly'
    ? RTCRtpSender.getCapabilities('audio') : RTCRtpReceiver.getCapabilities('audio');
  const wanted = ['audio/opus', ...red ? ['audio/red'] : []];
  const place = (/** @type {{mimeType: string}} */ c) => wanted.indexOf(c.mimeType.toLowerCase());
  const codecs = (capabilities?.codecs ?? []).filter((c) => place(c) >= 0).sort((a, b) => place(a) - place(b));
  if (codecs.length) transceiver.setCodecPreferences?.(codecs);
}

/**
 * Has Opus decoded into two channels: the binaural mix comes in a voice slot.
 * There is no way to ask for that but in the text of the offer, and in all lines,
 * since a payload type means the same in each (RFC 8843, section 10.1.2). Of what
 * the microphone sends the server's answer decides.
 * @param {string} sdp
 */
function stereo(sdp) { return sdp.replaceAll(/(a=fmtp:\d+ minptime=[^\r]*)/g, '$1;stereo=1'); }

/** @param {string} sdp */
function microphoneSection(sdp) { return sdp.split('\r\nm=')[1] ?? ''; }
