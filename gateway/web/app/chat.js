/**
 * The chat panel: text that those in range get.
 * @module
 */
import { explain } from './explain.js';
import { hueOf } from './color.js';
import { el } from './ui.js';

/** Lines kept; older ones go. */
const LINES = 200;

export class ChatPanel {
  /** @param {import('../earshot.js').Earshot} session @param {import('./ui.js').UI} ui */
  constructor(session, ui) {
    this.session = session;
    this.ui = ui;
    this.log = el('chat-log');
    this.text = /** @type {HTMLInputElement} */ (el('chat-text'));
    this.badge = /** @type {HTMLElement} */ (el('b-chat').querySelector('.badge'));
    this.unread = 0;
    this.addressee = '';
    this.hint();
    el('chat-form').onsubmit = (e) => { e.preventDefault(); this.send(); };
    this.log.replaceChildren();
  }

  /** Whom one faces and therefore talks to; '' for all in range. @param {string} name */
  address(name) {
    if (name === this.addressee) return;
    this.addressee = name;
    this.hint();
  }

  /** What the input is for; also after the world's chat range changed. */
  hint() {
    this.text.placeholder = this.addressee ? `Say to ${this.addressee}` : `Say to those within ${Math.round(this.session.world?.chat_range ?? 20)} m`;
  }

  open() {
    this.ui.toggle('chat', true);
    this.text.focus();
  }

  /** The panel has been opened: everything is read. */
  seen() {
    this.unread = 0;
    this.badge.hidden = true;
    this.log.scrollTop = this.log.scrollHeight;
  }

  send() {
    const text = this.text.value.trim();
    if (!text) return this.ui.canvas.focus();
    try {
      this.session.sendChat(text);
      this.text.value = '';
    } catch (error) {
      this.ui.toast(explain(error), 'bad');
    }
  }

  /** @param {import('../signal.js').Chat} m */
  add(m) {
    const line = document.createElement('li'), who = document.createElement('b');
    line.style.setProperty('--hue', hueOf(m.from).toFixed(0));
    who.textContent = m.from === this.session.you?.id ? 'You' : m.name;
    line.append(who, m.text);
    this.append(line);
    this.countUnread();
  }

  /** What an NPC has said to its end. @param {import('../signal.js').Caption} m @param {string} name */
  addSpeech(m, name) {
    const line = document.createElement('li'), who = document.createElement('b'), more = document.createElement('em');
    line.className = 'npc';
    who.textContent = name;
    more.textContent = m.interrupted ? 'interrupted' : '';
    line.append(who, m.text, more);
    this.append(line);
    this.countUnread();
  }

  countUnread() {
    if (!el('chat').hidden) return;
    this.badge.hidden = false;
    this.badge.textContent = String(Math.min(++this.unread, 99));
  }

  /** @param {string} text */
  note(text) {
    const line = document.createElement('li');
    line.className = 'note';
    line.textContent = text;
    this.append(line);
  }

  /** @param {HTMLElement} line */
  append(line) {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    this.log.append(line);
    while (this.log.childElementCount > LINES) this.log.firstElementChild?.remove();
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }
}
