/**
 * Below the people of this instance: friends, and where they are. Asked for only
 * while the panel is open.
 * @module
 */
import { explain } from './explain.js';
import { button, entry } from './people.js';
import { placeName } from './place-name.js';
import { el, icon } from './ui.js';

/** @import {Social, Friend} from '../social.js' */

const EVERY_MS = 8000;

export class Friends {
  /** @type {Friend[]} */ list = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */ #asking;

  /**
   * @param {import('../earshot.js').Earshot} session
   * @param {Social} social
   * @param {import('./settings.js').Settings} settings knows the names of those who are not there
   * @param {import('./ui.js').UI} ui
   * @param {{goTo: (friend: Friend, name: string) => void, changed: () => void}} then goTo: to where a friend is; changed: who is a friend
   */
  constructor(session, social, settings, ui, then) {
    this.session = session;
    this.social = social;
    this.settings = settings;
    this.ui = ui;
    this.then = then;
  }

  /** @param {string} id */
  has(id) { return this.list.some((f) => f.participant === id); }

  /** @param {boolean} open */
  watch(open) {
    clearInterval(this.#asking);
    this.#asking = open ? setInterval(() => this.refresh(), EVERY_MS) : undefined;
    if (open) this.refresh();
  }

  async refresh() {
    const before = this.list.map((f) => f.participant).join();
    this.list = await this.social.friends().catch(() => this.list); // the next time
    this.show();
    if (before !== this.list.map((f) => f.participant).join()) this.then.changed();
  }

  /** @param {string} id @param {string} name @param {boolean} on */
  async set(id, name, on) {
    try {
      await (on ? this.social.befriend(id) : this.social.unfriend(id));
      this.settings.setFriend(id, on ? name : null);
      await this.refresh();
      const mutual = this.list.find((f) => f.participant === id)?.mutual;
      this.ui.toast(!on ? `${name} is no longer a friend of yours.` : mutual ? `${name} and you are friends: you see where the other is.`
        : `${name} is a friend of yours. You see where they are once they have added you, too.`);
    } catch (error) {
      this.ui.toast(explain(error), 'bad');
    }
  }

  show() {
    const away = this.list.filter((f) => !this.session.participants.has(f.participant));
    el('friends').hidden = away.length === 0;
    el('friends-list').replaceChildren(...away.map((f) => this.row(f)));
  }

  /** @param {Friend} f @returns {HTMLLIElement} */
  row(f) {
    const name = f.name ?? this.settings.friends.get(f.participant) ?? 'Somebody', row = entry(f.participant, name);
    const note = /** @type {HTMLElement} */ (row.querySelector('small'));
    note.textContent = !f.mutual ? 'has not added you yet' : !f.online ? 'not here now' : f.instance ? `in ${placeName(f.instance)}` : `in a place of their own`;
    row.classList.toggle('far', !f.online);
    if (f.instance && f.world === this.session.world?.name) {
      const go = button('act text', `Join ${name}`);
      go.textContent = 'Join';
      go.onclick = () => this.then.goTo(f, name);
      row.append(go);
    } else {
      const end = button('act', `${name} is no longer a friend`, icon('close'));
      end.onclick = () => this.set(f.participant, name, false);
      row.append(end);
    }
    return row;
  }
}
