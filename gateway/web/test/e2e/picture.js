/**
 * What a page of the video test shows and sees: a screen of one colour, and the
 * pictures that come in.
 * @module
 */

/** @typedef {[number, number, number]} Colour red, green, blue, 0 to 255 */
/** @typedef {{colour: Colour, width: number, frames: number, packets: number, keyFrames: number}} Seen mean colour; counters since joining */

/** @type {RTCPeerConnection[]} of this page, in the order of their making */
const connections = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  /** @param {RTCConfiguration} [configuration] */
  constructor(configuration) {
    super(configuration);
    connections.push(this);
  }
};

/** A screen to share: one colour, with a bar that moves while it is alive. */
export class Screen {
  #canvas = document.createElement('canvas');
  #colour = '#000';
  #n = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #moving;

  constructor() {
    Object.assign(this.#canvas, { width: 640, height: 360 });
    this.context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
    this.#paint();
    this.track = this.#canvas.captureStream(15).getVideoTracks()[0];
  }

  /**
   * Painted three times, since an encoder may drop a frame.
   * @param {Colour} colour
   */
  show(colour) {
    this.#colour = `rgb(${colour})`;
    for (const ms of [0, 200, 400]) setTimeout(() => this.#paint(), ms);
  }

  /** @param {number} perSecond how often it is painted, 0 for only by show() */
  move(perSecond) {
    clearInterval(this.#moving);
    if (perSecond) this.#moving = setInterval(() => this.#paint(), 1000 / perSecond);
  }

  #paint() {
    const { context, context: { canvas: { width, height } } } = this;
    context.fillStyle = this.#colour;
    context.fillRect(0, 0, width, height);
    context.fillStyle = '#888';
    context.fillRect((this.#n++ * 8) % width, height - 8, 16, 8);
  }
}

/** One video track as a person would see it. */
export class Picture {
  #video = document.createElement('video');
  #context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(16, 16).getContext('2d', { willReadFrequently: true }));

  /** @param {MediaStreamTrack} track */
  constructor(track) {
    this.track = track;
    Object.assign(this.#video, { muted: true, playsInline: true, srcObject: new MediaStream([track]) });
    this.#video.play();
  }

  /** @returns {Promise<Seen>} */
  async look() {
    const { frames, packets, keyFrames } = await received(this.track);
    return { colour: this.#mean(), width: this.#video.videoWidth, frames, packets, keyFrames };
  }

  /** @returns {Colour} */
  #mean() {
    this.#context.drawImage(this.#video, 0, 0, 16, 16);
    const { data } = this.#context.getImageData(0, 0, 16, 16);
    /** @type {Colour} */
    const sum = [0, 0, 0];
    data.forEach((value, i) => { if (i % 4 < 3) sum[i % 4] += value / 256; });
    return sum;
  }
}

/** What is sent of each encoding of a camera: its width, in which layers, and how many frames. */
export async function layers() {
  const sent = [];
  for (const pc of connections) {
    for (const s of (await pc.getStats()).values()) {
      if (s.type !== 'outbound-rtp' || s.kind !== 'video' || !s.frameWidth) continue;
      sent.push({
        rid: /** @type {string} */ (s.rid ?? ''), width: /** @type {number} */ (s.frameWidth), mode: /** @type {string} */ (s.scalabilityMode ?? ''),
        frames: /** @type {number} */ (s.framesEncoded ?? 0), codec: /** @type {string} */ (s.encoderImplementation ?? ''),
      });
    }
  }
  return sent;
}

/** @param {MediaStreamTrack} track */
async function received(track) {
  for (const receiver of connections.flatMap((pc) => pc.getReceivers())) {
    if (receiver.track !== track) continue;
    for (const s of (await receiver.getStats()).values()) {
      if (s.type === 'inbound-rtp') return { frames: s.framesDecoded ?? 0, packets: s.packetsReceived ?? 0, keyFrames: s.keyFramesDecoded ?? 0 };
    }
  }
  return { frames: 0, packets: 0, keyFrames: 0 };
}
