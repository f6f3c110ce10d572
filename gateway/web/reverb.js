/**
 * Reverberation made of noise: for each preset of the zones an impulse response
 * that decays as such a room does, darker the longer it lasts. Nothing is
 * loaded, and the same preset sounds the same everywhere.
 * @module
 */

/**
 * seconds: until it is 60 dB weaker; delay: of the first echo, s; bright: Hz, above which it is weaker
 * from the start; wet: linear, against the dry voice.
 * @typedef {{seconds: number, delay: number, bright: number, wet: number}} Preset
 */

/** @type {Readonly<Record<string, Preset>>} */
export const PRESETS = Object.freeze({
  booth: { seconds: 0.15, delay: 0.001, bright: 5000, wet: 0.1 },
  room: { seconds: 0.5, delay: 0.005, bright: 6500, wet: 0.16 },
  hall: { seconds: 1.7, delay: 0.02, bright: 5500, wet: 0.2 },
  cathedral: { seconds: 4, delay: 0.04, bright: 4000, wet: 0.26 },
  outdoors: { seconds: 0.8, delay: 0.06, bright: 3000, wet: 0.06 },
});

/** How much of its brightness is left at the end. */
const DARKER = 0.25;
const CROSSFADE_TAU_S = 0.12;

/**
 * Two channels of noise, independent so that it surrounds, each of energy 1.
 * @param {Preset} preset
 * @param {number} rate samples a second
 * @returns {[Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>]}
 */
export function impulse({ seconds, delay, bright }, rate) {
  const n = Math.round((delay + seconds) * rate), first = Math.round(delay * rate);
  const channels = [1, 2].map((seed) => {
    const next = noise(seed), out = new Float32Array(n);
    let low = 0, energy = 0;
    for (let i = first; i < n; i++) {
      const t = (i - first) / rate;
      const cut = bright * DARKER ** (t / seconds); // Hz
      low += (1 - Math.exp(-2 * Math.PI * cut / rate)) * (next() - low);
      out[i] = low * 10 ** (-3 * t / seconds) / Math.sqrt(cut); // the filter takes as much as it narrows
      energy += out[i] * out[i];
    }
    const level = 1 / Math.sqrt(energy);
    return out.map((v) => v * level);
  });
  return [channels[0], channels[1]];
}

/** Uniform noise from -1 to 1, the same for the same seed (mulberry32). @param {number} seed */
function noise(seed) {
  let a = seed * 0x9e3779b9 | 0;
  return () => {
    a = a + 0x6d2b79f5 | 0;
    let t = Math.imul(a ^ a >>> 15, 1 | a);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 31 - 1;
  };
}

/** The reverberation of where the listener is, added to what comes in at input. */
export class Reverb {
  name = 'dry';
  /** @type {{convolver: ConvolverNode, wet: GainNode}|null} */ #now = null;
  /** @type {Map<string, AudioBuffer>} */ #buffers = new Map();

  /**
   * @param {BaseAudioContext} context
   * @param {AudioNode} input
   * @param {AudioNode} output
   */
  constructor(context, input, output) {
    this.context = context;
    this.input = input;
    this.output = output;
  }

  /**
   * Goes over to a preset. One it does not know, of a newer server, is dry.
   * @param {string} name
   */
  set(name) {
    if (name === this.name) return;
    this.name = name;
    this.#end();
    const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : null;
    if (!preset) return;
    const convolver = new ConvolverNode(this.context, { buffer: this.#buffer(name, preset), disableNormalization: true });
    const wet = new GainNode(this.context, { gain: 0 });
    wet.gain.setTargetAtTime(preset.wet, this.context.currentTime, CROSSFADE_TAU_S);
    this.input.connect(convolver).connect(wet).connect(this.output);
    this.#now = { convolver, wet };
  }

  /** Fades what sounds. */
  #end() {
    const old = this.#now;
    if (!old) return;
    this.#now = null;
    this.input.disconnect(old.convolver); // what is in it rings out
    old.wet.gain.setTargetAtTime(0, this.context.currentTime, CROSSFADE_TAU_S * 2);
    setTimeout(() => { old.convolver.disconnect(); old.wet.disconnect(); }, CROSSFADE_TAU_S * 20_000);
  }

  /** @param {string} name @param {Preset} preset */
  #buffer(name, preset) {
    const known = this.#buffers.get(name);
    if (known) return known;
    const channels = impulse(preset, this.context.sampleRate);
    const buffer = this.context.createBuffer(2, channels[0].length, this.context.sampleRate);
    channels.forEach((samples, i) => buffer.copyToChannel(samples, i));
    this.#buffers.set(name, buffer);
    return buffer;
  }
}
