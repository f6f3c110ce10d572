/**
 * Microphone, camera and screen buttons.
 * @module
 */
import { explain } from './explain.js';
import { el } from './ui.js';

/** @typedef {import('../earshot.js').Earshot} Earshot */

export class MediaButtons {
  /** @param {Earshot} session @param {import('./ui.js').UI} ui @param {import('./microphone.js').Microphone} microphone @param {boolean} speaking whether we joined with it */
  constructor(session, ui, microphone, speaking) {
    this.session = session;
    this.ui = ui;
    this.microphone = microphone;
    this.speaking = speaking;
    /** @type {Record<'camera' | 'screen', MediaStreamTrack | null>} */ this.tracks = { camera: null, screen: null };
    /** @type {Set<'camera' | 'screen'>} the person is being asked for */ this.asking = new Set();
    this.closed = false;
    this.onShare = () => {};
    /** Whether moderation keeps the microphone silent, and what then answers a press. */
    this.locked = () => this.session.you?.moderated === true;
    this.onLocked = () => {};
    const media = /** @type {MediaDevices | undefined} */ (navigator.mediaDevices);
    el('b-camera').hidden = !media?.getUserMedia;
    el('b-screen').hidden = !media?.getDisplayMedia;
    el('b-mic').onclick = () => this.toggleMicrophone();
    microphone.onLost = () => this.lost();
    el('b-camera').onclick = () => this.toggle('camera');
    el('b-screen').onclick = () => this.toggle('screen');
    this.show();
  }

  async toggleMicrophone() {
    if (this.locked()) return this.onLocked();
    try {
      if (!this.speaking) {
        await this.session.setMicrophone(this.microphone.track ?? await this.microphone.open());
        this.speaking = true;
        if (this.session.muted) await this.session.setMuted(false);
        this.ui.toast('Your microphone is on.');
      } else await this.session.setMuted(!this.session.muted);
    } catch (error) {
      if (this.closed) return;
      this.ui.toast(explain(error), 'bad');
    }
    this.show();
  }

  /** Nobody is to think that they are heard. */
  lost() {
    this.speaking = false;
    this.session.setMicrophone(null).catch(() => {}); // not joined at the moment: the next join has none
    this.ui.toast('Your microphone is gone. Press its button to use another.', 'bad');
    this.show();
  }

  /** @param {'camera' | 'screen'} source */
  async toggle(source) {
    if (this.asking.has(source)) return;
    this.asking.add(source);
    try {
      if (this.tracks[source]) return await this.stop(source);
      const stream = source === 'camera'
        ? await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 24, facingMode: 'user' } })
        : await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 15 }, audio: false });
      const track = stream.getVideoTracks()[0];
      if (this.closed) return track.stop(); // they left before they allowed it
      track.onended = () => this.stop(source);
      this.tracks[source] = track;
      await this.session.share(source, track);
    } catch (error) {
      if (this.closed) return;
      await this.stop(source);
      const cancelled = source === 'screen' && /** @type {Error} */ (error).name === 'NotAllowedError';
      if (!cancelled) this.ui.toast(explain(error), 'bad');
    } finally {
      this.asking.delete(source);
    }
    this.show();
    this.onShare();
  }

  /** @param {'camera' | 'screen'} source */
  async stop(source) {
    const track = this.tracks[source];
    this.tracks[source] = null;
    if (track) {
      track.onended = null;
      track.stop();
      if (this.session.state === 'connected') await this.session.share(source, null).catch(() => {}); // it ends with the track
    }
    this.show();
    this.onShare();
  }

  /** Shares again what was shared, after the session had to be joined anew. */
  async resume() {
    for (const source of /** @type {const} */ (['camera', 'screen'])) {
      const track = this.tracks[source];
      if (track) await this.session.share(source, track).catch(() => this.stop(source));
    }
  }

  show() {
    const moderated = this.locked(), silent = !this.speaking || this.session.muted || moderated;
    const label = moderated ? 'Muted by moderation: press to see why' : !this.speaking ? 'Turn on the microphone (M)' : silent ? 'Unmute (M)' : 'Mute (M)';
    this.ui.setButton('b-mic', silent, label, silent ? 'mic-off' : 'mic');
    this.ui.setButton('b-camera', !!this.tracks.camera, this.tracks.camera ? 'Stop camera' : 'Camera', 'camera');
    this.ui.setButton('b-screen', !!this.tracks.screen, this.tracks.screen ? 'Stop sharing the screen' : 'Share screen', 'screen');
  }

  /** The ring round the microphone button. */
  pulse() {
    const level = this.speaking && !this.session.muted && !this.locked() ? this.microphone.level() : 0;
    /** @type {HTMLElement} */ (el('b-mic').querySelector('.level')).style.setProperty('--level', level.toFixed(2));
  }

  /** Lets go of camera and screen. */
  close() {
    this.closed = true;
    this.microphone.onLost = () => {};
    for (const track of Object.values(this.tracks)) track?.stop();
  }
}
