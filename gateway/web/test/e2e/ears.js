/**
 * What a person hears of a voice in a page: its energy before panning and at
 * both ears.
 * @module
 */

/** @typedef {{windows: number, level: number, left: number, right: number, both: number, loudLeft: number, loudRight: number}} Measured */

/**
 * Level of a voice before panning and at both ears, over a time. The three are
 * read at the same moment, so that what was said cancels out: left, right and
 * both are dB relative to before. A-weighted, loudLeft and loudRight say how
 * loud that is to a person.
 * @param {import('../../voice.js').Tap} tap
 * @param {number} seconds
 * @returns {Promise<Measured>}
 */
export async function measure({ pre, left, right }, seconds) {
  const window = pre.fftSize / pre.context.sampleRate;
  const meters = [pre, left, right].map((tap) => new Meter(tap));
  await sleep(window + 0.1);
  // Half a window on each time, since a spectrum hardly counts its window's ends.
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    meters.forEach((m) => m.read());
    await sleep(window / 2);
  }
  const [before, l, r] = meters;
  const db = (/** @type {number} */ ratio) => 10 * Math.log10(ratio);
  return {
    windows: before.windows, level: db(before.plain / before.windows),
    left: db(l.plain / before.plain), right: db(r.plain / before.plain),
    both: db((l.plain + r.plain) / 2 / before.plain),
    loudLeft: db(l.weighted / before.weighted), loudRight: db(r.weighted / before.weighted),
  };
}

/** Energy at a tap, plain and A-weighted, summed over the windows read. */
class Meter {
  plain = 0;
  weighted = 0;
  windows = 0;
  #samples;
  #spectrum;

  /** @param {AnalyserNode} tap */
  constructor(tap) {
    this.tap = tap;
    this.#samples = new Float32Array(tap.fftSize);
    this.#spectrum = new Float32Array(tap.frequencyBinCount);
  }

  read() {
    this.tap.getFloatTimeDomainData(this.#samples);
    this.plain += this.#samples.reduce((sum, s) => sum + s * s, 0) / this.#samples.length;
    this.tap.getFloatFrequencyData(this.#spectrum);
    const step = this.tap.context.sampleRate / this.tap.fftSize;
    this.#spectrum.forEach((level, bin) => { this.weighted += 10 ** (level / 10) * aWeight(bin * step) ** 2; });
    this.windows++;
  }
}

/**
 * A-weighting of IEC 61672-1, linear, 1 at 1 kHz: how much a frequency counts
 * in loudness.
 * @param {number} f Hz
 */
function aWeight(f) {
  const s = f * f;
  return 1.2589 * 12194 ** 2 * s * s
    / ((s + 20.6 ** 2) * Math.sqrt((s + 107.7 ** 2) * (s + 737.9 ** 2)) * (s + 12194 ** 2));
}

/** @param {number} seconds */
function sleep(seconds) { return new Promise((done) => setTimeout(done, seconds * 1000)); }
