// A listener who asks for a binaural mix, a talker and one whom the listener
// blocks, in three real browsers: which side a voice comes from, that blocks
// hold in the mix, that going over between the modes drops hardly anything, and
// what it costs the downlink.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, inTries, lateness, sleep, until } from './stage.mjs';

/** @typedef {import('./stage.mjs').Player} Player */

const LEFT_DB = 4;
const SETTLE = 1.5;
const SWITCH_MS = 60;
const MOST_KBPS = 100;
const [TOWARDS_RIGHT, BACKWARDS] = [-Math.PI / 2, Math.PI];

/** @type {Stage} */ let stage;
/** @type {Player} */ let listener;
/** @type {Player} */ let talker;
/** @type {Player} */ let nuisance;

before(async () => {
  stage = new Stage();
  talker = await stage.player('talker', { clips: ['Noise'] });
  nuisance = await stage.player('nuisance', { clips: ['Front_Left', 'Rear_Left', 'Rear_Right'] });
  listener = await stage.player('listener');
  for (const p of [talker, nuisance, listener]) await p.enter();
  await nuisance.stand([0, 0, 300], 0);
  await listener.stand([0, 0, 0], 0);
  await talker.stand([-3, 0, 0], TOWARDS_RIGHT);
  await until('the talker has a slot', () => listener.hears(talker));
  await until('the nuisance has none', async () => !await listener.hears(nuisance));
});
after(() => stage?.close());

/** @param {import('../../signal.js').AudioMode} mode */
async function go(mode) {
  await listener.actor.evaluate((a, m) => a.earshot.setAudio(m), mode);
  await until(`audio comes as ${mode}`, () => listener.actor.evaluate((a, m) => a.earshot.audioMode === m && (a.slotOf('') >= 0) === (m === 'binaural'), mode));
}

const mix = (seconds = 4) => listener.actor.evaluate((a, s) => a.measure('', s), seconds);

test('a talker on the left is louder in the left ear of the mix, and the ears swap when the listener turns round', async () => {
  await go('binaural');
  await sleep(SETTLE);
  assert.equal(await listener.hears(talker), false, 'no slot of their own any more');
  await inTries(ears);
  await until('it is said who is in the mix', () => listener.actor.evaluate((a, id) => a.earshot.audible.has(id), talker.id));
});

/** Measures both ears, before and after turning round. */
async function ears() {
  const ahead = await mix();
  await listener.stand([0, 0, 0], BACKWARDS);
  await sleep(SETTLE);
  const turned = await mix();
  await listener.stand([0, 0, 0], 0);
  await sleep(SETTLE);
  const [left, right] = [ahead.loudLeft - ahead.loudRight, turned.loudRight - turned.loudLeft];
  console.log(`left over right ear ${left.toFixed(1)} dB, turned round right over left ${right.toFixed(1)} dB (A-weighted), level ${ahead.level.toFixed(1)} dB`);
  assert.ok(left >= LEFT_DB && right >= LEFT_DB, `${left} and ${right} dB, want ${LEFT_DB}`);
  assert.ok(ahead.level > -60, `the mix has ${ahead.level} dB: that is no voice`);
}

test('the mix needs little of the downlink', async () => {
  await listener.actor.evaluate((a) => a.earshot.stats());
  await sleep(5);
  const { downKbps } = await listener.actor.evaluate((a) => a.earshot.stats());
  console.log(`${downKbps.toFixed(1)} kbit/s`);
  assert.ok(downKbps <= MOST_KBPS, `${downKbps} kbit/s`);
});

test('one who is blocked is not in the mix, from the first moment on', async () => {
  await talker.stand([0, 0, 300], 0);
  await until('silence', async () => (await mix(1)).level < -90, 15);
  await listener.block(nuisance, true);
  await nuisance.stand([1, 0, 0], 0);
  await sleep(3);
  const blocked = await mix(3);
  await listener.block(nuisance, false);
  await until('unblocked they are heard', async () => (await mix(1)).level > -60, 15);
  await listener.block(nuisance, true);
  await until('silence again', async () => (await mix(0.5)).level < -90); // what the jitter buffer had
  const again = await mix(3);
  console.log(`blocked ${blocked.level.toFixed(0)} dB, blocked again ${again.level.toFixed(0)} dB`);
  assert.ok(blocked.level < -90 && again.level < -90);
  assert.equal((await stage.pair(listener, nuisance)).slot, null);
  await talker.stand([-3, 0, 0], TOWARDS_RIGHT);
});

test('going over from one mode to the other drops hardly anything', async () => {
  await until('the talker is heard', async () => (await mix(1)).level > -60, 15);
  const gaps = await listener.actor.evaluateHandle((a) => a.listenForGaps());
  const heard = () => gaps.evaluate((f) => f());
  await heard();
  await sleep(3);
  const calm = await heard();
  for (const mode of /** @type {const} */ (['slots', 'binaural', 'slots', 'binaural'])) {
    await inTries(async (again) => {
      if (again) {
        await go(mode === 'slots' ? 'binaural' : 'slots');
        await sleep(2);
        await heard();
      }
      const late = lateness();
      await go(mode);
      await sleep(2);
      const { gap, level } = await heard(), most = Math.max(SWITCH_MS, calm.gap + 20) + late();
      console.log(`to ${mode}: longest gap ${gap.toFixed(0)} ms (by itself ${calm.gap.toFixed(0)} ms), level ${level.toFixed(1)} dB (${calm.level.toFixed(1)} dB)`);
      assert.ok(gap <= most, `${gap} ms of silence going over to ${mode}`);
    });
  }
});
