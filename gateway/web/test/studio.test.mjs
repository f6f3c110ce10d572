// The pure parts of the studio: colours, differences, plots, streams.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { distanceGain } from '../spatial.js';
import { FLOOR_DB, describe, niceEnd, plot, refuse } from '../studio/curve.js';
import { count, diff, editScript, sideBySide, unified } from '../studio/diff.js';
import { MAX_COLOURED, highlight } from '../studio/highlight.js';
import { keep, money, path, share, time } from '../studio/sparkline.js';
import { EventReader, events } from '../studio/sse.js';

const mara = readFileSync(new URL('../../../npc/persona/testdata/mara.yaml', import.meta.url), 'utf8');

/** @param {string} text */
const plain = (text) => highlight(text).map((line) => line.map(([, t]) => t).join('')).join('\n');

test('colours never change a character', () => {
  const broken = ['a: "open\nstill\nclosed" # c', 'a: [b, {c: d}, "e', "k: 'it''s'", '- - -', ': :', '{{user}}', 'a: {{user}} says', '\t', 'a: |\n\n  b\nc', mara.slice(0, 999), '"', "'", '[[[', 'a:b: c', '? x', '#', 'a: "b" c "d"'];
  for (const text of [mara, ...broken]) assert.equal(plain(text), text);
  for (let i = 0; i < mara.length; i += 7) assert.equal(plain(mara.slice(i, i + 200)), mara.slice(i, i + 200));
  assert.equal(plain('x'.repeat(MAX_COLOURED + 1)).length, MAX_COLOURED + 1);
});

test('keys, texts, numbers, comments and macros are told apart', () => {
  /** @param {string} text */
  const line = (text) => highlight(text)[0].filter(([k]) => k).map(([k, t]) => `${k}:${t}`);
  assert.deepEqual(line('name: Mara # who'), ['key:name', 'mark::', 'text:Mara', 'comment:# who']);
  assert.deepEqual(line('  speed: 0.95'), ['key:speed', 'mark::', 'number:0.95']);
  assert.deepEqual(line('  - id: sell-room'), ['mark:-', 'key:id', 'mark::', 'text:sell-room']);
  assert.deepEqual(line('greeting: Hi {{user}}!'), ['key:greeting', 'mark::', 'text:Hi ', 'macro:{{user}}', 'text:!']);
  assert.deepEqual(line('languages: [en, "de"]'), ['key:languages', 'mark::', 'mark:[', 'text:en', 'mark:,', 'quoted:"de"', 'mark:]']);
  assert.deepEqual(line('repeatable: true'), ['key:repeatable', 'mark::', 'word:true']);
  assert.deepEqual(highlight('a: |-\n  b: c\nd: e').map((l) => l[1]?.[0] ?? l[0][0]), ['mark', 'text', 'mark']);
  assert.equal(highlight('a: |-\n  b: c\nd: e')[1][0][0], 'text');
});

test('a difference has what goes, what comes and where', () => {
  const hunks = diff('a\nb\nc\nd\ne\nf\ng\nh\ni', 'a\nb\nX\nd\ne\nf\ng\nh\ni\nj', 1);
  assert.deepEqual(hunks, [
    { from_line: 2, to_line: 2, lines: [{ op: ' ', text: 'b' }, { op: '-', text: 'c' }, { op: '+', text: 'X' }, { op: ' ', text: 'd' }] },
    { from_line: 9, to_line: 9, lines: [{ op: ' ', text: 'i' }, { op: '+', text: 'j' }] },
  ]);
  assert.deepEqual(count(hunks), { added: 2, removed: 1 });
  assert.deepEqual(diff('same', 'same'), []);
});

