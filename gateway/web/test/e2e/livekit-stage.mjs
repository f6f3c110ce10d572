/**
 * LiveKit's own SDKs, as npm has them, against a server that is told: Earshot,
 * or LiveKit's server to see that a test asks for nothing that LiveKit itself
 * does not do. EARSHOT_LIVEKIT_URL, _KEY, _SECRET and _ROOM name it.
 * @module
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';
import { until } from './stage.mjs';

/** @typedef {import('./livekit-page.js').Guest} Guest */
/** @typedef {{roomJoin?: boolean, room?: string, roomAdmin?: boolean, roomList?: boolean, canPublish?: boolean, canSubscribe?: boolean,
 *   canPublishData?: boolean, canUpdateOwnMetadata?: boolean, hidden?: boolean}} Video grants of LiveKit's tokens */

const FLAGS = [
  '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-proxy-server',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection', // Chromium offers no loopback candidates otherwise
  '--disable-gpu', '--disable-renderer-backgrounding', '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
];

/** What a page may load: the SDK as it is, our library, and what drives both. */
const FILES = new Map(/** @type {[string, string|URL][]} */ ([
  ['/', '<!doctype html><title>guest</title><link rel="icon" href="data:,"><script src="/livekit-client.umd.js"></script>'],
  ['/livekit-client.umd.js', new URL('../node_modules/livekit-client/dist/livekit-client.umd.js', import.meta.url)],
  ...['livekit-page.js', 'ears.js'].map((file) => [`/e2e/${file}`, new URL(file, import.meta.url)]),
]));

/** Browsers, a page and tokens of one test; close() ends them. */
export class LiveKitStage {
  /** @type {import('playwright-core').Browser[]} */ #browsers = [];
  /** @type {import('node:http').Server|undefined} */ #pages;
  #chromium;
  #secret;

  constructor() {
    const { EARSHOT_LIVEKIT_URL, EARSHOT_LIVEKIT_KEY, EARSHOT_LIVEKIT_SECRET, EARSHOT_LIVEKIT_ROOM, EARSHOT_CHROMIUM } = process.env;
    if (!EARSHOT_LIVEKIT_URL || !EARSHOT_LIVEKIT_KEY || !EARSHOT_LIVEKIT_SECRET || !EARSHOT_LIVEKIT_ROOM) {
      throw new Error('run this by: EARSHOT_E2E=1 go test -run E2ELiveKit ./cmd/earshot');
    }
    this.url = EARSHOT_LIVEKIT_URL;
    this.ws = this.url.replace(/^http/, 'ws');
    this.key = EARSHOT_LIVEKIT_KEY;
    this.room = EARSHOT_LIVEKIT_ROOM;
    this.#secret = EARSHOT_LIVEKIT_SECRET;
    this.#chromium = EARSHOT_CHROMIUM;
  }

  /**
   * An access token as LiveKit's server SDKs make it. One whose attributes ask
   * Earshot for plain tracks; LiveKit's server knows nothing else.
   * @param {string} identity
   * @param {{video?: Video, attributes?: Record<string, string>, seconds?: number, secret?: string}} [options]
   */
  token(identity, { video = {}, attributes = { 'earshot.audio': 'tracks' }, seconds = 3600, secret = this.#secret } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.key, sub: identity, nbf: now - 60, exp: now + seconds, name: `${identity} by name`, metadata: `about ${identity}`, attributes,
      video: { roomJoin: true, room: this.room, canPublish: true, canSubscribe: true, canPublishData: true, canUpdateOwnMetadata: true, ...video },
    };
    return sign(claims, secret);
  }

