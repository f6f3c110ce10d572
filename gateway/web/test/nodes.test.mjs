import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DISTRUST_MS, Nodes } from '../nodes.js';
import { EarshotError } from '../signal.js';

const welcome = /** @type {any} */ ({ instance: 'in_plaza', alternates: ['http://b', 'http://c/'] });
const gone = new EarshotError('unavailable', 'no answer');

test('alone there is one address, whatever happens', () => {
  const nodes = new Nodes('http://a/');
  nodes.welcomed(/** @type {any} */ ({ instance: 'in_plaza' }));
  nodes.failed(gone);
  assert.deepEqual([nodes.url, nodes.instance, nodes.others], ['http://a/', '', false]);
});

test('a node that is gone is followed by the next, for the same instance', () => {
  const nodes = new Nodes('http://a/');
  nodes.welcomed(welcome);
  nodes.failed(gone);
  assert.deepEqual([nodes.url, nodes.instance], ['http://b/', 'in_plaza']);
  nodes.failed(gone);
  assert.equal(nodes.url, 'http://c/');
  nodes.failed(gone);
  assert.equal(nodes.url, 'http://a/');
});

test('a refusal is no reason to ask another node, but a missing instance to ask for any', () => {
  const nodes = new Nodes('http://a/');
  nodes.welcomed(welcome);
  nodes.failed(new EarshotError('unavailable', 'busy', { told: true }));
  assert.equal(nodes.url, 'http://a/');
  nodes.failed(new EarshotError('not_found', 'gone', { told: true }));
  assert.deepEqual([nodes.url, nodes.instance], ['http://a/', '']);
});

test('a server that ends us says where to go', () => {
  const nodes = new Nodes('http://a/');
  nodes.welcomed(welcome);
  nodes.sent(/** @type {any} */ ({ url: 'http://d', instance: 'in_plaza_2' }), 0);
  assert.deepEqual([nodes.url, nodes.instance], ['http://d/', 'in_plaza_2']);
});

// The twin of TestRouteAfterACrash in loadtest/route_test.go.
test('a node that fell silent is not gone back to, until it answers or some seconds are over', () => {
  const nodes = new Nodes('http://a/');
  nodes.welcomed(welcome);
  nodes.fell(1000);
  assert.deepEqual([nodes.url, nodes.instance], ['http://b/', 'in_plaza']);
  assert.equal(nodes.trusts('http://a/v1/join?instance=in_plaza', 2000), false);
  nodes.sent(/** @type {any} */ ({ url: 'http://a', instance: 'in_plaza' }), 2000);
  assert.equal(nodes.url, 'http://b/');
  assert.equal(nodes.trusts('http://c/v1/join', 2000), true);
  assert.equal(nodes.trusts('http://a/v1/join', 1001 + DISTRUST_MS), true);
  nodes.answered();
  assert.equal(nodes.trusts('http://a/v1/join', 2000), true);
});

test('it is the node that let us in that falls silent, not the one we asked first', () => {
  const nodes = new Nodes('http://a/');
  nodes.joined('http://b/v1/sessions/se_1');
  nodes.welcomed(/** @type {any} */ ({ instance: 'in_plaza', alternates: ['http://a', 'http://c'] }));
  assert.deepEqual([nodes.url, nodes.alternates], ['http://b/', ['http://a/', 'http://c/']]);
  nodes.fell(0);
  assert.deepEqual([nodes.url, nodes.trusts('http://a/', 1), nodes.trusts('http://b/', 1)], ['http://a/', true, false]);
  nodes.joined('http://a/v1/sessions/se_2');
  nodes.welcomed(/** @type {any} */ ({ instance: 'in_plaza', alternates: ['http://b'] }));
  assert.equal(nodes.trusts('http://b/', 2), true, 'what was is forgotten');
});

test('nodes that came while we were in are known', () => {
  const nodes = new Nodes('http://a/');
  nodes.welcomed(/** @type {any} */ ({ instance: 'in_plaza_2' }));
  assert.deepEqual([nodes.others, nodes.alternates, nodes.instance], [false, [], '']);
  nodes.told(['http://b']);
  assert.deepEqual([nodes.others, nodes.alternates, nodes.instance], [true, ['http://b/'], 'in_plaza_2']);
});

test('a base with a path is kept', () => {
  const nodes = new Nodes('http://a/earshot/');
  nodes.joined('http://a/earshot/v1/sessions/se_1');
  assert.equal(nodes.url, 'http://a/earshot/');
});

test('at the door all is said that there is to say', () => {
  const nodes = new Nodes('http://a/', 'in_plaza_private-k');
  nodes.asks.invitation = 'iv_1';
  assert.deepEqual(nodes.query, { instance: 'in_plaza_private-k', invitation: 'iv_1' });
  nodes.welcomed(/** @type {any} */ ({ instance: 'in_plaza_private-k' }));
  nodes.failed(new EarshotError('not_found', 'gone', { told: true }));
  assert.equal(nodes.instance, 'in_plaza_private-k', 'nobody is led elsewhere than they wanted');
});
