// Streams go into the world by WHIP and out of it by WHEP, with clients that
// nobody here wrote: GStreamer's webrtcbin, and Chromium with the library of the
// protocols' author (whip-whep). A participant meets the stream in the world.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { Stage, sleep, until } from './stage.mjs';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{frames: number, width: number, energy: number}} Seen */

const LIBRARY = '../node_modules/whip-whep/';

/** @type {Stage} */ let stage;
/** @type {Page} */ let viewer;
/** @type {string} */ let whip;
/** @type {string} */ let whep;
/** @type {Set<GStreamer>} */ const running = new Set();

before(async () => {
  stage = new Stage();
  [whip, whep] = [`${stage.url}/v1/whip/plaza`, `${stage.url}/v1/whep/plaza`];
  viewer = await stage.blank('viewer', [`${LIBRARY}whep.js`]);
});
after(async () => {
  for (const client of running) client.process.kill('SIGKILL');
  await stage?.close();
});

/** GStreamer's webrtcbin, publishing or playing: see gstreamer.py. */
class GStreamer {
  /** @type {{video?: number, audio?: number, state?: string, deleted?: number}} */ told = {};
  errors = '';

  /**
   * @param {'publish'|'play'} what
   * @param {string} url
   * @param {string} token
   * @param {'vp8'|'h264'} codec
   */
  constructor(what, url, token, codec) {
    const script = new URL('gstreamer.py', import.meta.url).pathname;
    this.process = spawn('/usr/bin/python3', [script, what, url, '--codec', codec], { env: { ...process.env, EARSHOT_TOKEN: token } });
    createInterface({ input: this.process.stdout }).on('line', (line) => Object.assign(this.told, JSON.parse(line)));
    this.process.stderr.on('data', (text) => { this.errors += text; });
    /** @type {Promise<number|null>} */
    this.ended = new Promise((done) => this.process.on('exit', done));
    running.add(this);
    this.ended.then(() => running.delete(this));
  }

  /** @param {string} what @param {() => boolean} holds */
  async until(what, holds) {
    try {
      await until(what, async () => holds(), 15);
    } catch (error) {
      throw new Error(`${error}; GStreamer said ${JSON.stringify(this.told)} ${this.errors}`);
    }
  }

  /** Ends it as Ctrl-C does, and returns what DELETE answered. */
  async end() {
    this.process.kill('SIGTERM');
    assert.equal(await this.ended, 0, this.errors);
    return this.told.deleted;
  }
}

/**
 * Plays a stream in a page.
 * @param {Page} page
 * @param {string} token
 */
const play = (page, token) => page.evaluate(async ([url, token]) => {
  const { WHEPClient } = await import(/* @ts-ignore: of the page, not of this file */ `${location.origin}/e2e/whep.js`);
  const pc = new RTCPeerConnection(), client = new WHEPClient();
  pc.addTransceiver('audio', { direction: 'recvonly' });
  pc.addTransceiver('video', { direction: 'recvonly' });
  const video = document.createElement('video');
  /** @type {Set<string>} */ const streams = new Set();
  pc.ontrack = ({ streams: [stream] }) => {
    streams.add(stream.id);
    video.srcObject = stream;
    video.play().catch(() => {}); // the second track begins anew
  };
  await client.view(pc, url, token);
  Object.assign(globalThis, { pc, client, video, streams });
}, [whep, token]);

/**
 * What a page has decoded so far.
 * @param {Page} page
 * @returns {Promise<Seen>}
 */
const seen = (page) => page.evaluate(async () => {
  const seen = { frames: 0, width: 0, energy: 0 };
  for (const s of (await /** @type {any} */ (globalThis).pc.getStats()).values()) {
    if (s.type !== 'inbound-rtp') continue;
    if (s.kind === 'video') Object.assign(seen, { frames: s.framesDecoded ?? 0, width: s.frameWidth ?? 0 });
    else seen.energy = s.totalAudioEnergy ?? 0;
  }
  return seen;
});

/**
 * Waits until a page decodes a second of picture and sound more than it has.
 * @param {Page} page
 * @param {string} what
 */
async function plays(page, what) {
  const had = await seen(page);
  /** @type {Seen} */ let has = had;
  try {
    await until(what, async () => {
      has = await seen(page);
      return has.frames >= had.frames + 20 && has.energy > had.energy;
    }, 15);
  } finally {
    console.log(what, JSON.stringify(has));
  }
  return has;
}

