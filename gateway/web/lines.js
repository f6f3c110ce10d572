/**
 * The connections of a participant, and what goes out by which: one connection,
 * and during a handoff (handoff.js) a second. What is said of others goes by the
 * present one, what holds for us by all of them, chat by the old one, on which
 * everybody still is.
 *
 * Also what can be asked of the present connection, which may be one without
 * media. Knows nothing of what comes in; earshot.js does.
 * @module
 */
import { MediaLink } from './media.js';
import { PoseUp } from './poseup.js';
import { EarshotError } from './signal.js';
import * as signal from './signal.js';

/**
 * @import {Pose} from './pose.js'
 * @import {SocketLink} from './socket.js'
 */

export class Lines {
  /** @type {MediaLink|SocketLink|null} the present connection */ link = null;
  /** While muted, what a microphone says goes nowhere. */ muted = false;
  /** @type {MediaStreamTrack|null} */ microphone = null;
  #poses = new PoseUp();

  /** @param {{others: MediaLink[], chatLink: MediaLink|null}} handoff */
  constructor(handoff) { this.handoff = handoff; }

  /** The present connection, if it has media. */
  get media() { return this.link instanceof MediaLink ? this.link : null; }

  /** What the microphone's line may send now. */
  get voice() { return this.muted ? null : this.microphone; }

  /** @param {object} message */
  say(message) { this.link?.control(JSON.stringify(message)); }

  /** @param {object} message that holds for us on each connection */
  sayEverywhere(message) {
    for (const link of this.#all) link.control(JSON.stringify(message));
  }

  /** @param {string} text 1 to 500 characters */
  chat(text) { (this.handoff.chatLink ?? this.link)?.control(JSON.stringify(signal.chat(text))); }

  /**
   * @param {Pose} pose
   * @param {number} nowMs performance.now() at its capture
   * @returns {boolean} whether the present connection took it
   */
  pose(pose, nowMs) {
    return this.#poses.send(pose, nowMs, (datagram) => {
      for (const link of this.handoff.others) link.pose(datagram);
      return this.link?.pose(datagram) ?? false;
    });
  }

  /** Has the microphone's line send what it may, after a change of that. */
  async sendVoice() {
    const { media } = this;
    if (media) await Promise.all([media, ...this.handoff.others].map((link) => link.send('microphone', this.voice)));
  }

  /**
   * Sends a video and tells others of it, or ends it.
   * @param {'camera'|'screen'} source
   * @param {MediaStreamTrack|null} track
   */
  async share(source, track) {
    const { media } = this;
    if (!media) throw new EarshotError('failed_precondition', 'this session has no media');
    if (!track) this.say(signal.publish(source, false));
    await Promise.all([media, ...this.handoff.others].map((link) => link.send(source, track)));
    if (track) this.say(signal.publish(source, true));
  }

  /** Tells a connection, which has them, of the videos that are sent. */
  announce() {
    for (const source of /** @type {const} */ (['camera', 'screen'])) if (this.media?.track(source)) this.say(signal.publish(source, true));
  }

  /**
   * How the present connection does, since the last call.
   * @returns {Promise<import('./stats.js').Summary>}
   */
  async stats() { return this.media?.stats() ?? { rttMs: 0, lossPercent: 0, upKbps: 0, downKbps: 0, packets: 0 }; }

  /** @returns {Promise<Map<string, {delay: number, emitted: number}>>} as MediaLink says; empty without media */
  async jitterBuffers() { return this.media?.jitterBuffers() ?? new Map(); }

  /** @returns {Promise<Map<string, import('./stats.js').Reception>>} as MediaLink says; empty without media */
  async receptions() { return this.media?.receptions() ?? new Map(); }

  get voiceTracks() { return this.media?.voiceTracks ?? []; }

  get videoTracks() { return this.media?.videoTracks ?? []; }

  /** A new connection will be made. */
  reset() { this.#poses.reset(); }

  /** Ends the present connection. @param {boolean} polite whether to tell the server; no, where it told us */
  close(polite) {
    this.link?.close(polite);
    this.link = null;
  }

  get #all() { return [this.link, ...this.handoff.others].filter((link) => link !== null); }
}
