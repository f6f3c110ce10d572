// End-to-end encryption in real browsers against a real server: who has the key
// hears and sees, who has another one or none does not, gets no noise in place of
// it, and is told. The last part is the page as people see it.
//
// EARSHOT_SHOTS is a folder for a screenshot, for who wants one.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Stage, until } from './stage.mjs';

/** @typedef {import('./stage.mjs').Player} Player */

const shots = process.env.EARSHOT_SHOTS ?? '';
const videoCodec = /** @type {'vp8'|'h264'} */ (process.env.EARSHOT_CODEC ?? 'vp8');
/** Of H.264 only what differs. */
const skip = videoCodec !== 'vp8' && 'as with VP8';
const KEY = 'wR4b7nCq2xVt9KfLm3ZsPg';

/** @type {Stage} */ let stage;
/** @type {Player} */ let ada;
/** @type {Player} */ let bo;
/** @type {Player} */ let cleo;
/** @type {Player} */ let dora;

before(async () => {
  stage = new Stage();
  // Cleo has another key, Dora none. Bo's browser has createEncodedStreams alone, as Chromium had before version 141.
  [ada, bo, cleo, dora] = await Promise.all([
    stage.player('ada', { clips: ['Front_Center', 'Front_Left'], key: KEY, videoCodec }),
    stage.player('bo', { clips: ['Rear_Left', 'Rear_Right'], key: KEY, streams: true, videoCodec }),
    stage.player('cleo', { key: 'another key', videoCodec }),
    stage.player('dora', { videoCodec }),
  ]);
  await Promise.all([ada, bo, cleo, dora].map((p) => p.enter()));
  await until('they see each other', async () => await ada.sees(bo) && await bo.sees(ada) && await cleo.sees(ada) && await dora.sees(ada));
});
after(() => stage?.close());

/** @param {Player} listener @param {Player} talker */
const hearing = (listener, talker) => listener.actor.evaluate((a, id) => a.earshot.e2ee.hearing.get(id) ?? null, talker.id);

/**
 * The most that sounds from a talker's slot within a while, dBFS; -120 is nothing.
 * @param {Player} listener
 * @param {Player} talker
 */
async function loudest(listener, talker, seconds = 2) {
  return listener.actor.evaluate(async (a, [id, s]) => {
    let most = -120;
    for (const end = performance.now() + s * 1000; performance.now() < end;) {
      const slot = a.slotOf(id);
      if (slot >= 0) most = Math.max(most, a.audio.meter(slot));
      await new Promise((done) => setTimeout(done, 15));
    }
    return most;
  }, /** @type {[string, number]} */ ([talker.id, seconds]));
}

test('everybody is told who encrypts', { skip }, async () => {
  const seen = await dora.actor.evaluate((a) => Object.fromEntries([...a.earshot.participants.values()].map((p) => [p.name, p.encrypted === true])));
  assert.deepEqual(seen, { ada: true, bo: true, cleo: true });
});

test('two with the key hear each other', { skip }, async () => {
  for (const [listener, talker] of [[ada, bo], [bo, ada]]) {
    await until(`${listener.name} hears ${talker.name}`, async () => ((await hearing(listener, talker))?.opened ?? 0) > 50, 15);
    assert.ok(await loudest(listener, talker) > -45, 'speech is loud');
    assert.equal((await hearing(listener, talker))?.trouble, '');
  }
});

test('another key: silence, never noise, and it is said', { skip }, async () => {
  await until('the frames come and are dropped', async () => ((await hearing(cleo, ada))?.dropped ?? 0) > 50, 15);
  const now = await hearing(cleo, ada);
  assert.deepEqual([now?.trouble, now?.opened, Object.keys(now?.faults ?? {})], ['key', 0, ['forged']]);
  assert.ok(await loudest(cleo, ada) < -90, 'nothing is decoded');
  assert.deepEqual((await cleo.events('e2ee')).map((e) => e.trouble).slice(0, 1), ['key']);
});

