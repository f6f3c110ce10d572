// One shows a screen of a known colour and a camera, the other looks: two real
// browsers against a real server. That a picture is there means that its
// pixels are, not only that packets came.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, inTries, lateness, settled, sleep, until } from './stage.mjs';

/**
 * @typedef {import('./stage.mjs').Player} Player
 * @typedef {import('./picture.js').Colour} Colour
 */

/**
 * Of the mean of each of red, green and blue: Chromium takes the colours of a
 * canvas for those of another standard, which costs up to 37. COLOURS lie
 * further apart.
 */
const TOLERANCE = 45;
/** How long a picture may stand still after packets reach the viewer again: till a receiver report that tells of the loss. */
const LISTEN_S = 4;
/** The same after packets leave the shower again, whose congestion control then begins with little. */
const SPEAK_S = 8;
/** @satisfies {Record<string, Colour>} */
const COLOURS = { red: [200, 40, 40], green: [40, 180, 60], blue: [40, 60, 200], yellow: [210, 190, 40], violet: [150, 50, 170] };

/** @type {Stage} */ let stage;
/** @type {Player} */ let shower;
/** @type {Player} */ let viewer;

before(async () => {
  stage = new Stage();
  shower = await stage.player('shower');
  viewer = await stage.player('viewer');
  for (const p of [shower, viewer]) {
    await p.lose(0); // see Player.lose
    await p.enter();
  }
  await until('they see each other', async () => await shower.sees(viewer) && await viewer.sees(shower));
});
after(() => stage?.close());

/** @param {Colour} colour */
const show = (colour) => shower.actor.evaluate((a, c) => a.screen.show(c), colour);
/** @param {number} perSecond how often the screen is painted, 0 for not at all */
const move = (perSecond) => shower.actor.evaluate((a, n) => a.screen.move(n), perSecond);
/** @param {'camera'|'screen'} source @param {boolean} active */
const told = async (source, active) => {
  const last = (await viewer.events('published')).filter((p) => p.source === source && p.participant === shower.id).at(-1);
  return last?.active === active;
};
/** @param {Colour|undefined} a @param {Colour} b */
const alike = (a, b) => !!a && a.every((v, i) => Math.abs(v - b[i]) <= TOLERANCE);

/**
 * Waits until the screen has a colour for the viewer; says how long that took.
 * @param {string} what
 * @param {Colour} colour
 * @param {number} [seconds] within which it has to come, on a machine with time for it
 */
async function seen(what, colour, seconds) {
  const start = Date.now(), late = lateness();
  /** @type {import('./picture.js').Seen|null} */ let last = null;
  await until(what, async () => alike((last = await viewer.look(shower, 'screen'))?.colour, colour))
    .catch((error) => { throw new Error(`${error.message}; the viewer sees ${JSON.stringify(last)}`); });
  const took = Date.now() - start, busy = late();
  console.log(`${what}: after ${took} ms`);
  assert.ok(!seconds || took <= seconds * 1000 + busy, `${what}: after ${took} ms, want ${seconds} s, and ${busy} ms for a busy machine`);
}

test('nobody shows anything: no slot, no packet', async () => {
  assert.deepEqual([await viewer.look(shower, 'screen'), await viewer.look(shower, 'camera'), await viewer.received()], [null, null, 0]);
});

test('a shared screen is seen in its colour, and follows it', async () => {
  await show(COLOURS.red);
  await move(15);
  await shower.actor.evaluate((a) => a.shareScreen());
  await until('the viewer is told', () => told('screen', true));
  await seen('the screen is red', COLOURS.red);
  const first = await viewer.look(shower, 'screen');
  await show(COLOURS.green);
  await seen('the screen is green', COLOURS.green);
  await until('frames are decoded', async () => ((await viewer.look(shower, 'screen'))?.frames ?? 0) >= (first?.frames ?? Infinity) + 10);
  const later = await viewer.look(shower, 'screen');
  console.log(`${first?.frames} frames decoded, then ${later?.frames}, ${later?.keyFrames} of them key frames; ${later?.width} pixels wide`);
  assert.ok(later && later.keyFrames >= 1);
});

test('a camera takes the other slot, and looks as its owner sees it', async () => {
  await shower.actor.evaluate((a) => a.shareCamera());
  await until('the viewer is told', () => told('camera', true));
  await until('the viewer sees what the camera does', async () => {
    const [own, got] = [await shower.actor.evaluate((a) => a.lookAtCamera()), await viewer.look(shower, 'camera')];
    return !!own && !!got && got.frames > 10 && own.width > 0 && alike(got.colour, own.colour);
  });
  assert.ok(alike((await viewer.look(shower, 'screen'))?.colour, COLOURS.green), 'the screen stays in its slot');
});

