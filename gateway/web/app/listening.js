/**
 * How voices come, in the settings: a line for each, or one mix made on the
 * server for phones, weak headsets and metered connections, which then get few
 * poses too. Where nobody looks, the poses stop that nobody needs.
 * @module
 */
import { LIMITS } from '../signal.js';
import { explain } from './explain.js';
import { el } from './ui.js';

/** Enough to see who is where: with a mix, 100 kbit/s are not exceeded. Bit/s. */
const FEW_POSES = 16_000;

export class Listening {
  /** @type {(() => void)[]} */ #off;
  /** @type {number} as was asked for last, bit/s */ #poses = LIMITS.poseBitrate;

  /** @param {import('./settings.js').Settings} settings @param {import('../earshot.js').Earshot} session */
  constructor(settings, session) {
    this.session = session;
    this.on = /** @type {HTMLInputElement} */ (el('mix-on'));
    this.on.checked = settings.mix;
    this.on.onchange = () => {
      settings.setMix(this.on.checked);
      this.tell();
    };
    const look = () => this.look();
    document.addEventListener('visibilitychange', look);
    this.#off = [
      () => document.removeEventListener('visibilitychange', look),
      session.on('audio', ({ mode }) => {
        this.mixed = mode === 'binaural';
        this.say(this.mixed ? 'One stream, mixed for your ears.' : '');
        this.look();
      }),
      session.on('error', (error) => { if (this.asking) this.refused(error); }),
    ];
    this.asking = false;
    this.mixed = false;
    if (settings.mix) this.tell();
    this.look();
  }

  tell() {
    this.asking = true;
    this.say('Changing over …');
    this.session.setAudio(this.on.checked ? 'binaural' : 'slots');
  }

  /**
   * Asks for the poses that are of use: all where somebody looks; few with a mix;
   * where nobody looks few, by which voices are placed, and with a mix none.
   */
  look() {
    const unseen = document.visibilityState === 'hidden';
    const poses = unseen && this.mixed ? 0 : unseen || this.mixed ? FEW_POSES : LIMITS.poseBitrate;
    if (poses === this.#poses) return;
    this.#poses = poses;
    this.session.setPoseBitrate(poses);
  }

  /** @param {Error} error */
  refused(error) {
    this.on.checked = false;
    this.say(explain(error), 'bad');
  }

  /** @param {string} text @param {string} [kind] */
  say(text, kind = '') {
    if (!text.endsWith('…')) this.asking = false;
    const state = el('mix-state');
    state.textContent = text;
    state.className = kind;
  }

  close() { this.#off.forEach((off) => off()); }
}
