// A moderator's shift in real browsers against a real server: the queue live,
// a voice that was recorded as evidence, verdicts by one key, what they do to
// the figures, a policy tried on what happened, and an appeal that somebody
// else decides.
//
// What is said is turned into text by a server of the test: the second clip is an
// insult to it. EARSHOT_SHOTS is a folder for screenshots, for who wants them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Stage, choose, sleep, speaks, until } from './stage.mjs';

/** @typedef {import('playwright-core').Page} Page */

const shots = process.env.EARSHOT_SHOTS ?? '';
const INSULT = 'you stupid fucking bitch, kill yourself';
/** A verdict waits so long, in case that it is taken back. */
const WAIT = 5;

/** @type {Stage} */ let stage;
/** @type {Page} */ let ada;
/** @type {Page} */ let crowd;
/** @type {Page} */ let nadia;
/** @type {Page} */ let omar;
/** @type {string} the incident that mutes Ada */ let muting = '';

before(async () => {
  stage = new Stage();
  nadia = await stage.moderator('Nadia');
  await nadia.setViewportSize({ width: 1440, height: 900 });
  crowd = await stage.crowd(['Bo', 'Cleo', 'Emre', 'Finn', 'Gus', 'Hana']);
});
after(() => stage?.close());

/** @param {Page} page @param {string} name */
async function shot(page, name) { if (shots) await page.screenshot({ path: join(shots, `${name}.png`) }); }

/** @param {string} who @param {string} text */
const say = (who, text) => crowd.evaluate(([name, words]) => /** @type {any} */ (globalThis).crowd[name].sendChat(words), [who, text]);

/** Ada's orders in force, by what they do. @returns {Promise<string[]>} */
const sanctions = () => ada.evaluate(() => [.../** @type {any} */ (globalThis).earshotApp.session.orders.values()].flatMap((/** @type {any} */ o) => o.sanctions.map((/** @type {any} */ s) => s.action)));

/** A row of the queue. @param {string} text */
const row = (text) => nadia.locator('.incident', { hasText: text }).first();

/** Its incident. @param {string} text */
const incident = async (text) => String(await row(text).getAttribute('data-id'));

test('what happens is in the queue at once, with names', async () => {
  for (const [who, text] of [
    ['Bo', 'Is anybody up for a round of hide and seek?'], ['Cleo', 'Give me five minutes'], ['Emre', 'I am by the fountain'],
    ['Finn', 'go away, nobody wants you here, you piece of shit'], ['Cleo', 'Hey, that was uncalled for.'],
    ['Gus', 'I will find you and kill you'], ['Hana', 'I want to kill myself'],
    ['Bo', 'Come on Finn'], ['Finn', 'I hate all these fucking immigrants, they should be shot'],
  ]) {
    await say(who, text);
    await sleep(0.4);
  }
  await row('Finn').waitFor();
  assert.ok(await nadia.locator('.incident', { hasText: 'Finn' }).count() >= 1);
  assert.doesNotMatch(await nadia.locator('#incidents').innerText(), /pa_/);
});