test('a screen that hardly moves is seen by whoever comes to look', async () => {
  await move(1); // like the capture of a screen in Chromium, which repeats it
  await sleep(0.5);
  await viewer.stand([0, 0, 400], 0); // out of sight
  await until('out of sight the slot is released', async () => !await viewer.look(shower, 'screen'));
  await show(COLOURS.blue);
  await viewer.stand([0, 0, 0], 0);
  await until('the slot is back', async () => !!await viewer.look(shower, 'screen'));
  await seen('the screen is blue', COLOURS.blue);
});

/**
 * Nothing arrives at one side, or leaves it, for two seconds.
 * @param {Player} side
 * @param {number} perSecond how often the screen is painted
 * @param {number} seconds until the picture must be right again
 * @param {[Colour, Colour]} colours while nothing flows, and afterwards
 */
function interrupt(side, perSecond, seconds, [meanwhile, then]) {
  return inTries(async () => {
    await move(perSecond);
    await side.lose(100);
    await sleep(0.3);
    await show(meanwhile);
    await sleep(1.7);
    await side.lose(0);
    await seen('the screen has caught up', meanwhile, seconds);
    await show(then);
    await seen('and goes on', then, seconds);
  });
}

test('two seconds in which nothing reaches the viewer, while the screen moves', () => interrupt(viewer, 15, LISTEN_S, [COLOURS.yellow, COLOURS.violet]));
test('two seconds in which nothing reaches the viewer, while the screen changes once', () => interrupt(viewer, 0, LISTEN_S, [COLOURS.red, COLOURS.blue]));

test('a tenth of the packets lost: the picture goes on', async () => {
  await move(15);
  await viewer.lose(10);
  await inTries(async () => {
    const had = await viewer.look(shower, 'screen');
    await sleep(3);
    const got = await viewer.look(shower, 'screen');
    const repaired = await stage.counter('earshot_sfu_nack_repaired_total');
    console.log(`${(got?.frames ?? 0) - (had?.frames ?? 0)} frames in 3 s, ${repaired} packets repaired so far`);
    assert.ok(had && got && got.frames - had.frames >= 20 && repaired > 0);
  });
  await show(COLOURS.green);
  await seen('the screen is green', COLOURS.green);
  await viewer.lose(0);
});

test('two seconds in which nothing leaves the shower, while the screen moves', () => interrupt(shower, 15, SPEAK_S, [COLOURS.yellow, COLOURS.violet]));
// Not 0: the server learns of what was lost on the way to it from what comes next.
test('two seconds in which nothing leaves the shower, while the screen hardly moves', () => interrupt(shower, 1, SPEAK_S, [COLOURS.red, COLOURS.blue]));

test('stopping releases the slot, and the camera stays', async () => {
  await shower.actor.evaluate((a) => a.earshot.share('screen', null));
  await until('the viewer is told', () => told('screen', false));
  await until('the slot is released', async () => !await viewer.look(shower, 'screen'));
  const had = await viewer.look(shower, 'camera');
  await until('the camera goes on', async () => ((await viewer.look(shower, 'camera'))?.frames ?? 0) > (had?.frames ?? Infinity) + 10);
});

test('a block stops video at once, and lifted it comes back with a picture', async () => {
  const sent = () => stage.counter('earshot_sfu_packets_out_total');
  await viewer.block(shower, true);
  await sleep(0.1); // what is gathered to leave together
  const out = await sent(), had = await settled(() => viewer.received());
  await sleep(2);
  assert.equal(await viewer.look(shower, 'camera'), null);
  assert.deepEqual([await viewer.received(), await sent()], [had, out], 'packets received by the browser, sent by the server');
  await viewer.block(shower, false);
  await until('the camera is back', async () => !!await viewer.look(shower, 'camera'));
  const back = await viewer.look(shower, 'camera');
  await until('and moves', async () => ((await viewer.look(shower, 'camera'))?.frames ?? 0) > (back?.frames ?? Infinity) + 10);
});

test('whoever shows something and leaves is gone from the slots', async () => {
  await shower.actor.evaluate((a) => a.earshot.leave());
  await until('the slot is released', async () => !await viewer.look(shower, 'camera'));
});
