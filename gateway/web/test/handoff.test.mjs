// Going over to another node, message by message. The connections are fakes; real
// ones are used by the browser test and by the bots.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Handoff } from '../handoff.js';
import { Roster } from '../roster.js';

/** A connection that says what it was told. */
class FakeLink {
  /** @type {any[]} */ said = [];
  /** @type {Record<string, any>} */ tracks = {};
  closed = false;
  /** @type {Error|null} */ refused = null;
  /** @type {any[]} */ voiceTracks = [];

  /** @param {any} options @param {any} handlers */
  constructor(options, handlers) { Object.assign(this, { options, handlers }); }

  /** @param {string} source */
  track(source) { return this.tracks[source] ?? null; }

  /** @param {string} source @param {any} track */
  async send(source, track) { this.tracks[source] = track; }

  /** @param {any} microphone */
  async connect(microphone) {
    if (this.refused) throw this.refused;
    this.tracks.microphone = microphone;
  }

  /** @param {string} text */
  control(text) { this.said.push(JSON.parse(text)); }

  close() { this.closed = true; }
}

/** @param {string} id @param {number} index */
const somebody = (id, index) => ({ id, index, name: id.slice(3), kind: 'person', muted: false, moderated: false, camera: false, screen: false });
const world = {
  name: 'plaza', title: 'Plaza', scene: 'plaza', view_range: 60, chat_range: 20,
  voice: { model: 'inverse', ref: 1.5, max: 10000, rolloff: 1, range: 20, fade: 3, cone: { inner: 120, outer: 240, outer_gain: 0.5 } },
};
const welcome = {
  type: 'welcome', protocol: 1, session: 'se_2', instance: 'in_plaza', you: somebody('pa_me', 9),
  spawn: { position: [0, 0, 2], yaw: 0 }, server_time: 1, token_expires: '2030-01-01T00:00:00Z', world,
};
const invite = /** @type {any} */ ({ type: 'invite', url: 'https://b.example.org', instance: 'in_plaza', handoff: 'k.nd_a', within_ms: 8000 });

/** @type {any} */ let first;
/** @type {any} */ let second;
/** @type {Roster} */ let roster;
/** @type {any[]} */ let told;
/** @type {string[]} */ let phases;
/** @type {Handoff} */ let handoff;
/** @type {any} */ let present;

beforeEach(() => {
  [told, phases, second] = [[], [], null];
  first = present = new FakeLink({ encryption: null, probe: () => 12, nodes: { url: 'https://a.example.org/' } }, { present: true });
  roster = new Roster(['pa_foe']);
  roster.you = somebody('pa_me', 1);
  roster.take({ type: 'joined', participants: [somebody('pa_ada', 2), somebody('pa_bea', 3)] });
  roster.take({ type: 'near', enter: ['pa_ada', 'pa_bea'], leave: [] });
  roster.gains.set('pa_ada', -6);
  handoff = new Handoff({
    link: () => present,
    goOver: (link, next, m) => { [present, roster] = [link, next]; roster.you = m.you; },
    roster: () => roster, tell: (m) => told.push(m), take: (m) => told.push(m), changed: (phase) => phases.push(phase),
  }, (options, handlers) => { second = new FakeLink(options, handlers); return second; });
});

/** @param {any} message */
const byNext = (message) => second.handlers.onControl(JSON.stringify(message));
/** @param {any} message */
const byOld = (message) => first.handlers.onControl(JSON.stringify(message));

test('without a url the invitation is to the same server', async () => {
  await handoff.invited({ ...invite, url: '', instance: 'in_plaza_2' }, null);
  const { url, instance } = second.options.nodes;
  assert.deepEqual([url, instance], ['https://a.example.org/', 'in_plaza_2']);
});

async function goOver() {
  await handoff.invited(invite, /** @type {any} */ ('mic'));
  byNext(welcome);
}

test('the second connection has the same sources, and is ours when it is welcomed', async () => {
  first.tracks.camera = 'cam';
  await handoff.invited(invite, /** @type {any} */ ('mic'));
  assert.deepEqual([second.options.nodes.url, second.options.nodes.instance, second.options.nodes.handoff], ['https://b.example.org/', 'in_plaza', 'k.nd_a']);
  assert.deepEqual(second.tracks, { microphone: 'mic', camera: 'cam' });
  assert.equal(present, first);
  byNext(welcome);
  assert.equal(present, second);
  assert.deepEqual(second.handlers, { present: true });
  assert.deepEqual(phases, ['begun']);
  assert.deepEqual(handoff.others, [first]);
  assert.equal(handoff.chatLink, first);
  assert.equal(first.closed, false);
});

