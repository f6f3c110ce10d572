/**
 * Going over to another node without a gap: a second connection is opened while
 * the first goes on, and the first ends when everybody else has come over, too
 * (PROTOCOL.md section 2, Handoff). In between a pair of people is carried by one
 * of the two, so both are played; who is on both is where the new one says.
 *
 * Who encrypts end to end does not follow: their keys are of one connection. They
 * stay until they are told to join at the other node, as those do whose second
 * connection does not come about.
 * @module
 */
import { MediaLink } from './media.js';
import { nodesOf } from './nodes.js';
import * as signal from './signal.js';

/**
 * @import {Roster, News} from './roster.js'
 * @import {LinkHandlers} from './socket.js'
 * @typedef {object} Host what an Earshot lets a handoff do
 * @property {() => MediaLink|null} link the present connection, if it has media
 * @property {(link: MediaLink, roster: Roster, m: signal.Welcome) => void} goOver makes link the present one
 * @property {() => Roster} roster of the present connection
 * @property {(told: News) => void} tell what is new about others
 * @property {(m: signal.ServerMessage) => void} take a message that is the same whichever node says it
 * @property {(phase: 'begun'|'slots'|'over') => void} changed
 */

/** Of these there is one, whichever node tells it: the old one, which all who are on both hear. */
const RELAYED = new Set(['chat', 'retract', 'data']);

export class Handoff {
  /** @type {MediaLink|null} on its way up */ #next = null;
  /** @type {Old|null} */ #old = null;

  /**
   * @param {Host} host
   * @param {(options: MediaLink['options'], handlers: LinkHandlers) => MediaLink} [open] makes a connection
   */
  constructor(host, open = (options, handlers) => new MediaLink(options, handlers)) {
    this.host = host;
    this.open = open;
  }

