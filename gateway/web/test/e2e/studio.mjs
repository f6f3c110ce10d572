// The studio in a real browser against a real server: see validation, edit in
// the form and in the text, talk with the draft, apply, roll back, tune the
// world; and what was typed survives a reload.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { lateness } from './stage.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { EARSHOT_URL, EARSHOT_CHROMIUM } = process.env;
if (!EARSHOT_URL || !EARSHOT_CHROMIUM) throw new Error('run this by: EARSHOT_E2E=1 go test -run E2EStudio ./cmd/earshot');

/** @type {import('playwright-core').Browser} */ let browser;
/** @type {Page} */ let page;
/** @type {string[]} */ const errors = [];
const ID = 'studio-test';

before(async () => {
  browser = await chromium.launch({ executablePath: EARSHOT_CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--disable-background-networking'] });
  page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => errors.push(String(error.stack)));
  page.on('console', (message) => { if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) errors.push(message.text()); });
  page.on('dialog', (dialog) => { void dialog.accept(); });
  await page.goto(`${EARSHOT_URL}/studio/`);
  await page.waitForSelector('#app:not([hidden])');
});
after(() => browser?.close());

/** @param {string} path */
const field = (path) => page.locator(`[data-field="${path}"]`).locator('input, textarea, select').first();
const text = () => page.locator('textarea.code').inputValue();
const verdict = (/** @type {RegExp} */ want) => page.waitForFunction(([source]) => new RegExp(source).test(document.getElementById('verdict')?.textContent ?? ''), [want.source]);
const toast = (/** @type {RegExp} */ want) => page.locator('#toasts p', { hasText: want }).first().waitFor();
const state = (/** @type {RegExp} */ want) => page.locator('#state', { hasText: want }).waitFor();

/** What the server says. @param {string} path */
async function server(path) {
  const token = await page.evaluate(() => sessionStorage.getItem('earshot.token'));
  const response = await fetch(`${EARSHOT_URL}/v1/studio${path}`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200, `GET ${path}`);
  return /** @type {any} */ (response.json());
}

test('a new NPC begins as a draft', async () => {
  await page.click('#b-new');
  await page.click('[data-template=keeper]');
  await page.fill('#c-name', 'Studio Test');
  assert.equal(await page.inputValue('#c-id'), ID);
  await page.click('[data-dialog=create] .primary');
  await state(/not in the world yet/);
  await page.click('[data-mode=split][role=radio]');
  assert.match(await text(), /name: Studio Test\n/);
  await verdict(/No problems/);
  assert.ok(!(await server('')).npcs.some((/** @type {any} */ n) => n.id === ID));
});

