// What a voice slot does with beds, on a pretended audio graph.
import assert from 'node:assert/strict';
import { test } from 'node:test';

/** A parameter that is at once what it is told to be in the end. */
class Param {
  value = 0;
  cancelScheduledValues() { return this; }
  setValueAtTime(/** @type {number} */ v) { this.value = v; return this; }
  linearRampToValueAtTime(/** @type {number} */ v) { this.value = v; return this; }
  setTargetAtTime(/** @type {number} */ v) { this.value = v; return this; }
}

class Node {
  /** @type {Set<Node>} */ to = new Set();
  gain = new Param();
  positionX = new Param(); positionY = new Param(); positionZ = new Param();
  orientationX = new Param(); orientationY = new Param(); orientationZ = new Param();
  constructor(/** @type {any} */ _context, /** @type {any} */ options = {}) { this.gain.value = options.gain ?? 1; }
  connect(/** @type {Node} */ node) { this.to.add(node); return node; }
  disconnect(/** @type {Node|undefined} */ node) { if (node) this.to.delete(node); else this.to.clear(); }
}

const context = { currentTime: 10, createMediaStreamSource: () => new Node(null), createGain: () => new Node(null) };
Object.assign(globalThis, {
  GainNode: Node, PannerNode: Node, DelayNode: Node, MediaStream: class {}, Audio: class { play() { return Promise.resolve(); } },
});
const { Voice } = await import('../voice.js');

const curve = { model: 'inverse', ref: 1, max: 100, rolloff: 1, range: 20, fade: 3, cone: { inner: 360, outer: 360, outer_gain: 1 } };
const slot = () => new Voice(/** @type {any} */ (context), /** @type {any} */ (new Node(null)), /** @type {any} */ ({}), /** @type {any} */ (curve));

/** Gains of the beds that hang on the slot's track: those that are neither its voice's nor its mix's. */
const beds = (/** @type {any} */ voice) => [...voice.source.to].filter((n) => n !== voice.gain).map((n) => n.gain.value);

test('a bed comes, moves, leaves and goes', () => {
  const voice = slot();
  voice.setBed('tr_b');
  voice.moveBed([10, 0, 0], 2, [0, 0, 0], 0.1);
  assert.deepEqual(beds(voice), [0.1]);
  context.currentTime += 1;
  voice.moveBed([5, 0, 0], 2, [0, 0, 0], 0.2);
  assert.deepEqual(beds(voice), [0.2]);
  voice.leaving = true;
  voice.moveBed([5, 0, 0], 2, [0, 0, 0], 0.2);
  assert.deepEqual(beds(voice), [0]);
});

test('another bed in the slot takes the place of the first, a voice ends it', () => {
  const voice = slot();
  voice.setBed('tr_b');
  voice.moveBed([10, 0, 0], 2, [0, 0, 0], 0.1);
  voice.setBed('tr_c');
  voice.moveBed([-10, 0, 0], 2, [0, 0, 0], 0.3);
  assert.deepEqual(beds(voice), [0.3]);
  voice.setBed('');
  voice.assign('pa_a');
  assert.deepEqual(beds(voice), [0]);
  voice.moveBed([-10, 0, 0], 2, [0, 0, 0], 0.3); // late
  assert.deepEqual(beds(voice), [0]);
});
