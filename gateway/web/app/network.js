/**
 * The network panel: how the connection does and who is in the voice slots, and why.
 * @module
 */
import { el } from './ui.js';

/** @typedef {import('../earshot.js').Earshot} Earshot */

/** Level of a talker from whom nothing comes, dBov (RFC 6464). */
const SILENT = -127;

export class NetworkPanel {
  /** @param {Earshot} session @param {() => {name: string, fps: number}} picture what the renderer does */
  constructor(session, picture) {
    this.session = session;
    this.picture = picture;
    this.figures = el('network-figures');
    this.slots = el('network-slots');
    /** @type {Map<string, import('../stats.js').Reception>} how each slot comes, by mid */ this.receptions = new Map();
    /** @type {ReturnType<typeof setInterval> | undefined} */ this.timer = undefined;
  }

  /** Measures only while somebody looks. @param {boolean} on */
  watch(on) {
    clearInterval(this.timer);
    if (this.session.state !== 'connected') return;
    this.session.watchStats(on);
    if (!on) return;
    this.timer = setInterval(() => this.refresh(), 1000);
    this.refresh();
    this.showSlots();
  }

  async refresh() {
    if (this.session.state !== 'connected') return;
    const s = await this.session.stats(), p = this.picture();
    this.receptions = await this.session.receptions();
    this.showSlots();
    const rows = [
      ['round trip', `${s.rttMs.toFixed(0)}`, 'ms'], ['loss', s.lossPercent.toFixed(1), '%'],
      ['up', s.upKbps.toFixed(0), 'kbit/s'], ['down', s.downKbps.toFixed(0), 'kbit/s'],
      ['people near', String(this.session.near.size), ''], ['voices', ...voices(this.session)],
      ['picture', p.fps.toFixed(0), 'fps'], ['quality', p.name, ''],
    ];
    this.figures.replaceChildren(...rows.map(([name, value, unit]) => {
      const box = document.createElement('div'), dt = document.createElement('dt'), dd = document.createElement('dd'), small = document.createElement('small');
      dt.textContent = name;
      small.textContent = unit;
      dd.append(value, unit ? ' ' : '', small);
      box.append(dt, dd);
      return box;
    }));
  }

  /** Call when slots have changed. */
  showSlots() {
    if (el('network').hidden) return;
    const used = this.session.slots.voice.filter((s) => s.participant).sort((a, b) => (b.why?.score_db ?? -999) - (a.why?.score_db ?? -999));
    if (!used.length) {
      const row = document.createElement('tr'), cell = document.createElement('td');
      cell.colSpan = 8;
      cell.className = 'idle';
      const names = [...this.session.audible].map((id) => this.session.participants.get(id)?.name ?? id);
      cell.textContent = this.session.audioMode === 'slots' ? 'All slots are free: nobody in earshot speaks.'
        : `Mixed on the server for your ears: ${names.length ? names.join(', ') : 'nobody speaks'}.`;
      row.append(cell);
      this.slots.replaceChildren(row);
      return;
    }
    this.slots.replaceChildren(...used.map((s) => {
      const w = s.why, name = this.session.participants.get(s.participant ?? '')?.name ?? s.participant ?? '';
      const silent = (w?.level_db ?? SILENT) <= SILENT, db = (/** @type {number | undefined} */ v) => v === undefined ? '–' : v.toFixed(0);
      const came = this.receptions.get(s.mid);
      return line([name, w ? `${w.distance.toFixed(1)}` : '–', db(w?.gain_db), silent ? 'silent' : db(w?.level_db), silent ? '–' : db(w?.score_db), w ? String(w.packets) : '–',
        came ? came.lossPercent.toFixed(1) : '–', came ? came.jitterMs.toFixed(0) : '–']);
    }));
  }
}

/** @param {string[]} cells @returns {HTMLTableRowElement} */
function line(cells) {
  const row = document.createElement('tr');
  for (const text of cells) row.insertCell().textContent = text;
  return row;
}

/** @param {import('../earshot.js').Earshot} session @returns {[string, string]} how many voices come, and of how many or as what */
function voices({ audioMode, audible, slots: { voice } }) {
  if (audioMode === 'binaural') return [String(audible.size), 'in one mix'];
  return [String(voice.filter((v) => v.participant).length), `of ${voice.length}`];
}
