// One shows a camera in three layers, the other looks over a downlink that
// becomes narrow and wide again: two real browsers against a real server. What
// counts is that the picture never stands still while layers change.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, sleep, until } from './stage.mjs';

/** @typedef {import('./stage.mjs').Player} Player */

const videoCodec = /** @type {'vp8'|'h264'} */ (process.env.EARSHOT_CODEC ?? 'vp8');
/** Of the three layers, in pixels. */
const [LOW, , HIGH] = [240, 480, 960];
const STILL_MS = 300;
/** The same while the downlink is too narrow for what flows, and for what is tried. */
const CUT_MS = 500;

/** @type {Stage} */ let stage;
/** @type {Player} */ let shower;
/** @type {Player} */ let viewer;

before(async () => {
  stage = new Stage();
  shower = await stage.player('shower', { videoCodec });
  viewer = await stage.player('viewer', { videoCodec });
  await viewer.throttle(1e8);
  for (const p of [shower, viewer]) await p.enter();
  await until('they see each other', async () => await shower.sees(viewer) && await viewer.sees(shower));
  await shower.actor.evaluate((a) => a.shareCamera(960, 540));
});
after(() => stage?.close());

const switches = () => stage.counter('earshot_sfu_layer_switches_total');

test('the best layer comes', async () => {
  const seen = await viewer.watchCamera(shower, 30, HIGH);
  console.log(JSON.stringify(seen), JSON.stringify(await shower.actor.evaluate((a) => a.layers())));
  assert.equal(seen.widths.at(-1), HIGH);
});

test('a narrow downlink gets a lower layer, and the picture goes on', async () => {
  await viewer.throttle(400_000);
  const seen = await viewer.watchCamera(shower, 10);
  console.log(JSON.stringify(seen), `${await switches()} switches`);
  assert.ok(Math.min(...seen.widths) < HIGH, `widths ${seen.widths}`);
  assert.ok(seen.still <= CUT_MS, `the picture stood still for ${seen.still} ms`);
});

test('a wide downlink gets the best layer again', async () => {
  await viewer.throttle(1e8);
  const seen = await viewer.watchCamera(shower, 15, HIGH);
  console.log(JSON.stringify(seen), `${await switches()} switches`);
  assert.equal(seen.widths.at(-1), HIGH);
  assert.ok(seen.still <= STILL_MS, `the picture stood still for ${seen.still} ms`);
});

test('a small picture gets a small layer', { skip: videoCodec !== 'vp8' && 'the size of H.264 is not read' }, async () => {
  await viewer.actor.evaluate((a) => a.earshot.setVideoHeights([100, 100]));
  const seen = await viewer.watchCamera(shower, 5, LOW);
  console.log(JSON.stringify(seen));
  assert.equal(seen.widths.at(-1), LOW);
  await until('the larger layers are not sent', async () => {
    const had = await shower.actor.evaluate((a) => a.layers());
    await sleep(1);
    const got = await shower.actor.evaluate((a) => a.layers());
    return got.every((l, i) => l.rid === 'l' || l.frames === had[i].frames);
  }, 8);
  await viewer.actor.evaluate((a) => a.earshot.setVideoHeights([]));
  const again = await viewer.watchCamera(shower, 8, HIGH);
  console.log(JSON.stringify(again));
  assert.equal(again.widths.at(-1), HIGH);
  assert.ok(seen.still <= STILL_MS && again.still <= STILL_MS, 'the picture stood still');
});

test('layers that nobody looks at are not sent', async () => {
  await viewer.stand([0, 0, 400], 0); // out of sight
  await until('the slot is released', async () => !await viewer.look(shower, 'camera'));
  const sent = async () => (await shower.actor.evaluate((a) => a.layers())).reduce((n, l) => n + l.frames, 0);
  let last = -1;
  await until('nothing is encoded', async () => {
    const before = last;
    last = await sent();
    return last === before;
  }, 8);
  await viewer.stand([0, 0, 0], 0);
  await until('the picture is back', async () => ((await viewer.look(shower, 'camera'))?.width ?? 0) >= LOW, 8);
});