test('any edit script makes one text of the other', () => {
  let seed = 7;
  const random = (/** @type {number} */ n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  for (let round = 0; round < 300; round++) {
    const a = Array.from({ length: random(20) }, () => 'abcd'[random(4)]);
    const b = Array.from({ length: random(20) }, () => 'abcd'[random(4)]);
    const script = editScript(a, b);
    assert.deepEqual(script.filter((l) => l.op !== '+').map((l) => l.text), a);
    assert.deepEqual(script.filter((l) => l.op !== '-').map((l) => l.text), b);
  }
  const many = Array.from({ length: 5000 }, (_, i) => `a${i}`);
  assert.equal(editScript(many, many.map((l) => `b${l}`)).length, 10000);
});

test('side by side, a changed line stands beside what became of it', () => {
  const [hunk] = diff('x\nspeed: 0.95\ny', 'x\nspeed: 1.1\nnew\ny');
  const rows = sideBySide(hunk).map(({ left, right }) => [left?.line, left?.text, right?.line, right?.text]);
  assert.deepEqual(rows, [[1, 'x', 1, 'x'], [2, 'speed: 0.95', 2, 'speed: 1.1'], [undefined, undefined, 3, 'new'], [3, 'y', 4, 'y']]);
  assert.deepEqual(sideBySide(hunk)[1].right?.words, [{ text: 'speed: ', changed: false }, { text: '1.1', changed: true }]);
  assert.deepEqual(unified(hunk).map((r) => r.op + r.text), [' x', '-speed: 0.95', '+speed: 1.1', '+new', ' y']);
});

test('the plot follows the curve', () => {
  const curve = /** @type {const} */ ({ model: 'inverse', ref: 1.5, max: 10000, rolloff: 1, range: 20, fade: 3, cone: { inner: 120, outer: 240, outer_gain: 0.5 } });
  const box = { width: 600, height: 220, left: 40, right: 10, top: 10, bottom: 30 };
  const p = plot(curve, box);
  assert.equal(p.metres, 25);
  assert.ok(p.front.startsWith('M40 10L'), 'full voice at 0 m');
  assert.ok(p.front.endsWith(' 190'), 'nothing at the end');
  assert.ok(!/NaN|Infinity/.test(p.front + p.behind + p.area));
  assert.equal(p.range, 40 + 20 / 25 * 550);
  assert.deepEqual(p.xTicks.map((t) => t.label), ['0', '5', '10', '15', '20', '25']);
  assert.equal(p.yTicks.at(-1)?.y, 190);
  const y3 = 10 + 20 * Math.log10(distanceGain(curve, 3.125)) / FLOOR_DB * 180;
  assert.ok(p.front.includes(`${Math.round((40 + 3.125 / 25 * 550) * 10) / 10} ${Math.round(y3 * 10) / 10}`), 'a point on the way');
  assert.equal(describe(curve, 3), '3 m: −6 dB');
  assert.equal(describe(curve, 20), '20 m: not heard');
});

test('a curve that the server would refuse says why', () => {
  const curve = /** @type {import('../spatial.js').Curve} */ ({ model: 'inverse', ref: 1.5, max: 100, rolloff: 1, range: 20, fade: 3, cone: { inner: 120, outer: 240, outer_gain: 0.5 } });
  assert.equal(refuse(curve, 60), '');
  assert.match(refuse({ ...curve, ref: 0 }, 60), /more than 0/);
  assert.match(refuse({ ...curve, model: 'linear', rolloff: 2 }, 60), /at most 1/);
  assert.match(refuse({ ...curve, fade: 21 }, 60), /fade/);
  assert.match(refuse(curve, 10), /view range/);
  assert.deepEqual([0.3, 9, 21.6, 1080].map(niceEnd), [0.3, 10, 25, 1200]);
});

test('a stream is cut into events wherever its pieces end', () => {
  const text = 'data: {"text":"Hä"}\r\n\r\ndata: {"text":"llo"}\n\n: ping\n\ndata: {"done":true}\n\n';
  for (let cut = 1; cut < text.length; cut++) {
    const reader = new EventReader();
    assert.deepEqual([...reader.push(text.slice(0, cut)), ...reader.push(text.slice(cut))], [{ text: 'Hä' }, { text: 'llo' }, { done: true }]);
  }
});

test('characters may be cut in the middle', async () => {
  const bytes = new TextEncoder().encode('data: {"text":"日本"}\n\ndata: {"done":true}');
  const stream = new ReadableStream({ start(c) { for (const b of bytes) c.enqueue(new Uint8Array([b])); c.close(); } });
  const all = [];
  for await (const e of events(stream)) all.push(e);
  assert.deepEqual(all, [{ text: '日本' }, { done: true }]);
});

test('figures are short', () => {
  assert.deepEqual([undefined, 0, 240.4, 1530, 12000].map(time), ['–', '–', '240 ms', '1.5 s', '12 s']);
  assert.deepEqual([share(0, 0), share(0, 9), share(1, 900), share(1, 3)], ['–', '0 %', '<1 %', '33 %']);
  assert.deepEqual([undefined, 0.00123, 1.5].map(money), ['0', '0.0012', '1.50']);
  const values = Array.from({ length: 60 }, (_, i) => i);
  keep(values, 60);
  assert.equal(values.length, 60);
  assert.equal(values[0], 1);
  assert.equal(path([1], 10, 10), '');
  assert.equal(path([1, 1], 10, 10), 'M0 5L10 5');
  assert.equal(path([0, 2], 10, 10), 'M0 9L10 1');
});
