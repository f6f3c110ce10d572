/**
 * What moderation decided against whoever looks at the page: a friendly line for
 * a nudge, a card with the reasons for more, the way to appeal, and how long the
 * microphone stays silent.
 * @module
 */
import { explainRefusal } from './explain.js';
import { countdown, isGrave, isNudge, silence } from './sanctions.js';
import { el } from './ui.js';

/** @import {Earshot} from '../earshot.js' */
/** @import {Order} from '../signal.js' */

const TICK_MS = 500;
/** @type {[keyof import('../signal.js').Statement, string][]} */
const PARTS = [['facts', 'Why'], ['automation', 'Who decided'], ['rule', 'The rule'], ['redress', 'If you disagree']];

export class Orders {
  /** @param {Earshot} session @param {import('./ui.js').UI} ui @param {import('./chat.js').ChatPanel} chat @param {() => void} onChange what is silent has changed */
  constructor(session, ui, chat, onChange) {
    this.session = session;
    this.ui = ui;
    this.chat = chat;
    this.onChange = onChange;
    this.card = el('order');
    this.form = /** @type {HTMLFormElement} */ (el('order-form'));
    this.text = /** @type {HTMLTextAreaElement} */ (el('order-text'));
    this.result = el('order-result');
    /** @type {Order | null} shown */ this.order = null;
    /** @type {Set<string>} */ this.appealed = new Set();
    this.was = '';
    el('order-close').onclick = () => this.close();
    el('order-appeal').onclick = () => { this.form.hidden = false; el('order-acts').hidden = true; this.text.focus(); };
    el('order-later').onclick = () => { this.form.hidden = true; el('order-acts').hidden = false; };
    this.form.onsubmit = (e) => { e.preventDefault(); this.appeal(); };
    this.card.onkeydown = (e) => { if (e.key === 'Escape') this.close(); };
    for (const order of session.orders.values()) if (isGrave(order)) this.show(order);
    const timer = setInterval(() => this.tick(), TICK_MS), off = [session.on('order', (m) => this.take(m)), session.on('reported', (m) => this.reported(m))];
    this.undo = () => { clearInterval(timer); off.forEach((f) => f()); };
    this.tick();
  }

  /** @param {Order} m */
  take(m) {
    if (m.event) this.chat.mark(m.event);
    if (m.lifted) this.lifted(m);
    else if (isGrave(m)) this.show(m);
    else if (isNudge(m) || m.statement.what) this.chat.nudge(m.statement.what || 'Please keep it friendly: everybody around reads this.', isNudge(m) ? '' : m.statement.facts);
    if (!m.lifted && !isGrave(m) && el('chat').hidden) this.ui.toast(m.statement.what, 'gift');
    this.tick();
  }

  /** What became of a report of ours, in general words. @param {import('../signal.js').Reported} m */
  reported(m) {
    const words = m.outcome === 'upheld' ? 'Thank you: a moderator looked at what you reported, and acted on it.'
      : 'A moderator looked at what you reported, and found nothing against the rules. You can still mute or block anybody.';
    this.chat.note(words);
    if (el('chat').hidden) this.ui.toast(words, 'gift');
  }

  /** @param {Order} m */
  lifted(m) {
    if (this.order?.id === m.id) this.close();
    this.ui.toast(m.statement.what || 'You are heard again.', 'gift');
    this.chat.note(m.statement.what || 'You are heard again.');
  }

  /** What is silent now, if anything is. */
  get silence() {
    return silence(this.session.orders.values(), Date.now());
  }

  /** Whether moderation keeps the microphone silent, and whom to ask why. */
  get silenced() {
    return this.session.you?.moderated === true || this.silence !== null;
  }

  tick() {
    const found = this.silence, left = found ? countdown(found.until - Date.now()) : '';
    const badge = el('mic-until');
    badge.hidden = !left;
    badge.textContent = left;
    el('b-mic').classList.toggle('locked', this.silenced);
    const key = `${this.silenced} ${found?.order.id ?? ''}`;
    if (key !== this.was) this.onChange();
    this.was = key;
    if (this.order) el('order-until').textContent = this.ending(this.order);
  }

  /** Until when, in words. @param {Order} order */
  ending(order) {
    const ends = order.sanctions.flatMap(({ until }) => (until ? [Date.parse(until)] : []));
    if (!ends.length) return '';
    const end = Math.max(...ends), left = end - Date.now();
    if (left <= 0) return 'It is over now.';
    const at = new Date(end), day = left > 20 * 3_600_000 ? { day: /** @type {const} */ ('numeric'), month: /** @type {const} */ ('short') } : {};
    return `Until ${at.toLocaleString(undefined, { ...day, hour: '2-digit', minute: '2-digit' })}, ${countdown(left)} from now.`;
  }

  /** Why the microphone is silent: its order, if the server told one. */
  explain() {
    const found = this.silence;
    if (found) this.show(found.order, true);
    else this.ui.toast('A moderator has muted you. It ends when they say so.', 'bad');
  }

  /** @param {Order} order @param {boolean} [focus] asked for by the person */
  show(order, focus = false) {
    this.order = order;
    el('order-what').textContent = order.statement.what || 'Moderation has decided something about you.';
    el('order-until').textContent = this.ending(order);
    el('order-why').replaceChildren(...PARTS.flatMap(([part, title]) => {
      if (!order.statement[part]) return [];
      const dt = document.createElement('dt'), dd = document.createElement('dd');
      dt.textContent = title;
      dd.textContent = order.statement[part];
      return [dt, dd];
    }));
    const may = order.appeal && !this.appealed.has(order.id);
    el('order-appeal').hidden = !may;
    el('order-acts').hidden = false;
    this.form.hidden = true;
    this.say(this.appealed.has(order.id) ? 'You have appealed. Another moderator looks at it.' : '', 'good');
    document.exitPointerLock?.();
    this.card.hidden = false;
    if (focus) el('order-close').focus();
  }

  async appeal() {
    const { order } = this, send = /** @type {HTMLButtonElement} */ (el('order-send'));
    if (!order) return;
    send.disabled = true;
    this.say('');
    try {
      await this.session.appeal(order.id, this.text.value.trim());
      this.appealed.add(order.id);
      this.text.value = '';
      if (this.order === order) this.show(order);
      el('order-close').focus();
    } catch (error) {
      this.say(explainRefusal(/** @type {import('../signal.js').EarshotError} */ (error)), 'bad');
    }
    send.disabled = false;
  }

  /** @param {string} text @param {string} [kind] */
  say(text, kind = '') {
    this.result.textContent = text;
    this.result.className = kind;
  }

  close() {
    const inside = this.card.contains(document.activeElement);
    this.order = null;
    this.card.hidden = true;
    if (inside) this.ui.canvas.focus();
  }

  dispose() {
    this.undo();
    this.close();
    el('mic-until').hidden = true;
    el('b-mic').classList.remove('locked');
  }
}