test('no key: the server sends nothing of it', { skip }, async () => {
  assert.equal((await stage.pair(dora, ada)).packets, 0);
  assert.equal(await dora.hears(ada), false);
});

test('video with the key, and none without', async () => {
  await ada.actor.evaluate((a) => a.shareCamera());
  await until('the picture is decoded', async () => ((await bo.look(ada, 'camera'))?.frames ?? 0) > 20, 15);
  const { width } = await bo.look(ada, 'camera') ?? { width: 0 };
  assert.ok(width > 0);
  // Of a packet that was only late, and so comes again as a repair, the browser may put the frame together twice.
  const { replay = 0, ...faults } = (await hearing(bo, ada))?.faults ?? {};
  assert.deepEqual(faults, {}, 'of what is sealed all is opened');
  assert.ok(replay < 10, `${replay} frames came twice`);
  assert.equal((await cleo.look(ada, 'camera'))?.frames ?? 0, 0);
  assert.equal(await dora.look(ada, 'camera'), null);
  await ada.actor.evaluate((a) => a.earshot.share('camera', null));
});

test('the key changes while they talk', { skip }, async () => {
  for (const p of [bo, ada]) await p.actor.evaluate((a) => a.earshot.e2ee.setKey(1, 'the next one'));
  const { opened } = await hearing(bo, ada) ?? { opened: 0 };
  await until('it goes on', async () => ((await hearing(bo, ada))?.opened ?? 0) > opened + 60, 10);
  for (const p of [ada, bo]) await p.actor.evaluate((a) => a.earshot.e2ee.ratchet());
  const again = (await hearing(bo, ada))?.opened ?? 0;
  await until('and on', async () => ((await hearing(bo, ada))?.opened ?? 0) > again + 60, 10);
  console.log('cost', JSON.stringify(await Promise.all([ada, bo].map((p) => p.actor.evaluate((a) => a.earshot.e2ee.cost)))));
});

test('on the page: a mark without the key, switched on in the settings', { skip }, async () => {
  for (const p of [ada, bo]) await p.page.close(); // two cores are needed for the page
  await cleo.stand([-1.3, 0, 5], Math.PI);
  await dora.stand([1.1, 0, 4.5], Math.PI);
  const page = await stage.visitor('vera', { clips: ['Side_Left'], silence: 0.5, quality: shots ? 'minimal' : 'none', query: '&x=0&z=9' });
  const id = await page.evaluate(() => /** @type {any} */ (globalThis).earshotApp.session.you.id);
  const vera = /** @type {Player} */ ({ id, name: 'vera' });
  await until('who has a key hears one who has none', async () => await loudest(cleo, vera, 0.5) > -45, 15);
  await page.locator('#world-e2ee', { hasText: 'No key' }).waitFor({ timeout: 30_000 });
  await page.click('#b-options');
  await page.fill('#e2ee-key', 'another key');
  await page.click('#e2ee-on');
  await until('it is joined again', async () => {
    const said = await page.locator('#e2ee-result').innerText();
    assert.doesNotMatch(await page.locator('#e2ee-result').getAttribute('class') ?? '', /bad/, said);
    return said.startsWith('Encrypted.');
  }, 20);
  assert.match(page.url(), /#token=.*&key=another\+key$/);
  if (shots) {
    await page.evaluate(() => document.getElementById('e2ee')?.scrollIntoView({ block: 'start' }));
    await page.screenshot({ path: join(shots, 'e2ee.png') });
  }
  await page.locator('#options .primary').click();
  await page.locator('#world-e2ee', { hasText: 'Encrypted' }).waitFor();
  await until('the one with this key hears her', async () => ((await hearing(cleo, vera))?.opened ?? 0) > 20, 15);
  await cleo.actor.evaluate((a) => a.earshot.e2ee.setKey(0, 'yet another'));
  await until('and with another does not', async () => (await hearing(cleo, vera))?.trouble === 'key', 10);
});
