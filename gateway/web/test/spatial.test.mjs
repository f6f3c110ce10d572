// The golden table of spatialaudio, written by Go, against spatial.js: what the
// server computes for audibility is what the browser applies.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as spatial from '../spatial.js';

const table = JSON.parse(readFileSync(new URL('../../../spatialaudio/testdata/gains.json', import.meta.url), 'utf8'));

/**
 * @param {number} got
 * @param {number} want
 * @param {string} what
 */
function close(got, want, what) {
  assert.ok(Math.abs(got - want) < 1e-9, `${what} = ${got}, want ${want}`);
}

test(`${table.cases.length} placements sound as the server says`, () => {
  assert.ok(table.cases.length >= 200);
  for (const [i, c] of table.cases.entries()) {
    const curve = table.curves[c.curve];
    const at = `case ${i}`;
    close(spatial.distance(c.ears, c.mouth), c.distance, `${at}: distance`);
    close(spatial.distanceGain(curve, c.distance), c.distance_gain, `${at}: distanceGain`);
    close(spatial.coneGain(curve.cone, spatial.angle(c.ears, c.mouth, c.mouth_rotation)), c.cone_gain, `${at}: coneGain`);
    close(spatial.gain(curve, c.ears, c.mouth, c.mouth_rotation), c.gain, `${at}: gain`);
  }
});

test('forward and up of a turn to the left and of looking up', () => {
  const h = Math.SQRT1_2;
  for (const [q, forward, up] of [
    [[0, 0, 0, 1], [0, 0, -1], [0, 1, 0]],
    [[0, 0, 0, 0], [0, 0, -1], [0, 1, 0]],
    [[0, h, 0, h], [-1, 0, 0], [0, 1, 0]],
    [[h, 0, 0, h], [0, 1, 0], [0, 0, 1]],
  ]) {
    spatial.forward(q).forEach((v, i) => close(v, forward[i], `forward(${q})[${i}]`));
    spatial.up(q).forEach((v, i) => close(v, up[i], `up(${q})[${i}]`));
  }
});

test('decibels and back', () => {
  assert.equal(spatial.decibels(0), -120);
  assert.equal(spatial.decibels(NaN), -120);
  close(spatial.decibels(0.1), -20, 'decibels(0.1)');
  close(spatial.linear(-6), 0.501187233627, 'linear(-6)');
});
