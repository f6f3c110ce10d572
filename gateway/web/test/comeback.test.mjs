import assert from 'node:assert/strict';
import { test } from 'node:test';

import { attempts, pauses } from '../comeback.js';

test('a node alone is given time to start anew', () => {
  assert.deepEqual([...pauses(false)], [600, 1500, 3000, 6000, 12_000]);
});

test('another node is asked at once, and then at growing intervals for as long as one takes to notice', () => {
  const list = [...pauses(true, () => 0.5)];
  assert.deepEqual(list.slice(0, 5), [75, 150, 300, 600, 1000]);
  assert.ok(list.reduce((a, b) => a + b) > 15_000);
  assert.ok(Math.max(...pauses(true, () => 0.999)) < 1500);
});

test('an attempt after each pause, and none after one has left, whatever else one does', async () => {
  const left = new AbortController();
  let tries = 0;
  for await (const _ of attempts([1, 1, 1], left.signal)) tries++;
  assert.equal(tries, 3);
  for await (const _ of attempts([1, 1, 1], left.signal)) {
    tries++;
    setTimeout(() => left.abort(), 0);
  }
  assert.equal(tries, 4);
});
