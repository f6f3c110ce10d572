// Where a ball of sound is heard from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taps } from '../wide.js';

const near = (/** @type {number} */ a, /** @type {number} */ b) => assert.ok(Math.abs(a - b) < 1e-9, `${a}, want ${b}`);

test('ahead, the sides are left and right of the middle', () => {
  const { places: [middle, left, right] } = taps([0, 1.6, -10], 4, [0, 1.6, 0]);
  assert.deepEqual(middle, [0, 1.6, -10]);
  near(left[0], -4); near(left[2], -10);
  near(right[0], 4); near(right[2], -10);
});

test('whoever turns to it has the sides at their left and right', () => {
  const { places: [, left, right] } = taps([10, 0, 0], 2, [0, 0, 0]); // at +x: left of who looks there is -z
  near(left[2], -2);
  near(right[2], 2);
});

test('the power is the same, however wide', () => {
  for (const radius of [0, 0.2, 1, 5, 50]) {
    const { middle, side } = taps([0, 0, -10], radius, [0, 0, 0]);
    near(middle ** 2 + 2 * side ** 2, 1);
  }
});

test('a far small ball is a point, a near large one is wide', () => {
  assert.equal(taps([0, 0, -50], 1, [0, 0, 0]).side, 0);
  const { middle, side } = taps([0, 0, -3], 3, [0, 0, 0]);
  near(middle, side);
});

test('within it there are still two sides', () => {
  const { places: [, left, right], side } = taps([1, 1, 1], 3, [1, 1, 1]);
  assert.deepEqual([left[0], right[0]], [-2, 4]);
  assert.ok(side > 0.5);
});
