// Friends and a place of one's own, on the page as people see it: two become friends,
// one makes a place and goes there, the other joins from the list, a third comes by
// the invitation. EARSHOT_SHOTS is a folder for pictures.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Stage, sleep, until } from './stage.mjs';

const stage = new Stage(), shots = process.env.EARSHOT_SHOTS;
after(() => stage.close());

/** @typedef {import('playwright-core').Page} Page */
const quality = shots ? 'low' : 'none';
const enter = (/** @type {string} */ name, /** @type {string} */ query) => stage.visitor(name, { clips: ['Front_Center'], silence: 2, quality, query });
const instance = (/** @type {Page} */ page) => page.evaluate(() => /** @type {any} */ (globalThis).earshotApp.session.instance);
const people = (/** @type {Page} */ page) => page.evaluate(() => [.../** @type {any} */ (globalThis).earshotApp.session.participants.values()].map((p) => p.name).sort());

/** Who is anywhere, by name. @returns {Promise<string[]>} */
async function everybody() {
  const get = async (/** @type {string} */ path) => (await fetch(`${stage.admin}/v1/instances${path}`)).json();
  const all = await Promise.all((await get('')).map((/** @type {{id: string}} */ { id }) => get(`/${id}/participants`)));
  return all.flat().map((/** @type {{name: string}} */ { name }) => name);
}

/** @param {Page} page @param {string} name */
async function shot(page, name) {
  if (!shots) return;
  await page.evaluate(() => document.querySelectorAll('#toasts p').forEach((p) => p.remove()));
  await page.screenshot({ path: `${shots}/${name}.png` });
}

test('friends, a place of their own, and an invitation', async () => {
  const ada = await enter('Ada', '&x=0&z=6&yaw=0'), bea = await enter('Bea', '&x=2&z=2&yaw=0');
  for (const page of [ada, bea]) page.setDefaultTimeout(30_000);
  for (const page of [ada, bea]) await page.evaluate(() => /** @type {HTMLDialogElement} */ (document.getElementById('help')).close());
  await ada.click('[aria-label="Have Bea as a friend"]');
  await ada.waitForSelector('[aria-label="Bea is a friend: undo"]');
  await bea.click('[aria-label="Have Ada as a friend"]');
  await bea.waitForSelector('[aria-label="Ada is a friend: undo"]');
  const plaza = await instance(bea);

  await ada.click('#place-new');
  await shot(ada, 'place');
  await ada.click('#place-make');
  await until('Ada is in a place of her own', async () => /_friends-/.test(await instance(ada)), 20);
  await bea.waitForSelector('#friends-list button:has-text("Join")');
  await shot(bea, 'friends');
  await bea.setViewportSize({ width: 390, height: 780 });
  await bea.click('#b-people');
  if (await bea.locator('#people').isHidden()) await bea.click('#b-people');
  await shot(bea, 'friends-phone');
  await bea.click('#friends-list button:has-text("Join")');
  await until('Bea is there, too', async () => (await people(ada)).includes('Bea'), 20);

  await ada.waitForSelector('#place-copy:not([hidden])');
  await ada.context().grantPermissions(['clipboard-read', 'clipboard-write', 'microphone']);
  await ada.click('#place-copy');
  const link = new URL(await ada.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual(await ada.evaluate(() => {
    const { session } = /** @type {any} */ (globalThis).earshotApp;
    return [session.muted, document.getElementById('b-mic')?.title];
  }), [false, 'Mute (M)']);
  await shot(ada, 'place-inside');
  const cyd = await enter('Cyd', `&instance=${link.searchParams.get('instance')}&invitation=${link.searchParams.get('invitation')}`);
  assert.equal(await instance(cyd), await instance(ada));
  await until('all are there', async () => (await people(ada)).join() === 'Bea,Cyd', 20);

  await bea.evaluate(() => document.getElementById('place-back')?.click());
  await until('Bea is back', async () => await instance(bea) === plaza, 20);
  await until('the address says so', async () => new URL(bea.url()).searchParams.get('instance') === null);
});

test('who leaves on the way to a place has left, and their camera stays off', async () => {
  const eve = await enter('Eve', '&x=-2&z=6&yaw=0'), joins = /** @type {import('playwright-core').Route[]} */ ([]);
  await eve.evaluate(() => /** @type {HTMLDialogElement} */ (document.getElementById('help')).close());
  await until('she is in', async () => (await everybody()).includes('Eve'));
  await eve.evaluate(() => { // a browser that asks for the camera, and a person who takes their time
    const devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices), all = /** @type {any} */ (globalThis);
    all.asked = [];
    devices.getUserMedia = (wanted) => new Promise((done) => all.asked.push(async () => done(all.stream = await open(wanted))));
  });
  for (let i = 0; i < 2; i++) await eve.click('#b-camera');
  assert.equal(await eve.evaluate(() => /** @type {any} */ (globalThis).asked.length), 1, 'pressed twice, it is asked for once');
  await eve.route('**/v1/join*', (route) => { joins.push(route); });
  await eve.click('#place-new');
  await eve.click('#place-make');
  await until('she is on the way', async () => joins.length > 0);
  await eve.click('#b-leave');
  await eve.waitForSelector('#join-form:not([hidden])');
  await eve.evaluate(() => /** @type {any} */ (globalThis).asked[0]());
  await until('the camera is let go of', () => eve.evaluate(() => /** @type {any} */ (globalThis).stream?.getTracks().every((/** @type {MediaStreamTrack} */ t) => t.readyState === 'ended')));
  for (const route of joins) await route.continue();
  await sleep(0.5);
  await until('that she came in is undone', async () => !(await everybody()).includes('Eve'));
  for (let i = 0; i < 20; i++) {
    assert.ok(!(await everybody()).includes('Eve'), 'she is in again');
    await sleep(0.1);
  }
  assert.equal(joins.length, 1, 'she asked to come in once');
  assert.equal(await eve.evaluate(() => 'earshotApp' in globalThis), false);
  assert.equal(await eve.locator('#toasts p.bad').count(), 0, 'nothing went wrong');
});

test('whoever has no invitation is told so', async () => {
  const [made] = await Promise.all([stage.token('Eve')]);
  const response = await fetch(`${stage.url}/v1/worlds/plaza/instances`, {
    method: 'POST', headers: { Authorization: `Bearer ${made}`, 'Content-Type': 'application/json' }, body: JSON.stringify({ kind: 'private' }),
  });
  const { instance: id } = await response.json();
  const page = await stage.blank('Dan', []);
  await page.goto(`${stage.url}/?autojoin=1&quality=none&name=Dan&instance=${id}#token=${await stage.token('Dan')}`);
  await page.waitForSelector('#join-error:not([hidden])');
  assert.match(await page.textContent('#join-error') ?? '', /not for everybody/);
});
