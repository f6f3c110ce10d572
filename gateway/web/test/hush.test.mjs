import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ANSWER_MS, HUSH_MS, Hush, Vigil } from '../hush.js';

const EVERY_MS = 25;

/** What is said in so many ms, by when it was, with a packet at each look or none. @param {Hush} hush @param {{now: number, packets: number}} at @param {number} ms @param {boolean} talks */
function pass(hush, at, ms, talks) {
  /** @type {Record<string, number[]>} */ const said = { ask: [], over: [] };
  const begin = at.now;
  while (at.now < begin + ms) {
    at.now += EVERY_MS;
    if (talks) at.packets++;
    said[hush.look(at.now, at.packets)]?.push(at.now - begin);
  }
  return said;
}

test('silence is asked about once, and over when the answer stays away', () => {
  const hush = new Hush(), at = { now: 0, packets: 0 };
  assert.deepEqual(pass(hush, at, 5000, true), { ask: [], over: [] });
  const { ask, over } = pass(hush, at, HUSH_MS + ANSWER_MS, false);
  assert.deepEqual([ask, over], [[HUSH_MS], [HUSH_MS + ANSWER_MS]]);
  assert.deepEqual(pass(hush, at, HUSH_MS + ANSWER_MS, false), { ask: [HUSH_MS], over: [HUSH_MS + ANSWER_MS] }, 'who stays is asked again');
});

test('an answer ends it', () => {
  const hush = new Hush(), at = { now: 0, packets: 0 };
  pass(hush, at, 100, true);
  assert.deepEqual(pass(hush, at, HUSH_MS + 200, false).ask, [HUSH_MS]);
  at.packets++;
  assert.deepEqual(pass(hush, at, HUSH_MS - EVERY_MS, false), { ask: [], over: [] });
});

test('a page that did not run learns nothing from it', () => {
  const hush = new Hush(), at = { now: 0, packets: 0 };
  pass(hush, at, 100, true);
  at.now += 60_000;
  assert.equal(hush.look(at.now, at.packets), 'none');
  assert.deepEqual(pass(hush, at, HUSH_MS - EVERY_MS, false).ask, []);
});

/** @param {{others?: string[], answers?: (node: string) => Promise<boolean>}} of */
function vigil({ others = ['http://b/', 'http://c/'], answers = async () => true }) {
  const did = { probed: 0, dead: 0 };
  const watch = new Vigil({ probe: () => did.probed++, others: () => others, answers, dead: () => did.dead++ });
  let now = 0;
  /** @param {number} ms @param {boolean} [talks] */
  const run = async (ms, talks = false) => {
    for (const end = now + ms; now < end; now += EVERY_MS) {
      if (talks) watch.arrive();
      watch.check(now);
    }
    await new Promise((done) => setImmediate(done));
    return { ...did };
  };
  return { run, watch };
}

test('a node is dead when it is silent and another answers', async () => {
  const { run } = vigil({ answers: async (node) => node === 'http://c/' });
  assert.deepEqual(await run(3000, true), { probed: 0, dead: 0 });
  assert.deepEqual(await run(HUSH_MS + ANSWER_MS + 2 * EVERY_MS), { probed: 1, dead: 1 });
});

test('where no other answers, it is our own network', async () => {
  const { run } = vigil({ answers: async () => false });
  assert.deepEqual(await run(4000), { probed: 2, dead: 0 });
});

test('alone there is nothing to ask', async () => {
  assert.deepEqual(await vigil({ others: [] }).run(10_000), { probed: 0, dead: 0 });
});

test('what comes while others are asked counts', async () => {
  /** @type {(yes: boolean) => void} */ let say = () => {};
  const { run, watch } = vigil({ others: ['http://b/'], answers: () => new Promise((done) => { say = done; }) });
  await run(HUSH_MS + ANSWER_MS + 2 * EVERY_MS);
  watch.arrive();
  say(true);
  assert.equal((await run(0)).dead, 0);
});
