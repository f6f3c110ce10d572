// Going over to another network: what counts as one, and that ICE is restarted
// at once, again where the first request is lost. RTCPeerConnection and fetch
// are fakes; the real ones are in the test of the netns in cmd/earshot.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { MediaLink } from '../media.js';
import { NetworkWatch } from '../network.js';
import { Nodes } from '../nodes.js';

class FakeConnection extends EventTarget {
  type = 'wifi';

  /** @param {string} type */
  become(type) {
    this.type = type;
    this.dispatchEvent(new Event('change'));
  }
}

function watch() {
  const window = new EventTarget();
  const connection = new FakeConnection();
  let now = 0;
  let changes = 0;
  const network = new NetworkWatch(() => changes++, window, connection, () => now);
  return { network, window, connection, changes: () => changes, pass: (/** @type {number} */ ms) => { now += ms; } };
}

test('another kind of network is a change, another bandwidth is none', () => {
  const { network, window, connection, changes, pass } = watch();
  connection.become('wifi');
  assert.equal(changes(), 0);
  connection.become('none');
  assert.equal(changes(), 0);
  connection.become('cellular');
  window.dispatchEvent(new Event('online')); // of the same change
  assert.equal(changes(), 1);
  pass(1000);
  window.dispatchEvent(new Event('online'));
  assert.equal(changes(), 2);
  network.stop();
  pass(1000);
  connection.become('wifi');
  window.dispatchEvent(new Event('online'));
  assert.equal(changes(), 2);
});

class FakeTransceiver {
  direction = '';
  receiver = { track: { kind: '' }, getSynchronizationSources: () => [] };
  sender = { replaceTrack: async () => {} };
}

class FakePeer {
  /** @type {FakePeer} */ static last;
  connectionState = 'new';
  /** @type {any} */ localDescription = null;
  /** @type {string[]} */ did = [];
  /** @type {FakeTransceiver[]} */ lines = [];
  onconnectionstatechange = () => {};

  constructor() { FakePeer.last = this; }

  /** @param {string} kind @param {{direction: string}} init */
  addTransceiver(kind, init) {
    const line = new FakeTransceiver();
    line.direction = init.direction;
    line.receiver.track.kind = kind;
    this.lines.push(line);
    return line;
  }

  getTransceivers() { return this.lines; }

  createDataChannel() { return { readyState: 'connecting', send() {}, close() {} }; }

  getConfiguration() { return { bundlePolicy: 'max-bundle' }; }

  /** @param {any} c */
  setConfiguration(c) { this.did.push(`servers ${c.iceServers.length} ${c.bundlePolicy}`); }

  /** @param {{iceRestart: boolean}} [o] */
  async createOffer(o) {
    return { type: 'offer', sdp: o?.iceRestart ? 'restart' : 'v=0\r\nm=audio urn:ietf:params:rtp-hdrext:ssrc-audio-level' };
  }

  /** @param {any} d */
  async setLocalDescription(d) {
    this.localDescription = d;
    this.did.push(`local ${d.sdp === 'restart' ? d.sdp : 'offer'}`);
  }

  async setRemoteDescription() { this.did.push('remote'); }

  close() {}

  /** @param {string} state */
  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange();
  }
}

/** @type {Record<string, any>} */
const originals = { RTCPeerConnection: globalThis.RTCPeerConnection, RTCRtpSender: globalThis.RTCRtpSender, RTCRtpReceiver: globalThis.RTCRtpReceiver, fetch: globalThis.fetch };
afterEach(() => { Object.assign(globalThis, originals); });

test('a change restarts ICE at once, and again until the server has answered', async () => {
  /** @type {string[]} */
  const requests = [];
  let lost = 1;
  Object.assign(globalThis, {
    RTCPeerConnection: FakePeer,
    RTCRtpSender: { getCapabilities: () => null },
    RTCRtpReceiver: { getCapabilities: () => null },
    fetch: async (/** @type {URL} */ url, /** @type {RequestInit} */ init) => {
      requests.push(`${init.method} ${new URL(url).pathname}`);
      if (init.method === 'PATCH' && lost-- > 0) throw new TypeError('network changed');
      return new Response('answer', { status: init.method === 'POST' ? 201 : 200, headers: { Location: '/v1/sessions/se_1' } });
    },
  });
  const window = /** @type {any} */ (globalThis);
  /** @type {Set<() => void>} */
  const online = new Set();
  const { addEventListener, removeEventListener } = window;
  window.addEventListener = (/** @type {string} */ type, /** @type {() => void} */ f) => { if (type === 'online') online.add(f); };
  window.removeEventListener = (/** @type {string} */ _, /** @type {() => void} */ f) => online.delete(f);
  /** @type {string[]} */
  const states = [];
  const ice = /** @type {any} */ ({ get: async () => [{ urls: 'turn:a' }], peek: () => [{ urls: 'turn:a' }] });
  const link = new MediaLink({ nodes: new Nodes('https://example.org/'), token: () => 'tok', ice, probe: () => 0, voiceSlots: 1, videoSlots: 0, videoCodec: 'vp8' },
    { onControl() {}, onPose() {}, onState: (s) => states.push(s), onLost: (e) => states.push(e.code) });
  await link.connect(null);
  const peer = FakePeer.last;
  assert.deepEqual(peer.did, ['servers 1 max-bundle', 'local offer', 'remote'], 'servers are known before the offer');
  peer.become('connected');
  peer.did = [];
  const start = performance.now();
  online.forEach((f) => f());
  while (!peer.did.includes('remote')) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(requests, ['POST /v1/join', 'PATCH /v1/sessions/se_1', 'PATCH /v1/sessions/se_1']);
  assert.deepEqual(peer.did, ['servers 1 max-bundle', 'local restart', 'servers 1 max-bundle', 'local restart', 'remote']);
  assert.ok(performance.now() - start < 3000, 'it took too long');
  assert.deepEqual(states, ['connected'], 'nothing is said of a connection that still stands');
  link.close(false);
  assert.equal(online.size, 0);
  Object.assign(window, { addEventListener, removeEventListener });
});
