// A session over a WebSocket, message by message. The socket is a fake: the
// real one is used by the browser test against a real server.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Earshot } from '../earshot.js';
import { decode, encode } from '../pose.js';

class FakeSocket {
  static OPEN = 1;
  /** @type {FakeSocket} */ static last;
  /** @type {any[]} */ sent = [];
  readyState = 0;
  bufferedAmount = 0;
  binaryType = '';
  onopen = () => {};
  onclose = () => {};
  /** @type {(e: {data: string|ArrayBuffer}) => void} */ onmessage = () => {};

  /** @param {URL} url */
  constructor(url) {
    this.url = String(url);
    FakeSocket.last = this;
  }

  /** @param {any} data */
  send(data) { this.sent.push(typeof data === 'string' ? JSON.parse(data) : data); }

  close() { this.readyState = 3; }

  open() {
    this.readyState = FakeSocket.OPEN;
    this.onopen();
  }

  /** @param {object} message */
  say(message) { this.onmessage({ data: JSON.stringify(message) }); }

  /** The types of what was sent, without pings. */
  types() { return this.sent.map((m) => m.type).filter((type) => type !== 'ping'); }
}

const original = globalThis.WebSocket;
beforeEach(() => { globalThis.WebSocket = /** @type {any} */ (FakeSocket); });
/** @type {Earshot[]} */
let open = [];
afterEach(() => {
  open.splice(0).forEach((e) => e.leave());
  globalThis.WebSocket = original;
});

/**
 * @param {string} id
 * @param {number} index
 */
const somebody = (id, index) => ({ id, index, name: id.slice(3), kind: 'person', muted: false, moderated: false, camera: false, screen: false });

const welcome = {
  type: 'welcome', protocol: 1, session: 'se_1', instance: 'in_plaza-1', you: somebody('pa_me', 1),
  spawn: { position: [0, 0, 2], yaw: 0 }, server_time: 5000, token_expires: new Date(Date.now() + 600_000).toISOString(),
  world: {
    name: 'plaza', title: 'Plaza', scene: 'plaza', view_range: 60, chat_range: 20,
    voice: { model: 'inverse', ref: 1.5, max: 10000, rolloff: 1, range: 20, fade: 3, cone: { inner: 120, outer: 240, outer_gain: 0.5 } },
  },
};

/** @param {Partial<import('../earshot.js').Options>} [options] */
function start(options = {}) {
  const earshot = new Earshot({ url: 'https://example.org', token: 'tok', media: false, ...options });
  open.push(earshot);
  const joined = earshot.join();
  FakeSocket.last.open();
  return { earshot, joined, socket: FakeSocket.last };
}

/** @param {Partial<import('../earshot.js').Options>} [options] */
async function enter(options) {
  const { earshot, joined, socket } = start(options);
  socket.say(welcome);
  await joined;
  return { earshot, socket };
}

test('joining: token first, blocks before anything is heard, then ready', async () => {
  const blocks = Array.from({ length: 502 }, (_, i) => `pa_${i}`);
  const { earshot, joined, socket } = start({ blocks });
  /** @type {string[]} */
  const states = [];
  earshot.on('state', ({ state }) => states.push(state));
  earshot.on('welcome', () => assert.ok(!socket.types().includes('ready'), 'ready was sent before the app knew'));
  assert.equal(socket.url, 'wss://example.org/v1/control');
  assert.deepEqual(socket.sent, [{ type: 'join', token: 'tok' }]);
  socket.say(welcome);
  assert.equal((await joined).instance, 'in_plaza-1');
  assert.deepEqual(socket.types(), ['join', 'block', 'block', 'ready']);
  assert.equal(/** @type {any} */ (socket.sent[3]).blocks.length, 500);
  assert.deepEqual(states, ['connected']);
  assert.equal(earshot.world?.voice.range, 20);
});

test('a refused join carries the code and message of the server', async () => {
  const { earshot, joined, socket } = start();
  socket.say({ type: 'error', code: 'unauthenticated', message: 'the token expired: get another one' });
  await assert.rejects(joined, { name: 'EarshotError', code: 'unauthenticated', message: 'the token expired: get another one' });
  assert.equal(earshot.state, 'closed');
});

