// A recording as people meet it: two real browsers, one talking on the page,
// one showing a camera in layers, are told that they are recorded; what was
// kept is what they sent, as ffmpeg reads it, and nothing of a muted microphone.
//
// EARSHOT_SHOTS is a folder for screenshots, for who wants them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Stage, sleep, speaks, until } from './stage.mjs';

const shots = process.env.EARSHOT_SHOTS ?? '';

/** @type {Stage} */ let stage;
/** @type {import('playwright-core').Page} */ let ada;
/** @type {import('./stage.mjs').Player} */ let shower;
/** @type {any} the manifest */ let manifest;
/** How many pictures of the best size were sent while it was recorded. */
let filmed = 0;

before(async () => {
  stage = new Stage();
  ada = await stage.visitor('Ada', { clips: ['Front_Center', 'Front_Left'], silence: 0, query: '&x=0&z=9&yaw=0' });
  ada.setDefaultTimeout(30_000);
  await speaks(ada);
  shower = await stage.player('shower', {});
  await shower.enter();
  await shower.actor.evaluate((a) => a.shareCamera(960, 540));
});
after(() => stage?.close());

/** @param {string} method @param {string} path */
async function operator(method, path) {
  const res = await fetch(`${stage.admin}/v1/${path}`, { method });
  assert.equal(res.status, 200, `${method} ${path}: ${res.status}`);
  return res.json();
}

/** @param {boolean} muted */
const mute = (muted) => ada.evaluate((m) => /** @type {any} */ (globalThis).earshotApp.session.setMuted(m), muted);

/** How many pictures of the best size were sent. */
const largest = async () => (await shower.actor.evaluate((a) => a.layers())).find(({ width }) => width === 960)?.frames ?? 0;

test('everybody is told for as long as it lasts', async () => {
  const mark = ada.locator('#world-recording');
  assert.equal(await mark.isVisible(), false);
  await operator('POST', 'instances/in_plaza/recording');
  await mark.waitFor({ state: 'visible' });
  await ada.locator('#chat-log', { hasText: 'This place is being recorded' }).waitFor();
  const { worlds } = await (await fetch(`${stage.url}/v1/worlds`)).json();
  assert.equal(worlds[0].recording, true);
  if (shots) await ada.screenshot({ path: join(shots, 'recording.png') });
  await sleep(5);
  await until('the best size is sent', async () => { // a browser takes its time where it is short of processor
    const before = await largest();
    await sleep(0.5);
    return await largest() > before;
  }, 20);
  const before = await largest();
  await mute(true);
  await sleep(3);
  await mute(false);
  await sleep(4);
  filmed = await largest() - before;
  manifest = await operator('DELETE', 'instances/in_plaza/recording');
  await mark.waitFor({ state: 'hidden' });
});

test('what they sent was kept, and can be played', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'recording-'));
  console.log(JSON.stringify(manifest.tracks));
  assert.deepEqual(manifest.errors, []);
  for (const track of manifest.tracks) {
    const file = join(folder, track.file);
    writeFileSync(file, Buffer.from(await (await fetch(`${stage.admin}/v1/recordings/${manifest.id}/${track.file}`)).arrayBuffer()));
    const errors = execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'], { stdio: ['ignore', 'ignore', 'pipe'] });
    assert.equal(String(errors ?? ''), '', track.file);
  }
  const camera = manifest.tracks.find((/** @type {any} */ t) => t.source === 'camera');
  assert.ok(camera, 'the camera was recorded');
  assert.equal(camera.width, 960, 'the best layer');
  const [, wide] = /width=(\d+)/.exec(String(execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'stream=width', join(folder, camera.file)]))) ?? [];
  assert.equal(wide, '960', 'players show all of it in the best size');
  console.log(`${camera.frames} pictures kept; in the last 7 s ${filmed} of the best size were sent`);
  assert.ok(filmed > 0 && camera.frames >= 0.9 * filmed, `${camera.frames} pictures kept, ${filmed} sent`);

  const voice = manifest.tracks.find((/** @type {any} */ t) => t.source === 'microphone' && t.muted.length);
  assert.ok(voice, 'a voice that was muted');
  const [muted] = voice.muted, from = (muted.from_ms - voice.offset_ms) / 1000, to = (muted.to_ms - voice.offset_ms) / 1000;
  const loud = (/** @type {number} */ a, /** @type {number} */ b) => loudness(join(folder, voice.file), a, b);
  assert.ok(loud(Math.max(0, from - 4), from) > -45, 'heard before the mute');
  assert.ok(loud(from + 0.3, to - 0.1) < -80, 'silent while muted');
  assert.ok(loud(to + 0.5, to + 3.5) > -45, 'heard after it');
});

/** Of a part of a file, in dB of full scale. @param {string} file @param {number} from @param {number} to s */
function loudness(file, from, to) {
  const pcm = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-af', `atrim=${from}:${to}`, '-f', 's16le', '-ac', '1', '-'], { maxBuffer: 1 << 26 });
  const samples = new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1);
  const power = samples.reduce((sum, s) => sum + s * s, 0) / Math.max(1, samples.length);
  return 10 * Math.log10(power / 32768 ** 2 + 1e-12);
}

test('a newcomer reads it before joining', async () => {
  await operator('POST', 'instances/in_plaza/recording');
  const context = await /** @type {import('playwright-core').Browser} */ (ada.context().browser()).newContext(), page = await context.newPage();
  await page.goto(`${stage.url}/`);
  await page.locator('#join-recording').waitFor({ state: 'visible' });
  if (shots) await page.screenshot({ path: join(shots, 'recording-join.png') });
  await context.close();
  await operator('DELETE', 'instances/in_plaza/recording');
  await until('the mark is gone', async () => !await ada.locator('#world-recording').isVisible(), 10);
});