  /**
   * A token of Earshot's own door, by the same key.
   * @param {string} subject
   */
  ownToken(subject) {
    const now = Math.floor(Date.now() / 1000);
    const grants = ['publish.audio', 'publish.video', 'publish.pose', 'subscribe', 'chat'];
    return sign({ iss: this.key, sub: subject, name: subject, world: this.room, grants, iat: now, exp: now + 3600 }, this.#secret);
  }

  /**
   * A request to LiveKit's RoomService, as its server SDKs make it.
   * @param {string} method
   * @param {object} request in JSON
   * @returns {Promise<any>}
   */
  async admin(method, request) {
    const response = await fetch(`${this.url}/twirp/livekit.RoomService/${method}`, {
      method: 'POST', body: JSON.stringify(request),
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.token('admin', { video: { roomAdmin: true, roomList: true, roomJoin: false } })}` },
    });
    if (!response.ok) throw new Error(`${method}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /**
   * A participant by livekit-client in a browser of their own, who has not joined yet.
   * @param {string} identity
   * @param {{single?: boolean, spatial?: boolean, attributes?: Record<string, string>}} [options] single: one
   *   PeerConnection (/rtc/v1), else two (/rtc); spatial: with livekit-earshot.js; attributes: of the token
   */
  async guest(identity, { single = true, spatial = false, attributes } = {}) {
    const browser = await chromium.launch({ executablePath: this.#chromium, args: FLAGS });
    this.#browsers.push(browser);
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.log(`${identity}: ${error.stack}`));
    await page.goto(await this.#pageURL());
    const guest = await page.evaluateHandle(async (options) => {
      const { Guest } = await import(/* @ts-ignore: of the page, not of this file */ `${location.origin}/e2e/livekit-page.js`);
      return /** @type {Guest} */ (new Guest(options));
    }, { url: this.ws, token: this.token(identity, { attributes }), single, spatial });
    return new GuestHandle(identity, page, guest);
  }

  /** Where the page is, on a port of this process: only a page from localhost is a secure one. */
  async #pageURL() {
    const pages = this.#pages ??= createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname;
      const file = FILES.get(path) ?? new URL(`../..${path}`, import.meta.url);
      try {
        const body = typeof file === 'string' ? file : readFileSync(file);
        response.writeHead(200, { 'Content-Type': path === '/' ? 'text/html' : 'text/javascript' }).end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    if (!pages.listening) await new Promise((done) => pages.listen(0, '127.0.0.1', () => done(null)));
    return `http://localhost:${/** @type {import('node:net').AddressInfo} */ (pages.address()).port}/`;
  }

  async close() {
    await Promise.all(this.#browsers.map((b) => b.close()));
    this.#pages?.closeAllConnections();
    this.#pages?.close();
  }
}

/** A handle on the Guest inside a page. */
export class GuestHandle {
  /** @type {import('playwright-core').CDPSession|undefined} */ #devtools;

  /**
   * @param {string} identity
   * @param {import('playwright-core').Page} page
   * @param {import('playwright-core').JSHandle<Guest>} guest
   */
  constructor(identity, page, guest) {
    this.identity = identity;
    this.page = page;
    this.guest = guest;
  }

  enter() { return this.guest.evaluate((g) => g.enter()); }

  /**
   * @template A, R
   * @param {(guest: Guest, arg: A) => R} f run in the page
   * @param {A} [arg]
   * @returns {Promise<Awaited<R>>}
   */
  do(f, arg) { return /** @type {any} */ (this.guest).evaluate(f, arg); }

  /**
   * The details of the events of a type so far.
   * @param {string} type of RoomEvent
   * @returns {Promise<any[]>}
   */
  events(type) { return this.do((g, t) => g.log.filter(([is]) => is === t).map(([, detail]) => detail), type); }

  /**
   * Packets of somebody's track that came here.
   * @param {string} identity
   * @param {import('./livekit-page.js').Source} [source]
   */
  packets(identity, source = 'microphone') {
    return this.do(async (g, [id, s]) => (await g.received(id, s)).packets, /** @type {const} */ ([identity, source]));
  }

  /**
   * Waits until so many more packets of somebody's voice have come.
   * @param {string} identity
   * @param {number} [seconds]
   */
  async flows(identity, seconds) {
    const had = await this.packets(identity);
    await until(`${this.identity} gets packets of ${identity}`, async () => {
      const has = await this.packets(identity);
      return has < had || has > had + 20; // fewer: the track is another one
    }, seconds);
  }

  /**
   * Drops a share of all WebRTC packets of the page, both ways. Chromium does so
   * to sockets that were opened after the first call.
   * @param {number} percent
   */
  async lose(percent) {
    this.#devtools ??= await this.page.context().newCDPSession(this.page);
    await this.#devtools.send('Network.enable');
    await this.#devtools.send('Network.emulateNetworkConditions', {
      offline: false, latency: 0, downloadThroughput: 1e8, uploadThroughput: 1e8, packetLoss: percent,
    });
  }
}

/**
 * A JSON Web Token by HS256.
 * @param {object} claims
 * @param {string} secret
 */
function sign(claims, secret) {
  const body = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}
