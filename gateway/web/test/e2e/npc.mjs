// An NPC as a player meets it, in a real browser with the real page against a
// real server: walk up to it, be greeted, type and read the answer as it comes,
// speak and hear the answer from where it stands, have it forget.
//
// EARSHOT_NPC says what the server was given, separated by commas: `model` for a
// model server, `hearing` for transcription, `voice` for speech. What it was not
// given is not tried; then the NPC must say so. EARSHOT_SHOTS is a folder for
// screenshots and the transcript, for who wants them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Stage, sleep, until } from './stage.mjs';

/**
 * @typedef {import('../../signal.js').Caption & {at: number}} Heard at: performance.now()
 * @typedef {{session: import('../../earshot.js').Earshot, audio: import('../../audio.js').SpatialAudio,
 *   controls: import('../../app/controls.js').Controls, heard: Heard[]}} App
 */

const given = new Set((process.env.EARSHOT_NPC ?? '').split(',').filter(Boolean));
const shots = process.env.EARSHOT_SHOTS ?? '';
const SPEECH = { clips: ['Front_Center'], silence: 9 };
/** The page is slow to stop where nothing draws for it: this is about two metres in the end. */
const TALKING_M = 3;
/** The panner puts a voice at the side well above this. */
const LEFT_DB = 2;

/** @type {Stage} */ let stage;
/** @type {import('playwright-core').Page} */ let page;
/** @type {string} */ let npc;
/** @type {string} */ let name;

before(async () => {
  stage = new Stage();
  page = await stage.visitor('Ada', { ...SPEECH, query: '&x=0&z=19.5' }); // away from everybody
  await page.evaluate(() => {
    const app = /** @type {any} */ (globalThis).earshotApp;
    app.heard = [];
    app.session.setMuted(true);
    /** @type {any} */ (globalThis).app = () => app; // for what is evaluated later
    app.session.addEventListener('caption', (/** @type {CustomEvent} */ e) => app.heard.push({ ...e.detail, at: performance.now() }));
  });
  await until('there is an NPC', async () => {
    [npc, name] = await page.evaluate(() => {
      const { session } = /** @type {App} */ (/** @type {any} */ (globalThis).earshotApp);
      const found = [...session.participants.values()].find((p) => p.kind === 'npc');
      return found ? [found.id, found.name] : ['', ''];
    });
    return npc !== '';
  });
});
after(async () => {
  if (shots && page) writeFileSync(join(shots, 'npc-transcript.txt'), (await page.locator('#chat-log').innerText().catch(() => '')) + '\n');
  await stage?.close();
});

test('it is on the plaza, with its mark, and says with what it speaks', async () => {
  await until('it is near', () => page.evaluate((id) => app().session.near.has(id), npc));
  await until('its state is known', () => page.evaluate((id) => app().session.npcs.has(id), npc));
  const info = await page.evaluate((id) => app().session.npcs.get(id), npc);
  console.log(`${name} is ${info?.state} and speaks by ${info?.speaks}${info?.reason ? `: ${info.reason}` : ''}`);
  assert.equal(info?.speaks, given.has('model') ? 'model' : 'script');
  assert.equal(Boolean(info?.reason), !given.has('model'), 'there is a reason for scripted lines, and only for them');
  assert.match(await page.locator('#world-count').innerText(), /NPC/);
});

test('walking up to it, one is greeted', async () => {
  await approach(TALKING_M);
  await page.locator('.bubble:not([hidden])').waitFor({ timeout: 30_000 });
  await until('one is asked to talk', () => page.locator('#talk').isVisible());
  assert.ok((await page.locator('#talk').innerText()).includes(name));
  await until('the greeting is in the chat log', async () => (await page.locator('#chat-log .npc').count()) > 0, 20);
  await shot('npc-greeting');
  if (!given.has('model')) assert.match(await page.locator('#chat-log .note').allInnerTexts().then((t) => t.join('\n')), /scripted lines/);
});

test('typing, one reads the answer while it is made', async () => {
  await quiet();
  const before = (await captions()).length;
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#chat-text').getAttribute('placeholder'), `Say to ${name}`);
  await page.keyboard.type('Hello! What is this place, and who are you?');
  const asked = await page.evaluate(() => performance.now());
  await page.keyboard.press('Enter');
  await until('it answers', async () => (await captions()).slice(before).some((c) => c.text !== ''), 40);
  await shot('npc-answer');
  await until('it has answered', async () => (await captions()).slice(before).some((c) => c.final), 60);
  const answer = (await captions()).slice(before), [first] = answer, { id } = first;
  const parts = answer.filter((c) => c.id === id), last = parts[parts.length - 1];
  console.log(`first words after ${Math.round(first.at - asked)} ms, ${parts.length} captions, ${Math.round(last.at - first.at)} ms to the end, by ${last.source}${last.reason ? ` (${last.reason})` : ''}${last.degraded ? `, ${last.degraded}` : ''}: ${JSON.stringify(last.text)}`);
  assert.equal(last.source, given.has('model') ? 'model' : 'script');
  for (let i = 1; i < parts.length; i++) assert.ok(parts[i].text.startsWith(parts[i - 1].text.trimEnd()) || parts[i].interrupted, 'a caption grows');
  const log = await page.locator('#chat-log .npc').last().innerText();
  assert.ok(log.includes(last.text.trim().split('\n')[0]), 'the chat log has it as one line');
  await page.keyboard.press('Escape');
});

