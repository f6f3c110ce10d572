// Moderation as people meet it, in real browsers against a real server: an
// abusive line is covered for others and its sender is nudged; repeated, the
// ladder mutes them, at the SFU and over a reload; a moderator sees it live in
// the console, undoes it, and they are heard again.
//
// EARSHOT_SHOTS is a folder for screenshots, for who wants them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Stage, choose, settled, sleep, sound, speaks, until } from './stage.mjs';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{id: string, name: string, page: Page}} Person */

const ABUSE = ['fuck you, you worthless piece of shit', 'shut up you stupid bitch', 'you are a worthless idiot, piece of shit', 'you stupid fucking bitch, kill yourself'];
/** A line a second is what a person may write. */
const BREATH = 1.2;
const shots = process.env.EARSHOT_SHOTS ?? '';

/** @type {Stage} */ let stage;
/** @type {Person} */ let ada;
/** @type {Person} */ let bo;
/** @type {Page} */ let moderator;
/** @type {string} the incident that led to the mute */ let incident = '';

before(async () => {
  stage = new Stage();
  moderator = await stage.moderator('Nadia');
  bo = await person('Bo', '&x=1&z=14&yaw=1.57');
  ada = await person('Ada', '&x=0&z=14&yaw=-1.57');
  await bo.page.evaluate(() => /** @type {any} */ (globalThis).earshotApp.session.setMuted(true));
});
after(() => stage?.close());

/** @param {string} name @param {string} query @returns {Promise<Person>} */
async function person(name, query) {
  const page = await stage.visitor(name, { clips: ['Front_Center', 'Front_Left'], silence: 0, query });
  page.setDefaultTimeout(30_000);
  await speaks(page);
  return { name, page, id: await page.evaluate(() => /** @type {any} */ (globalThis).earshotApp.session.you.id) };
}

const packets = async () => (await stage.pair(bo, ada)).packets;

/** @param {Page} page @param {string} name */
async function shot(page, name) { if (shots) await page.screenshot({ path: join(shots, `${name}.png`) }); }

/** @param {string} text */
async function say(text) {
  await ada.page.fill('#chat-text', text);
  await ada.page.press('#chat-text', 'Enter');
}

/** Orders in force against Ada, by what they do. @returns {Promise<string[]>} */
const sanctions = () => ada.page.evaluate(() => [.../** @type {any} */ (globalThis).earshotApp.session.orders.values()].flatMap((/** @type {any} */ o) => o.sanctions.map((/** @type {any} */ s) => s.action)));

/** Bo's browser gets voice, and the server says that it is Ada's. */
async function heard() {
  const had = await packets(), { received } = await sound(bo.page);
  try {
    await until('Ada is heard', async () => await packets() > had + 20 && (await sound(bo.page)).received > received + 20, 20);
  } catch (error) {
    console.log(`pair ${JSON.stringify(await stage.pair(bo, ada))}; Ada ${JSON.stringify(await sound(ada.page))}; Bo ${JSON.stringify(await sound(bo.page))}`);
    console.log((await (await fetch(`${stage.admin}/metrics`)).text()).split('\n').filter((l) => /^earshot_sfu/.test(l)).join('\n'));
    throw error;
  }
}

/** That not a packet more comes through. */
async function silent() {
  const had = await packets(), received = await settled(async () => (await sound(bo.page)).received);
  await sleep(2);
  assert.equal(await packets(), had, 'packets that the server sent');
  assert.equal((await sound(bo.page)).received, received, 'packets that the browser got');
}

test('what is friendly passes as it is', async () => {
  await heard();
  await say('Good evening! Has the lantern show begun?');
  await bo.page.locator('#chat-log li', { hasText: 'lantern show' }).waitFor();
  assert.equal(await bo.page.locator('.covered').count(), 0);
});

test('an abusive line is covered for others, and its sender is nudged', async () => {
  await say(ABUSE[0]);
  await bo.page.locator('#chat-log .covered').first().waitFor();
  assert.ok(!(await bo.page.locator('#chat-log').innerText()).includes('piece of shit'));
  await ada.page.locator('#chat-log .nudge').first().waitFor();
  await heard();
  await shot(bo.page, 'masked');
  await shot(ada.page, 'nudged');
});

test('repeated, the ladder mutes: not a packet more', async () => {
  for (let i = 1; i < 14 && !(await sanctions()).includes('mute'); i++) {
    await say(ABUSE[Math.min(i, ABUSE.length - 1)]);
    await sleep(BREATH);
    console.log(`after ${i + 1} lines: ${await sanctions()}`);
  }
  await until('the mute', async () => (await sanctions()).includes('mute'), 5);
  await ada.page.locator('#order').waitFor();
  assert.ok((await ada.page.locator('#order-why').innerText()).length > 40, 'there is a statement of reasons');
  await ada.page.locator('#mic-until').waitFor();
  assert.match(await ada.page.locator('#mic-until').innerText(), /^\d+:\d\d$/);
  await silent();
  await shot(ada.page, 'muted');
});

test('the client cannot undo it', async () => {
  await ada.page.click('#order-close');
  await ada.page.click('#b-mic');
  await ada.page.locator('#order').waitFor(); // it says why instead
  await ada.page.evaluate(() => {
    const { session } = /** @type {any} */ (globalThis).earshotApp;
    session.setMuted(true);
    session.setMuted(false);
  });
  await silent();
});

test('it holds after a reload', async () => {
  await ada.page.reload();
  await until('the page has joined again', () => ada.page.evaluate(() => 'earshotApp' in globalThis), 20);
  await ada.page.locator('#b-mic.locked').waitFor();
  await ada.page.locator('#mic-until:not([hidden])').waitFor();
  await speaks(ada.page);
  await silent();
});

test('a moderator has seen it live, with the minute around', async () => {
  incident = String(await moderator.locator('.incident', { hasText: 'mute' }).first().getAttribute('data-id'));
  await choose(moderator, incident); // by now another may be the first
  if (await moderator.locator('.cover').count()) await moderator.keyboard.press('t');
  await moderator.locator('.lines-said .it').waitFor();
  assert.match(await moderator.locator('.lines-said .it').innerText(), /Ada/);
  await moderator.locator('.force li', { hasText: 'mute' }).first().waitFor();
  await shot(moderator, 'console-incident');
});

test('undone with one key, the person is told and heard again', async () => {
  await moderator.keyboard.press('k');
  await moderator.locator('#last').waitFor();
  await until('it is undone', async () => !(await sanctions()).includes('mute'), 15);
  await ada.page.locator('#b-mic:not(.locked)').waitFor();
  await heard();
  await shot(ada.page, 'heard-again');
  await moderator.selectOption('#show', 'all');
  await choose(moderator, incident);
  await moderator.locator('.case .pill', { hasText: /undone|wrong/ }).waitFor();
});

test('reported with one gesture, it is in the queue', async () => {
  await bo.page.locator('#people-list li', { hasText: 'Ada' }).getByRole('button', { name: /^Report/ }).click();
  await bo.page.locator('#report-reasons label', { hasText: 'Harassment' }).click();
  await bo.page.fill('#report-text', 'Again and again.');
  await bo.page.click('#report-send');
  await bo.page.locator('#toasts p', { hasText: 'Moderators know' }).waitFor();
});
