/**
 * Reporting somebody to moderators: one gesture opens it, one reason is enough.
 * @module
 */
import { explainRefusal } from './explain.js';
import { REPORT_REASONS } from '../signal.js';
import { el } from './ui.js';

/** @import {Earshot} from '../earshot.js' */
/** @typedef {{id: string, name: string, event?: string, line?: string}} Subject event and line: of the chat, where it is about one */

/** @type {Record<import('../signal.js').ReportReason, string>} */
const WORDS = {
  harassment: 'Harassment', hate: 'Hate', sexual: 'Sexual content', violence: 'Threats or violence',
  self_harm: 'Self-harm', spam: 'Spam', other: 'Something else',
};

export class Report {
  /** @param {Earshot} session @param {import('./settings.js').Settings} settings @param {import('./ui.js').UI} ui */
  constructor(session, settings, ui) {
    this.session = session;
    this.settings = settings;
    this.ui = ui;
    this.dialog = /** @type {HTMLDialogElement} */ (el('report'));
    this.reasons = el('report-reasons');
    this.text = /** @type {HTMLTextAreaElement} */ (el('report-text'));
    this.block = /** @type {HTMLInputElement} */ (el('report-block'));
    this.send = /** @type {HTMLButtonElement} */ (el('report-send'));
    /** @type {Subject | null} */ this.subject = null;
    this.reasons.replaceChildren(this.reasons.querySelector('legend') ?? '', ...REPORT_REASONS.map((reason) => this.chip(reason)));
    this.reasons.onchange = () => { this.send.disabled = !this.reason; };
    el('report-form').onsubmit = (e) => { e.preventDefault(); this.submit(); };
    el('report-no').onclick = () => this.dialog.close();
    this.dialog.onclick = (e) => { if (e.target === this.dialog) this.dialog.close(); };
    this.dialog.onclose = () => { this.subject = null; };
  }

  /** @param {import('../signal.js').ReportReason} reason */
  chip(reason) {
    const label = document.createElement('label'), input = document.createElement('input');
    Object.assign(input, { type: 'radio', name: 'reason', value: reason });
    label.append(input, WORDS[reason]);
    return label;
  }

  /** @returns {import('../signal.js').ReportReason | undefined} */
  get reason() {
    return /** @type {any} */ (this.reasons.querySelector(':checked'))?.value;
  }

  /** @param {Subject} subject */
  open(subject) {
    if (this.dialog.open) return;
    document.exitPointerLock?.();
    this.subject = subject;
    el('report-name').textContent = subject.name;
    el('report-about').textContent = subject.line ? `“${subject.line}”` : 'Moderators see and hear the last half minute around you.';
    el('report-about').className = subject.line ? 'about line' : 'about';
    for (const input of this.reasons.querySelectorAll('input')) input.checked = false;
    this.text.value = '';
    this.block.checked = false;
    this.send.disabled = true;
    el('report-problem').textContent = '';
    this.dialog.showModal();
    this.reasons.querySelector('input')?.focus();
  }

  async submit() {
    const { subject, reason } = this, block = this.block.checked;
    if (!subject || !reason) return;
    this.send.disabled = true;
    el('report-problem').textContent = '';
    try {
      await this.session.report(subject.id, reason, this.text.value.trim(), subject.event);
      if (block) {
        this.settings.setBlock(subject.id, subject.name);
        this.session.setBlocked(subject.id, true);
      }
      this.ui.toast(`Thank you. Moderators know about ${subject.name}${block ? ', and neither of you hears or sees the other now' : ''}.`, 'gift');
      this.dialog.close();
      this.ui.canvas.focus();
    } catch (error) {
      el('report-problem').textContent = explainRefusal(/** @type {import('../signal.js').EarshotError} */ (error));
      this.send.disabled = false;
    }
  }

  close() {
    this.dialog.close();
  }
}
