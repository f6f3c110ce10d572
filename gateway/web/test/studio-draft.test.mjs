// What the studio keeps of a draft, how it goes back, and who may design.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Draft, Drafts } from '../studio/draft.js';
import { SECTIONS, fieldName, isKnown, order } from '../studio/schema.js';
import { claims, mayDesign } from '../studio/signin.js';
import { TEMPLATES, idOf } from '../studio/templates.js';
import { parse, toValue } from '../studio/yamlparse.js';

const place = { position: [1, 0, 2], yaw: 0, waypoints: [], speed: 1 };
const saved = () => new Draft({ id: 'mara', world: 'plaza', yaml: 'name: A\n', version: 3, place });

/** A browser's store. */
class Store {
  /** @type {Map<string, string>} */ map = new Map();
  full = false;
  get length() { return this.map.size; }
  /** @param {number} i */ key(i) { return [...this.map.keys()][i] ?? null; }
  /** @param {string} k */ getItem(k) { return this.map.get(k) ?? null; }
  /** @param {string} k */ removeItem(k) { this.map.delete(k); }
  /** @param {string} k @param {string} v */
  setItem(k, v) {
    if (this.full) throw new Error('full');
    this.map.set(k, v);
  }
}

test('edits of one field go back together, others one by one', () => {
  const draft = saved();
  /** @type {string[]} */ const causes = [];
  draft.listen((c) => causes.push(c));
  draft.change('name: AB\n', 'form', 'name', 0);
  draft.change('name: ABC\n', 'form', 'name', 500);
  draft.change('name: ABC\nx: 1\n', 'text', 'text', 600);
  assert.ok(draft.dirty);
  assert.ok(draft.undo());
  assert.equal(draft.text, 'name: ABC\n');
  assert.ok(draft.undo());
  assert.equal(draft.text, 'name: A\n');
  assert.ok(!draft.dirty);
  assert.ok(!draft.undo());
  assert.ok(draft.redo() && draft.redo());
  assert.equal(draft.text, 'name: ABC\nx: 1\n');
  assert.ok(!draft.redo());
  assert.deepEqual(causes, ['form', 'form', 'text', 'undo', 'undo', 'undo', 'undo']);
});

test('a pause begins a new step', () => {
  const draft = saved();
  draft.change('a', 'form', 'name', 0);
  draft.change('b', 'form', 'name', 5000);
  draft.undo();
  assert.equal(draft.text, 'a');
});

test('applied, it is no longer changed; what was typed meanwhile is', () => {
  const draft = saved();
  draft.change('name: B\n', 'form');
  draft.saved(4, 'name: B\n', place);
  assert.deepEqual([draft.version, draft.dirty], [4, false]);
  draft.change('name: C\n', 'form');
  draft.saved(5, 'name: B\n', place);
  assert.ok(draft.dirty);
  draft.setPlace({ ...place, yaw: 90 });
  assert.ok(draft.placeChanged);
});

test('unsaved changes are kept and found again', () => {
  const store = new Store();
  const drafts = new Drafts(store);
  const draft = saved();
  draft.change('name: B\n', 'form');
  drafts.keep(draft);
  assert.deepEqual({ ...drafts.find('mara'), at: 0 }, { world: 'plaza', yaml: 'name: B\n', place: null, version: 3, at: 0 });
  assert.deepEqual(drafts.fresh(), []);
  draft.undo();
  drafts.keep(draft);
  assert.equal(drafts.find('mara'), null);
  drafts.keep(new Draft({ id: 'new', world: 'plaza', yaml: 'name: N\n', version: 0, place }));
  assert.deepEqual(drafts.fresh().map((d) => d.id), ['new']);
  drafts.forget('new');
  assert.equal(store.length, 0);
});

test('a store that is full, damaged or missing breaks nothing, and is told of', () => {
  const store = new Store();
  const drafts = new Drafts(store);
  const draft = saved();
  draft.change('name: B\n', 'form');
  store.full = true;
  drafts.keep(draft);
  assert.equal(drafts.works, false);
  store.map.set('earshot.studio.draft.x', '{broken');
  assert.equal(drafts.find('x'), null);
  const none = new Drafts(null);
  none.keep(draft);
  assert.deepEqual([none.works, none.find('mara'), none.fresh()], [false, null, []]);
});

test('the form knows every field of the example', () => {
  const mara = toValue(parse(readFileSync(new URL('../../../npc/persona/testdata/mara.yaml', import.meta.url), 'utf8')).root);
  for (const key of Object.keys(mara)) assert.ok(isKnown(key), key);
  assert.deepEqual(order([]).filter((k) => !isKnown(k)), []);
  for (const section of SECTIONS) for (const f of section.fields) assert.ok(order([]).includes(f.key), f.key);
  assert.deepEqual(order(['goals', 0, 'activation']).slice(0, 2), ['on', 'event']);
  assert.deepEqual(order(['nonsense']), []);
  assert.equal(fieldName(['goals', 1, 'activation', 'phrases', 0]), 'goals[1].activation.phrases[0]');
});

test('templates are YAML whatever the name', () => {
  for (const template of TEMPLATES) {
    for (const name of ['Tomas', 'No', '12', 'Dr. "X": 7', "O'Neil", 'Zoë']) assert.equal(toValue(parse(template.yaml(name)).root).name, name, template.id);
  }
  assert.equal(idOf('Old Inês!', () => false), 'old-ines');
  assert.equal(idOf('Mara', (id) => id === 'mara' || id === 'mara-2'), 'mara-3');
  assert.equal(idOf('日本', () => false), 'npc');
});

test('only a token with the grant design that has not expired will do', () => {
  const token = (/** @type {object} */ c) => `x.${Buffer.from(JSON.stringify(c)).toString('base64url')}.y`;
  assert.equal(claims(token({ name: 'Zoë' }))?.name, 'Zoë');
  assert.equal(claims('nonsense'), null);
  assert.ok(mayDesign(token({ grants: ['design'], exp: 200 }), 100_000));
  assert.ok(!mayDesign(token({ grants: ['design'], exp: 99 }), 100_000));
  assert.ok(!mayDesign(token({ grants: ['chat'] })));
  assert.ok(!mayDesign(''));
});
