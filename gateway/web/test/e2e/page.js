/**
 * What runs inside each page of the browser test: one participant who stands
 * where it is told, with the shipped client library and its audio.
 * @module
 */
import { SpatialAudio } from '../../audio.js';
import { Earshot } from '../../earshot.js';
import { headWorld } from '../../pose.js';
import { measure } from './ears.js';
import { gapsIn } from './gaps.js';
import { Picture, Screen, layers } from './picture.js';

/** @typedef {{root: [number, number, number], yaw: number}} Place */

export class Actor {
  /** @type {Place} */ place = { root: [0, 0, 0], yaw: 0 };
  /** @type {Earshot} */ earshot;
  /** @type {SpatialAudio} */ audio;

  /** @type {[string, any][]} all events so far */ log = [];
  screen = new Screen();
  /** @type {MediaStreamTrack|undefined} */ camera;
  /** @type {Map<MediaStreamTrack, Picture>} */ #pictures = new Map();

  /**
   * @param {{token: string, blocks?: string[], media?: boolean, videoCodec?: import('../../codecs.js').VideoCodec, key?: string}} options
   */
  constructor({ token, blocks, media, videoCodec, key }) {
    this.earshot = new Earshot({ url: location.origin, token, voiceSlots: 4, videoSlots: 2, blocks, media, videoCodec });
    this.key = key;
    this.audio = new SpatialAudio(this.earshot);
    for (const type of /** @type {const} */ (['chat', 'left', 'muted', 'published', 'order', 'retract', 'e2ee'])) {
      this.earshot.on(type, (detail) => this.log.push([type, detail]));
    }
    this.earshot.on('state', ({ state, error }) => this.log.push(['state', { state, reconnect: error?.reconnect }]));
  }

  /**
   * Joins and returns the id. With a microphone it speaks what Chromium was
   * given, untouched by echo cancellation and gain control.
   * @param {boolean} speaks
   */
  async enter(speaks) {
    const microphone = speaks ? await speech() : null;
    const { you, spawn } = await this.earshot.join({ microphone, e2ee: this.key ? { key: this.key } : null });
    this.place = { root: spawn.position, yaw: spawn.yaw };
    await this.audio.resume();
    setInterval(() => this.#tick(), 33);
    return you.id;
  }

  #tick() {
    const pose = this.pose();
    this.earshot.sendPose(pose);
    this.audio.update(headWorld(pose));
  }

  /** @returns {import('../../pose.js').Pose} */
  pose() {
    return { ...this.place, head: { position: [0, 1.6, 0], rotation: [0, 0, 0, 1] }, left: null, right: null };
  }

  /**
   * The slot a participant is in, -1 for none; of '' that of the binaural mix.
   * @param {string} id
   */
  slotOf(id) {
    return this.earshot.slots.voice.find((s) => (id ? s.participant === id : s.source === 'mix'))?.slot ?? -1;
  }

  /**
   * Begins to watch for how long nothing is heard.
   * @returns {Promise<() => Promise<{gap: number, level: number}>>} gives the longest gap so far, ms, and the level, dBFS
   */
  listenForGaps() { return gapsIn(this.audio.context, this.audio.master); }

  /**
   * The picture of a source, as the slots have it now; null for none.
   * @param {string} id of who shows it
   * @param {'camera'|'screen'} source
   */
  async look(id, source) {
    const slot = this.earshot.slots.video.find((s) => s.participant === id && s.source === source)?.slot ?? -1;
    return slot < 0 ? null : this.#picture(this.earshot.videoTracks[slot]).look();
  }

  /** Shares a screen, which show() and move() of `screen` change. */
  shareScreen() { return this.earshot.share('screen', this.screen.track); }

  /** Shares the camera that Chromium pretends to have. */
  async shareCamera(width = 320, height = 240) {
    this.camera ??= (await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: 20 } })).getVideoTracks()[0];
    await this.earshot.share('camera', this.camera);
  }

  /**
   * Watches a picture for a while: its widths, and for how long at most it
   * stood still, in ms.
   * @param {string} id of who shows it
   * @param {number} seconds
   * @param {number} [width] stop once it is so wide
   */
  async watchCamera(id, seconds, width) {
    /** @type {number[]} */ const widths = [];
    const begin = performance.now();
    let last = begin, frames = -1, still = 0, turn = begin;
    for (let now = begin; now - begin < seconds * 1000; now = performance.now()) {
      last += Math.max(0, now - turn - 40); // the page itself stood still: a busy machine
      turn = now;
      const seen = await this.look(id, 'camera');
      if (seen && seen.frames !== frames) {
        if (frames >= 0) still = Math.max(still, performance.now() - last);
        [frames, last] = [seen.frames, performance.now()];
        if (widths.at(-1) !== seen.width) widths.push(seen.width);
        if (seen.width === width) break;
      }
      await sleep(0.02);
    }
    still = Math.max(still, performance.now() - last);
    return { widths, still: Math.round(still), seconds: (performance.now() - begin) / 1000 };
  }

  layers() { return layers(); }

  /** How one's own camera looks. */
  lookAtCamera() { return this.camera ? this.#picture(this.camera).look() : null; }

  /** @param {MediaStreamTrack} track */
  #picture(track) {
    const picture = this.#pictures.get(track) ?? new Picture(track);
    this.#pictures.set(track, picture);
    return picture;
  }

  /**
   * The longest time without a packet on any slot within a while, in ms.
   * @param {number} seconds
   */
  async longestSilence(seconds) {
    let longest = 0, had = await this.received(), last = performance.now();
    for (const end = last + seconds * 1000; performance.now() < end;) {
      const has = await this.received();
      longest = Math.max(longest, performance.now() - last);
      if (has !== had) last = performance.now();
      had = has;
      await sleep(0.01);
    }
    return Math.round(longest);
  }

  /** RTP packets received on all slots. */
  async received() { return (await this.earshot.stats()).packets; }

  /**
   * What is heard of somebody, over a time: see ears.js.
   * @param {string} id of the talker
   * @param {number} seconds
   */
  async measure(id, seconds) {
    const slot = this.slotOf(id);
    if (slot < 0) throw new Error(`${id} is in no slot`);
    const measured = await measure(this.audio.tap(slot), seconds);
    if (this.slotOf(id) !== slot) throw new Error(`${id} changed slots while measured`);
    return measured;
  }
}

async function speech() {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
  });
  return stream.getAudioTracks()[0];
}

/** @param {number} seconds */
function sleep(seconds) { return new Promise((done) => setTimeout(done, seconds * 1000)); }
