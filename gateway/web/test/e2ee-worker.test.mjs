// The worker as a page talks to it, with streams in place of a browser's.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { importGroupKey } from '../e2ee-keys.js';

const scope = /** @type {any} */ (globalThis);
/** @type {any[]} */ const said = [];
let report = () => {};

before(async () => {
  scope.postMessage = (/** @type {any} */ m) => said.push(m);
  const original = scope.setInterval;
  scope.setInterval = (/** @type {() => void} */ f) => { report = f; };
  await import('../e2ee-worker.js');
  scope.setInterval = original;
});

/** @param {object} message */
const tell = (message) => scope.onmessage({ data: message });

/**
 * A line as RTCRtpScriptTransform makes it.
 * @param {object} options
 */
function line(options) {
  const into = new TransformStream(), out = new TransformStream();
  scope.onrtctransform({ transformer: { options, readable: into.readable, writable: out.writable } });
  const writer = into.writable.getWriter(), reader = out.readable.getReader();
  return {
    put: (/** @type {ArrayLike<number>} */ bytes, mimeType = 'audio/opus') => writer.write({ data: Uint8Array.from(bytes).buffer, getMetadata: () => ({ mimeType }) }),
    /** @returns {Promise<{data: ArrayBuffer, getMetadata: () => object}>} */
    take: async () => (await reader.read()).value,
  };
}

test('nothing is sent before there is a key, then everything is, sealed, and comes out again', async () => {
  const up = line({ side: 'send', name: 'microphone', codec: 'opus' }), down = line({ side: 'receive', name: 'voice-0', codec: 'opus' });
  await up.put([1, 2, 3]);
  await tell({ type: 'suite', suite: 4 });
  await up.put([1, 2, 3]);
  await tell({ type: 'key', generation: 0, key: await importGroupKey(new Uint8Array(16)), use: true });
  await up.put([1, 2, 3]);
  await new Promise((done) => setTimeout(done, 20)); // so that none of the three waits for what comes now
  await tell({ type: 'me', participant: 'pa_ada' });
  await tell({ type: 'slots', slots: { 'voice-0': { participant: 'pa_ada', source: 'microphone', encrypted: true } } });
  for (let i = 0; i < 20; i++) {
    await up.put([7, 8, i]);
    const sealed = await up.take();
    assert.equal(sealed.data.byteLength, 3 + 31);
    await down.put(new Uint8Array(sealed.data));
    assert.deepEqual([...new Uint8Array((await down.take()).data)], [7, 8, i]);
  }
  await down.put([0x78, 1, 2]); // in clear: dropped
  await down.put([0xf8, 0xff, 0xfe]);
  assert.equal((await down.take()).data.byteLength, 3);
  report();
  const told = said.at(-1);
  assert.deepEqual([told.sent[0].faults, told.received[0].faults], [{ key: 3 }, { plain: 1 }]);
  assert.equal(told.sent.reduce((/** @type {number} */ n, /** @type {any} */ t) => n + t.sealed, 0), 20);
  assert.deepEqual([told.received[0].participant, told.received[0].sealed, told.received[0].plain], ['pa_ada', 20, 1]);
  const before = said.length;
  report();
  assert.equal(said.length, before, 'nothing came, nothing is told');
});

test('a message that cannot be followed is told', async () => {
  for (let i = 0; i < 16; i++) await tell({ type: 'ratchet' });
  assert.equal(said.at(-1).type, 'failed');
  assert.match(said.at(-1).message, /set a new one/);
});

test('what it costs, for docs/e2ee.md', async () => {
  const up = line({ side: 'send', name: 'screen', codec: 'opus' }), down = line({ side: 'receive', name: 'voice-1', codec: 'opus' });
  await tell({ type: 'slots', slots: { 'voice-1': { participant: 'pa_ada', source: 'screen', encrypted: true } } });
  for (const [size, frames] of [[80, 2000], [6000, 1000]]) {
    const frame = new Uint8Array(size);
    const begin = performance.now(), cpu = process.cpuUsage();
    for (let i = 0; i < frames; i++) {
      await up.put(frame);
      await down.put(new Uint8Array((await up.take()).data));
      await down.take();
    }
    const { user, system } = process.cpuUsage(cpu), wall = 1000 * (performance.now() - begin);
    console.log(`sealed and opened, ${size} bytes: ${((user + system) / frames).toFixed(0)} us of processor a frame, ${(wall / frames).toFixed(0)} us in all`);
  }
});
