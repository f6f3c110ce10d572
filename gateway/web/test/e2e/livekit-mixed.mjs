// One instance of Earshot, three kinds of clients: our own page, livekit-client
// with livekit-earshot.js, and @livekit/rtc-node. They hear one another from
// where they stand, and a block by any of them holds both ways, in packets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { decibels, distanceGain } from '../../spatial.js';
import { LiveKitStage } from './livekit-stage.mjs';
import { Native } from './livekit-tone.mjs';
import { Stage, inTries, settled, sleep, until } from './stage.mjs';

/** @typedef {import('./stage.mjs').Player} Player */
/** @typedef {import('./livekit-stage.mjs').GuestHandle} GuestHandle */
/** @typedef {{name: string, id: string, received: (from: string) => Promise<number>}} One id of Earshot; packets of whom, by name */

const SECONDS = 3;
/** A head shadows high tones. */
const [CLIENT_HZ, NODE_HZ] = [2000, 3000];
/** Speech, most of which is near 200 Hz, has less of that. */
const LEFT_DB = 3;
const CURVE_DB = 2;
const SETTLE = 1.5;
const BACKWARDS = Math.PI;
const HEAD = { x: 0, y: 0, z: 0, w: 1 };

/** @type {Stage} */ let stage;
/** @type {LiveKitStage} */ let livekit;
/** @type {Player} */ let page;
/** @type {GuestHandle} */ let client;
/** @type {Native} */ let node;
/** @type {One[]} */ let all;
/** @type {ReturnType<typeof setInterval>} */ let posing;
/** Where rtc-node stands, told as small JSON ten times a second. */
let place = [3, 0, 0];

before(async () => {
  stage = new Stage();
  livekit = new LiveKitStage();
  page = await stage.player('page', { clips: ['Front_Center', 'Front_Left', 'Front_Right'], token: livekit.ownToken('page') });
  await page.enter();
  client = await livekit.guest('client', { spatial: true });
  await client.enter();
  await client.do((g, hz) => g.speak(hz), CLIENT_HZ);
  node = new Native('node');
  await node.enter(livekit.ws, livekit.token('node'));
  await node.speak(NODE_HZ, 0.3);
  posing = setInterval(() => {
    const pose = JSON.stringify({ p: place, q: Object.values(HEAD) });
    node.room.localParticipant?.publishData(new TextEncoder().encode(pose), { reliable: false, topic: 'earshot.pose' })
      .catch(() => { /* it has left */ });
  }, 100);
  const id = (/** @type {string|undefined} */ sid) => `pa_${(sid ?? '').replace(/^PA_/, '')}`;
  const [clientID, nodeID] = [id(await client.do((g) => g.room.localParticipant.sid)), id(node.room.localParticipant?.sid)];
  // Of our own page participants are known by id at LiveKit's door.
  const called = (/** @type {string} */ name) => name === 'page' ? page.id : name;
  all = [
    { name: 'page', id: page.id, received: async (from) => (await stage.pair({ id: page.id, name: 'page' }, one(from))).packets },
    { name: 'client', id: clientID, received: (from) => client.packets(called(from)) },
    { name: 'node', id: nodeID, received: async (from) => (await stage.pair({ id: nodeID, name: 'node' }, one(from))).packets },
  ];
  await page.stand([0, 0, 0], 0);
  await client.do((g) => { g.place = { root: [-3, 0, 0], yaw: 0 }; });
});
after(async () => {
  clearInterval(posing);
  await node?.leave();
  await Promise.all([stage?.close(), livekit?.close()]);
  await dispose();
});

/** @param {string} name */
function one(name) {
  const found = all.find((o) => o.name === name);
  assert.ok(found);
  return found;
}

/** @param {(listener: One, talker: One) => Promise<void>} f */
async function everyPair(f) {
  for (const listener of all) for (const talker of all) if (talker !== listener) await f(listener, talker);
}

test('everybody hears everybody', async () => {
  await everyPair((listener, talker) => until(`${listener.name} gets packets of ${talker.name}`, async () => await listener.received(talker.name) > 50, 20));
  for (const identity of [page.id, 'client']) await until(`rtc-node hears ${identity}`, async () => node.audible(identity) > 50);
});

test('our page hears each on their side: livekit-client on the left, rtc-node on the right', async () => {
  const { client: c, node: n } = { client: one('client'), node: one('node') };
  await until('both have slots', () => page.actor.evaluate((a, ids) => ids.every((id) => a.slotOf(id) >= 0), [c.id, n.id]));
  await inTries(async () => {
    await sleep(SETTLE);
    const [left, right] = [await page.measure(c, SECONDS), await page.measure(n, SECONDS)];
    console.log(`left over right ear: client ${db(left.loudLeft - left.loudRight)}, node ${db(right.loudLeft - right.loudRight)}`);
    assert.ok(left.loudLeft - left.loudRight >= LEFT_DB && right.loudRight - right.loudLeft >= LEFT_DB);
  });
});

