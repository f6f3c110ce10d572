/**
 * What is being edited: the text of one NPC, what it was, and the way back.
 * It has no DOM; views listen to it.
 * @module
 */

/**
 * @typedef {{line: number, field: string, message: string}} Problem
 * @typedef {{position: number[], yaw: number, waypoints: {position: number[], pause: number}[], speed: number}} Place
 * @typedef {'form'|'text'|'undo'|'load'} Cause who changed the text
 * @typedef {{text: string, at: number, by: string}} Step
 */

/** Edits of one place within this time are one step of undo, in ms. */
const TOGETHER_MS = 900;
const MAX_STEPS = 300;

export class Draft {
  /** @type {Step[]} */ #past = [];
  /** @type {Step[]} */ #future = [];
  /** @type {Set<(cause: Cause) => void>} */ #listeners = new Set();

  /**
   * @param {{id: string, world: string, yaml: string, version: number, place: Place|null}} saved as the server has it; version 0 is new
   */
  constructor(saved) {
    this.id = saved.id;
    this.world = saved.world;
    this.version = saved.version;
    this.base = saved.yaml;
    this.text = saved.yaml;
    this.basePlace = saved.place ? JSON.stringify(saved.place) : '';
    /** @type {Place|null} */ this.place = saved.place;
  }

  get placeChanged() { return this.place !== null && JSON.stringify(this.place) !== this.basePlace; }
  get dirty() { return this.text !== this.base || this.placeChanged || this.version === 0; }

  /** @param {(cause: Cause) => void} listener */
  listen(listener) { this.#listeners.add(listener); }

  /**
   * @param {string} text
   * @param {Cause} cause
   * @param {string} [by] what is edited: edits of one thing go back together
   * @param {number} [now] ms
   */
  change(text, cause, by = cause, now = Date.now()) {
    if (text === this.text) return;
    const last = this.#past.at(-1);
    if (!last || last.by !== by || now - last.at > TOGETHER_MS) {
      this.#past.push({ text: this.text, at: now, by });
      if (this.#past.length > MAX_STEPS) this.#past.shift();
    } else last.at = now;
    this.#future = [];
    this.text = text;
    this.#tell(cause);
  }

  /** @param {Place} place */
  setPlace(place) {
    this.place = place;
    this.#tell('form');
  }

  /** @returns {boolean} whether there was something to take back */
  undo() { return this.#step(this.#past, this.#future); }

  /** @returns {boolean} */
  redo() { return this.#step(this.#future, this.#past); }

  /** @param {Step[]} from @param {Step[]} to */
  #step(from, to) {
    const step = from.pop();
    if (!step) return false;
    to.push({ text: this.text, at: 0, by: '' });
    this.text = step.text;
    this.#tell('undo');
    return true;
  }

  /**
   * The server has this version now; what was typed since stays.
   * @param {number} version
   * @param {string} yaml
   * @param {Place|null} place
   */
  saved(version, yaml, place) {
    this.version = version;
    this.base = yaml;
    this.basePlace = place ? JSON.stringify(place) : '';
    this.#tell('load');
  }

  /** @param {Cause} cause */
  #tell(cause) { for (const listener of this.#listeners) listener(cause); }
}

const PREFIX = 'earshot.studio.draft.';

/** Drafts kept in the browser, so that a reload loses nothing. */
export class Drafts {
  /** @param {Pick<Storage, 'getItem'|'setItem'|'removeItem'|'key'|'length'>|null} store null where the browser allows none */
  constructor(store) {
    this.store = store;
    /** Whether the last draft could be kept. */ this.works = store !== null;
  }

  /** @param {Draft} draft */
  keep(draft) {
    try {
      if (!draft.dirty) this.store?.removeItem(PREFIX + draft.id);
      else this.store?.setItem(PREFIX + draft.id, JSON.stringify({ world: draft.world, yaml: draft.text, place: draft.placeChanged || !draft.version ? draft.place : null, version: draft.version, at: Date.now() }));
      this.works = this.store !== null;
    } catch {
      this.works = false;
    }
  }

  /**
   * @param {string} id
   * @returns {{world: string, yaml: string, place: Place|null, version: number, at: number}|null}
   */
  find(id) {
    try {
      const found = JSON.parse(this.store?.getItem(PREFIX + id) ?? 'null');
      return typeof found?.yaml === 'string' && typeof found?.version === 'number' ? found : null;
    } catch {
      return null;
    }
  }

  /** Those that were never applied. @returns {{id: string, world: string, yaml: string, version: number}[]} */
  fresh() {
    try {
      const ids = Array.from({ length: this.store?.length ?? 0 }, (_, i) => this.store?.key(i) ?? '').filter((k) => k.startsWith(PREFIX)).map((k) => k.slice(PREFIX.length));
      return ids.sort().flatMap((id) => { const d = this.find(id); return d?.version === 0 ? [{ id, ...d }] : []; });
    } catch {
      return [];
    }
  }

  /** @param {string} id */
  forget(id) {
    try { this.store?.removeItem(PREFIX + id); } catch { /* then it was never there */ }
  }
}
