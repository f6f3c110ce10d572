/**
 * What runs inside each page of LiveKit's tests: one participant by
 * livekit-client, untouched, who speaks a tone, shows a picture and writes down
 * what happens.
 * @module
 */

import { EarshotSpace } from '../../livekit-earshot.js';
import { measure } from './ears.js';

const { Room, RoomEvent, Track } = /** @type {typeof import('livekit-client')} */ (Reflect.get(globalThis, 'LivekitClient'));

/** @typedef {'microphone'|'camera'|'sound'} Source sound: of a screen */

export class Guest {
  /** @type {[string, any][]} all events so far */ log = [];
  /** @type {WeakMap<object, AnalyserNode>} by track of the SDK */ #ears = new WeakMap();
  /** @type {WeakSet<object>} tracks of the SDK */ #eyes = new WeakSet();
  /** @type {WeakMap<object, import('../../voice.js').Tap>} by track of the SDK */ #taps = new WeakMap();
  context = new AudioContext();

  /** @type {{root: [number, number, number], yaw: number}} */ place = { root: [0, 0, 0], yaw: 0 };
  /** @type {EarshotSpace|undefined} */ space;

  /** @param {{url: string, token: string, single: boolean, spatial: boolean}} options spatial: with our helper */
  constructor({ url, token, single, spatial }) {
    this.url = url;
    this.token = token;
    this.room = new Room({ singlePeerConnection: single, dynacast: true });
    this.#write();
    if (!spatial) return;
    const space = this.space = new EarshotSpace(this.room, { context: this.context });
    setInterval(() => space.update({ ...this.place, head: { position: [0, 1.6, 0], rotation: [0, 0, 0, 1] } }), 33);
  }

  enter() { return this.room.connect(this.url, this.token); }

  /**
   * What is heard of somebody through our helper, over a time: see ears.js.
   * @param {string} identity
   * @param {number} seconds
   */
  measure(identity, seconds) {
    const heard = [...this.space?.voices.values() ?? []].find(({ participant }) => participant.identity === identity);
    if (!heard) throw new Error(`${identity} is not heard`);
    return measure(heard.voice.tap(), seconds);
  }

  /** Whom there is besides us, by identity. */
  others() {
    return [...this.room.remoteParticipants.values()].map(({ identity, sid, name, metadata, attributes }) => ({ identity, sid, name, metadata, attributes }));
  }

  /**
   * Publishes a tone as the microphone.
   * @param {number} hz
   */
  async speak(hz) {
    const out = this.context.createMediaStreamDestination();
    const tone = new OscillatorNode(this.context, { frequency: hz });
    tone.connect(new GainNode(this.context, { gain: 0.3 })).connect(out);
    tone.start();
    await this.context.resume();
    const publication = await this.room.localParticipant.publishTrack(out.stream.getAudioTracks()[0], { source: Track.Source.Microphone, name: 'tone' });
    return publication.trackSid;
  }

  /** Publishes a noise as the sound of a screen. */
  async share() {
    const out = this.context.createMediaStreamDestination();
    const tone = new OscillatorNode(this.context, { frequency: 990 });
    tone.connect(new GainNode(this.context, { gain: 0.1 })).connect(out);
    tone.start();
    await this.context.resume();
    return this.room.localParticipant.publishTrack(out.stream.getAudioTracks()[0], { source: Track.Source.ScreenShareAudio, name: 'sound' })
      .then((publication) => publication.trackSid);
  }

  /** Takes back the sound of the screen. */
  unshare() {
    const track = this.room.localParticipant.getTrackPublication(Track.Source.ScreenShareAudio)?.audioTrack;
    return track && this.room.localParticipant.unpublishTrack(track);
  }

  /** Publishes a moving picture of 640 x 360 in two sizes as the camera. */
  async film() {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    let n = 0;
    setInterval(() => {
      context.fillStyle = `hsl(${n * 3 % 360} 90% 50%)`;
      context.fillRect(n++ * 16 % 640, 0, 64, 360);
    }, 66);
    const [track] = canvas.captureStream(15).getVideoTracks();
    const publication = await this.room.localParticipant.publishTrack(track, { source: Track.Source.Camera, simulcast: true, videoCodec: 'vp8' });
    return publication.trackSid;
  }

  /**
   * @param {string} identity
   * @param {Source} source
   */
  publication(identity, source) {
    return this.room.remoteParticipants.get(identity)?.getTrackPublication(
      { camera: Track.Source.Camera, microphone: Track.Source.Microphone, sound: Track.Source.ScreenShareAudio }[source]);
  }

  /**
   * What came of a track, 0 where there is none.
   * @param {string} identity
   * @param {Source} source
   */
  async received(identity, source) {
    const counts = { packets: 0, lost: 0, frames: 0, width: 0 };
    const report = await this.publication(identity, source)?.track?.getRTCStatsReport();
    for (const s of report?.values() ?? []) {
      if (s.type !== 'inbound-rtp') continue;
      counts.packets += s.packetsReceived;
      counts.lost += s.packetsLost;
      counts.frames += s.framesDecoded ?? 0;
      counts.width = s.frameWidth ?? 0;
    }
    return counts;
  }

