// When the microphone sends each frame twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redundancy, codecFirst } from '../redundancy.js';
import { receptions } from '../stats.js';

/** @param {Redundancy} r @param {number} from @param {number} seconds @param {number} loss */
function play(r, from, seconds, loss) {
  for (let s = 0; s < seconds; s++) r.observe(loss, from + s * 1000, from + s * 1000);
  return r.on;
}

test('redundancy: begins with loss, stays for a while, ends', () => {
  const r = new Redundancy();
  assert.equal(play(r, 1000, 60, 0), false);
  assert.equal(play(r, 100_000, 5, 0.03), true);
  assert.equal(play(r, 105_000, 15, 0), true);
  assert.equal(play(r, 120_000, 30, 0), false);
  assert.equal(play(r, 200_000, 60, 0.006), false, 'not enough to begin');
  assert.equal(play(r, 300_000, 5, 0.02), true);
  assert.equal(play(r, 305_000, 120, 0.006), true, 'enough to stay');
});

test('redundancy: a report counts once, and nonsense not at all', () => {
  const r = new Redundancy();
  r.observe(0.02, 1000, 1000);
  const once = r.loss;
  r.observe(0.02, 1000, 2000);
  r.observe(NaN, 3000, 3000);
  r.observe(-1, 4000, 4000);
  assert.equal(r.loss, once);
  assert.equal(r.on, false);
});

test('receptions: loss since the last report and jitter, by mid', () => {
  /** @param {number} received @param {number} lost */
  const report = (received, lost) => [
    { type: 'inbound-rtp', mid: '3', packetsReceived: received, packetsLost: lost, jitter: 0.012 },
    { type: 'inbound-rtp', mid: '4', packetsReceived: 0 },
    { type: 'outbound-rtp', mid: '0' },
  ];
  const first = receptions(report(100, 1), new Map());
  assert.deepEqual(first.get('3'), { received: 100, lost: 1, lossPercent: 100 / 101, jitterMs: 12 });
  const second = receptions(report(190, 11), first);
  assert.deepEqual(second.get('3'), { received: 190, lost: 11, lossPercent: 10, jitterMs: 12 });
  assert.equal(second.get('4')?.lossPercent, 0);
  assert.equal(receptions(report(190, 9), second).get('3')?.lossPercent, 0, 'what was late is not lost');
});

test('redundancy: the first audio line names another codec first', () => {
  const audio = 'm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n';
  const rest = 'm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:63 red/48000/2\r\n';
  const sdp = `v=0\r\n${audio}${rest}`, red = codecFirst(sdp, 'red');
  assert.equal(red, `v=0\r\n${audio.replace('111 63', '63 111')}${rest}`);
  assert.equal(codecFirst(red, 'opus'), sdp);
  assert.equal(codecFirst(sdp, 'opus'), sdp);
  const plain = sdp.replace('a=rtpmap:63 red/48000/2\r\n', '');
  assert.equal(codecFirst(plain, 'red'), plain);
  assert.equal(codecFirst('', 'red'), '');
});
