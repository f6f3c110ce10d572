// The page of a person whose node is killed, again and again: TestE2EKilledNode of
// cmd/earshot runs it, with somebody there who talks without a pause. It says
// "ready URL" when they hear each other, URL being the node to kill; then it waits
// until it is in elsewhere and hears again, says "back" with figures, and goes on
// when it is told to by a line.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline/promises';
import { after, test } from 'node:test';
import { Stage, sleep, sound, until } from './stage.mjs';

const stage = new Stage(), rounds = Number(process.env.EARSHOT_ROUNDS);
const input = createInterface({ input: process.stdin }), lines = input[Symbol.asyncIterator]();
after(() => { input.close(); return stage.close(); });

test(`killed ${rounds} times, it is back each time`, async () => {
  const page = await stage.visitor('browser', { clips: ['Front_Center', 'Front_Left'], silence: 0, quality: 'none', token: process.env.EARSHOT_TOKEN });
  await page.evaluate(() => {
    const all = /** @type {any} */ (globalThis), { session, audio } = all.earshotApp;
    // What comes out, each 20 ms; a worklet (gaps.js) the page's Content-Security-Policy does not let in.
    const analyser = new AnalyserNode(audio.context, { fftSize: 1024 }), samples = new Float32Array(1024);
    audio.master.connect(analyser);
    let gap = 0, last = performance.now();
    all.gaps = () => { const longest = Math.max(gap, performance.now() - last); [gap, last] = [0, performance.now()]; return longest; };
    setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      if (samples.every((s) => Math.abs(s) < 3e-4)) return;
      [gap, last] = [Math.max(gap, performance.now() - last), performance.now()];
    }, 20);
    session.on('state', (/** @type {{state: string}} */ { state }) => all.turns.push([state, Math.round(performance.now() - all.began)]));
  });
  const hears = async () => {
    const { received } = await sound(page);
    await sleep(0.3);
    return (await sound(page)).received > received + 10;
  };
  for (let round = 0; round < rounds; round++) {
    await until('somebody is heard', hears, 20);
    await sleep(3); // so that what is heard is that, and nobody is still on their way
    const url = await page.evaluate(() => {
      const all = /** @type {any} */ (globalThis);
      Object.assign(all, { turns: [], began: performance.now() });
      all.gaps();
      return all.earshotApp.session.nodes.url;
    });
    console.log(`ready ${url}`);
    await lines.next(); // killed
    await until('it is in elsewhere', () => page.evaluate((gone) => {
      const { session } = /** @type {any} */ (globalThis).earshotApp;
      return session.state === 'connected' && session.nodes.url !== gone;
    }, url), 40);
    await until('somebody is heard again', hears, 20);
    await sleep(1);
    const seen = await page.evaluate(() => {
      const all = /** @type {any} */ (globalThis);
      return { gap: all.gaps(), turns: all.turns, people: all.earshotApp.session.participants.size };
    });
    assert.equal(seen.people, 1);
    console.log(`back ${Math.round(seen.gap)} ${JSON.stringify(seen.turns)}`);
    await lines.next(); // the node is there again
  }
});
