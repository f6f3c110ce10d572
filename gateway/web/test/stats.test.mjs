// Numbers a person reads: connection statistics, the server's clock, the life of a token.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerClock } from '../clock.js';
import { tokenLife } from '../upkeep.js';
import { summarise } from '../stats.js';

/**
 * @param {number} bytes
 * @param {number} packets
 * @param {number} lost
 */
const report = (bytes, packets, lost) => [
  { type: 'transport', bytesSent: bytes / 10, bytesReceived: bytes },
  { type: 'inbound-rtp', packetsReceived: packets, packetsLost: lost },
  { type: 'inbound-rtp', packetsReceived: 0, packetsLost: -1 },
  { type: 'candidate-pair', state: 'succeeded', nominated: true, currentRoundTripTime: 0.024 },
  { type: 'candidate-pair', state: 'waiting', nominated: false, currentRoundTripTime: 9 },
  { type: 'codec' },
];

test('statistics: rates and loss since the last report', () => {
  const first = summarise(report(1000, 100, 5), 1000, null);
  assert.deepEqual(first.summary, { rttMs: 24, lossPercent: 0, upKbps: 0, downKbps: 0, packets: 100 });
  const { summary } = summarise(report(101_000, 190, 15), 3000, first.counters);
  assert.deepEqual(summary, { rttMs: 24, lossPercent: 10, upKbps: 40, downKbps: 400, packets: 190 });
});

test('statistics: a report that went backwards gives no negative rates', () => {
  const first = summarise(report(5000, 100, 5), 1000, null);
  const { summary } = summarise(report(1000, 10, 0), 2000, first.counters);
  assert.deepEqual(summary, { rttMs: 24, lossPercent: 0, upKbps: 0, downKbps: 0, packets: 10 });
});

test('clock: the fastest answer counts, until it is old', () => {
  const clock = new ServerClock();
  assert.equal(clock.known, false);
  clock.observe(50_000, 1000, 1200); // half way: 1100 is 50000
  assert.equal(clock.at(1100), 50_000);
  clock.observe(50_500, 1580, 1600); // quicker, so better
  assert.equal(clock.at(1590), 50_500);
  clock.observe(99_000, 1600, 2600); // slow: ignored
  assert.equal(clock.at(1590), 50_500);
  clock.observe(150_000, 101_000, 101_100); // slower, but 100 s later
  assert.equal(clock.at(101_050), 150_000);
});

test('clock: wraps with the server at 2^32 ms', () => {
  const clock = new ServerClock();
  clock.observe(2 ** 32 - 10, 0, 0);
  assert.equal(clock.at(15), 5);
  clock.observe(5, 1000, 1000);
  assert.equal(clock.at(990), 2 ** 32 - 5);
});

test('token life: what is left, and no more than the token says', () => {
  /** @param {object} claims */
  const token = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;
  const inTenMinutes = new Date(Date.now() + 600_000).toISOString();
  const about = (/** @type {number} */ got, /** @type {number} */ want) => assert.ok(Math.abs(got - want) < 2000, `${got}, want about ${want}`);
  about(tokenLife(token({ iat: 0, exp: 900 }), inTenMinutes), 600_000);
  about(tokenLife(token({ iat: 0, exp: 60 }), inTenMinutes), 60_000);
  about(tokenLife('opaque', inTenMinutes), 600_000);
  assert.equal(tokenLife('opaque', '2020-01-01T00:00:00Z'), 0);
});
