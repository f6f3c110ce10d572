/**
 * For how long nothing comes out of a node of the audio graph, counted in the
 * audio thread, sample by sample.
 * @module
 */

const WATCH = `registerProcessor('gaps', class extends AudioWorkletProcessor {
  run = 0; gap = 0; sum = 0; n = 0;
  constructor() {
    super();
    this.port.onmessage = () => {
      this.port.postMessage({ gap: 1000 * Math.max(this.gap, this.run) / sampleRate, level: 10 * Math.log10(this.sum / (this.n || 1) + 1e-12) });
      this.gap = this.run = this.sum = this.n = 0;
    };
  }
  process([channels]) {
    const left = channels[0] ?? [], right = channels[1] ?? left;
    for (let i = 0; i < 128; i++) {
      const l = left[i] ?? 0, r = right[i] ?? 0, power = (l * l + r * r) / 2;
      this.sum += power;
      this.n++;
      if (power > 1e-7) { this.gap = Math.max(this.gap, this.run); this.run = 0; } else this.run++;
    }
    return true;
  }
});`;

/**
 * @param {AudioContext} context
 * @param {AudioNode} node
 * @returns {Promise<() => Promise<{gap: number, level: number}>>} the longest since the last call, ms, and the mean level, dBFS
 */
export async function gapsIn(context, node) {
  const url = URL.createObjectURL(new Blob([WATCH], { type: 'text/javascript' }));
  await context.audioWorklet.addModule(url);
  URL.revokeObjectURL(url);
  const watch = new AudioWorkletNode(context, 'gaps', { numberOfOutputs: 0, channelCount: 2, channelCountMode: 'explicit' });
  node.connect(watch);
  return () => new Promise((done) => {
    watch.port.onmessage = ({ data }) => done(data);
    watch.port.postMessage(null);
  });
}
