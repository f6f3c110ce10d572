/**
 * The WebSocket twin of the control and pose channels, for those who bring no
 * media (PROTOCOL.md section 2).
 * @module
 */
import { Vigil } from './hush.js';
import { answers } from './http.js';
import * as signal from './signal.js';

/**
 * What Earshot needs of a connection; MediaLink (media.js) is the other one.
 * @typedef {object} Link
 * @property {(text: string) => void} control queues a control message
 * @property {(datagram: Uint8Array) => boolean} pose sends a datagram, or drops it and says false
 * @property {(polite: boolean) => void} close
 *
 * @typedef {object} LinkHandlers
 * @property {(text: string) => void} onControl
 * @property {(datagram: ArrayBuffer) => void} onPose
 * @property {(state: 'connected'|'reconnecting') => void} onState
 * @property {(error: signal.EarshotError) => void} onLost the connection is gone for good
 */

/** More than this is waiting: the line is too slow for poses now. */
const POSE_BACKLOG_BYTES = 16 * 1024;
/** How often it is looked whether anything comes. */
const CHECK_MS = 100;

/** @implements {Link} */
export class SocketLink {
  /** @type {WebSocket|null} */
  #socket = null;
  #closed = false;
  #vigil = new Vigil({
    probe: () => this.probe(), others: () => this.nodes.alternates, answers,
    dead: () => this.#lose(new signal.EarshotError('unavailable', 'the server has fallen silent, and others have not: join again', { reconnect: true })),
  });
  /** @type {ReturnType<typeof setInterval>|undefined} */ #checking = undefined;

  /**
   * @param {import('./nodes.js').Nodes} nodes where to join
   * @param {LinkHandlers} handlers
   * @param {() => unknown} probe sends a message that is answered
   */
  constructor(nodes, handlers, probe) {
    this.nodes = nodes;
    this.handlers = handlers;
    this.probe = probe;
  }

  /**
   * Opens the socket and presents the token.
   * @param {string} token
   */
  connect(token) {
    const url = new URL('v1/control', this.nodes.url);
    for (const [key, value] of Object.entries(this.nodes.query)) url.searchParams.set(key, value);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify(signal.join(token)));
      this.handlers.onState('connected');
    };
    socket.onmessage = ({ data }) => {
      this.#vigil.arrive();
      if (typeof data === 'string') this.handlers.onControl(data);
      else this.handlers.onPose(data);
    };
    socket.onclose = () => this.#lose(new signal.EarshotError('unavailable', `the connection to ${url.host} was closed`, { reconnect: true }));
    this.#checking = setInterval(() => this.#vigil.check(performance.now()), CHECK_MS);
  }

  /** @param {string} text */
  control(text) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** @param {Uint8Array} datagram */
  pose(datagram) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > POSE_BACKLOG_BYTES) return false;
    socket.send(/** @type {Uint8Array<ArrayBuffer>} */ (datagram));
    return true;
  }

  /** @param {boolean} polite whether to say goodbye; a socket says it by closing */
  close(polite) {
    if (polite) this.control(JSON.stringify(signal.leave()));
    this.#closed = true;
    clearInterval(this.#checking);
    this.#socket?.close();
  }

  /** @param {signal.EarshotError} error */
  #lose(error) {
    if (this.#closed) return;
    this.close(false);
    this.handlers.onLost(error);
  }
}