test('speaking, one is understood and answered', { skip: !given.has('hearing') && 'no transcription was given' }, async () => {
  await quiet();
  await face(0);
  const before = (await captions()).length;
  await page.evaluate(() => app().session.setMuted(false));
  await until('it listens or thinks', () => page.evaluate((id) => ['listening', 'thinking'].includes(app().session.npcs.get(id)?.state ?? ''), npc), 30);
  await shot('npc-listening');
  await until('it answers', async () => (await captions()).slice(before).some((c) => c.text !== ''), 40);
  await page.evaluate(() => app().session.setMuted(true));
  if (given.has('voice')) {
    await face(-Math.PI / 3);
    const { left, right } = await ears();
    console.log(`its voice, on our left: left ear ${(left - right).toFixed(1)} dB over the right`);
    assert.ok(left - right > LEFT_DB, `left over right ear = ${(left - right).toFixed(1)} dB, want over ${LEFT_DB}`);
  }
  await until('it has answered', async () => (await captions()).slice(before).some((c) => c.final), 60);
  console.log(`spoken to, it says: ${JSON.stringify((await captions()).findLast((c) => c.final)?.text)}`);
});

test('out of earshot nothing of it is read', async () => {
  await quiet();
  const range = await page.evaluate(() => app().session.world?.voice.range ?? 20);
  await page.evaluate(([id, far]) => {
    const [x = 0, , z = 0] = app().session.poseOf(id)?.root ?? [];
    app().controls.stand(x, z + far, 0);
  }, /** @type {const} */ ([npc, range + 6]));
  await until('its bubble is gone', async () => (await page.locator('.bubble:not([hidden])').count()) === 0);
  await until('nobody asks to talk', async () => !await page.locator('#talk').isVisible());
});

test('asked to forget, it says that it has', async () => {
  await page.locator('#b-options').click();
  await page.locator('#forget').click();
  await page.locator('#forget-yes').click();
  await page.locator('#forget-result.good').waitFor({ timeout: 30_000 });
  await page.locator('#options .primary').click();
});

/** Walks there by the keys, as people do. @param {number} metres */
async function approach(metres) {
  await page.evaluate((id) => {
    const [x = 0, , z = 0] = app().session.poseOf(id)?.root ?? [];
    const r = Math.hypot(x, z) || 1, out = 1 + 5 / r;
    app().controls.stand(x * out, z * out, 0);
  }, npc);
  await page.locator('#view').focus();
  await page.keyboard.down('KeyW');
  try {
    await until(`we are within ${metres} m`, () => page.evaluate(([id, near]) => {
      const pose = app().session.poseOf(id), me = app().controls;
      if (!pose) return false;
      const dx = pose.root[0] - me.x, dz = pose.root[2] - me.z;
      me.yaw = Math.atan2(-dx, -dz);
      return Math.hypot(dx, dz) < near;
    }, /** @type {const} */ ([npc, metres])), 15);
  } finally {
    await page.keyboard.up('KeyW');
  }
}

/** Turns to it and by so much more: to the right where negative, so that its voice comes from the left. @param {number} more radians */
function face(more) {
  return page.evaluate(([id, turn]) => {
    const pose = app().session.poseOf(id), me = app().controls;
    if (pose) me.yaw = Math.atan2(me.x - pose.root[0], me.z - pose.root[2]) + turn;
  }, /** @type {const} */ ([npc, more]));
}

/** Energy of its voice at both ears while it speaks, dB. */
function ears() {
  return page.evaluate(async (id) => {
    const end = performance.now() + 15_000, sum = [0, 0];
    for (let windows = 0; windows < 12 && performance.now() < end;) {
      await new Promise((done) => setTimeout(done, 120));
      const slot = app().session.slots.voice.find((s) => s.participant === id)?.slot;
      if (slot === undefined || app().audio.meter(slot) < -60) continue;
      const { left, right } = app().audio.tap(slot);
      [left, right].forEach((tap, i) => {
        const samples = new Float32Array(4096);
        tap.getFloatTimeDomainData(samples);
        for (const s of samples) sum[i] += s * s;
      });
      windows++;
    }
    const db = (/** @type {number} */ v) => 10 * Math.log10(v + 1e-12);
    return { left: db(sum[0]), right: db(sum[1]) };
  }, npc);
}

/** All of its captions so far. @returns {Promise<Heard[]>} */
function captions() {
  return page.evaluate((id) => app().heard.filter((c) => c.participant === id), npc);
}

/** Waits until it has nothing more to say. */
async function quiet() {
  await until('it is idle', () => page.evaluate((id) => app().session.npcs.get(id)?.state === 'idle' && (app().heard.at(-1)?.final ?? true), npc), 60);
  await sleep(1);
}

/** @param {string} file */
async function shot(file) {
  if (!shots) return;
  await sleep(1);
  await page.screenshot({ path: join(shots, `${file}.png`) });
}

/** For the type checker: inside of the page it is the one that before() put there. @returns {App} */
function app() { return /** @type {any} */ (globalThis).earshotApp; }
