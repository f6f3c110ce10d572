// What a page asks of the browser's encoders and leaves to its lines. The
// browser is a fake with the codecs of a real one.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { cameraEncodings, chooseCodec, keepWanted, trimVideo, tuneScreen } from '../codecs.js';

const DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';
const codec = (/** @type {string} */ mimeType, /** @type {string} */ sdpFmtpLine = '') => ({ mimeType, sdpFmtpLine, clockRate: 90_000 });
const all = [
  codec('video/VP8'), codec('video/rtx'), codec('video/VP9', 'profile-id=2'), codec('video/VP9', 'profile-id=0'),
  codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f'),
  codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f'),
  codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f'),
  codec('video/AV1', 'level-idx=5;profile=1;tier=0'), codec('video/AV1', 'level-idx=5;profile=0;tier=0'), codec('video/red'), codec('video/ulpfec'),
];

const { RTCRtpSender, RTCRtpReceiver } = /** @type {any} */ (globalThis);
beforeEach(() => {
  const capabilities = { getCapabilities: () => ({ codecs: all, headerExtensions: [] }) };
  Object.assign(globalThis, { RTCRtpSender: capabilities, RTCRtpReceiver: capabilities });
});
afterEach(() => { Object.assign(globalThis, { RTCRtpSender, RTCRtpReceiver }); });

/** @param {'sendonly'|'recvonly'} direction */
function line(direction) {
  return {
    direction, extensions: [{ uri: DESCRIPTOR, direction: 'stopped' }], codecs: /** @type {string[]} */ ([]),
    setCodecPreferences(/** @type {any[]} */ list) { this.codecs = list.map((c) => `${c.mimeType.slice(6)} ${c.sdpFmtpLine}`.trim()); },
    getHeaderExtensionsToNegotiate() { return structuredClone(this.extensions); },
    setHeaderExtensionsToNegotiate(/** @type {any[]} */ list) { this.extensions = list; },
  };
}

test('a line sends its codec, and receives all, each in the form of the server', () => {
  const sends = line('sendonly'), receives = line('recvonly');
  trimVideo(/** @type {any} */ (sends), 'vp9');
  trimVideo(/** @type {any} */ (receives), 'vp9');
  assert.deepEqual(sends.codecs, ['VP9 profile-id=0', 'rtx']);
  assert.deepEqual(receives.codecs, ['VP9 profile-id=0', 'VP8',
    'H264 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f', 'AV1 level-idx=5;profile=0;tier=0', 'rtx']);
  assert.deepEqual([sends, receives].map((l) => l.extensions[0].direction), ['stopped', 'sendrecv']);
  const av1 = line('sendonly');
  trimVideo(/** @type {any} */ (av1), 'av1');
  assert.equal(av1.extensions[0].direction, 'sendrecv');
});

test('auto is VP9 only where there is the time for it', () => {
  const cores = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  for (const [hardwareConcurrency, want] of /** @type {const} */ ([[2, 'vp8'], [8, 'vp9']])) {
    Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency }, configurable: true });
    assert.equal(chooseCodec('auto'), want);
  }
  if (cores) Object.defineProperty(globalThis, 'navigator', cores);
  assert.equal(chooseCodec('h264'), 'h264');
});

test('layers nobody wants are left out', () => {
  const simulcast = cameraEncodings('vp8');
  simulcast.forEach((e) => keepWanted(e, { rids: ['l', 'm'] }));
  assert.deepEqual(simulcast.map((e) => e.active), [true, true, false]);
  const [one] = cameraEncodings('av1');
  const after = [3, 2, 1, 0, 3].map((spatial) => {
    keepWanted(one, { rids: [], spatial, of: 3 });
    return [one.active, one.scalabilityMode, one.scaleResolutionDownBy];
  });
  assert.deepEqual(after, [[true, 'L3T3_KEY', 1], [true, 'L2T3_KEY', 2], [true, 'L1T3', 4], [false, 'L1T3', 4], [true, 'L3T3_KEY', 1]]);
  // A camera too small for three sizes has two: without the larger it has half the height.
  keepWanted(one, { rids: [], spatial: 1, of: 2 });
  assert.deepEqual([one.scalabilityMode, one.scaleResolutionDownBy], ['L2T3_KEY', 2]);
});

test('a screen keeps its size, a film its frames', () => {
  const parameters = /** @type {any} */ ({ encodings: [{}] });
  tuneScreen(parameters, 'detail');
  assert.equal(parameters.degradationPreference, 'maintain-resolution');
  assert.equal(parameters.encodings[0].maxFramerate, 15);
  tuneScreen(parameters, 'motion');
  assert.equal(parameters.degradationPreference, 'maintain-framerate');
  assert.equal(parameters.encodings[0].maxFramerate, undefined);
});
