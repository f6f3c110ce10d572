import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IceServers } from '../ice.js';

const turn = { urls: ['turn:turn.example:3478?transport=tcp'], username: '1:pa_a', credential: 'c' };
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

/** @param {() => Promise<any>} answer */
function servers(answer) {
  let asked = 0;
  let now = 0;
  const ice = new IceServers(() => 'https://example.org/', () => 'tok', async (base, token) => {
    asked++;
    assert.deepEqual([base, token], ['https://example.org/', 'tok']);
    return answer();
  }, () => now);
  return { ice, asked: () => asked, pass: (/** @type {number} */ ms) => { now += ms; } };
}

test('they are asked for once, and again when most of their life is over', async () => {
  const { ice, asked, pass } = servers(async () => ({ ice_servers: [turn], expires: inAnHour() }));
  assert.deepEqual(await Promise.all([ice.get(), ice.get()]), [[turn], [turn]]);
  pass(2_000_000);
  assert.deepEqual(await ice.get(), [turn]);
  assert.equal(asked(), 1);
  pass(1_000_000);
  assert.deepEqual(ice.peek(), [turn], 'old ones are better than none');
  assert.equal(asked(), 2);
});

test('a server that cannot be asked is one without', async () => {
  let broken = true;
  const { ice, asked } = servers(async () => {
    if (broken) throw new Error('unreachable');
    return { ice_servers: [turn], expires: inAnHour() };
  });
  assert.deepEqual(await ice.get(), []);
  broken = false;
  assert.deepEqual(await ice.get(), [turn]);
  assert.equal(asked(), 2);
});

test('joining does not wait long', async () => {
  const { ice } = servers(() => new Promise(() => {}));
  const start = performance.now();
  assert.deepEqual(await ice.get(), []);
  assert.ok(performance.now() - start < 5000);
});