  /** What is still heard by the connection before, as audio.js takes it; null: nothing. */
  get old() { return this.#old; }

  /** All connections but the present one. */
  get others() { return [this.#next, this.#old?.link].filter((link) => link != null); }

  /** Where chat goes: by the old connection everybody is reached. */
  get chatLink() { return this.#old?.link ?? null; }

  /**
   * Opens the second connection.
   * @param {signal.Invite} m
   * @param {MediaStreamTrack|null} microphone
   */
  async invited(m, microphone) {
    const present = this.host.link();
    if (!present || this.#next || this.#old || present.options.encryption) return;
    /** @type {MediaLink} */
    const next = this.open({ ...present.options, nodes: nodesOf(m, present.options.nodes.url) }, this.#ofNext(() => next));
    this.#next = next;
    try {
      await next.connect(microphone);
      for (const source of /** @type {const} */ (['camera', 'screen'])) {
        const track = present.track(source);
        if (track) await next.send(source, track);
      }
    } catch { // we stay, and are told in time where to join
      next.close(true);
      if (this.#next === next) this.#next = null;
    }
  }

  /**
   * A message about others by the present connection.
   * @param {News} m
   * @returns {News|null} what is to be told of it
   */
  take(m) { return this.#old ? this.#old.takeNew(m) : this.host.roster().take(m); }

  /**
   * @param {string} id
   * @param {number} nowMs performance.now()
   */
  poseOf(id, nowMs) { return this.#old ? this.#old.poseBoth(id, nowMs) : this.host.roster().poseOf(id, nowMs); }

  /** Ends all but the present connection. */
  end() {
    this.#next?.close(true);
    this.#next = null;
    this.#old?.link.close(true);
    this.#old = null;
  }

  /**
   * What the second connection brings until it is ours.
   * @param {() => MediaLink} next
   * @returns {LinkHandlers}
   */
  #ofNext(next) {
    return {
      onControl: (text) => this.#byNext(read(text), next()),
      onPose: () => { /* none come before ready */ },
      onState: () => { /* welcome says it */ },
      onLost: () => { this.#next = null; },
    };
  }

  /**
   * What the first one brings from then on.
   * @param {Old} old
   * @returns {LinkHandlers}
   */
  #ofOld(old) {
    return {
      onControl: (text) => this.#byOld(read(text), old),
      onPose: (datagram) => old.takePoses(datagram),
      onState: () => { /* of no concern while another works */ },
      onLost: () => this.#release(old),
    };
  }

  /** @param {signal.ServerMessage|null} m @param {MediaLink} next */
  #byNext(m, next) {
    const link = this.host.link();
    if (m?.type === 'welcome' && m.protocol === signal.VERSION && link) {
      const before = this.host.roster(), roster = before.successor();
      const old = new Old(link, before, roster);
      [this.#next, this.#old] = [null, old];
      [next.handlers, link.handlers] = [link.handlers, this.#ofOld(old)];
      this.host.goOver(next, roster, m);
      this.host.changed('begun');
    } else if (m?.type === 'bye' || m?.type === 'welcome') {
      this.#next = null;
      next.close(m.type === 'welcome');
    }
  }

  /** @param {signal.ServerMessage|null} m @param {Old} old */
  #byOld(m, old) {
    if (!m || this.#old !== old) return;
    if (m.type === 'bye') return this.#release(old);
    if (m.type === 'layers') return void old.link.want(m.source, m);
    if (RELAYED.has(m.type)) return this.host.take(m);
    if (m.type === 'caption' || m.type === 'act') return old.here.has(m.participant) ? undefined : this.host.take(m);
    const told = old.takeOld(m);
    if (told) this.host.tell(told);
    if (m.type === 'slots') this.host.changed('slots');
  }

  /** The old connection has ended, and with it whoever was there alone. @param {Old} old */
  #release(old) {
    if (this.#old !== old) return;
    this.#old = null;
    old.link.close(false);
    for (const participant of old.missing()) {
      const told = this.host.roster().take({ type: 'left', participant, reason: 'moved' });
      if (told) this.host.tell(told);
    }
    this.host.changed('over');
  }
}

/** What is still told and heard by the connection before. */
export class Old {
  /** @type {Set<string>} of whom the new node has told */ here = new Set();

  /**
   * @param {MediaLink} link
   * @param {Roster} roster as the old node has it
   * @param {Roster} present
   */
  constructor(link, roster, present) {
    this.link = link;
    this.roster = roster;
    this.present = present;
    const { probe } = link.options;
    // It is this node that is asked whether it is there.
    link.options.probe = () => { link.control(JSON.stringify(signal.ping(performance.now()))); return probe(); };
  }

  /** @param {ArrayBuffer} datagram of the old node; a malformed one is nothing */
  takePoses(datagram) {
    try {
      this.roster.takePoses(datagram, performance.now());
    } catch { /* the connection ends soon */ }
  }

  get voiceTracks() { return this.link.voiceTracks; }
  get slots() { return this.roster.slots; }
  get participants() { return this.roster.participants; }
  get gains() { return this.present.gains; }

  /** @param {string} id @param {number} nowMs */
  poseOf(id, nowMs) { return this.poseBoth(id, nowMs); }

  jitterBuffers() { return this.link.jitterBuffers(); }

  /** @param {string} id @param {number} nowMs */
  poseBoth(id, nowMs) {
    return (this.here.has(id) ? this.present.poseOf(id, nowMs) : null) ?? this.roster.poseOf(id, nowMs);
  }

  /** Who was here alone. */
  missing() { return [...this.present.participants.keys()].filter((id) => !this.here.has(id)); }

  /**
   * @param {News} m of the new node
   * @returns {News|null}
   */
  takeNew(m) {
    if (m.type !== 'joined') return this.present.take(m);
    const news = m.participants.filter(({ id }) => !this.present.participants.has(id));
    for (const { id } of m.participants) this.here.add(id);
    this.present.take(m);
    const participants = news.filter(({ id }) => id !== this.present.you?.id);
    return participants.length ? { ...m, participants } : null;
  }

  /**
   * @param {signal.ServerMessage} m of the old node
   * @returns {News|null} what is to be told of it: about who is not on the new one
   */
  takeOld(m) {
    const absent = (/** @type {string} */ id) => !this.here.has(id);
    switch (m.type) {
      case 'joined': {
        this.roster.take(m);
        const participants = m.participants.filter(({ id }) => absent(id) && id !== this.present.you?.id);
        return participants.length ? this.present.take({ ...m, participants: participants.map((p) => ({ ...p, index: -1 })) }) : null;
      }
      case 'near': {
        this.roster.take(m);
        const enter = m.enter.filter(absent), leave = m.leave.filter(absent);
        return enter.length + leave.length ? this.present.take({ ...m, enter, leave }) : null;
      }
      case 'speaking': {
        this.roster.take(m);
        const start = m.start.filter(absent), stop = m.stop.filter(absent);
        return start.length + stop.length ? this.present.take({ ...m, start, stop }) : null;
      }
      case 'slots': case 'audio': case 'audible': this.roster.take(m); return null;
      case 'left': case 'muted': case 'renamed': case 'published': case 'npc':
        this.roster.take(m);
        return absent(m.participant) && m.participant !== this.present.you?.id ? this.present.take(m) : null;
      default: return null;
    }
  }
}

/** @param {string} text @returns {signal.ServerMessage|null} null for what is none */
function read(text) {
  try {
    return signal.parse(text);
  } catch {
    return null;
  }
}
