/**
 * A sound that comes from a ball instead of a point: a bed of a crowd. What is
 * heard of it is as wide as the ball is seen.
 *
 *     input -> gain -+-> panner at the centre -----------------+-> output
 *                    +-> 11 ms -> side gain -> panner at its left  -+
 *                    +-> 17 ms -> side gain -> panner at its right -+
 *
 * The delays part what comes from the sides from what comes from the middle, so
 * that they add up in power and not in waves. Where the ball is seen under a few
 * degrees, the sides are silent: a point would be heard through a comb.
 * @module
 */

/** @typedef {ArrayLike<number>} Vector x y z */

/** How long a bed takes to come or go. */
export const FADE_S = 0.2;
const SIDE_DELAYS_S = [0.011, 0.017];
/** A ball seen under half of this angle is a point, under twice of it as wide as can be. */
const NARROW_RAD = Math.PI / 36;
const MOVE_S = 0.08;

/**
 * Where the taps of a ball are, and their linear gains, which add up to 1 in power.
 * Pure.
 * @param {Vector} centre
 * @param {number} radius metres
 * @param {Vector} ears
 * @returns {{places: [number, number, number][], middle: number, side: number}} the middle, the left, the right
 */
export function taps(centre, radius, ears) {
  const x = centre[0] - ears[0], y = centre[1] - ears[1], z = centre[2] - ears[2];
  const flat = Math.hypot(x, z);
  // Whoever is within hears it all around: there left and right are those of the world.
  const [sx, sz] = flat > 1e-3 ? [-z / flat, x / flat] : [1, 0];
  const width = Math.atan2(radius, Math.max(Math.hypot(flat, y), 1e-3));
  const s = Math.min(Math.max((width / NARROW_RAD - 0.5) / 1.5, 0), 1);
  const middle = 1 / Math.sqrt(1 + 2 * s * s);
  /** @param {number} r @returns {[number, number, number]} */
  const at = (r) => [centre[0] + r * sx, centre[1], centre[2] + r * sz];
  return { places: [at(0), at(-radius), at(radius)], middle, side: s * middle };
}

/** A wide source in the audio graph. */
export class Wide {
  #placed = false;
  #fadedAt = 0;
  #gain = 0;
  #on = false;

  /**
   * @param {AudioContext} context
   * @param {AudioNode} input
   * @param {AudioNode} output
   */
  constructor(context, input, output) {
    this.context = context;
    this.input = input;
    this.fader = new GainNode(context, { gain: 0, channelCount: 1, channelCountMode: 'explicit' });
    input.connect(this.fader);
    // No distance in the panners: the gain is that of the centre.
    this.panners = [0, 1, 2].map(() => new PannerNode(context, { panningModel: 'HRTF', rolloffFactor: 0 }));
    this.gains = this.panners.map((panner) => {
      const gain = new GainNode(context);
      gain.connect(panner).connect(output);
      return gain;
    });
    this.fader.connect(this.gains[0]);
    SIDE_DELAYS_S.forEach((delayTime, i) => {
      this.fader.connect(new DelayNode(context, { delayTime })).connect(this.gains[i + 1]);
    });
  }

  /**
   * Follows the ball and the listener.
   * @param {Vector} centre
   * @param {number} radius metres
   * @param {Vector} ears
   * @param {number} gain linear, of the centre's distance
   */
  move(centre, radius, ears, gain) {
    const now = this.context.currentTime;
    const { places, middle, side } = taps(centre, radius, ears);
    this.panners.forEach((panner, i) => {
      [panner.positionX, panner.positionY, panner.positionZ].forEach((param, k) => set(param, places[i][k], now, this.#placed));
      set(this.gains[i].gain, i ? side : middle, now, this.#placed);
    });
    this.#placed = true;
    this.#gain = gain;
    if (this.#on && now >= this.#fadedAt) this.fader.gain.setTargetAtTime(gain, now, MOVE_S / 3);
  }

  /**
   * Lets it come or go.
   * @param {boolean} on
   * @param {number} at when, in the context's time
   * @param {number} [seconds] how long it takes
   */
  fade(on, at, seconds = FADE_S) {
    if (on === this.#on) return;
    const { gain } = this.fader, now = this.context.currentTime, begin = Math.max(at, now);
    this.#on = on;
    gain.cancelScheduledValues(now).setValueAtTime(gain.value, now);
    gain.setValueAtTime(gain.value, begin);
    gain.linearRampToValueAtTime(on ? this.#gain : 0, begin + seconds);
    this.#fadedAt = begin + seconds;
  }

  close() {
    this.input.disconnect(this.fader);
    this.panners.forEach((panner) => panner.disconnect());
  }
}

/**
 * @param {AudioParam} param
 * @param {number} value
 * @param {number} now
 * @param {boolean} smoothly
 */
function set(param, value, now, smoothly) {
  param.cancelScheduledValues(now);
  param.setValueAtTime(smoothly ? param.value : value, now);
  if (smoothly) param.linearRampToValueAtTime(value, now + MOVE_S);
}