test('a socket that closes before the welcome', async () => {
  const { joined, socket } = start();
  socket.onclose();
  await assert.rejects(joined, { code: 'unavailable', reconnect: true });
});

test('a server of another version', async () => {
  const { joined, socket } = start();
  socket.say({ ...welcome, protocol: 2 });
  await assert.rejects(joined, { code: 'unimplemented' });
});

test('leaving while joining', async () => {
  const { earshot, joined } = start();
  earshot.leave();
  await assert.rejects(joined, { code: 'canceled' });
});

test('leaving while joining, and joining again at once', async () => {
  const { earshot, joined, socket } = start();
  earshot.leave();
  const again = earshot.join();
  await assert.rejects(joined, { code: 'canceled' });
  assert.equal(earshot.state, 'connecting');
  assert.equal(socket.readyState, 3);
  assert.notEqual(FakeSocket.last, socket);
  FakeSocket.last.open();
  FakeSocket.last.say(welcome);
  assert.equal((await again).session, 'se_1');
  assert.equal(earshot.state, 'connected');
});

test('who is here, near, talking, muted', async () => {
  const { earshot, socket } = await enter();
  socket.say({ type: 'joined', participants: [somebody('pa_me', 1), somebody('pa_ada', 2), somebody('pa_bo', 3)] });
  assert.deepEqual([...earshot.participants.keys()], ['pa_ada', 'pa_bo']);
  socket.say({ type: 'near', enter: ['pa_ada', 'pa_bo'] });
  socket.say({ type: 'speaking', start: ['pa_ada'] });
  socket.say({ type: 'muted', participant: 'pa_bo', muted: true, by: 'moderator' });
  socket.say({ type: 'published', participant: 'pa_bo', source: 'screen', active: true });
  assert.deepEqual([...earshot.near], ['pa_ada', 'pa_bo']);
  assert.deepEqual([...earshot.speaking], ['pa_ada']);
  socket.say({ type: 'renamed', participant: 'pa_bo', name: 'Bo the Second' });
  socket.say({ type: 'renamed', participant: 'pa_me', name: 'I myself' });
  assert.deepEqual(earshot.participants.get('pa_bo'), { ...somebody('pa_bo', 3), name: 'Bo the Second', moderated: true, screen: true });
  assert.equal(earshot.you?.name, 'I myself');
  socket.say({ type: 'left', participant: 'pa_ada', reason: 'left' });
  assert.deepEqual([[...earshot.near], [...earshot.speaking], earshot.participants.size], [['pa_bo'], [], 1]);
});

test('slots: a message has those that changed, the others stay', async () => {
  const { earshot, socket } = await enter();
  const slot = (/** @type {number} */ n, /** @type {string} */ who) => ({ slot: n, mid: `${n}`, ...(who ? { participant: who, track: `tr_${who}`, source: 'microphone' } : {}) });
  const who = () => earshot.slots.voice.map((s) => s.participant ?? '');
  socket.say({ type: 'slots', voice: [slot(0, 'pa_a'), slot(1, ''), slot(2, '')], video: [slot(0, '')] });
  assert.deepEqual(who(), ['pa_a', '', '']);
  socket.say({ type: 'slots', voice: [slot(2, 'pa_b')], video: [] });
  assert.deepEqual(who(), ['pa_a', '', 'pa_b']);
  socket.say({ type: 'slots', voice: [slot(0, ''), slot(1, 'pa_a')], video: [slot(0, 'pa_v')] });
  assert.deepEqual(who(), ['', 'pa_a', 'pa_b']);
  assert.equal(earshot.slots.video[0].participant, 'pa_v');
});

test('blocks and personal volumes are kept and told again after joining anew', async () => {
  const { earshot, socket } = await enter();
  earshot.setBlocked('pa_ada', true);
  assert.equal(earshot.blocked.size, 0, 'a block holds when the server says so');
  socket.say({ type: 'blocked', participant: 'pa_ada', blocked: true });
  earshot.setGain('pa_bo', -6);
  socket.say({ type: 'bye', code: 'unavailable', message: 'restarting', reconnect: true });
  assert.equal(earshot.state, 'closed');
  const again = earshot.join();
  FakeSocket.last.open();
  FakeSocket.last.say(welcome);
  await again;
  assert.deepEqual(FakeSocket.last.sent.filter((m) => m.type !== 'ping').slice(1),
    [{ type: 'ready', blocks: ['pa_ada'] }, { type: 'gain', participant: 'pa_bo', gain_db: -6 }]);
});

