// The studio's YAML: what is read, and that an edit changes one value only.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EditRefused, insertItem, moveItem, removeItem, renameKey, setList, setScalar } from '../studio/yamledit.js';
import { YamlProblem, at, parse, toValue } from '../studio/yamlparse.js';
import { writeEntry } from '../studio/yamlwrite.js';

const mara = readFileSync(new URL('../../../npc/persona/testdata/mara.yaml', import.meta.url), 'utf8');

/** @param {string} text */
const values = (text) => toValue(parse(text).root);

/** Lines that are in one text and not in the other. @param {string} a @param {string} b */
function changed(a, b) {
  const [x, y] = [a.split('\n'), b.split('\n')];
  return { gone: x.filter((l) => !y.includes(l)), come: y.filter((l) => !x.includes(l)) };
}

test('the example persona is read whole', () => {
  const all = values(mara);
  assert.equal(all.name, 'Mara Holt');
  assert.equal(all.nickname, 'Mara');
  assert.match(all.description, /^\{\{char\}\} keeps the inn .* sixties, has buried one husband .* debts\.$/);
  assert.equal(all.examples.split('\n').length, 3);
  assert.equal(all.greeting, 'Evening, {{user}}. Shut the door, the rain is paying nothing.');
  assert.deepEqual(all.lines.busy, ['One at a time, please.']);
  assert.deepEqual(all.goals[0].activation, { on: 'says', phrases: ['room', 'bed', 'sleep'] });
  assert.deepEqual(all.goals[1].activation.when, { quest: 'started' });
  assert.equal(all.actions[0].parameters[1].maximum, '3');
  assert.deepEqual(all.worlds, { winter: { inn: 'The Frozen Kettle' } });
  assert.deepEqual(all.model.preferred, ['qwen3:8b', 'smollm2:135m']);
  assert.deepEqual(all.lorebook.entries[3].keys, ['\\bferr(y|ies)\\b']);
  assert.deepEqual(parse(mara).comments.map((c) => c.text), mara.split('\n').flatMap((l) => /(?:^|\s)(#.*)$/.exec(l)?.[1] ?? []));
});

test('scalars mean what YAML says', () => {
  /** @type {[string, string][]} */
  const cases = [
    ['a: b # c', 'b'], ['a: b#c', 'b#c'], ['a:', ''], ['a: # c', ''], ['a: "x\\ty\\u00e4"', 'x\tyä'], ["a: 'it''s'", "it's"],
    ['a: one\n  two\n\n  three', 'one two\nthree'], ['a: "one\n  two\n\n  three"', 'one two\nthree'],
    ['a: |\n  x\n   y\n\n  z\n', 'x\n y\n\nz\n'], ['a: |-\n  x\n', 'x'], ['a: |+\n  x\n\n', 'x\n\n'], ['a: >-\n  x\n  y\n\n  z', 'x y\nz'],
    ['a: >\n  x\n    more\n  y\n', 'x\n  more\ny\n'], ['a: |2-\n    x\n  y', '  x\ny'], ['a: - b', '!'], ['a: http://b', 'http://b'],
    ['a: b: c', '!'], ['a: "b', '!'], ['a: *b', '!'], ['a: &b c', '!'], ['a: !!str b', '!'], ['a: b\na: c', '!'], ['a: b\n c: d', '!'],
    ['a: {{user}}', '!'], ['- a', '!'], ['a: b\n---\na: c', '!'], ['', '!'], ['a: "b" c', '!'], ['\ta: b', '!'], ['a: [b', '!'], ['"a": b', 'b'],
  ];
  for (const [text, want] of cases) {
    if (want === '!') assert.throws(() => parse(text), YamlProblem, text);
    else assert.equal(values(text).a, want, text);
  }
});

test('lists and fields in brackets, in lines and below one another', () => {
  assert.deepEqual(values('a: [b, "c, d", {e: f, g: [h]}, ]\ni: {}\nj: []'), { a: ['b', 'c, d', { e: 'f', g: ['h'] }], i: {}, j: [] });
  assert.deepEqual(values('a:\n- b\n- c: d\n  e: f\n-\n  g: h\ni: j'), { a: ['b', { c: 'd', e: 'f' }, { g: 'h' }], i: 'j' });
  assert.deepEqual(values('a: [b, # one\n  c] # two\nd: e'), { a: ['b', 'c'], d: 'e' });
  assert.deepEqual(values('a:\n  - - b\n    - c\n  - d'), { a: [['b', 'c'], 'd'] });
});

test('what is written reads back the same', () => {
  const texts = ['x', '', ' ', 'a: b', '# c', 'a #b', '-', '- a', 'true', 'No', '12', '1e3', '0x1f', '~', '2026-01-01', '{{user}}', '[a]', '*b', '"q"', "it's",
    'a\nb', 'a\n\nb\n', '\na', ' a\nb', 'a \nb', 'a\n  b\nc', 'tab\there', 'a\tb\nc', '\u0007', 'ä 日本 🙂', 'x'.repeat(200), 'word '.repeat(60), `${'word '.repeat(30)}end`,
    `${'word '.repeat(30)}: end\n\nsecond # paragraph ${'more '.repeat(30)}end`, 'a\n\n\n', '\u2028', 'line\r\nend', '? a', ': a', 'a:', '---', '@x', '%x', '`x`', '!x', '&x', '|', '>', ',', '<<'];
  for (const style of [undefined, 'single', 'double', 'literal', 'folded']) {
    for (const text of texts) {
      const quoted = { single: "'x'", double: '"x"', literal: '|\n    x', folded: '>-\n    x' }[style ?? ''] ?? 'x';
      if (text === '') continue;
      const doc = `a:\n  b: ${quoted}\n  c: d # e\n`;
      const next = setScalar(doc, ['a', 'b'], text);
      assert.equal(values(next).a.b, text, JSON.stringify([style, text, next]));
      assert.match(next, /\n  c: d # e\n$/);
    }
  }
  for (const text of texts) assert.deepEqual(values(`${writeEntry('k', { [text || 'x']: [text, { n: text }] }, 0)}\n`), { k: { [text || 'x']: [text, { n: text }] } });
});

test('a scalar is changed where it stands', () => {
  assert.deepEqual(changed(mara, setScalar(mara, ['nickname'], 'Old Mara')), { gone: ['nickname: Mara # what {{char}} becomes'], come: ['nickname: Old Mara # what {{char}} becomes'] });
  assert.deepEqual(changed(mara, setScalar(mara, ['voice', 'speed'], 1.1)), { gone: ['  speed: 0.95'], come: ['  speed: 1.1'] });
  assert.deepEqual(changed(mara, setScalar(mara, ['goals', 1, 'instruction'], 'Wait: listen')), {
    gone: ['    instruction: You have noticed that the cellar is open. Ask {{user}} about the key.'], come: ["    instruction: \"Wait: listen\""],
  });
  const folded = setScalar(mara, ['description'], `${values(mara).description} She never sleeps.`);
  assert.match(folded, /description: >-\n  \{\{char\}\} keeps .*\n(  .*\n)+personality: /);
  assert.match(folded, /  .*She never sleeps\.\n/);
  assert.equal(values(setScalar(mara, ['examples'], 'one\ntwo')).examples, 'one\ntwo');
});

test('a new field stands where it usually does', () => {
  const order = () => ['version', 'name', 'nickname', 'description', 'greeting'];
  assert.equal(setScalar('version: 1\nname: A\n\n# say\ngreeting: Hi\n', ['nickname'], 'B', order), 'version: 1\nname: A\nnickname: B\n\n# say\ngreeting: Hi\n');
  assert.equal(setScalar('name: A', ['voice', 'name'], 'alto'), 'name: A\nvoice:\n  name: alto');
  assert.equal(setScalar('name: A\nvoice:\nx: 1\n', ['voice', 'name'], 'alto'), 'name: A\nvoice:\n  name: alto\nx: 1\n');
  assert.equal(setScalar('name: A\nvoice: {speed: 1}\n', ['voice', 'name'], 'alto'), 'name: A\nvoice: {speed: 1, name: alto}\n');
  assert.equal(setScalar('goals:\n  - id: a\n    instruction: b\n', ['goals', 0, 'repeatable'], true), 'goals:\n  - id: a\n    instruction: b\n    repeatable: true\n');
});

test('an emptied field goes, its comment stays', () => {
  assert.deepEqual(changed(mara, setScalar(mara, ['nickname'], '')), { gone: ['nickname: Mara # what {{char}} becomes'], come: ['# what {{char}} becomes'] });
  assert.equal(setScalar('name: A\nvoice:\n  name: alto\nx: 1\n', ['voice', 'name'], ''), 'name: A\nx: 1\n');
  assert.equal(setScalar('goals:\n  - id: a\n    instruction: b\n', ['goals', 0, 'id'], ''), 'goals:\n  - id: ""\n    instruction: b\n');
  assert.equal(setScalar('name: A\n', ['voice', 'name'], ''), 'name: A\n');
});

test('lists of words keep the lines that stay', () => {
  const doc = 'lines:\n  busy:\n    - one # first\n    # about two\n    - two\n    - three\nx: y\n';
  assert.equal(setList(doc, ['lines', 'busy'], ['one', 'two', 'three', 'four']), doc.replace('- three', '- three\n    - four'));
  assert.equal(setList(doc, ['lines', 'busy'], ['one', '2nd', 'three']), doc.replace('- two', '- 2nd'));
  assert.equal(setList(doc, ['lines', 'busy'], ['one', 'three']), doc.replace('    # about two\n    - two\n', ''));
  assert.equal(setList(doc, ['lines', 'busy'], ['zero', 'one', 'two', 'three']), doc.replace('    - one', '    - zero\n    - one'));
  assert.equal(setList(doc, ['lines', 'busy'], []), '# first\n# about two\nx: y\n');
  assert.equal(setList('languages: [en, de] # both\n', ['languages'], ['en']), 'languages: [en] # both\n');
  assert.equal(setList('name: A\n', ['languages'], ['en', 'pt-BR']), 'name: A\nlanguages: [en, pt-BR]\n');
  assert.throws(() => setList('a: [b, # why\n  c]\n', ['a'], ['b']), (/** @type {any} */ e) => e instanceof EditRefused && e.line === 1);
});

test('items of lists of fields come, go and move with their comments', () => {
  const more = insertItem(mara, ['goals'], 2, { id: 'new', activation: { on: 'approach' }, instruction: 'Say hello.' });
  assert.deepEqual(changed(mara, more).gone, []);
  assert.equal(values(more).goals.length, 3);
  assert.deepEqual(values(removeItem(more, ['goals'], 2)), values(mara));
  assert.equal(removeItem(more, ['goals'], 2), mara);
  const names = (/** @type {string} */ text) => values(text).actions.map((/** @type {any} */ a) => a.name);
  const [first, second, ...others] = names(mara);
  assert.deepEqual(names(moveItem(mara, ['actions'], 0, 1)), [second, first, ...others]);
  assert.equal(moveItem(moveItem(mara, ['lorebook', 'entries'], 1, 1), ['lorebook', 'entries'], 2, -1), mara);
  assert.equal(insertItem('name: A\n', ['actions'], 0, { name: 'wave', description: 'Wave.' }), 'name: A\nactions:\n  - name: wave\n    description: Wave.\n');
  assert.equal(removeItem('name: A\nactions:\n  - name: wave\n    description: Wave.\n', ['actions'], 0), 'name: A\n');
  assert.equal(insertItem('name: A\nactions: []\n', ['actions'], 0, { name: 'wave' }), 'name: A\nactions:\n  - name: wave\n');
});

test('fields are renamed', () => {
  assert.deepEqual(changed(mara, renameKey(mara, ['variables', 'inn'], 'tavern')), { gone: ['  inn: The Copper Kettle'], come: ['  tavern: The Copper Kettle'] });
  assert.throws(() => renameKey('a:\n  b: c\n  d: e\n', ['a', 'b'], 'd'), EditRefused);
});

test('what cannot be edited safely is refused with its line', () => {
  assert.throws(() => setScalar('name: A\nx: *y\n', ['name'], 'B'), (/** @type {any} */ e) => e instanceof EditRefused && e.line === 2 && /anchors/.test(e.message));
  assert.throws(() => setScalar('name: [A]\n', ['name'], 'B'), EditRefused);
  assert.throws(() => setScalar('voice: alto\n', ['voice', 'name'], 'B'), EditRefused);
  assert.throws(() => setScalar('a: | # why\n  b\n', ['a'], 'B'), EditRefused);
});

test('any field of the example can be changed, one at a time', () => {
  const { root, comments } = parse(mara);
  /** @param {import('../studio/yamlparse.js').Node} node @param {(string|number)[]} path @returns {(string|number)[][]} */
  const leaves = (node, path) => (node.kind === 'scalar' ? [path] : node.kind === 'seq'
    ? node.items.flatMap((i, n) => leaves(i.value, [...path, n])) : node.entries.flatMap((e) => leaves(e.value, [...path, e.key])));
  for (const path of leaves(root, [])) {
    for (const value of ['changed', 'a: b # c', 'two\nlines', '']) {
      if (value === '' && typeof path.at(-1) === 'number') continue;
      const next = setScalar(mara, path, value);
      assert.equal(value === '' ? values(next) && (at(parse(next).root, path)?.kind === 'scalar' ? toValue(/** @type {any} */ (at(parse(next).root, path))) : '') : toValue(/** @type {any} */ (at(parse(next).root, path))), value, `${path}`);
      assert.equal(parse(next).comments.length, comments.length, `${path}`);
    }
  }
});
