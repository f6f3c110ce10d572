/**
 * What the page remembers on this machine. Every read tolerates a full,
 * forbidden or damaged store: then it is as if nothing was remembered.
 * @module
 */

const PREFIX = 'earshot.';

/** @template T @param {string} key @param {T} fallback @returns {T} */
function read(key, fallback) {
  try {
    return /** @type {T} */ (JSON.parse(localStorage.getItem(PREFIX + key) ?? 'null') ?? fallback);
  } catch {
    return fallback;
  }
}

/** @param {string} key @param {unknown} value */
function write(key, value) {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch { /* private mode or full: the page works without */ }
}

export class Settings {
  constructor() {
    this.name = read('name', '');
    this.device = read('device', '');
    this.helped = read('helped', false);
    /** Whether an NPC may stand in while away, and what it should know. */
    this.standIn = { allowed: false, text: '', ...read('standin', {}) };
    /** Whether people who come closer than so many metres fade. */
    this.space = { on: false, metres: 0.6, ...read('space', {}) };
    /** Whether voices come as one mix. */
    this.mix = read('mix', false);
    /** Whether one was told that voices are judged here. @type {string[]} worlds */
    this.toldOfVoice = read('voice-told', []);
    /** Blocked participants: id to the name they had. @type {Map<string, string>} */
    this.blocks = new Map(Object.entries(read('blocks', /** @type {Record<string, string>} */ ({}))));
    /** Friends: id to the name they had. @type {Map<string, string>} */
    this.friends = new Map(Object.entries(read('friends', /** @type {Record<string, string>} */ ({}))));
    /** Personal volumes: id to dB. @type {Map<string, number>} */
    this.gains = new Map(Object.entries(read('gains', /** @type {Record<string, number>} */ ({}))));
    this.sub = read('sub', '') || newSubject();
    write('sub', this.sub);
  }

  /** @param {string} name */
  setName(name) {
    write('name', this.name = name);
  }

  /** @param {string} id of an audio input */
  setDevice(id) {
    write('device', this.device = id);
  }

  /** @param {{allowed: boolean, text: string}} standIn */
  setStandIn(standIn) {
    write('standin', this.standIn = standIn);
  }

  /** @param {{on: boolean, metres: number}} space */
  setSpace(space) {
    write('space', this.space = space);
  }

  /** @param {boolean} on */
  setMix(on) {
    write('mix', this.mix = on);
  }

  /** @param {string} world */
  setToldOfVoice(world) {
    write('voice-told', this.toldOfVoice = [...this.toldOfVoice, world]);
  }

  setHelped() {
    write('helped', this.helped = true);
  }

  /** @param {string} id @param {string | null} name null: no longer */
  setFriend(id, name) {
    if (name === null) this.friends.delete(id);
    else this.friends.set(id, name);
    write('friends', Object.fromEntries(this.friends));
  }

  /** @param {string} id @param {string | null} name null takes the block back */
  setBlock(id, name) {
    if (name === null) this.blocks.delete(id);
    else this.blocks.set(id, name);
    write('blocks', Object.fromEntries(this.blocks));
  }

  /** @param {string} id @param {number} db 0 forgets it */
  setGain(id, db) {
    if (db === 0) this.gains.delete(id);
    else this.gains.set(id, db);
    write('gains', Object.fromEntries(this.gains));
  }
}

/** A random name for this browser, so that a reload is the same participant. @returns {string} */
function newSubject() {
  return 'web-' + Array.from(crypto.getRandomValues(new Uint8Array(9)), (b) => b.toString(36).padStart(2, '0')).join('');
}