for (const codec of /** @type {const} */ (['vp8', 'h264'])) {
  test(`GStreamer publishes ${codec}; a browser and GStreamer play it`, async () => {
    const publisher = new GStreamer('publish', `${whip}?stage=main`, await stage.token('gst'), codec);
    await play(viewer, await stage.token('viewer'));
    const player = new GStreamer('play', whep, await stage.token('gst-viewer'), codec);
    const { width } = await plays(viewer, `a browser plays ${codec}`);
    assert.equal(width, 320);
    assert.equal(await viewer.evaluate(() => /** @type {any} */ (globalThis).streams.size), 1, 'voice and picture are of one stream');
    await player.until('GStreamer plays', () => (player.told.video ?? 0) > 20 && (player.told.audio ?? 0) > 40);
    assert.equal(await player.end(), 200);
    await viewer.evaluate(() => /** @type {any} */ (globalThis).client.stop());
    assert.equal(await publisher.end(), 200);
  });
}

test('a browser publishes in layers; GStreamer, a browser and a participant get it', async () => {
  const publisher = await stage.blank('publisher', [`${LIBRARY}whip.js`]);
  await publisher.evaluate(async ([url, token]) => {
    const { WHIPClient } = await import(/* @ts-ignore: of the page, not of this file */ `${location.origin}/e2e/whip.js`);
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    let n = 0;
    setInterval(() => {
      context.fillStyle = `hsl(${n++ * 3} 80% 50%)`;
      context.fillRect(0, 0, 640, 360);
    }, 33);
    const sound = new AudioContext(), tone = new OscillatorNode(sound), out = new MediaStreamAudioDestinationNode(sound);
    tone.connect(out);
    tone.start();
    const pc = new RTCPeerConnection(), client = new WHIPClient();
    const [video] = canvas.captureStream(30).getVideoTracks(), [audio] = out.stream.getAudioTracks();
    pc.addTransceiver(audio, { direction: 'sendonly' });
    pc.addTransceiver(video, {
      direction: 'sendonly', sendEncodings: [{ rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 }],
    });
    await client.publish(pc, url, token);
    Object.assign(globalThis, { pc, client });
  }, [whip, await stage.token('page')]);

  const ada = await stage.player('ada');
  await ada.enter();
  await ada.watch();
  const met = async () => (await ada.actor.evaluate((a) => [...a.earshot.participants.values()])).find((p) => p.kind === 'stream');
  await until('ada meets the stream', async () => Boolean((await met())?.camera));
  const stream = await met();
  assert.ok(stream);
  const [x, , z] = (await ada.actor.evaluate((a, id) => a.earshot.poseOf(id, performance.now()), stream.id))?.root ?? [];
  assert.deepEqual([x, z].map((v) => Math.round(v ?? NaN)), [0, -4], 'it stands on the stage');
  const there = /** @type {import('./stage.mjs').Player} */ (/** @type {unknown} */ ({ id: stream.id, name: stream.name }));
  await until('ada hears the stream', async () => ((await ada.why(there))?.packets ?? 0) > 50);
  await until('ada sees the stream', async () => ((await ada.look(there, 'camera'))?.frames ?? 0) > 20, 15);

  await play(viewer, await stage.token('viewer'));
  const player = new GStreamer('play', whep, await stage.token('gst-viewer'), 'vp8');
  const { width } = await plays(viewer, 'a browser plays a browser');
  assert.ok(width === 640 || width === 320 || width === 160, `a layer of ${width} pixels`);
  await player.until('GStreamer plays a browser', () => (player.told.video ?? 0) > 20 && (player.told.audio ?? 0) > 40);
  assert.equal(await player.end(), 200);

  for (const [page, who] of /** @type {const} */ ([[viewer, 'player'], [publisher, 'publisher']])) {
    await page.evaluate(() => /** @type {any} */ (globalThis).client.restart());
    await sleep(1);
    await plays(viewer, `after an ICE restart of the ${who}`);
  }

  await publisher.evaluate(() => /** @type {any} */ (globalThis).client.stop());
  await until('the stream has left', async () => !await met());
  assert.equal((await ada.events('left')).at(-1)?.reason, 'left');
});
