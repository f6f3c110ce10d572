// The plaza as one walks it: nothing can be walked through, nobody gets stuck or out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLLIDERS, FOUNTAIN, PAVED, STAGE, WALKABLE, arrive, at, collide, groundAt } from '../app/layout.js';

const BODY = 0.3;

/** Walks straight from a place, as controls.js does it.
 * @param {number} x @param {number} z @param {number} dx @param {number} dz */
function walk(x, z, dx, dz, steps = 2000) {
  const p = { x, z };
  for (let i = 0; i < steps; i++) {
    p.x += dx * 0.05;
    p.z += dz * 0.05;
    collide(p, BODY);
  }
  return p;
}

test('whoever walks in any direction stays on the plaza and outside of things', () => {
  for (let bearing = 0; bearing < 360; bearing += 3) {
    const a = bearing * Math.PI / 180, p = walk(0, 9, Math.sin(a), -Math.cos(a));
    assert.ok(Math.hypot(p.x, p.z) <= WALKABLE + 1, `bearing ${bearing}: left the plaza at ${p.x}, ${p.z}`);
    for (const c of COLLIDERS) {
      const gap = Math.hypot(p.x - c.x, p.z - c.z) - c.radius;
      assert.ok(gap > -0.05, `bearing ${bearing}: stands ${-gap} m inside of a thing at ${c.x}, ${c.z}`);
    }
  }
});

test('the fountain is walked around, not through', () => {
  const p = walk(0.1, 9, 0, -1, 600);
  assert.ok(p.z < -FOUNTAIN.radius, `got to z ${p.z}, want beyond the fountain`);
});

test('a wall stops, a gap lets out a little', () => {
  const [wx, wz] = at(220, 1), [gx, gz] = at(180, 1);
  const wall = walk(wx * 17.5, wz * 17.5, wx, wz), gap = walk(gx * 17.5, gz * 17.5, gx, gz);
  assert.ok(Math.hypot(wall.x, wall.z) < PAVED, 'walked through a wall');
  assert.ok(Math.hypot(gap.x, gap.z) > PAVED + 0.5, 'the way out is closed');
});

test('the stage has steps and a back', () => {
  assert.equal(groundAt(0, 0), 0);
  assert.equal(groundAt(0, STAGE.z + 3), STAGE.steps[1][1]);
  assert.equal(groundAt(0, STAGE.z + 7.9), STAGE.steps[0][1]);
  assert.ok(walk(0.5, -6, 0, -1).z > STAGE.back, 'walked through the screen');
});

test('standing in the very middle of a thing is no trap', () => {
  const p = { x: 0, z: 0 };
  collide(p, BODY);
  assert.ok(Number.isFinite(p.x) && Math.hypot(p.x, p.z) > FOUNTAIN.radius);
});

test('nobody appears in the water', () => {
  for (const [x, z] of [[0, 0], [1, -1.1], [2.9, 0], [0, 5], [4, 4]]) {
    const p = arrive(x, z), r = Math.hypot(p.x, p.z);
    assert.ok(r > FOUNTAIN.radius + 0.5 && r < 8, `arrive(${x}, ${z}) is ${r} m from the middle`);
  }
  assert.deepEqual(arrive(0, 10), { x: 0, z: 10 });
});
