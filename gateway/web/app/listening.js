/**
 * How voices come, in the settings: a line for each, or one mix made on the
 * server for phones, weak headsets and metered connections.
 * @module
 */
import { explain } from './explain.js';
import { el } from './ui.js';

export class Listening {
  /** @type {(() => void)[]} */ #off;

  /** @param {import('./settings.js').Settings} settings @param {import('../earshot.js').Earshot} session */
  constructor(settings, session) {
    this.session = session;
    this.on = /** @type {HTMLInputElement} */ (el('mix-on'));
    this.on.checked = settings.mix;
    this.on.onchange = () => {
      settings.setMix(this.on.checked);
      this.tell();
    };
    this.#off = [
      session.on('audio', ({ mode }) => this.say(mode === 'binaural' ? 'One stream, mixed for your ears.' : '')),
      session.on('error', (error) => { if (this.asking) this.refused(error); }),
    ];
    this.asking = false;
    if (settings.mix) this.tell();
  }

  tell() {
    this.asking = true;
    this.say('Changing over …');
    this.session.setAudio(this.on.checked ? 'binaural' : 'slots');
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
