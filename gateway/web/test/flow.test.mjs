// When a silence of the network is one: a dense flow that stops, and a server
// that does not answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECK_MS, Flow } from '../flow.js';

function watched() {
  const did = { asked: 0, alarms: /** @type {number[]} */ ([]) };
  let now = 0;
  const flow = new Flow(() => { did.asked++; return 20; }, () => did.alarms.push(now));
  /** @param {number} ms @param {(now: number) => boolean} arrives */
  const pass = (ms, arrives) => {
    for (const end = now + ms; now < end;) {
      now += CHECK_MS;
      if (arrives(now)) flow.arrive();
      flow.check(now);
    }
  };
  return { did, pass, moved: () => flow.moved(now) };
}
const always = () => true;
const never = () => false;

test('a dense flow that stops, and no answer', () => {
  const { did, pass } = watched();
  pass(2000, always);
  pass(1000, never);
  assert.equal(did.asked, 1);
  assert.equal(did.alarms.length, 1);
  assert.ok(did.alarms[0] - 2000 <= 200, `after ${did.alarms[0] - 2000} ms`);
});

test('the end of a talk: the server answers', () => {
  const { did, pass } = watched();
  pass(2000, always);
  pass(100, never);
  pass(CHECK_MS, always);
  pass(5000, (now) => now % 2000 < CHECK_MS); // the pings of always
  assert.deepEqual([did.asked, did.alarms.length], [1, 0]);
});

test('who is alone is never alarmed', () => {
  const { did, pass } = watched();
  pass(10_000, (now) => now % 300 < CHECK_MS);
  pass(10_000, never);
  assert.deepEqual([did.asked, did.alarms.length], [0, 0]);
});

test('a page that stood still hears first, then judges', () => {
  const { did, pass } = watched();
  pass(2000, always);
  pass(CHECK_MS, never);
  pass(1000, always);
  assert.equal(did.alarms.length, 0);
});

test('alarms become rare where nothing comes of them', () => {
  const { did, pass } = watched();
  for (let i = 0; i < 60; i++) {
    pass(1200, always);
    pass(800, never);
  }
  assert.ok(did.alarms.length >= 3 && did.alarms.length <= 10, `${did.alarms.length} alarms in two minutes`);
});

test('alarms that were right do not become rare', () => {
  const { did, pass, moved } = watched();
  for (let i = 0; i < 10; i++) {
    pass(5000, always);
    pass(400, never);
    moved();
  }
  assert.equal(did.alarms.length, 10);
});
