/**
 * End-to-end encryption on the page: the key in the address and in the settings,
 * and the mark in the bar.
 * @module
 */
import { newPassphrase } from '../e2ee-keys.js';
import { supported } from '../e2ee.js';
import { TROUBLES, summary, withKey } from './e2ee-words.js';
import { explain } from './explain.js';
import { el } from './ui.js';

/** @typedef {import('../earshot.js').Earshot} Earshot */

/** The key in the address: what follows # is never sent to a server. @returns {string} */
export function keyFromHash() { return new URLSearchParams(location.hash.slice(1)).get('key') ?? ''; }

/** Keeps a key in the address, so that a reload has it. @param {string} key '' takes it out */
export function keepInHash(key) {
  history.replaceState(history.state, '', `${location.pathname}${location.search}${withKey(location.hash, key)}`);
}

export class Encrypting {
  /**
   * @param {Earshot} session
   * @param {import('./ui.js').UI} ui
   * @param {(key: string) => Promise<void>} rekey joins again with a key, or with '' without
   */
  constructor(session, ui, rekey) {
    this.session = session;
    this.ui = ui;
    this.rekey = rekey;
    this.key = /** @type {HTMLInputElement} */ (el('e2ee-key'));
    this.key.value = keyFromHash();
    el('e2ee-form').onsubmit = (e) => { e.preventDefault(); this.change(this.key.value.trim()); };
    el('e2ee-new').onclick = () => { this.key.value = newPassphrase(); this.say(''); this.key.select(); };
    el('e2ee-off').onclick = () => this.change('');
    el('e2ee-copy').onclick = () => this.copy();
    this.off = session.on('e2ee', ({ participant, trouble }) => this.changed(participant, trouble));
    this.say('');
    this.show();
  }

  /** Joins again with another key. @param {string} key */
  async change(key) {
    if (!key && !this.session.e2ee.active) return this.say('Type a key first, or make one.', 'bad');
    this.busy(true);
    this.say(key ? 'Joining again with the key …' : 'Joining again without a key …');
    try {
      await this.rekey(key);
      keepInHash(key);
      this.key.value = key;
      this.say(key ? 'Encrypted. Send the link to those who shall hear you, but not over the chat here.' : 'Not encrypted any more.', 'good');
    } catch (error) {
      this.say(explain(error), 'bad');
    }
    this.busy(false);
    this.show();
  }

  async copy() {
    // The world and the key: not whose page it is, nor a token.
    const link = new URL(location.pathname, location.href), world = new URLSearchParams(location.search).get('world');
    if (world) link.searchParams.set('world', world);
    link.hash = new URLSearchParams({ key: keyFromHash() }).toString();
    try {
      await navigator.clipboard.writeText(link.href);
      this.say('Copied. Whoever has this link can listen.', 'good');
    } catch {
      this.say('The browser does not let us copy: take the address of this page.', 'bad');
    }
  }

  /** Somebody can be heard no longer, or again. @param {string} id @param {import('../e2ee.js').Trouble} trouble */
  changed(id, trouble) {
    const name = this.session.participants.get(id)?.name;
    if (name && trouble === 'key') this.ui.toast(`You do not hear ${name}: they encrypt with another key. Compare keys in the settings.`, 'bad');
    else if (name && trouble) this.ui.toast(`${name}: ${TROUBLES[trouble].note}.`, 'bad');
    this.show();
  }

  /** The mark in the bar and the state of the dialog. */
  show() {
    const { session } = this, mark = summary(session), refused = session.world?.e2ee === 'refused', { active } = session.e2ee;
    el('world-e2ee').hidden = !mark;
    el('world-e2ee').classList.toggle('bad', mark?.bad ?? false);
    el('world-e2ee-text').textContent = mark?.text ?? '';
    el('world-e2ee').title = mark?.title ?? '';
    el('e2ee-on').textContent = active ? 'Use this key' : 'Encrypt';
    el('e2ee-off').hidden = !active || session.world?.e2ee === 'required';
    el('e2ee-copy').hidden = !active;
    el('e2ee-form').hidden = refused || !supported();
    el('e2ee-policy').textContent = refused ? 'This world takes no encrypted voices: they could not be moderated.'
      : !supported() ? 'This browser cannot encrypt voices end to end.'
        : session.world?.e2ee === 'required' ? 'This world takes encrypted voices only.' : '';
  }

  /** @param {boolean} on */
  busy(on) {
    for (const id of ['e2ee-on', 'e2ee-off', 'e2ee-new']) /** @type {HTMLButtonElement} */ (el(id)).disabled = on;
  }

  /** @param {string} text @param {string} [kind] */
  say(text, kind = '') {
    el('e2ee-result').textContent = text;
    el('e2ee-result').className = kind;
  }

  close() {
    this.off();
    el('world-e2ee').hidden = true;
  }
}
