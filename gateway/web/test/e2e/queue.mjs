// A plaza with two places, both taken. Somebody opens the page and is shown
// their place in the queue, leaves it and comes back, and is let in by itself
// when somebody goes. EARSHOT_SHOT names a file for a picture of the card.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, until } from './stage.mjs';

/** @typedef {import('./stage.mjs').Player} Player */

/** @type {Stage} */ let stage;
/** @type {Player} */ let ada;
/** @type {Player} */ let bea;
/** @type {import('playwright-core').Page} */ let page;

before(async () => {
  stage = new Stage();
  ada = await stage.player('ada', { media: false });
  bea = await stage.player('bea', { media: false });
  await ada.enter();
  await bea.enter();
});
after(() => stage?.close());

const place = () => page.locator('#wait-place').textContent();
const waits = (/** @type {string} */ text) => until(`the card says ${text}`, async () => await place() === text);

test('who comes is shown their place', async () => {
  page = await stage.blank('cyd', []);
  await page.goto(`${stage.url}/?autojoin=1&mic=1&raw=1&quality=minimal&name=cyd#token=${await stage.token('cyd')}`);
  await page.locator('#wait').waitFor();
  await waits('You are next');
  assert.equal(await page.locator('#wait-more').textContent(), 'Nobody else waits');
  assert.match(await page.title(), /^You are next · /);
  assert.ok(await page.locator('#join-form').isHidden());
  if (process.env.EARSHOT_SHOT) await page.screenshot({ path: process.env.EARSHOT_SHOT });
});

test('leaving the queue shows the card for joining again, and a later place', async () => {
  await page.locator('#wait-leave').click();
  await page.locator('#join-form').waitFor();
  assert.ok(await page.locator('#wait').isHidden());
  assert.ok(await page.locator('#join-error').isHidden());
  const dot = await fetch(`${stage.url}/v1/worlds/plaza/reservations?wait=1`, { method: 'POST', headers: { Authorization: `Bearer ${await stage.token('dot')}` } });
  assert.deepEqual([dot.status, (await dot.json()).position], [202, 1]);
  await page.locator('#join-go').click();
  await waits('You are 2nd in line');
});

test('a newcomer does not go before them, and they come in by themselves', async () => {
  await bea.actor.evaluate((a) => a.earshot.leave());
  await waits('You are next'); // the place is kept for dot, who does not take it
  await ada.actor.evaluate((a) => a.earshot.leave());
  await until('they are in', () => page.evaluate(() => 'earshotApp' in globalThis), 20);
  await until('the title is its own again', async () => await page.title() === 'Earshot');
  assert.ok(await page.locator('#wait').isHidden());
  const refused = await ada.actor.evaluate((a) => a.earshot.join().then(() => '', (e) => /** @type {import('../../signal.js').EarshotError} */ (e).code));
  assert.equal(refused, 'resource_exhausted');
});
