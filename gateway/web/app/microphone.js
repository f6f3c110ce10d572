/**
 * The microphone: asking for it, choosing one, and how loud it is.
 * @module
 */
import { EarshotError } from '../signal.js';

export class Microphone {
  /** @param {boolean} [raw] without the browser's noise and echo processing, for music and measurements */
  constructor(raw = false) {
    this.raw = raw;
    /** @type {MediaStreamTrack | null} */ this.track = null;
    /** @type {AudioContext | null} */ this.context = null;
    /** @type {AnalyserNode | null} */ this.analyser = null;
    this.samples = new Float32Array(512);
    /** @type {{deviceId?: string, track: Promise<MediaStreamTrack>} | null} being opened */ this.opening = null;
    /** How often it was closed. */ this.closed = 0;
    /** The device went away: it was unplugged, or the person took it back. */
    this.onLost = () => {};
  }

  /** Opens a microphone; asks the person the first time. Who asks for one that is
   * being opened gets the same: to open it twice would stop what the first got.
   * Rejects with `canceled` where it is closed before it is open.
   * @param {string} [deviceId] @returns {Promise<MediaStreamTrack>} */
  async open(deviceId) {
    const { opening, closed } = this;
    if (opening && opening.deviceId === deviceId) return opening.track;
    const track = (async () => {
      await opening?.track.catch(() => {});
      return this.#open(deviceId, closed);
    })();
    const mine = this.opening = { deviceId, track };
    try {
      return await track;
    } finally {
      if (this.opening === mine) this.opening = null;
    }
  }

  /** @param {string|undefined} deviceId @param {number} closed as it was when it was asked for @returns {Promise<MediaStreamTrack>} */
  async #open(deviceId, closed) {
    const clean = !this.raw;
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        deviceId: deviceId ? { ideal: deviceId } : undefined, channelCount: 1,
        echoCancellation: clean, noiseSuppression: clean, autoGainControl: clean,
      },
    });
    const [track] = stream.getAudioTracks();
    if (closed !== this.closed) { // nobody wants it any more
      track.stop();
      throw new EarshotError('canceled', 'the microphone is not needed any more');
    }
    this.#release();
    this.track = track;
    track.onended = () => {
      if (this.track !== track) return;
      this.#release();
      this.onLost();
    };
    this.context ??= new AudioContext();
    this.context.resume().catch(() => {}); // without a gesture it starts later; only the meter waits
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = this.samples.length;
    this.context.createMediaStreamSource(stream).connect(this.analyser);
    return track;
  }

  /** @returns {Promise<MediaDeviceInfo[]>} the inputs; they have names once one was allowed */
  async devices() {
    const all = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
    return all.filter((d) => d.kind === 'audioinput' && d.deviceId);
  }

  /** @returns {number} 0 (silence, -60 dBFS) to 1 (full scale) */
  level() {
    if (!this.analyser) return 0;
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const v of this.samples) sum += v * v;
    const db = 10 * Math.log10(sum / this.samples.length + 1e-12);
    return Math.min(1, Math.max(0, (db + 60) / 54));
  }

  /** Lets go of it, also where it is only being opened. */
  close() {
    this.closed++;
    this.opening = null;
    this.#release();
  }

  #release() {
    this.track?.stop();
    this.track = this.analyser = null;
  }
}
