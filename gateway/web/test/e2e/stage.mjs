/**
 * Starts browsers for the browser tests and asks the server's admin listener.
 * @module
 */
import assert, { AssertionError } from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { chromium } from 'playwright-core';
import { writeSpeech } from './speech.mjs';

/** @typedef {import('./page.js').Actor} Actor */

const FLAGS = [
  '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-proxy-server',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection', // Chromium offers no loopback candidates otherwise
  '--disable-gpu', '--disable-renderer-backgrounding', '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  // A microphone is for secure pages only, and a server beyond localhost is none.
  ...process.env.EARSHOT_FAR ? [`--unsafely-treat-insecure-origin-as-secure=${process.env.EARSHOT_URL}`] : [],
];

/** Browsers and files of one test; close() ends and removes them. */
export class Stage {
  /** @type {import('playwright-core').Browser[]} */ #browsers = [];
  #folder;

  constructor() {
    const { EARSHOT_URL, EARSHOT_ADMIN, EARSHOT_CHROMIUM } = process.env;
    if (!EARSHOT_URL || !EARSHOT_ADMIN || !EARSHOT_CHROMIUM) {
      throw new Error('run this by: EARSHOT_E2E=1 go test -run E2E ./cmd/earshot');
    }
    this.url = EARSHOT_URL;
    this.admin = EARSHOT_ADMIN;
    this.chromium = EARSHOT_CHROMIUM;
    this.#folder = mkdtempSync(join(tmpdir(), 'earshot-e2e-'));
  }

