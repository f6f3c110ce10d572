/**
 * The connection of an Earshot from joining to its end, and what comes in by it
 * meanwhile. It may be joined again and again; blocks, volumes and what was chosen
 * stay. What goes out is the business of lines.js, a second connection during a
 * handoff that of handoff.js.
 *
 * It writes the public state of its Earshot, which is the interface for others.
 * @module
 */
import { Choices } from './choices.js';
import { Handoff } from './handoff.js';
import { IceServers } from './ice.js';
import { Lines } from './lines.js';
import { MediaLink } from './media.js';
import { Pending } from './pending.js';
import { Roster } from './roster.js';
import { Safety } from './safety.js';
import * as signal from './signal.js';
import { SocketLink } from './socket.js';
import { Upkeep } from './upkeep.js';

/**
 * @import {Earshot} from './earshot.js'
 * @import {Events, State} from './events.js'
 * @typedef {<K extends keyof Events>(type: K, detail: Events[K]) => void} Emit
 * @typedef {{resolve: (w: signal.Welcome) => void, reject: (e: Error) => void}} Joining until we are welcomed, or have left
 */

const JOIN_TIMEOUT_MS = 20_000;

export class Connection {
  /** @type {Roster} */ roster;
  choices = new Choices();
  forgetting = new Pending('forget');
  safety = new Safety((message) => this.lines.say(message));
  /** @type {Handoff} */ handoff = new Handoff({
    link: () => this.lines.media,
    goOver: (link, roster, m) => this.#goOver(link, roster, m),
    roster: () => this.roster, tell: (told) => this.#tell(told), take: (m) => this.#take(m),
    changed: (phase) => this.emit('handoff', { phase }),
  });
  /** @type {Lines} */ lines = new Lines(this.handoff);
  upkeep = this.#newUpkeep();
  #ice = new IceServers(() => this.of.nodes.url, () => this.of.token);
  /** @type {Joining|null} */ #joining = null;
  #onPageHide = () => this.end();

  /**
   * @param {Earshot} of
   * @param {Iterable<string>} blocks ids
   * @param {Emit} emit tells those who listen to it
   */
  constructor(of, blocks, emit) {
    this.of = of;
    this.emit = emit;
    this.roster = new Roster(blocks);
  }

  /**
   * Joins; resolves when we are welcomed and have asked for voices and poses.
   * @param {MediaStreamTrack|null} microphone
   * @param {import('./e2ee.js').E2eeOptions|null} e2ee
   * @returns {Promise<signal.Welcome>}
   */
  async join(microphone, e2ee) {
    this.roster.reset();
    this.upkeep = this.#newUpkeep();
    this.lines.reset();
    this.lines.microphone = microphone;
    this.#setState('connecting');
    /** @type {Promise<signal.Welcome>} */
    const welcomed = new Promise((resolve, reject) => { this.#joining = { resolve, reject }; });
    const joining = this.#joining;
    const timeout = setTimeout(() => this.end(new signal.EarshotError('deadline_exceeded', 'the server did not welcome us in time', { reconnect: true })), JOIN_TIMEOUT_MS);
    try {
      await Promise.race([this.#connect(e2ee, joining), welcomed]); // so that a failure of either shows at once
      return await welcomed;
    } catch (error) {
      welcomed.catch(() => { /* it is the error we throw, or follows from it */ });
      if (this.#joining === joining) this.end(signal.EarshotError.from(error)); // else we left, and may be joining again
      throw signal.EarshotError.from(error);
    } finally {
      clearTimeout(timeout);
    }
  }

  /** @param {import('./e2ee.js').E2eeOptions|null} e2ee @param {Joining|null} joining this one */
  async #connect(e2ee, joining) {
    /** @type {import('./socket.js').LinkHandlers} */
    const handlers = {
      onControl: (text) => this.#receive(text),
      onPose: (datagram) => this.#receivePoses(datagram),
      onState: (state) => this.#follow(state),
      onLost: (error) => this.end(error),
    };
    globalThis.addEventListener?.('pagehide', this.#onPageHide);
    if (!this.of.media) {
      const link = new SocketLink(this.of.nodes, handlers, () => this.upkeep.probe());
      this.lines.link = link;
      link.connect(this.of.token);
      return;
    }
    const encryption = await this.of.e2ee.prepare(e2ee, this.of.videoCodec);
    if (this.#joining !== joining) return; // left meanwhile
    const { nodes, voiceSlots, videoSlots, videoCodec } = this.of;
    const link = new MediaLink({ nodes, token: () => this.of.token, ice: this.#ice, probe: () => this.upkeep.probe(), voiceSlots, videoSlots, videoCodec, encryption }, handlers);
    this.lines.link = link;
    await link.connect(this.lines.voice);
  }

  /** @param {'connected'|'reconnecting'} state */
  #follow(state) {
    // Connected means welcomed: until then the world is not known.
    if (this.#joining || this.of.state === 'closed') return;
    this.#setState(state);
  }

  /** @param {string} text */
  #receive(text) {
    /** @type {signal.ServerMessage|null} */
    let message;
    try {
      message = signal.parse(text);
    } catch (error) {
      this.emit('error', signal.EarshotError.from(error));
      return;
    }
    if (message) this.#take(message);
  }

  /** @param {signal.ServerMessage} m */
  #take(m) {
    switch (m.type) {
      case 'welcome': return this.#welcomed(m);
      case 'chat': return this.emit('chat', m);
      case 'caption': return this.emit('caption', m);
      case 'act': return this.emit('act', m);
      case 'data': return this.emit('data', m);
      case 'recording': this.of.recording = m.active ? m : null; return this.emit('recording', m);
      case 'world': this.of.world = m.world; return this.emit('world', m);
      case 'forgotten': return this.forgetting.resolve();
      case 'retract': case 'order': case 'reported': case 'appealed': return this.#tell(this.safety.take(m));
      case 'layers': return void this.lines.media?.want(m.source, m);
      case 'token': return this.#renewed(m);
      case 'pong': return this.#answered(m);
      case 'error': return this.#refused(m);
      case 'invite': return void this.handoff.invited(m, this.lines.voice);
      case 'bye': return this.#bye(m);
      default: return this.#tell(this.handoff.take(m));
    }
  }

  /** @param {signal.Welcome} m */
  #welcomed(m) {
    if (m.protocol !== signal.VERSION) {
      this.end(new signal.EarshotError('unimplemented', `the server speaks version ${m.protocol} of the protocol, this page version ${signal.VERSION}: reload it`));
      return;
    }
    const deaf = this.of.e2ee.welcomed(m);
    if (deaf) return this.end(deaf);
    Object.assign(this.of, { spawn: m.spawn, recording: null });
    this.#settle(m);
    this.#setState('connected');
    this.emit('welcome', m);
    this.#sayReady();
    this.upkeep.start(m);
    this.#joining?.resolve(m);
    this.#joining = null;
  }

  /** @param {signal.Welcome} m */
  #settle(m) {
    this.of.nodes.welcomed(m);
    Object.assign(this.of, { session: m.session, instance: m.instance, world: m.world });
    this.roster.you = m.you;
  }

  /**
   * We are on another node, where most of what we said holds already.
   * @param {MediaLink} link
   * @param {Roster} roster
   * @param {signal.Welcome} m
   */
  #goOver(link, roster, m) {
    [this.lines.link, this.roster] = [link, roster];
    this.of.nodes.sent({ url: link.options.nodes.url, instance: m.instance }, performance.now());
    this.#settle(m);
    this.#sayReady();
    this.lines.say(signal.mute(this.of.muted));
    this.lines.announce();
    this.upkeep.stop();
    this.upkeep = this.#newUpkeep();
    this.upkeep.start(m);
  }

  #sayReady() {
    for (const message of this.choices.greeting(this.of, this.handoff.old !== null)) this.lines.say(message);
  }

  /** @param {import('./roster.js').News|signal.Order|signal.Reported|signal.Retract|null} told */
  #tell(told) {
    if (!told) return;
    this.of.e2ee.follow(told, this.roster);
    this.emit(told.type, told);
  }

  /** @param {ArrayBuffer} datagram */
  #receivePoses(datagram) {
    try {
      this.roster.takePoses(datagram, performance.now());
    } catch (error) {
      this.emit('error', new signal.EarshotError('invalid_argument', 'the server sent a malformed pose', { cause: error }));
    }
  }

