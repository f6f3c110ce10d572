/**
 * Where a voice seems to come from in a world with zones, how loud and how
 * muffled: what audio.js gives a panner that knows nothing of zones.
 * @module
 */
import { angle, coneGain, distance, fadeGain, modelGain } from './spatial.js';
import { cutoff, gainOf, outline, Zones } from './zones.js';

/** @import {Curve, Vector} from './spatial.js' */
/** @import {Spot, Zone} from './zones.js' */
/** @typedef {{position: ArrayLike<number>, rotation: ArrayLike<number>}} Placement */
/** @typedef {{mouth: Placement, gain: number, cutoff: number}} Rendering gain: linear, before the panner; cutoff: Hz */

const OPEN_HZ = 20_000;

export class Acoustics {
  /** @type {Spot} */ #ears;

  /** @param {Zone[]} list */
  constructor(list) {
    this.zones = new Zones(list);
    this.#ears = this.zones.locate([0, 0, 0]);
  }

  /** Name of the reverberation where the listener is. */
  get reverb() { return this.zones.reverb(this.#ears); }

  /** @param {ArrayLike<number>} position of the listener's head */
  listen(position) { this.#ears = this.zones.locate(position); }

  /**
   * @param {Placement|null} mouth null where it is not known: of one whom a megaphone brings from far away
   * @param {Curve} curve
   * @param {string} [megaphone] the zone that the server names
   * @returns {Rendering|null} null where nothing is to be heard
   */
  render(mouth, curve, megaphone) {
    if (!mouth) return this.#fromAfar(curve, megaphone);
    const ears = this.#ears.at;
    if (!this.zones.list.length) return { mouth, gain: fadeGain(curve, distance(ears, mouth.position)), cutoff: OPEN_HZ };
    const path = this.zones.hear(this.zones.locate(mouth.position), this.#ears);
    const d = distance(ears, mouth.position), fade = fadeGain(curve, d);
    const panned = modelGain(curve, d) * coneGain(curve.cone, angle(ears, mouth.position, mouth.rotation));
    const { gain, amplified } = gainOf(path, fade * panned);
    if (amplified) return { mouth: loudspeaker(ears, mouth.position, curve), gain, cutoff: OPEN_HZ };
    return { mouth, gain: panned > 0 ? gain / panned : 0, cutoff: cutoff(path.wallDb) };
  }

  /** @param {Curve} curve @param {string} [id] @returns {Rendering|null} */
  #fromAfar(curve, id) {
    const zone = this.zones.list.find((z) => z.id === id);
    if (!zone?.megaphone) return null;
    const corners = outline(zone.shape), { floor, height } = zone.shape;
    const middle = [0, 1].map((i) => corners.reduce((sum, c) => sum + c[i], 0) / corners.length);
    const at = [middle[0], floor + height / 2, middle[1]];
    return { mouth: loudspeaker(this.#ears.at, at, curve), gain: 10 ** (zone.megaphone.gain / 20), cutoff: OPEN_HZ };
  }
}

/**
 * A place in the direction of at, facing the ears, from which a panner adds
 * nothing to the gain.
 * @param {Vector} ears
 * @param {Vector} at
 * @param {Curve} curve
 * @returns {Placement}
 */
function loudspeaker(ears, at, curve) {
  const d = distance(ears, at), r = Math.max(curve.ref, 0.1);
  const way = [0, 1, 2].map((i) => (d > 0 ? (at[i] - ears[i]) / d : [0, 0, -1][i]));
  const half = Math.atan2(way[0], way[2]) / 2;
  return { position: way.map((v, i) => ears[i] + v * r), rotation: [0, Math.sin(half), 0, Math.cos(half)] };
}