  /**
   * The loudest frequency of somebody's voice, in Hz, and its level in dBFS.
   * @param {string} identity
   */
  loudest(identity) {
    const track = this.publication(identity, 'microphone')?.track;
    if (!track) return { hz: 0, db: -Infinity };
    let ear = this.#ears.get(track);
    if (!ear) {
      track.attach(); // Chromium decodes a received track only if a media element has it too
      ear = new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 });
      this.context.createMediaStreamSource(new MediaStream([track.mediaStreamTrack])).connect(ear);
      this.#ears.set(track, ear);
    }
    const bins = new Float32Array(ear.frequencyBinCount);
    ear.getFloatFrequencyData(bins);
    const db = Math.max(...bins);
    return { hz: bins.indexOf(db) * this.context.sampleRate / ear.fftSize, db };
  }

  /**
   * How loud somebody's track is at each channel, as it comes, over a time: see
   * ears.js.
   * @param {string} identity
   * @param {number} seconds
   */
  async channels(identity, seconds) {
    const track = this.publication(identity, 'microphone')?.track;
    if (!track) throw new Error(`${identity} is not heard`);
    let tap = this.#taps.get(track);
    if (!tap) {
      track.attach(); // as in loudest
      const source = this.context.createMediaStreamSource(new MediaStream([track.mediaStreamTrack]));
      const analyser = () => new AnalyserNode(this.context, { fftSize: 32768, smoothingTimeConstant: 0 });
      const sides = new ChannelSplitterNode(this.context, { numberOfOutputs: 2 });
      tap = { pre: analyser(), left: analyser(), right: analyser() };
      source.connect(tap.pre);
      source.connect(sides);
      sides.connect(tap.left, 0);
      sides.connect(tap.right, 1);
      this.#taps.set(track, tap);
    }
    await this.context.resume();
    return measure(tap, seconds);
  }

  /**
   * Shows somebody's camera, as a page does: without that nothing is decoded.
   * @param {string} identity
   */
  watch(identity) {
    const track = this.publication(identity, 'camera')?.track;
    if (!track || this.#eyes.has(track)) return;
    const video = /** @type {HTMLVideoElement} */ (track.attach());
    video.muted = true;
    document.body.append(video);
    this.#eyes.add(track);
  }

  #write() {
    const { room, log } = this;
    const text = new TextDecoder();
    room.on(RoomEvent.ParticipantConnected, (p) => log.push(['participantConnected', p.identity]));
    room.on(RoomEvent.ParticipantDisconnected, (p) => log.push(['participantDisconnected', p.identity]));
    room.on(RoomEvent.TrackUnpublished, (t, p) => log.push(['trackUnpublished', [p.identity, t.source]]));
    room.on(RoomEvent.TrackMuted, (t, p) => log.push(['trackMuted', [p.identity, t.source]]));
    room.on(RoomEvent.TrackUnmuted, (t, p) => log.push(['trackUnmuted', [p.identity, t.source]]));
    room.on(RoomEvent.DataReceived, (data, p, _, topic) => log.push(['dataReceived', [p?.identity, text.decode(data), topic]]));
    room.on(RoomEvent.ParticipantAttributesChanged, (changed, p) => log.push(['attributes', [p.identity, changed]]));
    room.on(RoomEvent.ParticipantMetadataChanged, (_, p) => log.push(['metadata', [p.identity, p.metadata]]));
    room.on(RoomEvent.ActiveSpeakersChanged, (list) => log.push(['speakers', list.map((p) => p.identity)]));
    room.on(RoomEvent.ParticipantNameChanged, (name, p) => log.push(['name', [p.identity, name]]));
    room.on(RoomEvent.ConnectionQualityChanged, (quality, p) => log.push(['quality', [p.identity, quality]]));
    room.on(RoomEvent.LocalTrackSubscribed, (t) => log.push(['localTrackSubscribed', t.source]));
    room.on(RoomEvent.DataTrackPublished, async (track) => {
      const reader = track.subscribe().getReader();
      for (let frame = await reader.read(); !frame.done; frame = await reader.read()) {
        log.push(['frame', [track.publisherIdentity, track.info.name, text.decode(frame.value.payload)]]);
      }
    });
    room.on(RoomEvent.SignalReconnecting, () => log.push(['signalReconnecting', null]));
    room.on(RoomEvent.Reconnecting, () => log.push(['reconnecting', null]));
    room.on(RoomEvent.Reconnected, () => log.push(['reconnected', null]));
    room.on(RoomEvent.Disconnected, (reason) => log.push(['disconnected', reason]));
    room.registerTextStreamHandler('greeting', async (reader, p) => log.push(['text', [p.identity, await reader.readAll()]]));
    room.registerRpcMethod('double', async ({ payload }) => String(Number(payload) * 2));
  }
}