test('form and text are one', async () => {
  await field('greeting').fill('Come closer: the lantern is lit.');
  assert.match(await text(), /\ngreeting: "Come closer: the lantern is lit\."\n/);
  assert.match(await text(), /# The model may propose these/, 'comments stay');
  const area = page.locator('textarea.code');
  await area.fill((await text()).replace('personality: ', 'personality: very '));
  await page.waitForFunction(() => /^very /.test(/** @type {HTMLTextAreaElement} */ (document.querySelector('[data-field="personality"] textarea')).value));
});

test('a mistake is shown at its line and field, and cannot be applied', async () => {
  await field('perception_range').fill('5000');
  await verdict(/1 problem/);
  const line = (await text()).split('\n').findIndex((l) => l.startsWith('perception_range:')) + 1;
  assert.match(await page.locator('[data-field="perception_range"] .note').innerText(), /1000/);
  assert.equal(await page.locator('.line.bad').count(), 1);
  assert.equal(await page.locator('.lines > :nth-child(' + line + ').bad').count(), 1);
  await page.click('#verdict');
  assert.match(await page.locator('#problems').innerText(), new RegExp(`line ${line}`));
  assert.ok(await page.locator('#b-apply').isDisabled());
  await field('perception_range').fill('7');
  await verdict(/No problems/);
  assert.equal(await page.locator('.line.bad').count(), 0);
});

test('applied, it is in the world within a second', async () => {
  const late = lateness();
  await page.keyboard.press('Control+s');
  await page.locator('[data-dialog=apply]').getByLabel('Note for the history').fill('a first one');
  await page.locator('[data-dialog=apply] .primary').click();
  await toast(/is in the world/);
  await state(/v1/);
  const ms = Number(/It took (\d+) ms/.exec(await page.locator('#toasts').innerText())?.[1]);
  const most = 1000 + late();
  assert.ok(ms < most, `it took ${ms} ms, want at most ${most} on this machine`);
  assert.equal((await server(`/npcs/${ID}`)).version, 1);
});

test('a draft answers in the test chat, and says what with', async () => {
  await page.getByLabel('Say something to the draft').fill('Hello, who are you?');
  await page.keyboard.press('Enter');
  const answer = page.locator('#talk .say:not(.you):not(.waiting)').last();
  await answer.waitFor({ timeout: 30_000 });
  assert.ok((await answer.locator('p').innerText()).length > 1);
  assert.match(await answer.locator('.meta').innerText(), /scripted line|first token/);
});

test('an edit survives a reload, and goes live as version 2', async () => {
  await field('nickname').fill('Tess');
  await state(/unsaved/);
  await page.reload();
  await page.waitForSelector('#app:not([hidden])');
  await page.locator('#notice', { hasText: 'unsaved changes' }).waitFor();
  assert.equal(await field('nickname').inputValue(), 'Tess');
  assert.equal((await server(`/npcs/${ID}`)).version, 1);
  await page.click('#b-apply');
  await page.locator('[data-dialog=apply] .diff .come', { hasText: 'nickname: Tess' }).first().waitFor();
  await page.locator('[data-dialog=apply] .primary').click();
  await toast(/Version 2 is live/);
  assert.match((await server(`/npcs/${ID}`)).yaml, /nickname: Tess/);
});

test('who was slower sees what differs, and chooses', async () => {
  const token = await page.evaluate(() => sessionStorage.getItem('earshot.token'));
  const saved = await server(`/npcs/${ID}`);
  const other = await fetch(`${EARSHOT_URL}/v1/studio/npcs/${ID}`, {
    method: 'PUT', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ yaml: saved.yaml.replace('nickname: Tess', 'nickname: Theirs'), note: 'faster', if_version: saved.version }),
  });
  assert.equal(other.status, 200);
  await field('nickname').fill('Mine');
  await verdict(/No problems/);
  await page.click('#b-apply');
  await page.locator('[data-dialog=apply] .primary').click();
  await page.locator('[data-dialog=apply]', { hasText: 'Somebody was faster' }).waitFor();
  assert.match(await page.locator('[data-dialog=apply] .diff').innerText(), /Theirs[^]*Mine/);
  await page.getByRole('button', { name: 'Put mine over it' }).click();
  await toast(/Version 4 is live/);
});

test('rolled back, the first version runs again as a new one', async () => {
  await page.click('#b-history');
  await page.click('[data-dialog=history] [data-version="1"]');
  await page.getByRole('button', { name: 'Roll back to this' }).click();
  await page.getByRole('button', { name: 'Roll back to version 1' }).click();
  await toast(/version 5 is live/);
  await state(/v5/);
  assert.ok(!/nickname/.test((await server(`/npcs/${ID}`)).yaml));
  assert.equal(await field('nickname').inputValue(), '');
  assert.deepEqual((await server(`/npcs/${ID}/versions`)).versions.map((/** @type {any} */ v) => v.version), [5, 4, 3, 2, 1]);
});

test('world parameters are live as they are moved, and can be taken back', async () => {
  await page.click('[data-id="world:plaza"]');
  const range = async () => (await server('')).worlds.find((/** @type {any} */ w) => w.name === 'plaza').parameters.chat_range;
  const before = await range();
  await page.fill('#k-chat_range', '17');
  await page.locator('#world .live', { hasText: 'Live after' }).waitFor();
  assert.equal(await range(), 17);
  const shape = await page.getAttribute('.plot .front', 'd');
  await page.fill('#k-voice-ref', '3');
  await page.waitForFunction((was) => document.querySelector('.plot .front')?.getAttribute('d') !== was, shape);
  await page.locator('[data-knob="chat_range"]').getByRole('button').click();
  await page.waitForFunction((v) => /** @type {HTMLInputElement} */ (document.querySelector('#k-chat_range')).value === String(v), before);
  for (let i = 0; i < 300 && await range() !== before; i++) await new Promise((done) => setTimeout(done, 100));
  assert.equal(await range(), before);
});

