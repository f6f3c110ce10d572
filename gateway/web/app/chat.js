/**
 * The chat panel: text that those in range get.
 * @module
 */
import { explain } from './explain.js';
import { chatLine } from './chat-line.js';
import { LineMenu } from './line-menu.js';
import { el } from './ui.js';

/** @typedef {import('./report.js').Subject} Subject */

/** Lines kept; older ones go. */
const LINES = 200;

export class ChatPanel {
  /**
   * @param {import('../earshot.js').Earshot} session @param {import('./ui.js').UI} ui
   * @param {{report: (subject: Subject) => void, block: (subject: Subject) => void}} to
   */
  constructor(session, ui, to) {
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
    this.menu = new LineMenu(this.log, to);
    /** @type {Set<string>} lines taken back before they came */ this.retracted = new Set();
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
    if (this.retracted.delete(m.id)) return;
    const own = m.from === this.session.you?.id;
    if (!own) this.menu.written.set(m.id, { id: m.from, name: m.name, event: m.id, line: m.text });
    this.append(chatLine(m, own, own ? null : (line, button) => {
      const at = button.getBoundingClientRect();
      this.menu.open(line, at.left, at.bottom + 4);
    }));
    this.countUnread();
  }

  /** Takes a line back. What is left says so, not what it was. @param {string} id */
  retract(id) {
    const line = this.line(id);
    this.menu.forget(id);
    if (!line) {
      this.retracted.add(id);
      if (this.retracted.size > LINES) this.retracted.delete([...this.retracted][0]);
      return;
    }
    const who = line.querySelector('b'), gone = document.createElement('em');
    gone.textContent = 'taken back by moderation';
    line.className = 'gone';
    delete line.dataset.id;
    line.replaceChildren(...who ? [who] : [], gone);
  }

  /** Marks one's own line that moderation had something to say about. @param {string} id */
  mark(id) {
    this.line(id)?.classList.add('judged');
  }

  /** A friendly word of moderation. @param {string} text @param {string} [more] */
  nudge(text, more = '') {
    this.note(more ? `${text} ${more}` : text);
    this.log.lastElementChild?.classList.add('nudge');
  }

  /** @param {string} id @returns {HTMLElement | undefined} */
  line(id) {
    return /** @type {HTMLElement[]} */ ([...this.log.children]).find((line) => line.dataset.id === id);
  }

  /** What an NPC has said to its end. @param {import('../signal.js').Caption} m @param {string} name */
  addSpeech(m, name) {
    if (this.retracted.delete(m.id)) return;
    const line = document.createElement('li'), who = document.createElement('b'), more = document.createElement('em');
    line.className = 'npc';
    line.dataset.id = m.id;
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
    while (this.log.childElementCount > LINES) {
      const old = /** @type {HTMLElement} */ (this.log.firstElementChild);
      this.menu.forget(old.dataset.id ?? '');
      old.remove();
    }
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  close() {
    this.menu.close();
  }
}