  /** @param {signal.ErrorMessage} m */
  #refused(m) {
    const error = new signal.EarshotError(m.code, m.message, { ref: m.ref });
    if (this.#joining) return this.end(error);
    if (this.forgetting.refused(error) || this.safety.refused(error)) return;
    this.emit('error', error);
  }

  /** @param {signal.Bye} m */
  #bye(m) {
    this.emit('bye', m);
    this.of.nodes.sent(m, performance.now());
    this.lines.close(false);
    this.end(new signal.EarshotError(m.code, m.message, { reconnect: m.reconnect, told: true }));
  }

  /** @param {signal.Pong} m */
  #answered(m) {
    this.upkeep.pong(m);
    if (m.alternates) this.of.nodes.told(m.alternates);
  }

  /** @param {signal.Token} m */
  #renewed(m) {
    this.of.token = m.token;
    this.upkeep.renewed(m.expires);
  }

  /** @param {State} state @param {signal.EarshotError} [error] */
  #setState(state, error) {
    if (state === this.of.state) return;
    this.of.state = state;
    this.emit('state', error ? { state, error } : { state });
  }

  /**
   * Ends the connection; error is why, unless we wanted it.
   * @param {signal.EarshotError} [error]
   */
  end(error) {
    if (this.of.state === 'closed') return;
    if (error) this.#learn(error);
    this.handoff.end();
    this.lines.close(true);
    this.of.e2ee.end();
    this.upkeep.stop();
    globalThis.removeEventListener?.('pagehide', this.#onPageHide);
    this.#joining?.reject(error ?? new signal.EarshotError('canceled', 'you left while joining'));
    this.#joining = null;
    const unanswered = error ?? new signal.EarshotError('canceled', 'you left before it was done');
    this.forgetting.reject(unanswered);
    this.safety.end(unanswered);
    this.#setState('closed', error);
  }

  /**
   * What an end says of the node: that it fell silent, where it had us.
   * @param {signal.EarshotError} error
   */
  #learn(error) {
    const { nodes } = this.of;
    if (!this.#joining && error.code === 'unavailable' && !error.told) nodes.fell(performance.now());
    else nodes.failed(error);
  }

  #newUpkeep() { return new Upkeep((message) => this.lines.say(message), () => this.of.token); }

}
