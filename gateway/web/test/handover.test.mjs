import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlayoutDelay, planHandover } from '../handover.js';
import { jitterBuffers } from '../stats.js';

/** @param {number} got @param {number} want */
const near = (got, want) => assert.ok(Math.abs(got - want) < 1e-9, `got ${got}, want ${want}`);

test('handover: the place changes when the old voice has left the buffer, faded by then', () => {
  const { fadeTau, step, up, drained } = planHandover(10, 0.06, true, 0);
  near(step, 10.06);
  near(drained, step);
  assert.ok(up > step && up < step + 0.005);
  assert.ok(Math.exp(-0.06 / fadeTau) < 0.02, 'inaudible at the step');
});

test('handover: into a slot long empty, at once', () => {
  for (const drained of [0, 9.9, 10]) {
    const { fadeTau, step, up } = planHandover(10, 0.15, false, drained);
    assert.ok(step <= 10.01 && up <= 10.011 && fadeTau <= 0.002, `drained at ${drained}: ${step}, ${up}`);
  }
});

test('handover: into a slot emptied just now, when the one before has drained', () => {
  const emptied = planHandover(10, 0.1, true, 0);
  const next = planHandover(10.04, 0.1, false, emptied.drained);
  near(next.step, 10.1);
  near(planHandover(10.05, 0.1, false, next.drained).step, 10.1);
});

test('handover: two in a row wait for the second voice too', () => {
  const first = planHandover(10, 0.1, true, 0);
  near(planHandover(10.02, 0.1, true, first.drained).step, 10.12);
});

test('playout delay: mean of what left since the last time, within bounds', () => {
  const delay = new PlayoutDelay();
  assert.ok(delay.value >= 0.02 && delay.value <= 0.15, 'something usual before it is known');
  delay.observe(48000 * 0.05, 48000);
  near(delay.value, 0.05);
  delay.observe(48000 * 0.05 + 24000 * 0.08, 72000);
  near(delay.value, 0.08);
  delay.observe(48000 * 0.05 + 24000 * 0.08, 72000); // nothing left: as before
  near(delay.value, 0.08);
  delay.observe(100_000, 73000);
  near(delay.value, 0.15);
  delay.observe(100_000, 74000);
  near(delay.value, 0.02);
  delay.observe(10, 1000); // counters of a new connection
  near(delay.value, 0.02);
  delay.observe(10 + 0.04 * 48000, 49000);
  near(delay.value, 0.04);
});

test('jitter buffers: by media line, audio that has come', () => {
  const report = [
    { type: 'inbound-rtp', kind: 'audio', mid: '3', jitterBufferDelay: 4800, jitterBufferEmittedCount: 96000 },
    { type: 'inbound-rtp', kind: 'audio', mid: '4', jitterBufferDelay: 0, jitterBufferEmittedCount: 0 },
    { type: 'inbound-rtp', kind: 'video', mid: '9', jitterBufferDelay: 1, jitterBufferEmittedCount: 30 },
    { type: 'transport' },
  ];
  assert.deepEqual([...jitterBuffers(report)], [['3', { delay: 4800, emitted: 96000 }]]);
});