test('everybody stays, with volumes and blocks, and whom both tell of is told once', async () => {
  await goOver();
  assert.deepEqual([...roster.participants.keys()], ['pa_ada', 'pa_bea']);
  assert.deepEqual([roster.gains.get('pa_ada'), roster.blocked.has('pa_foe'), roster.near.size], [-6, true, 2]);
  assert.equal(handoff.take({ type: 'joined', participants: [somebody('pa_ada', 40)] }), null);
  assert.equal(roster.participants.get('pa_ada')?.index, 40);
  assert.deepEqual(handoff.take({ type: 'joined', participants: [somebody('pa_cleo', 41)] })?.type, 'joined');
  byOld({ type: 'left', participant: 'pa_ada', reason: 'moved' });
  assert.ok(roster.participants.has('pa_ada'), 'who is on the new node left with the old one');
  byOld({ type: 'left', participant: 'pa_bea', reason: 'left' });
  assert.deepEqual([roster.participants.has('pa_bea'), told.map((m) => m.type)], [false, ['left']]);
});

test('the old node is believed about who is there alone', async () => {
  await goOver();
  handoff.take({ type: 'joined', participants: [somebody('pa_ada', 40)] });
  byOld({ type: 'speaking', start: ['pa_ada', 'pa_bea'], stop: [] });
  byOld({ type: 'muted', participant: 'pa_ada', muted: true, by: 'self' });
  byOld({ type: 'caption', participant: 'pa_ada', id: 'ev_1', text: 'twice', final: true, interrupted: false, source: 'script', degraded: '', reason: '' });
  byOld({ type: 'chat', id: 'ev_2', from: 'pa_ada', name: 'ada', text: 'once', at: 1 });
  assert.deepEqual(told.map((m) => [m.type, m.start ?? m.text]), [['speaking', ['pa_bea']], ['chat', 'once']]);
  assert.equal(roster.participants.get('pa_ada')?.muted, false);
});

test('slots of both connections are apart', async () => {
  await goOver();
  byOld({ type: 'slots', voice: [{ slot: 0, mid: '3', participant: 'pa_bea', track: 'tr_1', source: 'microphone' }], video: [] });
  assert.deepEqual([handoff.old?.slots.voice.length, roster.slots.voice.length, phases.at(-1)], [1, 0, 'slots']);
});

test('the bye of the old connection ends it and nothing else', async () => {
  await goOver();
  handoff.take({ type: 'joined', participants: [somebody('pa_ada', 40)] });
  byOld({ type: 'bye', code: 'unavailable', message: 'moved', reconnect: true, url: 'https://c.example.org' });
  assert.deepEqual([first.closed, handoff.old, handoff.others.length, phases.at(-1)], [true, null, 0, 'over']);
  assert.deepEqual([[...roster.participants.keys()], told.at(-1)], [['pa_ada'], { type: 'left', participant: 'pa_bea', reason: 'moved' }]);
  assert.equal(second.closed, false);
  byOld({ type: 'chat', id: 'ev_2', from: 'pa_ada', name: 'ada', text: 'late', at: 1 });
  assert.equal(told.length, 1);
});

test('a second connection that does not come about leaves the first alone', async () => {
  const failing = new Handoff(handoff.host, (options, handlers) => {
    second = new FakeLink(options, handlers);
    second.refused = new Error('404');
    return second;
  });
  await failing.invited(invite, null);
  assert.deepEqual([present, second.closed, failing.others.length, phases.length], [first, true, 0, 0]);
  await handoff.invited(invite, null);
  byNext({ type: 'bye', code: 'not_found', message: 'too late', reconnect: false });
  assert.deepEqual([present, second.closed, handoff.others.length], [first, true, 0]);
});

test('who encrypts end to end, or goes over already, does not follow', async () => {
  first.options.encryption = {};
  await handoff.invited(invite, null);
  assert.equal(second, null);
  first.options.encryption = null;
  await goOver();
  const ours = second;
  await handoff.invited(invite, null);
  assert.equal(second, ours);
});

test('leaving ends both', async () => {
  await goOver();
  handoff.end();
  assert.deepEqual([first.closed, handoff.old], [true, null]);
});
