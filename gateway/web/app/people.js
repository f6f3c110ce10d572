/**
 * The people panel: who is here, how loud for you, and blocking.
 * @module
 */
import { hueOf } from './color.js';
import { encryptionOf } from './e2ee-words.js';
import { el, icon } from './ui.js';

/** @typedef {import('../earshot.js').Earshot} Earshot */

export class PeoplePanel {
  /**
   * @param {Earshot} session
   * @param {import('./settings.js').Settings} settings
   * @param {(id: string) => number | null} distanceTo metres, null where unknown
   * @param {(subject: import('./report.js').Subject) => void} onReport
   * @param {{has: (id: string) => boolean, set: (id: string, name: string, on: boolean) => void}} friends
   */
  constructor(session, settings, distanceTo, onReport, friends) {
    this.session = session;
    this.settings = settings;
    this.distanceTo = distanceTo;
    this.onReport = onReport;
    this.friends = friends;
    this.list = el('people-list');
    /** Has to be rebuilt as soon as nobody holds a slider. */
    this.stale = false;
    this.list.addEventListener('focusout', () => { if (this.stale) setTimeout(() => this.rebuild()); });
    /** @type {Map<string, {row: HTMLLIElement, note: HTMLElement}>} */ this.rows = new Map();
  }

  /** Builds the list anew: somebody came, went, or was blocked. */
  rebuild() {
    this.stale = this.list.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement;
    if (this.stale) return; // not under a thumb that moves a volume
    this.rows.clear();
    const { participants, blocked } = this.session;
    const here = [...participants.values()].filter((p) => !blocked.has(p.id)).sort((a, b) => a.name.localeCompare(b.name));
    const rows = here.map((p) => this.row(p));
    for (const id of blocked) rows.push(this.blockedRow(id, participants.get(id)?.name ?? this.settings.blocks.get(id) ?? 'Somebody'));
    if (!here.length) {
      const empty = document.createElement('li');
      empty.className = 'empty';
      empty.textContent = 'Nobody else is here yet. Open this page in another tab or send a friend the address.';
      rows.unshift(empty);
    }
    this.list.replaceChildren(...rows);
    this.refresh();
  }

  /** Updates distances and states; cheap, twice a second. */
  refresh() {
    for (const [id, { row, note }] of this.rows) {
      const p = this.session.participants.get(id), d = this.distanceTo(id), range = this.session.world?.voice.range ?? 20;
      const beyond = p?.beyond ? `in ${p.beyond}, across the border` : '';
      const where = d === null ? 'out of sight' : beyond || d < range ? `${d.toFixed(0)} m away` : `${d.toFixed(0)} m away, out of earshot`;
      const npc = this.session.npcs.get(id), scripted = npc?.speaks === 'script' ? 'scripted lines' : '';
      const what = p?.kind === 'npc' ? 'NPC' : p?.kind === 'stream' ? 'Stream' : p?.kind === 'stand-in' ? `stands in for ${this.session.participants.get(p.of ?? '')?.name ?? 'somebody away'}` : '';
      const text = [what, beyond, p ? encryptionOf(this.session, p).note : '', scripted, p?.moderated ? 'muted by a moderator' : p?.hushed ? 'may not speak there' : p?.muted ? 'muted' : '', p?.screen ? 'shares a screen' : '', where].filter(Boolean).join(' · ');
      if (note.textContent !== text) note.textContent = text;
      row.classList.toggle('far', d === null || d >= range || p?.beyond !== undefined);
      row.classList.toggle('speaking', this.session.speaking.has(id));
    }
  }

  /** @param {import('../earshot.js').Participant} p @returns {HTMLLIElement} */
  row(p) {
    const row = entry(p.id, p.name), note = /** @type {HTMLElement} */ (row.querySelector('small'));
    const block = button('act', `Block ${p.name}: neither hears or sees the other`, icon('block'));
    block.onclick = () => {
      this.settings.setBlock(p.id, p.name);
      this.session.setBlocked(p.id, true);
    };
    const report = button('act', `Report ${p.name} to moderators`, icon('flag')), acts = document.createElement('span');
    report.onclick = () => this.onReport({ id: p.id, name: p.name });
    acts.className = 'acts';
    if (p.kind === 'person') acts.append(this.friend(p));
    acts.append(report, block);
    row.append(acts);
    if (!p.beyond) row.append(this.volume(p)); // nobody beyond is heard
    this.rows.set(p.id, { row, note });
    return row;
  }

  /** @param {import('../earshot.js').Participant} p @returns {HTMLButtonElement} */
  friend(p) {
    const on = this.friends.has(p.id), heart = button(on ? 'act friend' : 'act', on ? `${p.name} is a friend: undo` : `Have ${p.name} as a friend`, icon('heart'));
    heart.setAttribute('aria-pressed', String(on));
    heart.onclick = () => this.friends.set(p.id, p.name, !on);
    return heart;
  }

  /** @param {import('../earshot.js').Participant} p @returns {HTMLElement} */
  volume(p) {
    const box = document.createElement('label'), range = document.createElement('input'), value = document.createElement('span');
    box.className = 'volume';
    Object.assign(range, { type: 'range', min: '-30', max: '12', step: '1', value: String(this.settings.gains.get(p.id) ?? 0) });
    range.setAttribute('aria-label', `Volume of ${p.name}`);
    const show = () => {
      const db = Number(range.value);
      value.textContent = db <= -30 ? 'silent' : `${db > 0 ? '+' : ''}${db} dB`;
    };
    range.oninput = show;
    range.onchange = () => {
      const db = Number(range.value) <= -30 ? -60 : Number(range.value);
      this.settings.setGain(p.id, db);
      this.session.setGain(p.id, db);
    };
    range.ondblclick = () => { range.value = '0'; range.oninput?.(new Event('input')); range.onchange?.(new Event('change')); };
    show();
    box.append(icon('volume'), range, value);
    return box;
  }

  /** @param {string} id @param {string} name @returns {HTMLLIElement} */
  blockedRow(id, name) {
    const row = entry(id, name);
    row.classList.add('blocked');
    /** @type {HTMLElement} */ (row.querySelector('small')).textContent = 'blocked';
    const undo = button('act text', `Unblock ${name}`);
    undo.textContent = 'Unblock';
    undo.onclick = () => {
      this.settings.setBlock(id, null);
      this.session.setBlocked(id, false);
    };
    row.append(undo);
    return row;
  }
}

/** A row of a list of people. @param {string} id @param {string} name @returns {HTMLLIElement} */
export function entry(id, name) {
  const row = document.createElement('li'), dot = document.createElement('span'), who = document.createElement('div');
  const b = document.createElement('b'), small = document.createElement('small');
  row.style.setProperty('--hue', hueOf(id).toFixed(0));
  dot.className = 'dot';
  dot.textContent = [...name][0]?.toUpperCase() ?? '?';
  dot.setAttribute('aria-hidden', 'true');
  who.className = 'who';
  b.textContent = name;
  who.append(b, small);
  row.append(dot, who);
  return row;
}

/** @param {string} className @param {string} label @param {...Node} inside @returns {HTMLButtonElement} */
export function button(className, label, ...inside) {
  const b = document.createElement('button');
  b.className = className;
  b.title = label;
  b.setAttribute('aria-label', label);
  b.append(...inside);
  return b;
}
