// The golden vectors of gateway/protocol, read by Go too, against signal.js.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as signal from '../signal.js';

/** @type {{name: string, direction: string, json?: any, raw?: string, error?: string}[]} */
const vectors = JSON.parse(readFileSync(new URL('../../protocol/testdata/messages.json', import.meta.url), 'utf8'));

/** @type {Record<string, (m: any) => object>} */
const builders = {
  join: (m) => signal.join(m.token),
  ready: (m) => signal.ready(m.blocks, m.beds),
  ping: (m) => signal.ping(m.t),
  mute: (m) => signal.mute(m.muted),
  publish: (m) => signal.publish(m.source, m.active),
  chat: (m) => signal.chat(m.text),
  block: (m) => signal.block(m.participant, m.blocked),
  gain: (m) => signal.gain(m.participant, m.gain_db),
  renew: () => signal.renew(),
  watch: (m) => signal.watch(m.stats),
  view: (m) => signal.view(m.heights),
  poses: (m) => signal.poses(m.bitrate),
  audio: (m) => signal.audio(m.mode),
  moderate: (m) => signal.moderate(m.action, m.participant, m.reason),
  stand_in: (m) => signal.standIn(m.allowed, m.text),
  forget: () => signal.forget(),
  report: (m) => signal.report(m.participant, m.reason, m.text, m.event),
  appeal: (m) => signal.appeal(m.order, m.text),
  leave: () => signal.leave(),
};

for (const v of vectors.filter((v) => v.direction === 'client' && v.json && !v.error)) {
  test(`build ${v.name}`, () => {
    const { ref, ...want } = v.json;
    assert.deepEqual(builders[want.type](want), want);
  });
}

// What a builder can be asked for and the server would refuse, it refuses too.
// Left out: wrong types, which the type checker finds.
const argument = /^(join|ready|ping|publish|chat|block|gain|moderate|reason|stand_in|report|appeal) .*(empty|409[67]|501|no id|microphone|characters|white space|NUL|terminal|C1|instance|65|capitals|bare|limit|unknown|201|control|escape|own|no event|nothing|words|1001)/;
for (const v of vectors.filter((v) => v.direction === 'client' && v.json && v.error && argument.test(v.name))) {
  test(`refuse to build ${v.name}`, () => {
    assert.throws(() => builders[v.json.type](v.json), { name: 'EarshotError', code: 'invalid_argument' });
  });
}

for (const v of vectors.filter((v) => v.direction === 'server')) {
  test(`parse ${v.name}`, () => {
    const text = v.raw ?? JSON.stringify(v.json);
    if (v.error === 'unimplemented') return assert.equal(signal.parse(text), null);
    if (v.error) return assert.throws(() => signal.parse(text), { name: 'EarshotError', code: v.error });
    const got = /** @type {any} */ (signal.parse(text));
    for (const [name, want] of Object.entries(v.json)) assert.deepEqual(got[name], want, name);
  });
}

test('every type of the protocol is in the vectors', () => {
  const covered = new Set(vectors.filter((v) => v.json && !v.error).map((v) => `${v.direction} ${v.json.type}`));
  for (const type of Object.keys(builders)) assert.ok(covered.has(`client ${type}`), type);
  for (const type of ['welcome', 'joined', 'left', 'near', 'slots', 'speaking', 'muted', 'renamed', 'published', 'layers', 'chat', 'blocked', 'gained', 'caption', 'npc', 'act', 'world', 'forgotten', 'retract', 'order', 'reported', 'appealed', 'recording', 'data', 'token', 'pong', 'error', 'bye']) {
    assert.ok(covered.has(`server ${type}`), type);
  }
});
