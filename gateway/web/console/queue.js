/**
 * The incidents of the console in order: open ones by how grave they are, all by
 * when they were. Pure: news in, rows out.
 * @module
 */

/** @typedef {import('./api.js').Incident} Incident */

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
    return rows.sort(this.show === 'all' ? newest : (a, b) => b.severity - a.severity || newest(a, b));
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
    return (!this.world || i.world === this.world) && (this.show === 'all' || (i.state === 'open' && !this.held.has(i.id)));
  }
}
