// A browser in a call while its node is emptied: TestE2EHandoff of package gateway
// runs it, with somebody there who talks without a pause and follows as well.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, lateness, sleep, until } from './stage.mjs';

/** @type {Stage} */ let stage;
/** @type {import('./stage.mjs').Player} */ let walker;

before(async () => {
  stage = new Stage();
  walker = await stage.player('walker', { clips: ['Front_Center', 'Front_Left'], token: process.env.EARSHOT_TOKEN });
  await walker.enter();
});
after(() => stage?.close());

test('it goes over to the other node, and hears no gap', async () => {
  await until('the other is heard', async () => {
    const had = await walker.received();
    await sleep(0.5);
    return await walker.received() > had + 20;
  });
  await walker.actor.evaluate(async (a) => {
    const all = /** @type {any} */ (globalThis);
    all.phases = [];
    a.earshot.on('handoff', ({ phase }) => all.phases.push(phase));
    all.gaps = await a.listenForGaps();
  });
  await sleep(3);
  const before = await walker.actor.evaluate(() => /** @type {any} */ (globalThis).gaps());
  const late = lateness();
  console.log(`ready: longest gap in 3 s at rest ${before.gap.toFixed(0)} ms, level ${before.level.toFixed(0)} dBFS`);
  await until('the old connection has ended', () => walker.actor.evaluate(() => /** @type {any} */ (globalThis).phases.includes('over')), 30);
  await sleep(2);
  const seen = await walker.actor.evaluate(async (a) => {
    const all = /** @type {any} */ (globalThis);
    return { ...await all.gaps(), phases: all.phases, state: a.earshot.state, url: a.earshot.nodes.url, people: a.earshot.participants.size };
  });
  const most = Math.max(300, 2 * before.gap) + late();
  console.log(JSON.stringify({ ...seen, most }));
  assert.equal(seen.phases[0], 'begun');
  assert.deepEqual([seen.state, seen.url, seen.people], ['connected', `${process.env.EARSHOT_OTHER}/`, 1]);
  assert.ok(seen.gap <= most, `nothing was heard for ${seen.gap} ms, want at most ${most}`);
  assert.ok((await walker.events('state')).every((s) => s.state !== 'closed'));
});
