// The picture's quality follows the machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEVELS, Quality } from '../app/quality.js';
import { hueOf } from '../app/color.js';
import { explain } from '../app/explain.js';

/** Feeds frames of one length for some seconds.
 * @param {Quality} q @param {number} frame seconds @param {number} work seconds */
function run(q, frame, work, seconds = 30) {
  for (let t = 0; t < seconds; t += frame) q.frame(frame, work);
  return q.level.name;
}

test('slow frames lower it step by step, to the bottom at the worst', () => {
  const q = new Quality({ software: false, phone: false });
  assert.equal(q.level.name, 'high');
  assert.equal(run(q, 0.05, 0.045, 2.6), 'medium');
  assert.equal(run(q, 0.25, 0.2, 60), 'minimal');
});

test('an idle machine gets the full picture', () => {
  assert.equal(run(new Quality({ software: false, phone: true }), 1 / 60, 0.002), 'full');
});

test('a level that was too much is not tried again', () => {
  const q = new Quality({ software: false, phone: false });
  run(q, 0.05, 0.045, 2.6);
  assert.equal(run(q, 1 / 60, 0.002), 'medium');
});

test('software renderers begin at the bottom; a wanted level stays', () => {
  assert.equal(new Quality({ software: true, phone: false }).level, LEVELS[0]);
  assert.equal(run(new Quality({ software: false, phone: false, wanted: 'low' }), 0.5, 0.4), 'low');
});

test('a hidden page teaches nothing', () => {
  assert.equal(run(new Quality({ software: false, phone: false }), 2, 0.001, 100), 'high');
});

test('colours of ids are stable and far apart', () => {
  assert.equal(hueOf('pa_ada'), hueOf('pa_ada'));
  const hues = Array.from({ length: 200 }, (_, i) => Math.floor(hueOf(`pa_${i}`) / 36));
  assert.equal(new Set(hues).size, 10, 'some tenth of the colour circle is never used');
});

test('errors say what to do', () => {
  assert.match(explain({ code: 'unauthenticated', message: 'the token has expired' }), /Ask for a new one.*token has expired/);
  assert.match(explain({ name: 'NotFoundError' }), /No microphone/);
  assert.equal(explain(undefined), 'Something went wrong. Try again.');
});
