// What people see of moderation: which order silences, how long, what is covered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countdown, cut, isGrave, isNudge, silence } from '../app/sanctions.js';
import { spaceGain } from '../spatial.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const statement = { what: '', facts: '', automation: '', rule: '', redress: '' };

/**
 * @param {string} id
 * @param {[string, string?][]} sanctions
 * @param {boolean} [lifted]
 * @returns {import('../signal.js').Order}
 */
const order = (id, sanctions, lifted = false) => ({ type: 'order', id, lifted, appeal: true, statement, sanctions: sanctions.map(([action, until]) => ({ action, until })) });

test('the longest order in force silences the microphone', () => {
  const short = order('or_1', [['mute', '2026-11-21T12:10:00Z']]), long = order('or_2', [['slow', '2026-11-22T12:00:00Z'], ['isolate', '2026-11-21T13:00:00Z']]);
  assert.equal(silence([], NOW), null);
  assert.equal(silence([short, long], NOW)?.order.id, 'or_2');
  assert.equal(silence([short], NOW)?.until, NOW + 600_000);
  assert.equal(silence([short], NOW + 600_000), null, 'it is over');
  assert.equal(silence([order('or_3', [['mute']])], NOW)?.until, Infinity);
  assert.equal(silence([order('or_4', [['nudge'], ['mask'], ['slow', '2026-11-21T13:00:00Z']])], NOW), null);
  assert.equal(silence([order('or_5', [['mute']], true)], NOW), null);
});

test('a nudge is a word, a mute is grave, what is lifted is neither', () => {
  const of = (/** @type {import('../signal.js').Order} */ o) => [isNudge(o), isGrave(o)];
  assert.deepEqual(of(order('a', [['nudge']])), [true, false]);
  assert.deepEqual(of(order('a', [['nudge'], ['mask']])), [false, false]);
  assert.deepEqual(of(order('a', [['nudge'], ['mute', '2026-11-21T13:00:00Z']])), [false, true]);
  assert.deepEqual(of(order('a', [], true)), [false, false]);
});

test('how long it is, in few letters', () => {
  assert.deepEqual([599_001, 60_000, 59_000, 500, -5, 7_200_000, 3 * 86_400_000, Infinity].map(countdown), ['10:00', '1:00', '0:59', '0:01', '0:00', '2 h', '3 d', '']);
});

test('covered words are cut out, and nothing else is lost', () => {
  assert.deepEqual(cut('you \u25fc\u25fc\u25fc \u25fc\u25fc!', true), [{ text: 'you ', covered: false }, { text: '\u25fc\u25fc\u25fc \u25fc\u25fc', covered: true }, { text: '!', covered: false }]);
  assert.deepEqual(cut('**** off', true), [{ text: '****', covered: true }, { text: ' off', covered: false }]);
  assert.deepEqual(cut('2 * 3, **bold** \u25fc', false), [{ text: '2 * 3, **bold** \u25fc', covered: false }]);
  for (const text of ['', '\u25fc', 'a\u25fcb\u25fc', '*** \u25fc', '\u{1f600}\u25fc\u{1f600}']) assert.equal(cut(text, true).map((p) => p.text).join(''), text);
});

test('a personal space lowers smoothly, to nothing at half of it', () => {
  assert.deepEqual([spaceGain(0, 0), spaceGain(1, 1), spaceGain(1, 2), spaceGain(1, 0.5), spaceGain(1, 0)], [1, 1, 1, 0, 0]);
  for (let d = 0, last = 0; d < 1.2; d += 0.01) {
    const g = spaceGain(1, d);
    assert.ok(g >= last && g - last < 0.04, `at ${d} m: ${g} after ${last}`);
    last = g;
  }
});
