/**
 * Participants by LiveKit's SDK for Node (its core is the Rust SDK, as in Unity,
 * Python and C++): who speak a tone and measure what they hear.
 * @module
 */
import { AudioFrame, AudioSource, AudioStream, LocalAudioTrack, Room, TrackKind, TrackPublishOptions, TrackSource } from '@livekit/rtc-node';

const RATE = 48000;
const FRAME = RATE / 100;
/** A tenth of a second: frequencies that are multiples of 10 Hz do not leak into one another. */
const WINDOW = RATE / 10;

/** @typedef {{left: number, right: number}} Levels RMS of one frequency in dBFS, -120 at the least */

/** One participant. */
export class Native {
  /** @type {[string, any][]} all events so far */ log = [];
  room = new Room();
  /** @type {Map<string, Heard>} by identity */ #heard = new Map();
  /** @type {AudioSource|undefined} */ #source;

  /** @param {string} identity */
  constructor(identity) {
    this.identity = identity;
    const { room, log } = this;
    room.on('participantDisconnected', (p) => log.push(['participantDisconnected', p.identity]));
    room.on('trackMuted', (_, p) => log.push(['trackMuted', p.identity]));
    room.on('dataReceived', (data, p, _, topic) => log.push(['dataReceived', [p?.identity, new TextDecoder().decode(data), topic]]));
    room.on('reconnected', () => log.push(['reconnected', null]));
    room.on('disconnected', (reason) => log.push(['disconnected', reason]));
    room.on('trackSubscribed', (track, _, p) => {
      if (track.kind !== TrackKind.KIND_AUDIO) return;
      log.push(['trackSubscribed', p.identity]);
      this.#heard.get(p.identity)?.stop();
      this.#heard.set(p.identity, new Heard(new AudioStream(track, RATE, 2), this.audible(p.identity)));
    });
    room.on('trackUnsubscribed', (_track, _, p) => log.push(['trackUnsubscribed', p.identity]));
  }

  /**
   * @param {string} url ws
   * @param {string} token
   */
  async enter(url, token) {
    await this.room.connect(url, token, { autoSubscribe: true, dynacast: false });
    this.room.localParticipant?.registerRpcMethod('double', async ({ payload }) => String(Number(payload) * 2));
  }

  /**
   * Publishes a tone as the microphone, until leave().
   * @param {number} hz a multiple of 10
   * @param {number} amplitude of full scale
   */
  async speak(hz, amplitude) {
    const source = this.#source = new AudioSource(RATE, 1);
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE, dtx: false });
    const publication = await this.room.localParticipant?.publishTrack(LocalAudioTrack.createAudioTrack('tone', source), options);
    const play = async () => {
      for (let n = 0; !source.closed; n += FRAME) {
        const samples = Int16Array.from({ length: FRAME }, (_, i) => 32767 * amplitude * Math.sin(2 * Math.PI * hz * (n + i) / RATE));
        await source.captureFrame(new AudioFrame(samples, RATE, 1, FRAME)); // waits where the queue is full
      }
    };
    play().catch(() => { /* it was closed */ });
    return publication?.sid ?? '';
  }

  /**
   * How loud a frequency came from somebody lately, at each ear.
   * @param {string} identity
   * @param {number} hz a multiple of 10
   * @returns {Levels}
   */
  level(identity, hz) { return this.#heard.get(identity)?.level(hz) ?? { left: -120, right: -120 }; }

  /** How many frames of 10 ms with sound in them came from somebody. @param {string} identity */
  audible(identity) { return this.#heard.get(identity)?.audible ?? 0; }

  /** @param {string} type */
  events(type) { return this.log.filter(([is]) => is === type).map(([, detail]) => detail); }

  async leave() {
    await this.#source?.close();
    for (const heard of this.#heard.values()) heard.stop();
    if (this.room.isConnected) await this.room.disconnect();
  }
}

/** What came of one track: the last tenth of a second, and counts. */
class Heard {
  #left = new Float32Array(WINDOW);
  #right = new Float32Array(WINDOW);
  #at = 0;
  #reader;

  /**
   * @param {AudioStream} stream
   * @param {number} audible frames of the tracks before
   */
  constructor(stream, audible) {
    this.audible = audible;
    this.#reader = stream.getReader();
    this.#read();
  }

  async #read() {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done || !value) return;
      let loud = false;
      for (let i = 0; i < value.samplesPerChannel; i++) {
        this.#left[this.#at] = value.data[2 * i] / 32768;
        this.#right[this.#at] = value.data[2 * i + 1] / 32768;
        this.#at = (this.#at + 1) % WINDOW;
        loud ||= Math.abs(value.data[2 * i]) > 300;
      }
      if (loud) this.audible++;
    }
  }

  /** @param {number} hz */
  level(hz) { return { left: goertzel(this.#left, hz), right: goertzel(this.#right, hz) }; }

  stop() { this.#reader.cancel().catch(() => { /* it is over already */ }); }
}

/**
 * RMS of one frequency in dBFS. The window may be rotated: a tone of whole
 * periods in it has one seam at most.
 * @param {Float32Array} samples
 * @param {number} hz
 */
function goertzel(samples, hz) {
  let [re, im] = [0, 0];
  samples.forEach((s, i) => {
    re += s * Math.cos(2 * Math.PI * hz * i / RATE);
    im += s * Math.sin(2 * Math.PI * hz * i / RATE);
  });
  const rms = Math.SQRT2 * Math.hypot(re, im) / samples.length;
  return Math.max(-120, 20 * Math.log10(rms + 1e-9));
}
