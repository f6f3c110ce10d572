import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { NearFeed, NearSubscription } from '../near.js';

const vectors = JSON.parse(readFileSync(new URL('../../near/testdata/messages.json', import.meta.url), 'utf8'));
const said = (/** @type {string} */ name) => vectors.find((/** @type {any} */ v) => v.direction === 'server' && v.name === name).json;

test('a snapshot and the delta after it, as the server says them', () => {
  const feed = new NearFeed();
  assert.ok(feed.apply(said('snapshot')));
  assert.deepEqual(feed.list().map((p) => p.participant), ['pa_bo', 'pa_cy']);
  assert.ok(feed.apply(said('delta')));
  assert.deepEqual(feed.list().map((p) => [p.participant, p.distance]), [['pa_di', 1.4], ['pa_bo', 12.9]]);
  assert.ok(feed.apply(said('delta of completeness')));
  assert.equal(feed.complete, false);
});

test('a delta after a gap is not taken, a snapshot is', () => {
  const feed = new NearFeed();
  assert.equal(feed.apply(said('delta')), false);
  assert.ok(feed.apply(said('empty snapshot')));
  assert.deepEqual([feed.seq, feed.people.size], [9, 0]);
});

/** A socket of the test: what was said, and whatever it should hear. */
class FakeSocket {
  static OPEN = 1;
  /** @type {FakeSocket[]} */ static all = [];
  readyState = 1;
  /** @type {any[]} */ said = [];
  /** @param {URL} url */
  constructor(url) { this.url = url; FakeSocket.all.push(this); }
  onopen() {}
  /** @param {{data: string}} _ */ onmessage(_) {}
  onclose() {}
  /** @param {string} text */ send(text) { this.said.push(JSON.parse(text)); }
  close() { this.readyState = 3; this.onclose(); }
  /** @param {object} m */ hear(m) { this.onmessage({ data: JSON.stringify(m) }); }
}

test('a subscription presents the token, resyncs after a gap, and comes back', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const before = globalThis.WebSocket;
  globalThis.WebSocket = /** @type {any} */ (FakeSocket);
  t.after(() => { globalThis.WebSocket = before; });
  /** @type {number[]} */ const sizes = [];
  const near = new NearSubscription({
    url: () => 'https://a.example.org/', token: () => 'T', watches: [{ id: 'near', radius: 30, friends: true }],
    onChange: (_, feed) => sizes.push(feed.people.size),
  });
  const [first] = FakeSocket.all;
  assert.equal(first.url.href, 'wss://a.example.org/v1/presence/subscribe');
  first.onopen();
  assert.deepEqual(first.said, [{ type: 'auth', token: 'T' }, { type: 'watch', id: 'near', radius: 30, friends: true }]);
  first.hear(said('snapshot'));
  first.hear({ ...said('delta'), seq: 3 });
  assert.deepEqual(first.said[2], { type: 'resync', id: 'near' });
  first.hear({ ...said('snapshot'), seq: 4 });
  first.hear({ type: 'beat', seqs: { near: 5 } });
  assert.deepEqual([first.said.length, sizes], [4, [2, 2]]);
  t.mock.timers.tick(20_001); // silence
  assert.equal(first.readyState, 3);
  t.mock.timers.tick(2000);
  assert.equal(FakeSocket.all.length, 2);
  FakeSocket.all[1].onopen();
  FakeSocket.all[1].hear({ type: 'bye', code: 'permission_denied', message: 'no' });
  FakeSocket.all[1].close();
  t.mock.timers.tick(60_000);
  assert.equal(FakeSocket.all.length, 2, 'what is refused for good is not tried again');
  near.close();
});
