/**
 * The invitation to talk to the NPC one stands before.
 * @module
 */
import { faced } from './facing.js';
import { el, narrow } from './ui.js';

/** @typedef {import('./facing.js').Spot} Spot */

export class TalkPrompt {
  /** @param {import('../earshot.js').Earshot} session @param {import('./chat.js').ChatPanel} chat */
  constructor(session, chat) {
    this.session = session;
    this.chat = chat;
    this.id = '';
    this.key = '';
    this.button = el('talk');
    this.button.onclick = () => this.chat.open();
    this.touch = matchMedia('(pointer: coarse)').matches;
  }

  /** @param {{x: number, z: number, yaw: number}} you @param {(id: string) => Spot | null} spotOf */
  update(you, spotOf) {
    const { participants, blocked } = this.session;
    const spots = [...participants.values()].flatMap((p) => (p.kind === 'npc' || p.kind === 'stand-in') && !p.beyond && !blocked.has(p.id) ? spotOf(p.id) ?? [] : []);
    this.id = faced(you, spots, this.id);
    const name = participants.get(this.id)?.name ?? '', state = this.session.npcs.get(this.id)?.state ?? 'idle';
    const typing = document.activeElement === this.chat.text || (narrow.matches && !el('chat').hidden);
    this.chat.address(name);
    this.show(typing ? '' : name, state);
  }

  /** @param {string} name '' hides it @param {string} state */
  show(name, state) {
    const key = `${name} ${state}`;
    if (key === this.key) return;
    this.key = key;
    this.button.hidden = !name;
    document.body.classList.toggle('talkable', Boolean(name));
    if (!name) return;
    const who = document.createElement('b');
    who.textContent = name;
    this.button.dataset.state = state;
    if (state === 'thinking' || state === 'listening') this.button.replaceChildren(who, ` is ${state} …`);
    else if (this.touch) this.button.replaceChildren('Talk to ', who);
    else this.button.replaceChildren('Press ', keyCap('Enter'), ' to talk to ', who);
  }

  close() {
    this.show('', '');
    this.chat.address('');
  }
}

/** @param {string} text */
function keyCap(text) {
  const kbd = document.createElement('kbd');
  kbd.textContent = text;
  return kbd;
}
