// The server's own binaural mix in a page, by livekit-client in Chromium, which
// pans nothing: who asks for earshot.audio=binaural gets one stereo track, in
// which a talker on the left is on the left, and a block silences.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { LiveKitStage } from './livekit-stage.mjs';
import { Native } from './livekit-tone.mjs';
import { inTries, sleep, until } from './stage.mjs';

/** @typedef {import('./livekit-stage.mjs').GuestHandle} GuestHandle */

/** A head shadows high tones. */
const HZ = 2000;
const SIDE_DB = 4;
const HEARD_DB = -60;
const SILENT_DB = -80;
/** Whom the mix comes from. */
const MIX = 'binaural';

/** @type {LiveKitStage} */ let stage;
/** @type {GuestHandle} */ let listener;
/** @type {Native} */ let talker;
/** @type {ReturnType<typeof setInterval>} */ let posing;
/** Where the talker stands. */
let place = [-3, 0, 0];

before(async () => {
  stage = new LiveKitStage();
  talker = new Native('talker');
  await talker.enter(stage.ws, stage.token('talker'));
  await talker.speak(HZ, 0.3);
  listener = await stage.guest('listener', { attributes: { 'earshot.audio': 'binaural' } });
  await listener.enter();
  await stand([0, 0, 0]);
  posing = setInterval(() => talker.room.localParticipant?.publishData(
    new TextEncoder().encode(JSON.stringify({ p: place, q: [0, 0, 0, 1] })), { reliable: false, topic: 'earshot.pose' }).catch(() => { /* left */ }), 100);
});
after(async () => {
  clearInterval(posing);
  await talker?.leave();
  await stage?.close();
  await dispose();
});

/** @param {number[]} p where the listener stands */
const stand = (p) => listener.do((g, at) => g.room.localParticipant.publishData(
  new TextEncoder().encode(JSON.stringify({ p: at, q: [0, 0, 0, 1] })), { reliable: true, topic: 'earshot.pose' }), p);

const channels = () => listener.do((g, id) => g.channels(id, 1.5), MIX);

test('there is one who carries everybody, and nobody else publishes', async () => {
  await until('the mix is subscribed', () => listener.do((g, id) => !!g.publication(id, 'microphone')?.track, MIX), 20);
  assert.equal(await listener.do((g) => [...g.room.remoteParticipants.values()].filter((p) => p.identity !== 'binaural' && !p.identity.startsWith('view-'))
    .reduce((n, p) => n + p.trackPublications.size, 0)), 0);
});

test('a talker on the left is louder on the left, and on the right on the right', async () => {
  await until('the mix is heard', async () => (await channels()).level > HEARD_DB, 30);
  await inTries(async () => {
    place = [-3, 0, 0];
    await sleep(2);
    const there = await channels();
    place = [3, 0, 0];
    await sleep(2);
    const here = await channels();
    console.log(`left over right: ${(there.left - there.right).toFixed(1)} dB, from the other side ${(here.left - here.right).toFixed(1)} dB`);
    assert.ok(there.left - there.right >= SIDE_DB && here.right - here.left >= SIDE_DB);
  });
});

test('blocked, nothing of the talker is in the mix; unblocked, it is again', async () => {
  const participant = `pa_${(talker.room.localParticipant?.sid ?? '').replace(/^PA_/, '')}`;
  const block = (/** @type {boolean} */ blocked) => listener.do((g, message) => g.room.localParticipant.publishData(
    new TextEncoder().encode(message), { reliable: true, topic: 'earshot.control' }), JSON.stringify({ type: 'block', participant, blocked }));
  await block(true);
  await until('it is silent', async () => !((await channels()).level > SILENT_DB));
  const { level } = await channels();
  assert.ok(!(level > SILENT_DB), `${level} dB of one who is blocked`);
  await block(false);
  await until('the talker is heard again', async () => (await channels()).level > HEARD_DB, 20);
});
