/**
 * Who is near, over all instances of the world: a subscription
 * (gateway/near/NEAR.md).
 *
 *     const near = new NearSubscription({ url: () => session.nodes.url, token: () => session.token,
 *       watches: [{ id: 'all', radius: 30 }], onChange: (id, feed) => … });
 *     near.close();
 *
 * @module
 */

/**
 * @typedef {object} NearPerson
 * @property {string} participant
 * @property {string} [name]
 * @property {string} [kind]
 * @property {string} instance
 * @property {string} [url] origin of the node to join at
 * @property {boolean} here in our own instance
 * @property {[number, number, number]} position metres
 * @property {number} distance metres
 * @property {boolean} [muted]
 *
 * @typedef {{id: string, radius: number, friends?: boolean, stage?: string, at?: [number, number, number]}} NearWatch
 */

/** Pauses before a lost connection is tried again, ms. */
const RETRY = [1000, 2000, 5000, 15_000];
/** Without a word for so long the connection is dead: the server says something every 5 s. */
const SILENCE_MS = 20_000;
/** What trying again does not help. */
const FINAL = new Set(['permission_denied', 'not_found', 'aborted', 'invalid_argument']);

/** What one watch was told. */
export class NearFeed {
  /** @type {Map<string, NearPerson>} by participant */ people = new Map();
  /** The number of the last message. */ seq = 0;
  /** Whether that is everybody. */ complete = false;

  /**
   * Takes a snapshot or delta in. False: one before it is missing, ask for a
   * snapshot.
   * @param {any} m
   */
  apply(m) {
    if (m.type === 'snapshot') this.people.clear();
    else if (m.seq !== this.seq + 1) return false;
    this.seq = m.seq;
    this.complete = m.complete;
    for (const p of [...(m.people ?? []), ...(m.came ?? []), ...(m.moved ?? [])]) this.people.set(p.participant, p);
    for (const id of m.went ?? []) this.people.delete(id);
    return true;
  }

  /** The nearest first. */
  list() { return [...this.people.values()].sort((a, b) => a.distance - b.distance); }
}

export class NearSubscription {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Map<string, NearFeed>} */ #feeds = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer = undefined;
  #tries = 0;
  #closed = false;

  /**
   * @param {{url: () => string, token: () => string, watches: NearWatch[], onChange: (id: string, feed: NearFeed) => void,
   *   onError?: (error: {code: string, message: string, id?: string}) => void}} options url of the
   *   server and token are asked at each connection
   */
  constructor({ url, token, watches, onChange, onError = () => {} }) {
    this.url = url;
    this.token = token;
    this.watches = watches;
    this.onChange = onChange;
    this.onError = onError;
    this.#connect();
  }

  /** Ends it for good. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #connect() {
    const url = new URL('v1/presence/subscribe', this.url());
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = this.#socket = new WebSocket(url);
    this.#feeds = new Map(this.watches.map((w) => [w.id, new NearFeed()]));
    socket.onopen = () => {
      this.#say({ type: 'auth', token: this.token() });
      for (const w of this.watches) this.#say({ type: 'watch', ...w });
      this.#alive();
    };
    socket.onmessage = ({ data }) => { if (typeof data === 'string') this.#hear(JSON.parse(data)); };
    socket.onclose = () => this.#again();
  }

  /** @param {object} message */
  #say(message) { if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message)); }

  /** @param {any} m */
  #hear(m) {
    this.#alive();
    const feed = this.#feeds.get(m.id);
    switch (m.type) {
      case 'snapshot':
      case 'delta':
        this.#tries = 0;
        if (!feed) return;
        if (feed.apply(m)) this.onChange(m.id, feed);
        else this.#say({ type: 'resync', id: m.id });
        return;
      case 'beat':
        for (const [id, seq] of Object.entries(m.seqs)) if ((this.#feeds.get(id)?.seq ?? seq) < seq) this.#say({ type: 'resync', id });
        return;
      case 'bye':
        if (FINAL.has(m.code)) this.#closed = true;
        this.onError(m);
        return;
      case 'error': this.onError(m);
    }
  }

  #alive() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#socket?.close(), SILENCE_MS);
  }

  #again() {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const pause = RETRY[Math.min(this.#tries++, RETRY.length - 1)] * (1 + Math.random() / 2);
    this.#timer = setTimeout(() => this.#connect(), pause);
  }
}