test('a voice: evidence is kept, and plays', async () => {
  ada = await stage.visitor('Ada', { clips: ['Front_Center', 'Front_Left', 'Side_Left'], silence: 0.8, query: '&x=0&z=14' });
  ada.setDefaultTimeout(30_000);
  await speaks(ada);
  await row('voice').waitFor({ timeout: 45_000 });
  await choose(nadia, await incident('voice'));
  await nadia.locator('.case', { hasText: 'voice' }).waitFor();
  if (await nadia.locator('.cover').count()) await nadia.keyboard.press('t');
  await nadia.locator('.lines-said .it').waitFor();
  await nadia.locator('.player').waitFor();
  await nadia.keyboard.press('Space');
  await until('it plays', async () => Number(/^([\d.]+) \//.exec(await nadia.locator('.player output').innerText())?.[1] ?? 0) > 0.4, 10);
  assert.ok(await nadia.locator('.wave .played').count() > 0);
  await shot(nadia, 'console');
  await nadia.keyboard.press('Space');
  await ada.evaluate(() => /** @type {any} */ (globalThis).earshotApp.session.setMuted(true));
});

test('judged with one key, the figures change', async () => {
  await nadia.keyboard.press('j');
  await nadia.locator('#last').waitFor();
  await nadia.keyboard.press('3');
  const precision = nadia.locator('.tile', { hasText: 'Precision' }).locator('dd');
  await until('the figures know', async () => {
    await nadia.keyboard.press('1');
    await nadia.keyboard.press('3');
    return /100 %/.test(await precision.innerText());
  }, WAIT + 10);
  await shot(nadia, 'figures');
  await nadia.keyboard.press('1');
});

test('the history of a person is a click away', async () => {
  await choose(nadia, await incident('Finn'));
  await nadia.locator('#person h2', { hasText: 'Finn' }).waitFor();
  const past = nadia.locator('#person .past button');
  await past.first().waitFor();
  await past.last().click();
  await nadia.locator('#detail:not([inert]) .case', { hasText: 'Finn' }).waitFor();
});

test('pressed twice, what is done by hand is done once', async () => {
  let acts = 0;
  nadia.on('request', (r) => { if (/\/people\/[^/]+\/act$/.test(r.url())) acts++; });
  await nadia.evaluate(() => { // in one step: the form is drawn anew with all that is told of the person
    const form = /** @type {HTMLFormElement} */ (document.querySelector('#person .act form'));
    /** @type {HTMLInputElement} */ (form.querySelector('input')).value = 'Once is enough.';
    for (let i = 0; i < 2; i++) form.requestSubmit();
  });
  await nadia.locator('#last', { hasText: 'Finn' }).waitFor();
  assert.equal(acts, 1);
  await nadia.keyboard.press('u');
  await nadia.locator('#toasts p', { hasText: 'Undone' }).waitFor();
});

test('while the next is on its way, no key judges the one before', async () => {
  const next = await incident('Gus'), asked = /** @type {import('playwright-core').Route[]} */ ([]);
  await nadia.route(`**/v1/moderation/incidents/${next}`, (route) => { asked.push(route); });
  await nadia.click(`.incident[data-id="${next}"]`);
  await until('it is asked for', async () => asked.length > 0);
  assert.match(await nadia.locator('.case').innerText(), /Finn/);
  await nadia.keyboard.press('k');
  assert.ok(await nadia.locator('#last').isHidden(), 'nothing is judged');
  await nadia.keyboard.press('a');
  assert.equal(await nadia.locator('details.act[open]').count(), 0, 'nobody is acted on');
  await shot(nadia, 'on-its-way');

  for (const route of asked) await route.continue();
  await nadia.unroute(`**/v1/moderation/incidents/${next}`);
  await nadia.locator('#detail:not([inert]) .case', { hasText: 'Gus' }).waitFor();
  await nadia.keyboard.press('k');
  assert.match(await nadia.locator('#last-what').innerText(), /^Gus/);
  await nadia.keyboard.press('u');
  await nadia.locator('#last').waitFor({ state: 'hidden' });

  await nadia.route(`**/v1/moderation/incidents/${next}`, (route) => route.abort());
  await choose(nadia, await incident('Finn'));
  await nadia.click(`.incident[data-id="${next}"]`);
  await nadia.locator('#toasts p', { hasText: 'cannot be reached' }).waitFor();
  await nadia.locator('#detail-empty').waitFor(); // nothing to judge by mistake
  await nadia.unroute(`**/v1/moderation/incidents/${next}`);
});

test('a policy: refused with line and reason, tried on what happened, put in force', async () => {
  await nadia.keyboard.press('4');
  const text = nadia.locator('#policy-text textarea');
  await until('the policy is there', async () => (await text.inputValue()).includes('ladder:'), 10);
  const yaml = await text.inputValue(), line = yaml.split('\n').findIndex((l) => l.startsWith('automatic:')) + 1;
  await text.fill(yaml.replace(/^automatic: mute/m, 'automatic: shout'));
  const fault = nadia.locator('.faults li').first();
  await fault.waitFor();
  assert.match(await fault.innerText(), new RegExp(`line ${line}[^]*shout`));
  assert.ok(await nadia.locator('#policy-save').isDisabled());
  await fault.getByRole('button').click();
  await shot(nadia, 'policy-refused');

  await text.fill(yaml.replace(/^name: default/m, 'name: calm').replace('{ at: 0.4, do: nudge }', '{ at: 0.4, do: mask, for: 10m }'));
  await nadia.locator('#replay', { hasText: /recorded incidents, [1-9]\d* would end differently/ }).waitFor();
  await nadia.locator('#replay .examples li').first().waitFor();
  await shot(nadia, 'policy-replay');
  await nadia.click('#policy-save');
  await nadia.locator('#toasts p', { hasText: 'in force' }).waitFor();
  await nadia.locator('#policy-name', { hasText: 'calm' }).waitFor();
  await text.fill(yaml);
  await nadia.locator('#replay', { hasText: 'recorded incidents' }).waitFor();
  await nadia.click('#policy-save');
  await until('the default is back', async () => await nadia.locator('#policy-name').innerText() === 'default', 10);
  await nadia.keyboard.press('Escape');
  await nadia.click('#tab-queue');
});

test('an appeal: not for who judged first, undone by somebody else', async () => {
  for (let i = 0; i < 8 && !(await sanctions()).includes('mute'); i++) {
    await ada.fill('#chat-text', INSULT);
    await ada.press('#chat-text', 'Enter');
    await sleep(1.2);
  }
  await ada.locator('#order-appeal').waitFor();
  await ada.locator('#b-mic.locked').waitFor();
  muting = String(await nadia.locator('.incident', { hasText: 'Ada' }).filter({ hasText: 'mute' }).first().getAttribute('data-id'));
  await choose(nadia, muting); // by now another may be the first
  await nadia.locator('.case', { hasText: 'Ada' }).waitFor();
  await nadia.keyboard.press('j');
  await until('the verdict is in', async () => await nadia.locator('#last').isHidden(), WAIT + 5);

  await ada.click('#order-appeal');
  await ada.fill('#order-text', 'I was reading out what somebody had written to me.');
  await ada.click('#order-send');
  await ada.locator('#order-result', { hasText: 'You have appealed' }).waitFor();
  assert.ok((await sanctions()).includes('mute'), 'it holds until somebody has decided');
  await shot(ada, 'appealed');

  await nadia.keyboard.press('2');
  await nadia.locator(`.appeal.locked[data-id="${muting}"]`).waitFor();
  assert.equal(await nadia.locator('[data-decide]').count(), 0);

  omar = await stage.moderator('Omar');
  await omar.keyboard.press('2');
  const card = omar.locator(`.appeal[data-id="${muting}"]`);
  await card.waitFor();
  await shot(omar, 'appeals');
  await card.getByRole('textbox').fill('A quotation, as the context shows.');
  await card.locator('[data-decide=overturned]').click();
  await omar.locator('#toasts p', { hasText: 'Overturned' }).waitFor();
  await until('Ada is free', async () => !(await sanctions()).includes('mute'), 10);
  await ada.locator('#b-mic:not(.locked)').waitFor();
  await omar.keyboard.press('3');
  await until('the figures know', async () => {
    await omar.keyboard.press('1');
    await omar.keyboard.press('3');
    return /1 of 1 appeals/.test(await omar.locator('#figures').innerText());
  }, 10);
});
