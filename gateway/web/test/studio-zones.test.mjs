// What a designer does to zones on the map, without the map.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convex, dragged, fresh, handles, middle, moved, reshaped } from '../studio/zoneedit.js';
import { outline, Zones } from '../zones.js';

/** @typedef {import('../zones.js').Shape} Shape */

/** @param {ArrayLike<number>} got @param {number[]} want @param {string} what */
function near(got, want, what) {
  want.forEach((v, i) => assert.ok(Math.abs(got[i] - v) < 0.011, `${what}: ${Array.from(got)}, want ${want}`));
}

test('new zones have names of their own, and work', () => {
  /** @type {import('../zones.js').Zone[]} */
  const list = [];
  for (const kind of /** @type {const} */ (['room', 'table', 'stage', 'megaphone', 'quiet', 'table', 'table'])) list.push(fresh(kind, [3.02, -1.49], list));
  assert.deepEqual(list.map((z) => z.id), ['room', 'table', 'stage', 'megaphone', 'quiet', 'table-2', 'table-3']);
  near(middle(list[5].shape), [3, -1.5], 'snapped');
  assert.equal(new Zones(list).locate([3, 1.6, -1.5]).weights.size, 7);
});

/** @type {Record<string, Shape>} */
const shapes = {
  box: { form: 'box', floor: 0, height: 3, center: [5, 2], size: [4, 2] },
  turned: { form: 'box', floor: 0, height: 3, center: [5, 2], size: [4, 2], yaw: 40 },
  circle: { form: 'cylinder', floor: 0, height: 3, center: [5, 2], radius: 2 },
  polygon: { form: 'polygon', floor: 0, height: 3, corners: [[0, 0], [6, 0], [7, 4], [1, 5]] },
};

test('what is moved keeps its form', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    const [x, z] = middle(shape), there = moved(shape, 1.5, -2);
    near(middle(there), [x + 1.5, z - 2], name);
    outline(shape).forEach((c, i) => near(outline(there)[i], [c[0] + 1.5, c[1] - 2], `${name}, corner ${i}`));
  }
});

test('a dragged handle is where it was dragged, and what is opposite stays', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    for (const { name: handle, at } of handles(shape)) {
      if (handle === 'turn') continue;
      const to = /** @type {[number, number]} */ ([at[0] + (handle === 'radius' ? 0.5 : 0.1), at[1] + (handle === 'radius' ? 0 : 0.15)]);
      const after = dragged(shape, handle, to);
      const found = handles(after).find((h) => h.name === handle || Math.hypot(h.at[0] - to[0], h.at[1] - to[1]) < 0.06);
      assert.ok(found && Math.hypot(found.at[0] - to[0], found.at[1] - to[1]) < 0.06, `${name}, ${handle}: at ${found?.at}, want ${to}`);
      if (shape.form === 'box') {
        const opposite = outline(shape)[(Number(handle.split('-')[1]) + 2) % 4];
        near(outline(after)[(Number(handle.split('-')[1]) + 2) % 4], opposite, `${name}, opposite of ${handle}`);
      }
    }
  }
});

test('a box turns to where its handle is', () => {
  for (const [to, yaw] of /** @type {[[number, number], number][]} */ ([[[5, -5], 0], [[-5, 2], 90], [[5, 9], 180], [[12, 2], -90], [[0, -3], 45]])) {
    assert.equal(dragged(shapes.turned, 'turn', to).yaw, yaw);
  }
});

test('what would be nothing, or not convex, is not done', () => {
  assert.equal(dragged(shapes.polygon, 'corner-2', [1, 1]), shapes.polygon);
  assert.equal(dragged(shapes.box, 'corner-0', [7, 3]), shapes.box);
  assert.ok(!convex([[0, 0], [4, 0], [4, 4], [3, 1]]));
  assert.ok(!convex([[0, 3], [1.8, -2.4], [-2.9, 0.9], [2.9, 0.9], [-1.8, -2.4]]), 'a star turns twice');
});

test('in another form it is still there', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    for (const form of /** @type {const} */ (['box', 'cylinder', 'polygon'])) {
      const after = reshaped(shape, form);
      assert.equal(after.form, form);
      near(middle(after), middle(shape), `${name} as ${form}`);
      if (form === 'polygon') assert.ok(convex(after.corners ?? []), name);
    }
  }
});
