// The life of a session in a real browser against a real server: refused,
// muted, interrupted and resumed, lost, and ended by closing the page. The
// onlooker is there by WebSocket alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, sleep, soon, until } from './stage.mjs';

/** @typedef {import('./stage.mjs').Player} Player */

/** @type {Stage} */ let stage;
/** @type {Player} */ let onlooker;
/** @type {Player} */ let talker;
/** @type {Player} */ let listener;

before(async () => {
  stage = new Stage();
  onlooker = await stage.player('onlooker', { media: false });
  talker = await stage.player('talker', { clips: ['Front_Center', 'Front_Left'] });
  await talker.lose(0); // see Player.lose
  listener = await stage.player('listener');
  for (const p of [onlooker, talker, listener]) await p.enter();
});
after(() => stage?.close());

const packets = async () => (await stage.pair(listener, talker)).packets;

/** @param {number} [seconds] */
async function flows(seconds) {
  const had = await packets();
  await until('packets flow', async () => await packets() > had + 20, seconds);
}

test('a refused join says why', async () => {
  const error = await onlooker.actor.evaluate(async (a) => {
    const Earshot = /** @type {typeof import('../../earshot.js').Earshot} */ (a.earshot.constructor);
    /** @type {unknown[]} */
    const refused = [];
    for (const media of [true, false]) {
      await new Earshot({ url: location.origin, token: 'nonsense', media }).join()
        .catch((e) => refused.push(e.name, e.code, e.message.length > 10));
    }
    return refused;
  });
  assert.deepEqual(error, ['EarshotError', 'unauthenticated', true, 'EarshotError', 'unauthenticated', true]);
});

test('one without media sees, is seen and chats', async () => {
  await until('all see each other', async () => await onlooker.sees(talker) && await talker.sees(onlooker));
  await onlooker.stand([1, 0, 1], 0);
  await until('the onlooker is seen to move', () => talker.actor.evaluate((a, id) => {
    const root = a.earshot.poseOf(id)?.root;
    return !!root && Math.hypot(root[0] - 1, root[2] - 1) < 0.01;
  }, onlooker.id));
  await onlooker.actor.evaluate((a) => a.earshot.sendChat('hello there'));
  await until('the chat is heard', async () => (await talker.events('chat')).some((c) => c.text === 'hello there' && c.name === 'onlooker'));
});

test('muted, not a packet more; unmuted, they flow again', async () => {
  await flows();
  await talker.actor.evaluate((a) => a.earshot.setMuted(true));
  await until('others know', async () => (await listener.events('muted')).some((m) => m.muted && m.by === 'self'));
  const had = await packets();
  await sleep(2);
  assert.equal(await packets(), had);
  await talker.actor.evaluate((a) => a.earshot.setMuted(false));
  await flows();
});

test('a new token replaces the old one', async () => {
  const [before, now] = await talker.actor.evaluate(async (a) => {
    const old = a.earshot.token;
    await new Promise((done) => setTimeout(done, 1100)); // a token of the same second is the same token
    a.earshot.renewToken();
    for (let i = 0; i < 300 && a.earshot.token === old; i++) await new Promise((done) => setTimeout(done, 100));
    return [old, a.earshot.token];
  });
  assert.notEqual(now, before);
});

test('an interrupted connection is resumed with the same session', async () => {
  const session = await talker.actor.evaluate((a) => a.earshot.session);
  await talker.lose(100);
  await until('the loss is noticed', async () => (await talker.events('state')).at(-1).state === 'reconnecting', 15);
  await talker.lose(0);
  await until('it is connected again', async () => (await talker.events('state')).at(-1).state === 'connected', 10);
  await flows();
  assert.equal(await talker.actor.evaluate((a) => a.earshot.session), session);
  assert.deepEqual(await onlooker.events('left'), []);
  assert.equal((await talker.events('state')).filter((s) => s.state === 'closed').length, 0);
});

test('a connection lost for good ends the session for both sides', async () => {
  await talker.lose(100);
  await until('the others are told', async () => (await onlooker.events('left')).some((l) => l.participant === talker.id && l.reason === 'lost'), 30);
  await until('the talker knows', async () => {
    const { state, reconnect } = (await talker.events('state')).at(-1);
    return state === 'closed' && reconnect;
  }, 20);
  await talker.lose(0);
});

test('the same page joins again', async () => {
  await talker.actor.evaluate((a) => a.earshot.join());
  await until('the others see it', () => onlooker.sees(talker));
});

test('closing the page leaves at once', async () => {
  await listener.page.close({ runBeforeUnload: false });
  await soon('the others are told', async () => (await onlooker.events('left')).some((l) => l.participant === listener.id), 5);
});
