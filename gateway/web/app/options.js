/**
 * The settings dialog: a stand-in while away, what NPCs remember, the way to the
 * studio and the console for those who may use them.
 * @module
 */
import { explain } from './explain.js';
import { grantsOf } from './token.js';
import { el } from './ui.js';

/** @typedef {import('../earshot.js').Earshot} Earshot */

export class Options {
  /** @param {Earshot} session @param {import('./settings.js').Settings} settings */
  constructor(session, settings) {
    this.session = session;
    this.settings = settings;
    this.dialog = /** @type {HTMLDialogElement} */ (el('options'));
    this.allowed = /** @type {HTMLInputElement} */ (el('standin-allowed'));
    this.text = /** @type {HTMLTextAreaElement} */ (el('standin-text'));
    this.result = el('forget-result');
    this.allowed.checked = settings.standIn.allowed;
    this.text.value = settings.standIn.text;
    this.show();
    el('b-options').onclick = () => this.open();
    this.dialog.onclick = (e) => { if (e.target === this.dialog) this.dialog.close(); };
    this.allowed.onchange = this.text.onchange = () => this.changed();
    el('forget').onclick = () => this.ask(true);
    el('forget-no').onclick = () => { this.ask(false); el('forget').focus(); };
    el('forget-yes').onclick = () => this.forget();
    if (settings.standIn.allowed) this.tell();
  }

  open() {
    document.exitPointerLock?.();
    this.ask(false);
    this.say('');
    const grants = grantsOf(this.session.token);
    el('studio-part').hidden = !grants.includes('design');
    el('console-part').hidden = !grants.includes('moderate');
    if (!this.dialog.open) this.dialog.showModal();
  }

  changed() {
    this.settings.setStandIn({ allowed: this.allowed.checked, text: this.text.value.trim() });
    this.show();
    this.tell();
  }

  show() {
    el('standin-about').hidden = !this.allowed.checked;
  }

  /** Tells the server; a text is worth sending only where a stand-in is allowed. */
  tell() {
    const { allowed, text } = this.settings.standIn;
    try {
      this.session.standIn(allowed, allowed ? text : '');
      el('standin-problem').textContent = '';
    } catch (error) {
      el('standin-problem').textContent = explain(error);
    }
  }

  /** @param {boolean} on whether to ask if it is meant */
  ask(on) {
    el('forget').hidden = on;
    el('forget-sure').hidden = !on;
    if (on) this.say('');
    if (on) el('forget-no').focus();
  }

  async forget() {
    this.ask(false);
    this.say('Erasing …');
    try {
      await this.session.forget();
      this.say('Done. To every NPC you are a stranger now.', 'good');
    } catch (error) {
      this.say(explain(error), 'bad');
    }
    el('forget').focus();
  }

  /** @param {string} text @param {string} [kind] */
  say(text, kind = '') {
    this.result.textContent = text;
    this.result.className = kind;
  }

  close() {
    this.dialog.close();
  }
}
