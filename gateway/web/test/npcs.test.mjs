// What the page says and shows of NPCs: deeds in words, bubbles on the screen,
// whom one faces, what a token allows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apart, letterSize, placeBubble, readingTime, reveal, wholeWords } from '../app/bubble-place.js';
import { tell } from '../app/deeds.js';
import { faced } from '../app/facing.js';
import { wrap } from '../app/speech-sprite.js';
import { grantsOf } from '../app/token.js';

/** @param {string} kind @param {string} name @param {Record<string, any>} [args] @returns {import('../signal.js').Act} */
const act = (kind, name, args = {}) => ({ type: 'act', participant: 'pa_mara', name, kind, args });

test('deeds in words', () => {
  assert.deepEqual(tell(act('emote', 'wave'), 'Mara', ''), { gesture: 'wave', shown: '', note: '', toast: '' });
  assert.deepEqual(tell(act('emote', 'emote', { which: 'laugh' }), 'Mara', '').gesture, 'laugh');
  assert.deepEqual(tell(act('emote', 'juggle_apples'), 'Mara', ''), { gesture: '', shown: 'juggle apples', note: 'Mara: *juggle apples*', toast: '' });
  assert.equal(tell(act('give', 'give_item', { item: 'room key' }), 'Mara', 'you').toast, 'Mara gives you: room key');
  const three = tell(act('give', 'give_item', { item: 'mug_of_ale', count: 3 }), 'Mara', 'Ada');
  assert.deepEqual([three.note, three.toast], ['Mara gives Ada: 3 × mug of ale.', '']);
  assert.equal(tell(act('give', 'give'), 'Mara', 'you').toast, 'Mara gives you: something');
  assert.equal(tell(act('open', 'open_door', { door: 'cellar door' }), 'Mara', '').note, 'Mara opens cellar door.');
  assert.deepEqual(tell(act('move', 'walk_to', { place: 'fountain' }), 'Mara', ''), { gesture: '', shown: '', note: '', toast: '' });
  assert.equal(tell(act('custom', 'ring_bell', { times: 3 }), 'Mara', '').shown, 'ring bell');
  assert.ok([...tell(act('custom', 'x', { text: 'a'.repeat(5000) }), 'Mara', '').shown].length <= 80);
});

const screen = { left: 10, right: 1270, top: 12, bottom: 630 };

test('a bubble is above the name, else beside the head, else below the face', () => {
  const roomy = placeBubble({ x: 640, top: 240, face: 320, radius: 60 }, 300, 110, screen);
  assert.deepEqual([roomy.side, roomy.y + 110 <= 240, roomy.x + roomy.tail], ['above', true, 640]);
  const close = placeBubble({ x: 640, top: 60, face: 330, radius: 150 }, 300, 110, screen);
  assert.equal(close.side, 'right');
  assert.ok(close.x >= 640 + 150, 'not over the face');
  assert.equal(placeBubble({ x: 1000, top: 60, face: 330, radius: 150 }, 300, 110, screen).side, 'left');
  const phone = { left: 10, right: 380, top: 66, bottom: 740 };
  const below = placeBubble({ x: 195, top: 90, face: 300, radius: 120 }, 340, 110, phone);
  assert.deepEqual([below.side, below.y > 420], ['below', true]);
});

test('whatever the head, a bubble that fits is on the screen and its tail on the bubble', () => {
  for (let x = -300; x <= 1600; x += 95) for (let top = -400; top <= 900; top += 65) for (const radius of [5, 60, 400]) {
    for (const was of /** @type {const} */ (['above', 'left', 'right', 'below'])) {
      const p = placeBubble({ x, top, face: top + radius * 2, radius }, 320, 120, screen, was);
      assert.ok(p.x >= screen.left && p.x + 320 <= screen.right && p.y >= screen.top && p.y + 120 <= screen.bottom, JSON.stringify(p));
      assert.ok(p.tail >= 0 && p.tail <= (p.side === 'above' || p.side === 'below' ? 320 : 120));
    }
  }
});

