// The golden table of spatialaudio/zone, written by Go, against zones.js: what
// the server enforces is what the browser lets one hear.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Acoustics } from '../acoustics.js';
import { impulse, PRESETS } from '../reverb.js';
import { coneGain, angle, distance, modelGain } from '../spatial.js';
import { cutoff, gainOf, outline, Zones } from '../zones.js';

const table = JSON.parse(readFileSync(new URL('../../../spatialaudio/zone/testdata/zones.json', import.meta.url), 'utf8'));

/**
 * @param {number} got
 * @param {number} want
 * @param {string} what
 */
function close(got, want, what) {
  assert.ok(Math.abs(got - want) < 1e-6, `${what} = ${got}, want ${want}`);
}

test(`${table.cases.length} ways through zones sound as the server says`, () => {
  assert.ok(table.cases.length >= 300);
  for (const [i, c] of table.cases.entries()) {
    const zones = new Zones(table.sets[c.set]);
    const listener = zones.locate(c.listener);
    const path = zones.hear(zones.locate(c.talker), listener);
    const at = `case ${i}`;
    assert.deepEqual([...listener.weights.keys()].map((z) => zones.list[z].id), c.in, `${at}: in`);
    assert.equal(zones.reverb(listener), c.reverb, `${at}: reverb`);
    assert.equal(path.open, c.open, `${at}: open`);
    assert.equal(path.open || path.megaphone >= 0, c.allowed, `${at}: allowed`);
    assert.equal(zones.list[path.megaphone]?.id ?? '', c.megaphone, `${at}: megaphone`);
    close(path.gainDb, c.gain_db, `${at}: gainDb`);
    close(path.wallDb, c.wall_db, `${at}: wallDb`);
    close(path.amplified, c.amplified, `${at}: amplified`);
    close(gainOf(path, 0.25).gain, c.gain, `${at}: gain`);
    close(cutoff(path.wallDb), c.cutoff, `${at}: cutoff`);
  }
});

test('a zone is drawn where it is', () => {
  const box = outline({ form: 'box', floor: 0, height: 3, center: [10, 5], size: [4, 2], yaw: 90 });
  box.forEach(([x, z], i) => {
    close(x, [9, 9, 11, 11][i], `x of corner ${i}`);
    close(z, [7, 3, 3, 7][i], `z of corner ${i}`);
  });
  assert.equal(outline({ form: 'cylinder', floor: 0, height: 3, center: [0, 0], radius: 2 }).length, 48);
});

test('the innermost zone says who may speak', () => {
  const zones = new Zones(table.sets.plaza);
  assert.equal(zones.ruling(zones.locate([9, 1.6, 13]))?.id, 'library');
  assert.equal(zones.ruling(zones.locate([10, 1.6, 11]))?.id, 'study');
  assert.equal(zones.ruling(zones.locate([0, 1.6, 0])), undefined);
});

/** @type {import('../spatial.js').Curve} */
const CURVE = { model: 'inverse', ref: 1.5, max: 10000, rolloff: 1, range: 20, fade: 3, cone: { inner: 120, outer: 240, outer_gain: 0.5 } };

test('with what the panner does, a voice arrives as the server counts it', () => {
  const acoustics = new Acoustics(table.sets.plaza);
  /** @param {number[]} at */
  const ears = (at) => { acoustics.listen(at); return at; };
  /** @param {number[]} at @param {import('../acoustics.js').Rendering|null} r */
  const arrives = (at, r) => (r ? r.gain * modelGain(CURVE, distance(at, r.mouth.position)) * coneGain(CURVE.cone, angle(at, r.mouth.position, r.mouth.rotation)) : 0);
  const mouth = (/** @type {number[]} */ position) => ({ position, rotation: [0, 0, 0, 1] });

  let at = ears([0, 1.6, 0]);
  close(arrives(at, acoustics.render(mouth([0, 1.6, 3]), CURVE)), 0.5, 'in the open');
  at = ears([-8, 1.6, -4]);
  assert.equal(acoustics.reverb, 'room');
  const inside = acoustics.render(mouth([-7, 1.6, -4]), CURVE), outside = acoustics.render(mouth([-2, 1.6, -4]), CURVE);
  assert.equal(inside?.cutoff, 20_000);
  close(outside?.cutoff ?? 0, 625, 'cut off by a wall of 30 dB');
  close(arrives(at, outside), 1.5 / 6 * 10 ** (-30 / 20) * coneGain(CURVE.cone, 90), 'through the wall');
  at = ears([3, 1.6, 3]);
  assert.equal(arrives(at, acoustics.render(mouth([6, 1.6, 3]), CURVE)), 0, 'out of the private table');
  close(arrives(at, acoustics.render(mouth([0, 1.6, -12]), CURVE)), 10 ** (-9 / 20), 'from the stage by its megaphone');
  at = ears([9, 1.6, 11]);
  close(arrives(at, acoustics.render(null, CURVE, 'desk')), 10 ** (-15 / 20), 'from one whose pose does not come');
  assert.equal(acoustics.render(null, CURVE), null);
});

test('reverberation decays as its preset says, and comes from everywhere', () => {
  for (const [name, preset] of Object.entries(PRESETS)) {
    const rate = 48_000, [left, right] = impulse(preset, rate);
    assert.deepEqual(impulse(preset, rate)[0], left, `${name}: the same again`);
    const energy = (/** @type {Float32Array} */ c, from = 0, to = c.length) => c.subarray(from, to).reduce((sum, v) => sum + v * v, 0);
    close(energy(left), 1, `${name}: energy`);
    const first = Math.round(preset.delay * rate), part = Math.round(preset.seconds * rate / 10);
    const at = (/** @type {number} */ tenth) => 10 * Math.log10(energy(left, first + tenth * part, first + (tenth + 1) * part));
    assert.ok(Math.abs(at(1) - at(8) - 42) < 5, `${name}: ${at(1) - at(8)} dB in seven tenths, want 42`);
    assert.equal(energy(left, 0, first), 0, `${name}: nothing before the first echo`);
    const alike = left.reduce((sum, v, i) => sum + v * right[i], 0);
    assert.ok(Math.abs(alike) < 0.2, `${name}: the sides are alike by ${alike}`);
  }
});
