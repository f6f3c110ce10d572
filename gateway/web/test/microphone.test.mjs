// The microphone: opened once however often it is asked for, and missed when it
// goes away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Microphone } from '../app/microphone.js';

/** A browser whose microphones are opened when the test says so. */
function browser() {
  /** @type {any[]} */ const tracks = [];
  /** @type {(() => void)[]} */ const asked = [];
  const all = /** @type {any} */ (globalThis);
  all.AudioContext = class {
    async resume() {}
    createAnalyser() { return {}; }
    createMediaStreamSource() { return { connect() {} }; }
  };
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { mediaDevices: {
    getUserMedia: (/** @type {any} */ { audio }) => new Promise((done) => {
      const track = { device: audio.deviceId?.ideal, live: true, stop() { this.live = false; }, /** @type {(() => void)|null} */ onended: null };
      tracks.push(track);
      asked.push(() => done({ getAudioTracks: () => [track] }));
    }),
  } } });
  return { tracks, allow: async () => { for (let i = 0; i < 5; i++) { asked.splice(0).forEach((f) => f()); await new Promise((done) => setImmediate(done)); } } };
}

test('asked for twice at once, it is opened once: the second does not stop the first', async () => {
  const { tracks, allow } = browser(), microphone = new Microphone();
  const both = Promise.all([microphone.open('usb'), microphone.open('usb')]);
  await allow();
  const [a, b] = await both;
  assert.equal(a, b);
  assert.deepEqual(tracks.map((t) => t.live), [true]);
  assert.equal(microphone.track, a);
});

test('of two devices the one asked for last stays', async () => {
  const { tracks, allow } = browser(), microphone = new Microphone();
  const both = Promise.all([microphone.open('usb'), microphone.open('headset')]);
  await allow();
  await both;
  assert.deepEqual(tracks.map((t) => [t.device, t.live]), [['usb', false], ['headset', true]]);
});

test('closed before it is allowed, it does not stay on; and can be asked for again', async () => {
  const { tracks, allow } = browser(), microphone = new Microphone();
  const late = assert.rejects(microphone.open(), { code: 'canceled' });
  microphone.close();
  const wanted = microphone.open();
  await allow();
  await late;
  assert.equal(await wanted, microphone.track);
  assert.deepEqual(tracks.map((t) => t.live), [false, true]);
});

test('unplugged, it is missed once; closed by oneself it is not', async () => {
  const { tracks, allow } = browser(), microphone = new Microphone();
  let lost = 0;
  microphone.onLost = () => { lost++; };
  const opened = microphone.open();
  await allow();
  await opened;
  tracks[0].onended();
  assert.deepEqual([lost, microphone.track, microphone.level()], [1, null, 0]);
  tracks[0].onended();
  assert.equal(lost, 1);
});
