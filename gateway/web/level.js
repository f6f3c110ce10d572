/**
 * How loud something is.
 * @module
 */

/** How loud a track is, for showing a person that their microphone works. */
export class LevelMeter {
  /**
   * @param {AudioContext} context
   * @param {MediaStreamTrack} track
   */
  constructor(context, track) {
    this.source = context.createMediaStreamSource(new MediaStream([track]));
    this.analyser = new AnalyserNode(context, { fftSize: 1024 });
    this.source.connect(this.analyser);
  }

  /** dBFS over the last 20 ms, -120 at the least. */
  level() { return rmsDb(this.analyser); }

  close() { this.source.disconnect(); }
}

/** Level of what passes an analyser, dBFS, -120 at the least. @param {AnalyserNode} analyser */
export function rmsDb(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  let sum = 0;
  for (const s of samples) sum += s * s;
  return Math.max(-120, 10 * Math.log10(sum / samples.length + 1e-12));
}
