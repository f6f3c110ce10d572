// The golden table of spatialaudio/zone, written by Go, against zones.js: what
// the server enforces is what the browser lets one hear.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
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
