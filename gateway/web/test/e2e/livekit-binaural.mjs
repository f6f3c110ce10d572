// The server's own binaural mix, by @livekit/rtc-node over /rtc/v1: who asks for
// earshot.audio=binaural gets one stereo track, in which a talker on the left is
// on the left. Mono SDKs and two connections would lose that.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { LiveKitStage } from './livekit-stage.mjs';
import { Native } from './livekit-tone.mjs';
import { inTries, sleep, until } from './stage.mjs';

/** A head shadows high tones. */
const HZ = 2000;
const LEFT_DB = 4;
const SILENT_DB = -70;
/** Whom the mix comes from. */
const MIX = 'binaural';

/** @type {LiveKitStage} */ let stage;
/** @type {Native} */ let listener;
/** @type {Native} */ let talker;
/** @type {ReturnType<typeof setInterval>} */ let posing;
/** Where the talker stands. */
let place = [-3, 0, 0];

before(async () => {
  stage = new LiveKitStage();
  listener = new Native('listener');
  talker = new Native('talker');
  await talker.enter(stage.ws, stage.token('talker'));
  await talker.speak(HZ, 0.3);
  await listener.enter(stage.ws, stage.token('listener', { attributes: { 'earshot.audio': 'binaural' } }));
  const stand = (/** @type {Native} */ who, /** @type {number[]} */ p) => who.room.localParticipant?.publishData(
    new TextEncoder().encode(JSON.stringify({ p, q: [0, 0, 0, 1] })), { reliable: false, topic: 'earshot.pose' }).catch(() => { /* left */ });
  posing = setInterval(() => { stand(listener, [0, 0, 0]); stand(talker, place); }, 100);
});
after(async () => {
  clearInterval(posing);
  await Promise.all([listener?.leave(), talker?.leave()]);
  await stage?.close();
  await dispose();
});

/** dB by which the left ear is louder, over two seconds. */
async function left() {
  let [l, r] = [0, 0];
  for (let i = 0; i < 20; i++) {
    await sleep(0.1);
    const level = listener.level(MIX, HZ);
    l += 10 ** (level.left / 10);
    r += 10 ** (level.right / 10);
  }
  return 10 * Math.log10(l / r);
}

test('a talker on the left is louder on the left, and on the right on the right', async () => {
  await until('the mix is heard', async () => listener.level(MIX, HZ).left > -50, 20);
  await inTries(async () => {
    place = [-3, 0, 0];
    await sleep(2);
    const there = await left();
    place = [3, 0, 0];
    await sleep(2);
    const here = await left();
    console.log(`left over right ear: ${there.toFixed(1)} dB, from the other side ${here.toFixed(1)} dB`);
    assert.ok(there >= LEFT_DB && here <= -LEFT_DB);
  });
});

test('blocked, nothing of the talker is in the mix; unblocked, it is again', async () => {
  const participant = `pa_${(talker.room.localParticipant?.sid ?? '').replace(/^PA_/, '')}`;
  const block = (/** @type {boolean} */ blocked) => listener.room.localParticipant?.publishData(
    new TextEncoder().encode(JSON.stringify({ type: 'block', participant, blocked })), { reliable: true, topic: 'earshot.control' });
  await block(true);
  await until('it is silent', async () => { const { left: l, right: r } = listener.level(MIX, HZ); return l < SILENT_DB && r < SILENT_DB; });
  await sleep(0.5);
  for (let i = 0; i < 20; i++) {
    const { left: l, right: r } = listener.level(MIX, HZ);
    assert.ok(l < SILENT_DB && r < SILENT_DB, `${l} and ${r} dBFS of one who is blocked`);
    await sleep(0.1);
  }
  await block(false);
  await until('the talker is heard again', async () => listener.level(MIX, HZ).right > -50, 15);
});