test('livekit-client with our helper hears both on its right, and turned round on its left', async () => {
  await until('the client knows where they are', () => client.do((g, ids) => ids.every((id) => !!g.space?.poseOf(id)), [page.id, 'node']));
  await sleep(SETTLE);
  for (const [yaw, side] of /** @type {const} */ ([[0, -1], [BACKWARDS, 1]])) {
    await client.do((g, y) => { g.place = { ...g.place, yaw: y }; }, yaw);
    for (const identity of [page.id, 'node']) await inTries(async () => {
      await sleep(SETTLE);
      const got = await client.do((g, [id, s]) => g.measure(id, s), /** @type {const} */ ([identity, SECONDS]));
      const left = (got.loudLeft - got.loudRight) * side;
      console.log(`facing ${yaw ? 'back' : 'ahead'}, the right side over the wrong one: ${identity === 'node' ? 'node' : 'page'} ${db(left)}`);
      assert.ok(left >= LEFT_DB, `${identity}: ${db(left)}`);
    });
  }
  await client.do((g) => { g.place = { root: [-3, 0, 0], yaw: 0 }; });
});

test('the level over distance follows the world’s curve, in our page and at LiveKit’s door', async () => {
  const curve = await page.curve();
  assert.deepEqual(await client.do((g) => g.space?.curve), curve);
  await client.do((g) => { g.place = { root: [0, 0, 0], yaw: 0 }; }); // where our page stands
  await inTries(async () => {
    /** @type {Record<string, number>} */ const reference = {};
    for (const d of [2, 5, 10]) {
      place = [0, 0, -d];
      await sleep(2 * SETTLE);
      const got = {
        page: await page.measure(one('node'), SECONDS),
        client: await client.do((g, s) => g.measure('node', s), SECONDS),
      };
      const model = decibels(distanceGain(curve, d));
      for (const name of /** @type {const} */ (['page', 'client'])) {
        reference[name] ??= got[name].both - model;
        const heard = got[name].both - reference[name];
        console.log(`${name}: ${d} m: heard ${db(heard)}, model ${db(model)}`);
        assert.ok(Math.abs(heard - model) <= CURVE_DB, `${name} at ${d} m heard ${db(heard)}, want ${db(model)} within ${CURVE_DB}`);
      }
    }
  });
  await client.do((g) => { g.place = { root: [-3, 0, 0], yaw: 0 }; });
  place = [3, 0, 0];
});

test('out of earshot not a packet more, for any of them', async () => {
  place = [0, 0, -60];
  await until('the page has released the slot', async () => (await stage.pair(page, one('node'))).slot === null);
  await sleep(2);
  await silent([['page', 'node'], ['client', 'node'], ['node', 'page'], ['node', 'client']]);
  place = [3, 0, 0];
  for (const [listener, talker] of [['page', 'node'], ['client', 'node'], ['node', 'page']]) await flows(listener, talker);
});

for (const [blocker, blocked] of [['page', 'client'], ['page', 'node'], ['client', 'node'], ['client', 'page'], ['node', 'page'], ['node', 'client']]) {
  test(`${blocker} blocks ${blocked}: not a packet either way, and again after`, async () => {
    const third = all.map((o) => o.name).find((n) => n !== blocker && n !== blocked) ?? '';
    await block(blocker, blocked, true);
    try {
      await sleep(1); // the order and what jitter buffers hold are on their way
      await silent([[blocker, blocked], [blocked, blocker]]);
      await flows(third, blocker); // the others are not disturbed
      await flows(blocker, third);
    } finally {
      await block(blocker, blocked, false);
    }
    await flows(blocker, blocked);
    await flows(blocked, blocker);
  });
}

/**
 * @param {string} who
 * @param {string} whom
 * @param {boolean} on
 */
async function block(who, whom, on) {
  const participant = one(whom).id;
  if (who === 'page') {
    await page.actor.evaluate((a, [id, b]) => a.earshot.setBlocked(id, b), /** @type {const} */ ([participant, on]));
  } else if (who === 'client') {
    await client.do((g, [id, b]) => g.space?.setBlocked(id, b), /** @type {const} */ ([whom === 'page' ? page.id : whom, on]));
  } else {
    const message = new TextEncoder().encode(JSON.stringify({ type: 'block', participant, blocked: on }));
    await node.room.localParticipant?.publishData(message, { reliable: true, topic: 'earshot.control' });
  }
}

/** @param {string[][]} pairs of listener and talker */
async function silent(pairs) {
  const count = () => Promise.all(pairs.map(([listener, talker]) => one(listener).received(talker)));
  await settled(async () => (await count()).reduce((sum, n) => sum + n));
  const had = await count();
  await sleep(3);
  const has = await count();
  pairs.forEach(([listener, talker], i) => assert.ok(has[i] <= had[i], `${listener} got ${has[i] - had[i]} packets of ${talker} in 3 s`));
}

/**
 * @param {string} listener
 * @param {string} talker
 */
async function flows(listener, talker) {
  const had = await one(listener).received(talker);
  await until(`${listener} hears ${talker}`, async () => {
    const has = await one(listener).received(talker);
    return has < had || has > had + 20; // fewer: the track is another one
  }, 15);
}

/** @param {number} v */
function db(v) { return `${v.toFixed(1)} dB`; }
