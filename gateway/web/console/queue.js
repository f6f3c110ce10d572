/**
 * The incidents of the console in order: those that wait for a person by how
 * grave they are, below them what the machine decided and nobody has looked at;
 * or all by when they were. Pure: news in, rows out.
 * @module
 */
import { judgeable } from './words.js';

/** @typedef {import('./api.js').Incident} Incident */

/** So many of those that the machine decided are shown. */
const UNSEEN = 60;

export class Queue {
  /** @type {Map<string, Incident>} */ incidents = new Map();
  /** @type {'open'|'all'} */ show = 'open';
  world = '';
  /** @type {Set<string>} judged here, not yet told to the server */ held = new Set();

  /** @param {Incident[]} incidents */
  load(incidents) { for (const i of incidents) this.incidents.set(i.id, i); }

  /** What changed. @param {Incident} incident @returns {boolean} whether it is a new one that is shown */
  take(incident) {
    const known = this.incidents.has(incident.id);
    this.incidents.set(incident.id, { ...this.incidents.get(incident.id), ...incident });
    return !known && this.#shown(incident);
  }

  /** @returns {Incident[]} what is shown, in order */
  rows() {
    const rows = [...this.incidents.values()].filter((i) => this.#shown(i));
    const newest = (/** @type {Incident} */ a, /** @type {Incident} */ b) => Date.parse(b.at) - Date.parse(a.at) || (a.id < b.id ? 1 : -1);
    if (this.show === 'all') return rows.sort(newest);
    const waits = (/** @type {Incident} */ i) => i.state === 'open';
    return [...rows.filter(waits).sort((a, b) => b.severity - a.severity || newest(a, b)), ...rows.filter((i) => !waits(i)).sort(newest).slice(0, UNSEEN)];
  }

  /**
   * Which one to show after another: the one below it, else the one above.
   * @param {string} id that is about to go or is shown now
   * @param {1|-1} [way]
   * @returns {string} '' where there is no other
   */
  after(id, way = 1) {
    const ids = this.rows().map((i) => i.id), at = ids.indexOf(id);
    if (at < 0) return ids[0] ?? '';
    return ids[at + way] ?? ids[at - way] ?? '';
  }

  /** @param {Incident} i */
  #shown(i) {
    return (!this.world || i.world === this.world) && (this.show === 'all' || (judgeable(i) && !this.held.has(i.id)));
  }
}