test('it does not jump between sides while the head bobs', () => {
  /** @type {import('../app/bubble-place.js').Placed['side']} */ let side = 'above';
  /** @type {Set<string>} */ const sides = new Set();
  for (let i = 0; i < 100; i++) sides.add(side = placeBubble({ x: 640, top: 135 + Math.sin(i) * 6, face: 320, radius: 100 }, 300, 110, screen, side).side);
  assert.equal(sides.size, 1);
});

test('text appears in whole words and keeps up', () => {
  const text = 'Evening, Ada. Shut the door.';
  assert.equal(wholeWords(text, 0), 'Evening,');
  assert.equal(wholeWords(text, 9.4), 'Evening, Ada.');
  assert.equal(wholeWords(text, text.length), text);
  let shown = 0;
  for (let i = 0; i < 120; i++) shown = reveal(shown, 400, 1 / 60);
  assert.ok(shown > 300, `400 letters at once: ${shown} after 2 s`);
  assert.equal(reveal(399, 400, 1), 400);
  assert.ok(readingTime(5) >= 2000 && readingTime(100_000) <= 9000);
});

test('letters stay readable from 2 to 12 metres', () => {
  for (let d = 0.5; d < 40; d += 0.5) assert.ok(letterSize(d) >= 13 && letterSize(d) <= 18);
  assert.ok(letterSize(2) > letterSize(12));
});

test('one faces who is ahead and near, and keeps facing them for a little', () => {
  const mara = { id: 'mara', x: 0, z: -3 }, bram = { id: 'bram', x: 0.5, z: -1.5 };
  const you = { x: 0, z: 0, yaw: 0 };
  assert.equal(faced(you, [mara]), 'mara');
  assert.equal(faced({ ...you, yaw: Math.PI }, [mara]), '', 'behind');
  assert.equal(faced({ ...you, yaw: Math.PI * 2 }, [mara]), 'mara', 'turned once round');
  assert.equal(faced(you, [mara, bram]), 'bram');
  assert.equal(faced({ ...you, z: 1.5 }, [mara]), '', 'too far');
  assert.equal(faced({ ...you, z: 1.5 }, [mara], 'mara'), 'mara');
  assert.equal(faced({ ...you, z: 2.1 }, [mara], 'mara'), '');
  assert.equal(faced(you, []), '');
});

test('the grants of a token, or none where it is not one', () => {
  const token = (/** @type {unknown} */ claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
  assert.deepEqual(grantsOf(token({ name: 'Jürgen ☃ ~~~', grants: ['chat', 'design'] })), ['chat', 'design']);
  for (const odd of ['', 'a', 'a.b.c', '..', token(null), token({ grants: 'design' }), token([])]) assert.deepEqual(grantsOf(odd), [], odd);
});

test('bubbles of two who talk at once do not cover each other', () => {
  const at = (/** @type {number} */ x, /** @type {number} */ y) => ({ left: x, top: y, right: x + 300, bottom: y + 80 });
  assert.equal(apart(at(100, 200), [], screen), 0);
  assert.equal(apart(at(100, 200), [at(500, 200)], screen), 0, 'side by side');
  const up = 200 + apart(at(100, 200), [at(250, 180)], screen);
  assert.ok(up + 80 < 180 && up >= screen.top);
  const down = 30 + apart(at(100, 30), [at(250, 40)], screen);
  assert.ok(down > 120, 'no room above');
  const three = 200 + apart(at(100, 200), [at(120, 210), at(140, 120)], screen);
  assert.ok(three + 80 < 120 || three > 290);
});

test('lines for a headset', () => {
  const letters = (/** @type {string} */ t) => t.length;
  assert.deepEqual(wrap('I have four rooms left', letters, 11), ['I have four', 'rooms left']);
  assert.deepEqual(wrap('  a\n\nincomprehensibility b ', letters, 5), ['a', 'incomprehensibility', 'b']);
  assert.deepEqual(wrap('', letters, 5), ['']);
});