  /**
   * A participant in a browser of their own, who has not joined yet. Each has
   * its own because Chromium takes one clip for all microphones of a process.
   * @param {string} name
   * @param {{clips?: string[], blocks?: string[], media?: boolean, videoCodec?: import('../../codecs.js').VideoCodec,
   *   key?: string, streams?: boolean, token?: string}} [options] clips to speak; key: to encrypt with, streams: by createEncodedStreams;
   *   token: not one of a development server
   * @returns {Promise<Player>}
   */
  async player(name, { clips, blocks, media, videoCodec, key, streams, token } = {}) {
    const page = await this.#page(name, clips ? [`--use-file-for-fake-audio-capture=${writeSpeech(this.#folder, name, clips)}`] : []);
    for (const file of ['page.js', 'picture.js', 'ears.js', 'gaps.js']) {
      const script = readFileSync(new URL(file, import.meta.url), 'utf8');
      await page.route(`**/e2e/${file}`, (route) => route.fulfill({ contentType: 'text/javascript', body: script }));
    }
    // A page of the server without scenery: two cores are needed for sound.
    if (streams) await page.addInitScript(() => { Reflect.deleteProperty(globalThis, 'RTCRtpScriptTransform'); });
    await page.goto(`${this.url}/healthz`);
    const actor = await page.evaluateHandle(async (options) => {
      const { Actor } = await import(/* @ts-ignore: of the page, not of this file */ `${location.origin}/e2e/page.js`);
      return /** @type {Actor} */ (new Actor(options));
    }, { token: token ?? await this.#token(name), blocks, media, videoCodec, key });
    return new Player(name, page, actor, Boolean(clips));
  }

  /**
   * The page as people see it, in a browser of its own, joined. It speaks its
   * clips with seconds of silence between them, once it is unmuted.
   * @param {string} name
   * @param {{clips: string[], silence: number, query?: string, quality?: string, token?: string}} options query: more of the address;
   *   quality: of the picture, none draws nothing; token: not one of a development server
   * @returns {Promise<import('playwright-core').Page>}
   */
  async visitor(name, { clips, silence, query = '', quality = 'minimal', token: given }) {
    const page = await this.#page(name, [`--use-file-for-fake-audio-capture=${writeSpeech(this.#folder, name, clips, silence)}`]);
    const token = given ?? await this.#token(name);
    await page.addInitScript(() => {
      const all = /** @type {any} */ (globalThis), Real = globalThis.RTCPeerConnection;
      /** @type {RTCPeerConnection[]} */ const peers = all.peers = [];
      all.RTCPeerConnection = class extends Real {
        /** @param {RTCConfiguration} [config] */
        constructor(config) { super(config); peers.push(this); }
      };
    });
    await page.goto(`${this.url}/?autojoin=1&mic=1&raw=1&quality=${quality}&name=${name}${query}#token=${token}`);
    await until('the page has joined', () => page.evaluate(() => 'earshotApp' in globalThis), 20);
    return page;
  }

  /**
   * The console as a moderator sees it, in a browser of its own.
   * @param {string} name
   * @returns {Promise<import('playwright-core').Page>}
   */
  async moderator(name) {
    const page = await this.#page(name, []);
    page.setDefaultTimeout(30_000);
    await page.goto(`${this.url}/console/#token=${await this.#token(name)}`);
    await page.waitForSelector('#app:not([hidden])');
    await page.locator('#live[data-state=live]').waitFor();
    return page;
  }

  /**
   * An empty page of the server, in a browser of its own, which finds files under /e2e/.
   * @param {string} name
   * @param {string[]} files from this folder
   * @returns {Promise<import('playwright-core').Page>}
   */
  async blank(name, files) {
    const page = await this.#page(name, []);
    for (const file of files) {
      const body = readFileSync(new URL(file, import.meta.url), 'utf8');
      await page.route(`**/e2e/${basename(file)}`, (route) => route.fulfill({ contentType: 'text/javascript', body }));
    }
    await page.goto(`${this.url}/healthz`);
    return page;
  }

  /**
   * A token of somebody, for a client of another make.
   * @param {string} name
   * @returns {Promise<string>}
   */
  token(name) { return this.#token(name); }

  /**
   * People without media who are there to write, all in one page: `crowd` in it
   * has their sessions by name.
   * @param {string[]} names
   * @returns {Promise<import('playwright-core').Page>}
   */
  async crowd(names) {
    const page = await this.#page('crowd', []);
    await page.goto(`${this.url}/healthz`);
    const tokens = await Promise.all(names.map(async (name) => [name, await this.#token(name)]));
    await page.evaluate(async (all) => {
      const { Earshot } = await import(/* @ts-ignore: of the page, not of this file */ `${location.origin}/earshot.js`);
      /** @type {Record<string, unknown>} */ const crowd = {};
      for (const [name, token] of all) {
        const session = new Earshot({ url: location.origin, token, media: false });
        await session.join();
        crowd[name] = session;
      }
      Object.assign(globalThis, { crowd });
    }, tokens);
    return page;
  }

  /**
   * @param {string} name
   * @param {string[]} flags
   */
  async #page(name, flags) {
    const browser = await chromium.launch({ executablePath: this.chromium, args: [...FLAGS, ...flags] });
    this.#browsers.push(browser);
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    page.on('pageerror', (error) => console.log(`${name}: ${error.stack}`));
    page.on('console', (message) => { if (message.type() === 'error') console.log(`${name}: ${message.text()}`); });
    return page;
  }

  /** @param {string} name */
  async #token(name) {
    return (await get(`${this.url}/v1/dev/token?world=plaza&name=${name}&sub=${name}`)).token;
  }

  /**
   * The server's count of voice packets from talker to listener.
   * @param {Pick<Player, 'id'|'name'>} listener
   * @param {Pick<Player, 'id'|'name'>} talker
   * @returns {Promise<{packets: number, slot: number|null}>}
   */
  async pair(listener, talker) {
    const [instance] = await get(`${this.admin}/v1/instances`);
    const [pair] = await get(`${this.admin}/v1/instances/${instance.id}/pairs?listener=${listener.id}&talker=${talker.id}`);
    if (!pair) throw new Error(`the server knows no pair of ${listener.name} and ${talker.name}`);
    return pair;
  }

  /**
   * A counter of the server.
   * @param {string} name
   */
  async counter(name) {
    const response = await fetch(`${this.admin}/metrics`);
    const value = new RegExp(`^${name} (.*)$`, 'm').exec(await response.text());
    if (!value) throw new Error(`the server has no counter ${name}`);
    return Number(value[1]);
  }

  async close() {
    await Promise.all(this.#browsers.map((b) => b.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * What the browser of a visitor counts of sound: RTP packets it sent and got,
 * and the level of its microphone, 0 to 1.
 * @param {import('playwright-core').Page} page
 * @returns {Promise<{sent: number, received: number, level: number}>}
 */
export function sound(page) {
  return page.evaluate(async () => {
    const counts = { sent: 0, received: 0, level: 0 };
    for (const peer of /** @type {any} */ (globalThis).peers) {
      for (const s of (await peer.getStats()).values()) {
        if (s.kind !== 'audio') continue;
        if (s.type === 'outbound-rtp') counts.sent += s.packetsSent;
        if (s.type === 'inbound-rtp') counts.received += s.packetsReceived;
        if (s.type === 'media-source') counts.level = s.audioLevel ?? 0;
      }
    }
    return counts;
  });
}

/**
 * Waits until the browser of a visitor sends voice.
 * @param {import('playwright-core').Page} page
 */
export async function speaks(page) {
  await until('the page has joined', () => page.evaluate(() => 'earshotApp' in globalThis), 20);
  const { sent } = await sound(page);
  await until('the microphone gives sound', async () => (await sound(page)).sent > sent + 10, 15);
}

/** A handle on the Actor inside a page. */
export class Player {
  id = '';
  /** @type {import('playwright-core').CDPSession|undefined} */ #devtools;

  /**
   * @param {string} name
   * @param {import('playwright-core').Page} page
   * @param {import('playwright-core').JSHandle<Actor>} actor
   * @param {boolean} speaks
   */
  constructor(name, page, actor, speaks) {
    this.name = name;
    this.page = page;
    this.actor = actor;
    this.speaks = speaks;
  }

  async enter() { this.id = await this.actor.evaluate((a, speaks) => a.enter(speaks), this.speaks); }

  /**
   * Stands somewhere from now on.
   * @param {[number, number, number]} root
   * @param {number} yaw radians, 0 faces -z, counter-clockwise from above
   */
  stand(root, yaw) { return this.actor.evaluate((a, place) => { a.place = place; }, { root, yaw }); }

  /** @param {Player} talker */
  hears(talker) { return this.actor.evaluate((a, id) => a.slotOf(id) >= 0, talker.id); }

  /** @param {Player} other */
  sees(other) { return this.actor.evaluate((a, id) => a.earshot.near.has(id), other.id); }

  /**
   * Why the server says a talker is in a slot, null where they are in none.
   * @param {Player} talker
   */
  why(talker) {
    return this.actor.evaluate((a, id) => a.earshot.slots.voice.find((s) => s.participant === id)?.why ?? null, talker.id);
  }

  /** The curve of the world. */
  async curve() {
    const world = await this.actor.evaluate((a) => a.earshot.world);
    if (!world) throw new Error(`${this.name} has not joined`);
    return world.voice;
  }

  /** Asks for the reasons twice a second. */
  watch() { return this.actor.evaluate((a) => a.earshot.watchStats(true)); }

  /**
   * Drops a share of all WebRTC packets of the page, both ways. Chromium does so
   * to sockets that were opened after the first call.
   * @param {number} percent
   */
  lose(percent) { return this.#emulate({ packetLoss: percent }); }

  /**
   * Limits what WebRTC packets of the page may take, from the second call on as above.
   * @param {number} bitsPerSecond
   */
  throttle(bitsPerSecond) { return this.#emulate({ downloadThroughput: bitsPerSecond / 8, packetQueueLength: 60 }); }

  /** @param {object} conditions */
  async #emulate(conditions) {
    this.#devtools ??= await this.page.context().newCDPSession(this.page);
    await this.#devtools.send('Network.enable');
    await this.#devtools.send('Network.emulateNetworkConditions', {
      offline: false, latency: 0, downloadThroughput: 1e8, uploadThroughput: 1e8, ...conditions,
    });
  }

  /**
   * The details of the events of a type so far.
   * @param {string} type
   * @returns {Promise<any[]>}
   */
  events(type) { return this.actor.evaluate((a, t) => a.log.filter(([is]) => is === t).map(([, detail]) => detail), type); }

  /**
   * The picture that somebody shows here, null where it is in no slot.
   * @param {Player} other
   * @param {'camera'|'screen'} source
   */
  look(other, source) { return this.actor.evaluate((a, [id, s]) => a.look(id, s), /** @type {const} */ ([other.id, source])); }

  /**
   * Watches the camera of somebody: see Actor.watchCamera.
   * @param {Player} other
   * @param {number} seconds
   * @param {number} [width]
   */
  watchCamera(other, seconds, width) {
    return this.actor.evaluate((a, [id, s, w]) => a.watchCamera(id, s, w), /** @type {[string, number, number|undefined]} */ ([other.id, seconds, width]));
  }

  /** RTP packets the browser received. */
  received() { return this.actor.evaluate((a) => a.received()); }

  /**
   * Blocks or unblocks, and waits until the server says that it holds.
   * @param {Player} other
   * @param {boolean} blocked
   */
  async block(other, blocked) {
    await this.actor.evaluate((a, [id, on]) => a.earshot.setBlocked(id, on), /** @type {const} */ ([other.id, blocked]));
    await until('the block holds', () => this.actor.evaluate((a, [id, on]) => a.earshot.blocked.has(id) === on, /** @type {const} */ ([other.id, blocked])));
  }

  /**
   * @param {Pick<Player, 'id'>} talker
   * @param {number} seconds
   */
  measure(talker, seconds) { return this.actor.evaluate((a, [id, s]) => a.measure(id, s), /** @type {const} */ ([talker.id, seconds])); }
}

/**
 * Chooses an incident in a moderator's console, and waits until it is shown.
 * @param {import('playwright-core').Page} page
 * @param {string} id
 */
export async function choose(page, id) {
  await page.click(`.incident[data-id="${id}"]`);
  await page.locator('#detail:not([inert]) .case').waitFor();
}

/** How long what has to come is waited for at least, in seconds: a busy machine takes its time. */
const PATIENCE = 30;

/**
 * Waits until something holds, asked ten times a second.
 * @param {string} what
 * @param {() => Promise<boolean>} holds
 * @param {number} [seconds] if it may take longer than PATIENCE
 */
export async function until(what, holds, seconds = PATIENCE) {
  seconds = Math.max(seconds, PATIENCE);
  const end = Date.now() + seconds * 1000;
  while (!await holds()) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await sleep(0.1);
  }
}

/**
 * Waits until something holds that has to come soon. What timers of this process
 * were late meanwhile does not count: others were at work on the machine.
 * @param {string} what
 * @param {() => Promise<boolean>} holds
 * @param {number} seconds
 */
export async function soon(what, holds, seconds) {
  const start = Date.now(), late = lateness();
  await until(what, holds);
  const took = (Date.now() - start) / 1000, allowed = seconds + late() / 1000;
  console.log(`${what}: after ${took.toFixed(1)} s`);
  assert.ok(took <= allowed, `${what}: after ${took} s, want ${seconds}, or ${allowed} on this machine`);
}

/** How many steps, each of which a busy machine may let wait, lie between cause and effect. */
const HOPS = 5;

/**
 * Watches until it is asked how many ms a busy machine may have taken away
 * meanwhile: as often as there are HOPS what a timer was late at most.
 * @returns {() => number}
 */
export function lateness() {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  return () => {
    delay.disable();
    return HOPS * Math.max(0, delay.max / 1e6 - 10);
  };
}

/**
 * Waits until a count no longer grows: what was on its way has come.
 * @param {() => Promise<number>} count
 * @returns {Promise<number>} the count
 */
export async function settled(count) {
  let last = await count();
  await until('what was on its way has come', async () => {
    await sleep(0.5);
    const had = last;
    last = await count();
    return last === had;
  });
  return last;
}

/** How often what a machine that others use too may disturb is tried. */
const TRIES = 3;

/**
 * Does something until what it asserts holds, three times at most: for what the
 * machine may be too slow for at a moment. What does not work fails each time.
 * @template T
 * @param {(again: boolean) => Promise<T>} step
 * @returns {Promise<T>}
 */
export async function inTries(step) {
  for (let i = 1; ; i++) {
    try {
      return await step(i > 1);
    } catch (error) {
      if (i === TRIES || !(error instanceof AssertionError)) throw error;
      console.log(`once more: ${error.message}`);
      await sleep(1);
    }
  }
}

/** @param {number} seconds */
export function sleep(seconds) { return new Promise((done) => setTimeout(done, seconds * 1000)); }

/** @param {string} url */
async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${await response.text()}`);
  return /** @type {any} */ (response.json());
}
