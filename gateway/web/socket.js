/**
 * The WebSocket twin of the control and pose channels, for those who bring no
 * media (PROTOCOL.md section 2).
 * @module
 */
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

/** @implements {Link} */
export class SocketLink {
  /** @type {WebSocket|null} */
  #socket = null;
  #closed = false;

  /**
   * @param {string} base URL of the server
   * @param {LinkHandlers} handlers
   */
  constructor(base, handlers) {
    this.base = base;
    this.handlers = handlers;
  }

  /**
   * Opens the socket and presents the token.
   * @param {string} token
   */
  connect(token) {
    const url = new URL('v1/control', this.base);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify(signal.join(token)));
      this.handlers.onState('connected');
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.handlers.onControl(data);
      else this.handlers.onPose(data);
    };
    socket.onclose = () => {
      if (this.#closed) return;
      this.#closed = true;
      this.handlers.onLost(new signal.EarshotError('unavailable', `the connection to ${url.host} was closed`, { reconnect: true }));
    };
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
    this.#socket?.close();
  }
}