test('bye ends the session and says whether to come back', async () => {
  const { earshot, socket } = await enter();
  /** @type {any[]} */
  const seen = [];
  earshot.on('bye', ({ code }) => seen.push(code));
  earshot.on('state', ({ state, error }) => seen.push(state, error?.reconnect, error?.message));
  socket.say({ type: 'bye', code: 'permission_denied', message: 'a moderator removed you', reconnect: false });
  assert.deepEqual(seen, ['permission_denied', 'closed', false, 'a moderator removed you']);
});

test('what the server refuses or garbles is an error event, and the session goes on', async () => {
  const { earshot, socket } = await enter();
  /** @type {string[]} */
  const errors = [];
  earshot.on('error', (e) => errors.push(e.code));
  socket.say({ type: 'error', code: 'resource_exhausted', message: 'slow down' });
  socket.onmessage({ data: '{' });
  socket.onmessage({ data: new ArrayBuffer(3) });
  socket.say({ type: 'weather' });
  assert.deepEqual(errors, ['resource_exhausted', 'invalid_argument', 'invalid_argument']);
  assert.equal(earshot.state, 'connected');
});

test('poses: up with the one before, down by index while near', async () => {
  const { earshot, socket } = await enter();
  const at = (/** @type {number} */ x) => ({
    root: /** @type {[number, number, number]} */ ([x, 0, 0]), yaw: 0, left: null, right: null,
    head: { position: /** @type {[number, number, number]} */ ([0, 1.6, 0]), rotation: /** @type {[number, number, number, number]} */ ([0, 0, 0, 1]) },
  });
  assert.ok(earshot.sendPose(at(1), 1000));
  assert.ok(earshot.sendPose(at(2), 1033));
  const [first, second] = socket.sent.filter((m) => m instanceof Uint8Array).map(decode);
  assert.deepEqual([first.seq, first.blocks.length, second.seq, second.time], [0, 1, 1, 1033]);
  assert.deepEqual(second.blocks.map((b) => [b.age, b.pose?.root[0]]), [[0, 2], [33, 1]]);

  socket.say({ type: 'joined', participants: [somebody('pa_ada', 9)] });
  const datagram = encode(0, 5000, [{ index: 9, age: 0, pose: at(4) }]);
  socket.onmessage({ data: /** @type {ArrayBuffer} */ (datagram.buffer) });
  assert.equal(earshot.poseOf('pa_ada'), null, 'not near yet');
  socket.say({ type: 'near', enter: ['pa_ada'] });
  assert.equal(earshot.poseOf('pa_ada')?.root[0], 4);
  socket.say({ type: 'near', leave: ['pa_ada'] });
  socket.say({ type: 'near', enter: ['pa_ada'] });
  assert.equal(earshot.poseOf('pa_ada'), null, 'where they were is not where they are');
});

test('a full line drops poses', async () => {
  const { earshot, socket } = await enter();
  socket.bufferedAmount = 1e6;
  const pose = { root: [0, 0, 0], yaw: 0, head: { position: [0, 1.6, 0], rotation: [0, 0, 0, 1] }, left: null, right: null };
  assert.equal(earshot.sendPose(/** @type {any} */ (pose)), false);
});

test('the token is renewed at 80 % of its life and used from then on', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.parse('2026-11-21T12:00:00Z') });
  const { earshot, joined, socket } = start();
  socket.say({ ...welcome, token_expires: '2026-11-21T12:10:00Z' });
  await joined;
  t.mock.timers.tick(479_000);
  assert.ok(!socket.types().includes('renew'));
  t.mock.timers.tick(2000);
  assert.equal(socket.types().at(-1), 'renew');
  socket.say({ type: 'token', token: 'tok2', expires: '2026-11-21T12:18:01Z' });
  assert.equal(earshot.token, 'tok2');
  t.mock.timers.tick(481_000);
  assert.equal(socket.types().filter((type) => type === 'renew').length, 2);
});

