/**
 * When a microphone sends each frame twice (RED, RFC 2198): while the server
 * reports that packets are lost on the way to it, and for a while after. Pure:
 * reports in, a decision out. What is lost on the way from the server is the
 * server's affair.
 * @module
 */

/** Share of packets lost that begins it, and that it ends below. */
const BEGIN = 0.01;
const END = 0.004;
/** It stays for so long after loss last asked for it. */
const HOLD_MS = 20_000;
/** Weight of a new report. */
const WEIGHT = 0.4;

export class Redundancy {
  /** Whether frames are to be sent twice. */
  on = false;
  #loss = 0;
  #askedAt = 0;
  #reportedAt = -Infinity;

  /** Share of packets lost of late, 0 to 1. */
  get loss() { return this.#loss; }

  /**
   * Takes what the server reported last.
   * @param {number} loss share of packets lost since the report before, 0 to 1
   * @param {number} reportedAt when it came, ms; the same report counts once
   * @param {number} nowMs
   * @returns {boolean} whether the decision has changed
   */
  observe(loss, reportedAt, nowMs) {
    if (loss >= 0 && reportedAt > this.#reportedAt) {
      this.#reportedAt = reportedAt;
      this.#loss += WEIGHT * (Math.min(loss, 1) - this.#loss);
    }
    const before = this.on;
    if (this.#loss >= (this.on ? END : BEGIN)) {
      this.on = true;
      this.#askedAt = nowMs;
    } else if (nowMs - this.#askedAt >= HOLD_MS) {
      this.on = false;
    }
    return this.on !== before;
  }
}

/**
 * An answer with another codec first on its first audio line, which is the
 * microphone's; as it was where the line does not have that codec.
 * @param {string} sdp
 * @param {string} codec opus or red
 */
export function codecFirst(sdp, codec) {
  const [line] = /^m=audio [^]*?(?=^m=|$(?![^]))/m.exec(sdp) ?? [''];
  const pt = new RegExp(`^a=rtpmap:(\\d+) ${codec}/`, 'm').exec(line)?.[1];
  if (!pt) return sdp;
  return sdp.replace(line, () => line.replace(/^(m=audio \d+ \S+) ([\d ]+)/, (_, head, pts) => [head, pt, ...pts.split(' ').filter((/** @type {string} */ p) => p !== pt)].join(' ')));
}
