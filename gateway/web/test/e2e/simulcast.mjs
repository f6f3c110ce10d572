// One shows a camera in three sizes, the other looks, at a picture that becomes
// small and large and over a downlink that becomes narrow and wide: two real
// browsers against a real server. What counts is that the picture never stands
// still while layers change: no longer than it does by itself on this machine.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, inTries, lateness, sleep, until } from './stage.mjs';

/** @typedef {import('./stage.mjs').Player} Player */

const videoCodec = /** @type {import('../../codecs.js').VideoCodec} */ (process.env.EARSHOT_CODEC ?? 'vp8');
/** One encoding with spatial layers, or simulcast. */
const spatial = videoCodec === 'vp9' || videoCodec === 'av1';
/**
 * The widths of the sizes. Three in AV1 are much to encode on two cores, and a
 * browser makes no size of less than 240 pixels: there are two.
 */
const SIZES = videoCodec === 'av1' ? [320, 640] : [240, 480, 960];
const LOW = SIZES[0], HIGH = SIZES[SIZES.length - 1];
const STILL_MS = 300;
/** The same while the downlink is too narrow for what flows, and for what is tried. */
const CUT_MS = 500;
/** How much longer the picture may stand still than without any change. */
const MORE_MS = 150;

/** @type {Stage} */ let stage;
/** @type {Player} */ let shower;
/** @type {Player} */ let viewer;
/** For how long the picture stands still by itself. */
let calm = 0;

before(async () => {
  stage = new Stage();
  shower = await stage.player('shower', { videoCodec });
  viewer = await stage.player('viewer', { videoCodec });
  await viewer.throttle(1e8);
  for (const p of [shower, viewer]) await p.enter();
  await until('they see each other', async () => await shower.sees(viewer) && await viewer.sees(shower));
  await shower.actor.evaluate((a, [w, h]) => a.shareCamera(w, h), [HIGH, HIGH * 9 / 16]);
});
after(() => stage?.close());

const switches = () => stage.counter('earshot_sfu_layer_switches_total');
const sent = () => shower.actor.evaluate((a) => a.layers());
/** @param {number} height of the picture as it is shown, 0 for any */
const show = (height) => viewer.actor.evaluate((a, h) => a.earshot.setVideoHeights([h, h]), height);

/**
 * Does something during which the picture should not stand still.
 * @param {(again: boolean) => Promise<{still: number}>} change
 * @param {number} [most]
 */
function keepsMoving(change, most = STILL_MS) {
  return inTries(async (again) => {
    const late = lateness(), { still } = await change(again), limit = Math.max(most, calm + MORE_MS) + late();
    assert.ok(still <= limit, `the picture stood still for ${still} ms, more than ${limit}; by itself ${calm} ms`);
  });
}

/** Shows the picture in a size, and waits for that. @param {number} width */
async function showIn(width) {
  await show(width === HIGH ? 0 : width * 9 / 16);
  const seen = await viewer.watchCamera(shower, 40, width);
  console.log(JSON.stringify(seen));
  assert.equal(seen.widths.at(-1), width);
  return seen;
}

test('the best size comes', async () => {
  const seen = await viewer.watchCamera(shower, 90, HIGH);
  console.log(JSON.stringify(seen), JSON.stringify(await sent()));
  assert.equal(seen.widths.at(-1), HIGH);
  calm = (await viewer.watchCamera(shower, 3)).still;
  console.log(`without any change the picture stands still for ${calm} ms`);
});

test('a small picture gets a small size, a large one a large', async () => {
  const rounds = [LOW, HIGH, SIZES.length > 2 ? SIZES[1] : LOW, HIGH];
  for (const [i, width] of rounds.entries()) {
    await keepsMoving(async (again) => {
      if (again) await showIn(rounds[(i + rounds.length - 1) % rounds.length]);
      return showIn(width);
    });
  }
});

test('sizes that nobody looks at are not sent', async () => {
  await keepsMoving(async () => {
    await show(LOW * 9 / 16);
    await until('only the smallest is sent', async () => {
      const had = await sent();
      await sleep(0.7);
      const got = await sent();
      return got.every((l, i) => l.width === LOW || !spatial && l.frames === had[i].frames);
    }, 8);
    await viewer.watchCamera(shower, 1);
    const again = await showIn(HIGH);
    console.log(JSON.stringify(await sent()));
    return again;
  });
});

test('a narrow downlink gets a lower layer, a wide one the best again', { skip: videoCodec === 'av1' && 'as VP9, in more time' }, async () => {
  const widen = async () => {
    await viewer.throttle(1e8);
    return showIn(HIGH);
  };
  await keepsMoving(async () => {
    await widen();
    await viewer.throttle(spatial ? 200_000 : 400_000); // what Chromium pretends to film is little in VP9
    const narrow = await viewer.watchCamera(shower, 6);
    console.log(JSON.stringify(narrow), `${await switches()} switches`);
    assert.ok(Math.min(...narrow.widths) < HIGH, `widths ${narrow.widths}`);
    return narrow;
  }, CUT_MS);
  await keepsMoving(async (again) => {
    if (again) {
      await viewer.throttle(spatial ? 200_000 : 400_000);
      await viewer.watchCamera(shower, 6);
    }
    return widen();
  });
});

test('nothing is sent when nobody looks', { skip: videoCodec === 'av1' }, async () => {
  await viewer.stand([0, 0, 400], 0); // out of sight
  await until('the slot is released', async () => !await viewer.look(shower, 'camera'));
  let last = -1;
  await until('nothing is encoded', async () => {
    const before = last;
    last = (await sent()).reduce((n, l) => n + l.frames, 0);
    return last === before;
  }, 8);
  await viewer.stand([0, 0, 0], 0);
  await until('the picture is back', async () => ((await viewer.look(shower, 'camera'))?.width ?? 0) >= LOW, 8);
});