const caption = { type: 'caption', participant: 'pa_mara', id: 'ev_1', text: 'Evening', final: false, interrupted: false, source: 'model', degraded: '', reason: '' };

test('NPCs: how they are is kept, what they say and do is told', async () => {
  const { earshot, socket } = await enter();
  /** @type {any[]} */
  const told = [];
  for (const type of /** @type {const} */ (['npc', 'caption', 'act'])) earshot.on(type, (m) => told.push(m));
  socket.say({ type: 'joined', participants: [{ ...somebody('pa_mara', 4), kind: 'npc' }, { ...somebody('pa_away', 5), kind: 'stand-in', of: 'pa_ada' }] });
  socket.say({ type: 'npc', participant: 'pa_mara', state: 'idle', speaks: 'script', reason: 'no model server is configured' });
  assert.deepEqual(earshot.npcs.get('pa_mara'), { state: 'idle', speaks: 'script', reason: 'no model server is configured' });
  assert.equal(earshot.participants.get('pa_away')?.of, 'pa_ada');
  socket.say({ type: 'npc', participant: 'pa_mara', state: 'thinking', speaks: 'model', reason: '' });
  socket.say(caption);
  socket.say({ type: 'act', participant: 'pa_mara', name: 'wave', kind: 'emote' });
  assert.equal(earshot.npcs.get('pa_mara')?.state, 'thinking');
  assert.deepEqual(told.map((m) => m.type), ['npc', 'npc', 'caption', 'act']);
  assert.deepEqual([told[2], told[3].args], [caption, {}]);
  socket.say({ type: 'left', participant: 'pa_mara', reason: 'left' });
  assert.equal(earshot.npcs.size, 0);
});

test('a changed world holds from the message on', async () => {
  const { earshot, socket } = await enter();
  earshot.on('world', ({ world }) => assert.equal(world, earshot.world, 'listeners find it in the session too'));
  socket.say({ type: 'world', world: { ...welcome.world, chat_range: 7, voice: { ...welcome.world.voice, range: 9 } } });
  assert.deepEqual([earshot.world?.chat_range, earshot.world?.voice.range], [7, 9]);
  socket.say({ type: 'world', world: { ...welcome.world, voice: null } });
  assert.equal(earshot.world?.chat_range, 7, 'a malformed one changes nothing');
});

test('forgetting is asked once at a time and answered, refused or cut off', async () => {
  const { earshot, socket } = await enter();
  const asked = () => socket.sent.filter((m) => m.type === 'forget');
  const both = [earshot.forget(), earshot.forget()];
  assert.deepEqual(asked(), [{ type: 'forget', ref: 'forget' }]);
  socket.say({ type: 'forgotten' });
  await Promise.all(both);
  const refused = earshot.forget();
  earshot.on('error', () => assert.fail('the refusal belongs to who asked'));
  socket.say({ type: 'error', code: 'unavailable', message: 'the memory store is down: try again', ref: 'forget' });
  await assert.rejects(refused, { code: 'unavailable' });
  const cut = earshot.forget();
  earshot.leave();
  await assert.rejects(cut, { code: 'canceled' });
  await assert.rejects(earshot.forget(), { code: 'failed_precondition' });
  assert.equal(asked().length, 3);
});

test('a stand-in is allowed again after joining anew', async () => {
  const { earshot, socket } = await enter();
  earshot.standIn(true, 'back at nine');
  assert.deepEqual(socket.sent.at(-1), { type: 'stand_in', allowed: true, text: 'back at nine' });
  assert.throws(() => earshot.standIn(true, 'a'.repeat(501)), { code: 'invalid_argument' });
  socket.say({ type: 'bye', code: 'unavailable', message: 'restarting', reconnect: true });
  const again = earshot.join();
  FakeSocket.last.open();
  FakeSocket.last.say(welcome);
  await again;
  assert.deepEqual(FakeSocket.last.types(), ['join', 'ready', 'stand_in']);
});

const statement = { what: 'Your microphone is off for 10 minutes.', facts: 'A message of yours.', automation: 'Decided by a machine.', rule: 'No threats.', redress: 'Appeal.' };

