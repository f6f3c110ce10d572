import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Regions } from '../regions.js';

/**
 * A fleet whose nodes are so many ms away; the first request to each takes longer, and every third stumbles.
 * @param {Record<string, {region: string, ms: number|null}>} nodes by URL; null: gone
 */
function fleet(nodes) {
  /** @type {Record<string, number>} */ const asked = {};
  let now = 0;
  const fetch = /** @type {any} */ (async (/** @type {URL|string} */ url) => {
    const path = String(url);
    asked[path] = (asked[path] ?? 0) + 1;
    if (path === 'http://home/v1/nodes') return { json: async () => ({ nodes: Object.entries(nodes).map(([ping, { region }]) => ({ region, ping })) }) };
    const { ms } = nodes[path];
    if (ms === null) throw new TypeError('gone');
    now += asked[path] === 1 ? 3 * ms : asked[path] === 3 ? 10 * ms : ms;
    return { ok: true };
  });
  return { regions: new Regions('http://home/', { fetch, now: () => now }), asked };
}

test('the median of a few round trips is told, without the one that opened the connection', async () => {
  const { regions, asked } = fleet({ 'http://a/v1/ping': { region: 'eu', ms: 23 } });
  assert.equal(regions.query, '', 'a join does not wait');
  await regions.measure();
  assert.equal(regions.query, 'eu:23');
  assert.equal(asked['http://a/v1/ping'], 4);
});

test('of a region a second node is asked where the first is gone, and one that has none is left out', async () => {
  const { regions, asked } = fleet({
    'http://a/v1/ping': { region: 'eu', ms: null }, 'http://b/v1/ping': { region: 'eu', ms: 8 }, 'http://c/v1/ping': { region: 'us', ms: null },
  });
  await regions.measure();
  assert.deepEqual([regions.query, asked['http://a/v1/ping']], ['eu:8', 1]);
});

test('a node alone costs one request, and one that knows no list nothing more', async () => {
  const { regions, asked } = fleet({});
  await regions.measure();
  assert.deepEqual([regions.query, asked], ['', { 'http://home/v1/nodes': 1 }]);
  const old = new Regions('http://home/', { fetch: /** @type {any} */ (async () => ({ json: async () => ({ code: 'not_found' }) })) });
  await old.measure();
  assert.equal(old.query, '');
});
