/**
 * What RTCPeerConnection.getStats says, as the few numbers a person reads.
 * Pure: reports in, numbers out.
 * @module
 */

/**
 * @typedef {{at: number, sent: number, received: number, packets: number, lost: number}} Counters
 * @typedef {{rttMs: number, lossPercent: number, upKbps: number, downKbps: number,
 *   packets: number}} Summary packets: RTP packets received since the connection began
 */

/**
 * Sums up a report. Rates are over the time since the previous counters; with
 * none, they are 0.
 * @param {Iterable<any>} report values of an RTCStatsReport
 * @param {number} nowMs
 * @param {Counters|null} previous
 * @returns {{summary: Summary, counters: Counters}}
 */
export function summarise(report, nowMs, previous) {
  const counters = { at: nowMs, sent: 0, received: 0, packets: 0, lost: 0 };
  let rttMs = 0;
  for (const s of report) {
    if (s.type === 'transport') {
      counters.sent += s.bytesSent ?? 0;
      counters.received += s.bytesReceived ?? 0;
    } else if (s.type === 'inbound-rtp') {
      counters.packets += s.packetsReceived ?? 0;
      counters.lost += Math.max(0, s.packetsLost ?? 0);
    } else if (s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded' && s.currentRoundTripTime >= 0) {
      rttMs = s.currentRoundTripTime * 1000;
    }
  }
  const seconds = previous ? Math.max(0, (nowMs - previous.at) / 1000) : 0;
  const since = previous ?? counters;
  const packets = Math.max(0, counters.packets - since.packets);
  const lost = Math.max(0, counters.lost - since.lost);
  return {
    counters,
    summary: {
      rttMs, packets: counters.packets,
      lossPercent: packets + lost > 0 ? 100 * lost / (packets + lost) : 0,
      upKbps: kbps(counters.sent - since.sent, seconds),
      downKbps: kbps(counters.received - since.received, seconds),
    },
  };
}

/**
 * How much sound went through the jitter buffer of each media line, by mid:
 * delay is what its samples spent there, summed up, in s; emitted how many they are.
 * @param {Iterable<any>} report values of an RTCStatsReport
 * @returns {Map<string, {delay: number, emitted: number}>}
 */
export function jitterBuffers(report) {
  const buffers = new Map();
  for (const s of report) {
    if (s.type !== 'inbound-rtp' || s.kind !== 'audio' || !s.mid || !s.jitterBufferEmittedCount) continue;
    buffers.set(s.mid, { delay: s.jitterBufferDelay, emitted: s.jitterBufferEmittedCount });
  }
  return buffers;
}

/**
 * @typedef {{received: number, lost: number, lossPercent: number, jitterMs: number}} Reception how
 *   one media line comes: packets since the beginning, loss since the report before, jitter now
 */

/**
 * How each media line comes, by mid.
 * @param {Iterable<any>} report values of an RTCStatsReport
 * @param {Map<string, Reception>} previous what it was before
 * @returns {Map<string, Reception>}
 */
export function receptions(report, previous) {
  const all = new Map();
  for (const s of report) {
    if (s.type !== 'inbound-rtp' || !s.mid) continue;
    const received = s.packetsReceived ?? 0, lost = Math.max(0, s.packetsLost ?? 0), was = previous.get(s.mid);
    const came = Math.max(0, received - (was?.received ?? 0)), missed = Math.max(0, lost - (was?.lost ?? 0));
    all.set(s.mid, { received, lost, lossPercent: came + missed > 0 ? 100 * missed / (came + missed) : 0, jitterMs: (s.jitter ?? 0) * 1000 });
  }
  return all;
}

/**
 * What the server said last of how a sender's packets come to it, or null.
 * @param {Iterable<any>} report values of an RTCRtpSender's RTCStatsReport
 * @returns {{loss: number, at: number}|null} share lost since the report before, when it came in ms
 */
export function uplink(report) {
  for (const s of report) {
    if (s.type === 'remote-inbound-rtp' && typeof s.fractionLost === 'number') return { loss: s.fractionLost, at: s.timestamp };
  }
  return null;
}

/**
 * @param {number} bytes
 * @param {number} seconds
 */
function kbps(bytes, seconds) { return seconds > 0 ? Math.max(0, bytes) * 8 / 1000 / seconds : 0; }
