// Body language of NPCs: finite, soft, and always back to where it began.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GESTURES, Performer, REST, embody, gestureOf } from '../app/gestures.js';

/** @param {import('../app/gestures.js').Stance} s */
const numbers = (s) => [...s.left, ...s.right, s.pitch, s.yaw, s.roll, s.lean, s.sway, s.turn, s.rise];
const pose = {
  root: /** @type {[number, number, number]} */ ([1, 0, 2]), yaw: 0.5, left: null, right: null,
  head: { position: /** @type {[number, number, number]} */ ([0, 1.6, 0]), rotation: /** @type {[number, number, number, number]} */ ([0, 0, 0, 1]) },
};

for (const [name, { seconds }] of Object.entries(GESTURES)) {
  test(`${name}: no hand jumps, and it ends`, () => {
    const performer = new Performer();
    for (let i = 0; i < 60; i++) performer.update(1 / 60, 0);
    performer.play(name);
    let last = numbers(performer.update(1 / 60, 0)), most = 0;
    for (let s = 0; s < seconds + 0.5; s += 1 / 60) {
      const now = numbers(performer.update(1 / 60, 0));
      now.forEach((v, i) => {
        assert.ok(Number.isFinite(v));
        assert.ok(Math.abs(v - last[i]) < 0.11, `${name} jumps by ${v - last[i]} within a frame`);
        most = Math.max(most, Math.abs(v - last[i]));
      });
      last = now;
    }
    assert.ok(most > 0.003, 'one sees it');
    assert.equal(performer.gesture, '');
  });
}

test('names that models make up lead to the gesture they mean', () => {
  const cases = { wave: 'wave', Wave: 'wave', 'wave_hand': 'wave', 'emote-nod': 'nod', 'shake head': 'shake', applaud: 'clap', juggle: '', '': '', constructor: '', __proto__: '' };
  for (const [name, want] of Object.entries(cases)) assert.equal(gestureOf(name), want, name);
});

test('each state has a stance of its own, and thinking has a hand at the chin', () => {
  const ends = /** @type {const} */ (['idle', 'listening', 'thinking', 'speaking']).map((state) => {
    const performer = new Performer();
    performer.state = state;
    for (let i = 0; i < 120; i++) performer.update(1 / 60, 0.5);
    return performer.stance;
  });
  assert.equal(new Set(ends.map((s) => s.right[1].toFixed(2))).size, 4);
  assert.ok(ends[2].right[1] > 1.25 && ends[2].right[1] < 1.4);
});

test('who prefers less motion sees a still stance', () => {
  const performer = new Performer();
  performer.state = 'speaking';
  for (let i = 0; i < 300; i++) performer.update(1 / 60, 1, true);
  const [a, b] = [numbers({ ...performer.update(1 / 60, 1, true) }), numbers({ ...performer.update(1 / 60, 1, true) })];
  a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < 1e-9));
});

test('a stance is put on the pose: tracked hands stay, nothing is changed in place', () => {
  const right = { position: /** @type {[number, number, number]} */ ([0.5, 1, -0.5]), rotation: /** @type {[number, number, number, number]} */ ([0, 0, 0, 1]) };
  const got = embody({ ...pose, right }, { ...REST, pitch: 0.4, lean: 0.3, turn: 0.2 });
  assert.deepEqual(got.right, right);
  assert.deepEqual(got.left?.position, REST.left);
  assert.ok(Math.abs(got.head.rotation[0] - Math.sin(0.2)) < 1e-9, 'looks up');
  assert.ok(got.head.position[2] < -0.2 && got.yaw > 0.69, 'bends forward and turns');
  assert.deepEqual(pose.head.position, [0, 1.6, 0]);
});