test('how voices come is chosen before anything is heard, and again after joining anew', async () => {
  const { earshot, socket } = await enter();
  earshot.setAudio('binaural');
  socket.say({ type: 'audio', mode: 'binaural' });
  socket.say({ type: 'audible', participants: ['pa_bo'] });
  assert.deepEqual([earshot.audioMode, ...earshot.audible], ['binaural', 'pa_bo']);
  socket.say({ type: 'left', participant: 'pa_bo', reason: 'left' });
  assert.equal(earshot.audible.size, 0);
  assert.throws(() => earshot.setAudio(/** @type {any} */ ('mono')), { code: 'invalid_argument' });
  socket.say({ type: 'bye', code: 'unavailable', message: 'restarting', reconnect: true });
  const again = earshot.join();
  assert.equal(earshot.audioMode, 'slots');
  FakeSocket.last.open();
  FakeSocket.last.say(welcome);
  await again;
  assert.deepEqual(FakeSocket.last.types(), ['join', 'audio', 'ready']);
});

test('reports and appeals are promises, answered in order or refused by their ref', async () => {
  const { earshot, socket } = await enter();
  earshot.on('error', () => assert.fail('the refusal belongs to who asked'));
  const first = earshot.report('pa_bo', 'spam');
  const second = earshot.report('pa_bo', 'hate', 'twice', 'ev_1');
  const appeal = earshot.appeal('or_1', 'It was a quotation.');
  const [, , one, two] = socket.sent.filter((m) => m.type !== 'ping');
  assert.deepEqual(one, { type: 'report', participant: 'pa_bo', reason: 'spam', ref: one.ref });
  assert.deepEqual([two.event, two.text], ['ev_1', 'twice']);
  socket.say({ type: 'error', code: 'resource_exhausted', message: 'slow down', ref: two.ref });
  await assert.rejects(second, { code: 'resource_exhausted' });
  socket.say({ type: 'appealed', order: 'or_1' });
  await appeal;
  /** @type {any[]} */ const outcomes = [];
  earshot.on('reported', (m) => outcomes.push(m));
  socket.say({ type: 'reported', id: 're_0', outcome: 'upheld' }); // of an earlier report: it answers nothing
  socket.say({ type: 'reported', id: 're_1' });
  await first;
  assert.deepEqual(outcomes.map((m) => [m.id, m.outcome]), [['re_0', 'upheld']]);
  await assert.rejects(earshot.report('pa_bo', /** @type {any} */ ('ugly')), { code: 'invalid_argument' });
  const cut = earshot.appeal('or_1', 'again');
  earshot.leave();
  await assert.rejects(cut, { code: 'canceled' });
  await assert.rejects(earshot.report('pa_bo', 'spam'), { code: 'failed_precondition' });
});

test('what an application sends is told as it came', async () => {
  const { earshot, socket } = await enter();
  /** @type {any[]} */
  const told = [];
  earshot.on('data', ({ topic, data }) => told.push([topic, data]));
  socket.say({ type: 'data', topic: 'score', data: 'aGk=' });
  socket.say({ type: 'data', data: '' });
  socket.say({ type: 'data', data: 5 });
  assert.deepEqual(told, [['score', 'aGk='], [undefined, '']]);
});

test('orders are in force until lifted, and told again by the next connection', async () => {
  const { earshot, socket } = await enter();
  /** @type {any[]} */
  const told = [];
  earshot.on('order', (m) => told.push([m.lifted, earshot.orders.size]));
  earshot.on('retract', ({ id }) => told.push(id));
  socket.say({ type: 'order', id: 'or_1', sanctions: [{ action: 'mute', until: '2026-11-21T12:10:00Z' }], lifted: false, appeal: true, statement });
  assert.equal(earshot.orders.get('or_1')?.sanctions[0].action, 'mute');
  socket.say({ type: 'retract', id: 'ev_9' });
  socket.say({ type: 'order', id: 'or_1', lifted: true, appeal: false, statement });
  assert.deepEqual(told, [[false, 1], 'ev_9', [true, 0]]);
  socket.say({ type: 'order', id: 'or_2', sanctions: [], lifted: false, appeal: true, statement: { what: 'no more' } });
  assert.equal(earshot.orders.size, 0, 'a malformed one changes nothing');
});