test('a private table is drawn on the map, and stands in the world', async () => {
  const zones = async () => (await server('')).worlds[0].parameters.zones;
  const until = async (/** @type {(list: any[]) => boolean} */ fits, /** @type {string} */ what) => {
    for (let i = 0; i < 300 && !fits(await zones()); i++) await new Promise((done) => setTimeout(done, 100));
    assert.ok(fits(await zones()), `${what}: ${JSON.stringify(await zones())}`);
  };
  await page.click('[data-add=table]');
  await until((list) => list.length === 1 && list[0].sealed, 'added');
  const [x, z] = (await zones())[0].shape.center ?? [0, 0]; // left out where it is the origin
  const map = page.locator('.zonemap');
  await map.scrollIntoViewIfNeeded();
  // In one step: the map is drawn anew whenever something changes.
  const middle = (/** @type {string} */ what) => page.evaluate((selector) => {
    const box = document.querySelector(selector)?.getBoundingClientRect();
    if (!box?.width) throw new Error(`${selector} is not on the map`);
    return [box.x + box.width / 2, box.y + box.height / 2];
  }, `.zonemap ${what}`);
  const drag = async (/** @type {number[]} */ [fromX, fromY], /** @type {number} */ dx, /** @type {number} */ dy) => {
    await page.mouse.move(fromX, fromY);
    await page.mouse.down();
    await page.mouse.move(fromX + dx / 2, fromY + dy / 2);
    await page.mouse.move(fromX + dx, fromY + dy);
    await page.mouse.up();
  };
  await drag(await middle('[data-zone=table] polygon'), 80, 40);
  await until(([{ shape }]) => shape.center?.[0] > x + 2 && shape.center[1] > z + 1, 'moved');
  await drag(await middle('[data-handle=radius]'), 60, 0);
  await until((list) => list[0].shape.radius > 3, 'resized');
  await map.focus();
  await page.keyboard.press('ArrowLeft');
  const fade = page.getByLabel('Fade, m');
  await fade.fill('15');
  await page.locator('.zones .live.bad', { hasText: 'zones[0].fade' }).waitFor();
  await fade.fill('1');
  await until((list) => list[0].fade === 1, 'faded');
  await page.getByLabel('Who may speak').selectOption('nobody');
  await until((list) => list[0].speak?.who === 'nobody', 'silent');
  await page.getByRole('button', { name: 'Remove' }).click();
  await until((list) => list.length === 0, 'removed');
  await page.getByRole('button', { name: 'Back to the zones before' }).click();
  await until((list) => list.length === 1, 'back');
  await page.getByRole('option', { name: 'Private table' }).click();
  await page.getByRole('button', { name: 'Remove' }).click();
  await until((list) => list.length === 0, 'removed again');
});

test('a character card becomes a draft, or goes into the open one', async () => {
  const card = fileURLToPath(new URL('../../../../npc/persona/testdata/card-v3.png', import.meta.url));
  await page.setInputFiles('#file', card);
  await page.locator('[data-dialog=create] .primary').click();
  await state(/not in the world yet/);
  await verdict(/No problems/);
  assert.equal(await field('name').inputValue(), 'Mara Holt');
  await page.click('#b-more');
  await page.getByRole('menuitem', { name: 'Delete this draft' }).click();
  await page.getByRole('button', { name: 'Delete the draft' }).click();
  await state(/v\d/);
});

test('taken out of the world, it can come back', async () => {
  await page.click(`[data-id="${ID}"]`);
  await page.click('#b-more');
  await page.getByRole('menuitem', { name: 'Take out of the world' }).click();
  await page.getByRole('button', { name: 'Take out' }).click();
  await state(/not in the world yet/);
  assert.ok(!(await server('')).npcs.some((/** @type {any} */ n) => n.id === ID));
  await page.click('#b-apply');
  await page.locator('[data-dialog=apply] .primary').click();
  await state(/v6/);
});

test('a token without the grant says which is missing', async () => {
  const other = await browser.newPage();
  const claims = Buffer.from(JSON.stringify({ name: 'Ada', world: 'plaza', grants: ['chat'] })).toString('base64url');
  await other.route('**/v1/dev/token*', (route) => route.fulfill({ status: 404, json: { code: 'not_found', message: 'no' } }));
  await other.goto(`${EARSHOT_URL}/studio#token=x.${claims}.y`);
  const card = other.locator('#signin');
  await card.waitFor();
  assert.match(await card.innerText(), /grant design[^]*earshot token -world plaza/);
  assert.ok(!other.url().includes('token'), 'the token is taken out of the address');
  await card.getByLabel('Token').fill(String(await page.evaluate(() => sessionStorage.getItem('earshot.token'))));
  await card.getByRole('button').click();
  await other.waitForSelector('#app:not([hidden])');
  await other.close();
});

test('a phone shows one part at a time', async () => {
  const phone = await browser.newPage({ viewport: { width: 390, height: 844 } });
  const token = await page.evaluate(() => sessionStorage.getItem('earshot.token'));
  await phone.goto(`${EARSHOT_URL}/studio/#token=${token}`);
  await phone.waitForSelector('#app:not([hidden])');
  for (const [pane, shown] of [['side', '#npcs'], ['talk', '#talk'], ['figures', '#figures'], ['edit', '#form']]) {
    await phone.click(`#panes [data-pane=${pane}]`);
    await phone.locator(shown).waitFor();
    assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${pane} is wider than the page`);
  }
  await phone.close();
});

test('nothing went wrong unseen', () => assert.deepEqual(errors, []));
