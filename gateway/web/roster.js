/**
 * What a client knows of the others: who is here, near, talking, muted, blocked,
 * how loud they shall be, where they are, who is in which slot, and how the NPCs
 * are. Kept up to date by the server's messages. Pure: messages in, state out; no network.
 * @module
 */
import { PoseReceiver } from './pose.js';

/**
 * @import * as signal from './signal.js'
 * @typedef {import('./signal.js').Participant} Participant
 * @typedef {import('./signal.js').Slot} Slot
 * @typedef {signal.Joined|signal.Left|signal.Near|signal.Slots|signal.Audio|signal.Audible|signal.Speaking
 *   |signal.Muted|signal.Renamed|signal.Published|signal.Blocked|signal.Gained|signal.Npc} News
 * @typedef {{state: signal.NpcState, speaks: 'model'|'script', reason: string}} NpcInfo
 *   what it is doing, what it would answer with now, and for script why, in words for people
 */

export class Roster {
  /** @type {Participant|null} */ you = null;
  /** @type {Map<string, Participant>} without you */ participants = new Map();
  /** @type {Set<string>} */ near = new Set();
  /** @type {Set<string>} */ speaking = new Set();
  /** @type {signal.AudioMode} */ audioMode = 'slots';
  /** @type {Set<string>} who is in the mix, where there is one */ audible = new Set();
  /** @type {Map<string, NpcInfo>} */ npcs = new Map();
  /** @type {Set<string>} kept over reset() */ blocked;
  /** @type {Map<string, number>} personal volumes, dB; kept over reset() */ gains = new Map();
  /** @type {{voice: Slot[], video: Slot[]}} */ slots = { voice: [], video: [] };
  #poses = new PoseReceiver();

  /** @param {Iterable<string>} blocked ids */
  constructor(blocked) { this.blocked = new Set(blocked); }

  /** Forgets what belongs to one connection. */
  reset() {
    this.participants.clear();
    this.near.clear();
    this.speaking.clear();
    this.audible.clear();
    this.audioMode = 'slots';
    this.npcs.clear();
    this.slots = { voice: [], video: [] };
    this.#poses = new PoseReceiver();
  }

  /**
   * What a second connection begins with: the same people, of whom it has not told
   * yet where they are, and what was chosen about them.
   */
  successor() {
    const next = new Roster(this.blocked);
    for (const p of this.participants.values()) next.participants.set(p.id, { ...p, index: -1 });
    Object.assign(next, {
      you: this.you, near: new Set(this.near), speaking: new Set(this.speaking), audioMode: this.audioMode,
      audible: new Set(this.audible), npcs: new Map(this.npcs), gains: new Map(this.gains),
    });
    return next;
  }

  /**
   * Learns from a message. Returns it as others should be told of it: without
   * you among those who joined; null where there is nothing to tell.
   * @template {News} M
   * @param {M} m
   * @returns {M|null}
   */
  take(m) {
    switch (m.type) {
      case 'joined': {
        const participants = m.participants.filter(({ id }) => id !== this.you?.id);
        for (const p of participants) this.participants.set(p.id, p);
        return participants.length ? { ...m, participants } : null;
      }
      case 'left': this.#left(m.participant); break;
      case 'near': this.#nearChanged(m); break;
      case 'slots': this.slots = { voice: updated(this.slots.voice, m.voice), video: updated(this.slots.video, m.video) }; break;
      case 'audio': this.#heardBy(m.mode); break;
      case 'audible': this.audible = new Set(m.participants); break;
      case 'speaking': change(this.speaking, m.start, m.stop); break;
      case 'muted': this.#mark(m.participant, m.by === 'moderator' ? 'moderated' : m.by === 'zone' ? 'hushed' : 'muted', m.muted); break;
      case 'renamed': this.#rename(m.participant, m.name); break;
      case 'published': if (m.source === 'camera' || m.source === 'screen') this.#mark(m.participant, m.source, m.active); break;
      case 'blocked': change(this.blocked, m.blocked ? [m.participant] : [], m.blocked ? [] : [m.participant]); break;
      case 'npc': this.npcs.set(m.participant, { state: m.state, speaks: m.speaks, reason: m.reason }); break;
      case 'gained': this.gains.set(m.participant, m.gain_db); break;
    }
    return m;
  }

  /**
   * @param {ArrayBuffer} datagram of poses; throws where it is malformed
   * @param {number} nowMs performance.now()
   */
  takePoses(datagram, nowMs) { this.#poses.receive(datagram, nowMs); }

  /**
   * Where somebody near is, interpolated; null where it is not known.
   * @param {string} id
   * @param {number} nowMs performance.now()
   */
  poseOf(id, nowMs) {
    const p = this.participants.get(id);
    return p && this.near.has(id) ? this.#poses.pose(p.index, nowMs) : null;
  }

  /** @param {string} id */
  #left(id) {
    this.#forgetPose(id);
    this.participants.delete(id);
    this.near.delete(id);
    this.speaking.delete(id);
    this.audible.delete(id);
    this.npcs.delete(id);
  }

  /** @param {signal.AudioMode} mode */
  #heardBy(mode) {
    this.audioMode = mode;
    if (mode === 'slots') this.audible.clear();
  }

  /** @param {signal.Near} m */
  #nearChanged(m) {
    m.leave.forEach((id) => this.#forgetPose(id));
    change(this.near, m.enter, m.leave);
  }

  /**
   * An index may be somebody else's later, and where one was when last seen is
   * not where one comes back.
   * @param {string} id
   */
  #forgetPose(id) {
    const p = this.participants.get(id);
    if (p) this.#poses.forget(p.index);
  }

  /**
   * @param {string} id
   * @param {string} name
   */
  #rename(id, name) {
    const p = id === this.you?.id ? this.you : this.participants.get(id);
    if (p) p.name = name;
  }

  /**
   * @param {string} id
   * @param {'muted'|'moderated'|'hushed'|'camera'|'screen'} what
   * @param {boolean} on
   */
  #mark(id, what, on) {
    const p = id === this.you?.id ? this.you : this.participants.get(id);
    if (p) p[what] = on;
  }
}

/**
 * @param {Set<string>} set
 * @param {string[]} enter
 * @param {string[]} leave
 */
function change(set, enter, leave) {
  enter.forEach((id) => set.add(id));
  leave.forEach((id) => set.delete(id));
}

/**
 * What all slots have, in order, after some changed.
 * @param {Slot[]} all
 * @param {Slot[]} changed
 * @returns {Slot[]}
 */
function updated(all, changed) {
  const bySlot = new Map([...all, ...changed].map((s) => [s.slot, s]));
  return [...bySlot.values()].sort((a, b) => a.slot - b.slot);
}
