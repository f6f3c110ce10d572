/**
 * Evidence that can be heard: its waveform, and a key to play it. The sound is
 * fetched when somebody wants to hear it, since every access is written down.
 * @module
 */
import { fill, h, svg, toast } from '../studio/dom.js';
import { sentence } from '../studio/api.js';
import { time } from './words.js';

const BARS = 120;

/**
 * How loud each part of a sound is, 0 to 1, the loudest part 1. Pure.
 * @param {Float32Array} samples @param {number} parts
 * @returns {number[]}
 */
export function peaks(samples, parts) {
  const size = samples.length / parts;
  const all = Array.from({ length: parts }, (_, i) => {
    let sum = 0;
    const from = Math.floor(i * size), to = Math.max(from + 1, Math.floor((i + 1) * size));
    for (let k = from; k < to && k < samples.length; k++) sum += samples[k] ** 2;
    return Math.sqrt(sum / (to - from));
  });
  const most = Math.max(...all, 1e-9);
  return all.map((v) => v / most);
}

/** @param {number|undefined} seconds */
function length(seconds) { return seconds ? time(seconds) : ''; }

export class Player {
  /** @type {AudioContext|null} */ #context = null;
  /** @type {AudioBuffer|null} */ #sound = null;
  /** @type {AudioBufferSourceNode|null} */ #source = null;
  #loading = false;

  /** @param {import('./api.js').Api} api @param {import('./api.js').Evidence} evidence @param {string} incident */
  constructor(api, evidence, incident) {
    this.incident = incident;
    this.api = api;
    this.evidence = evidence;
    this.button = h('button.play', { type: 'button', 'aria-label': 'Play the evidence', onclick: () => { void this.toggle(); } }, h('span', { 'aria-hidden': 'true' }), h('kbd', null, 'Space'));
    this.wave = svg('svg', { class: 'wave', viewBox: `0 0 ${BARS * 3} 40`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    this.clock = h('output', null, length(evidence.seconds));
    this.element = h('div.player', { title: 'That you listen is written down.' }, this.button, /** @type {any} */ (this.wave), this.clock);
    this.#draw(Array.from({ length: BARS }, () => 0.04));
  }

  get playing() { return this.#source !== null; }

  async toggle() {
    if (this.#source) return this.stop();
    if (this.#loading) return;
    this.#loading = true;
    try {
      this.#context ??= new AudioContext();
      if (!this.#sound) {
        this.element.classList.add('busy');
        this.#sound = await this.#context.decodeAudioData(await this.api.evidence(this.evidence.id, this.incident));
        this.#draw(peaks(this.#sound.getChannelData(0), BARS));
      }
      await this.#context.resume();
      this.#play(this.#context, this.#sound);
    } catch (error) {
      toast(error instanceof DOMException ? 'This browser cannot play the evidence. Use Chromium or Firefox.' : sentence(error), 'bad');
    }
    this.element.classList.remove('busy');
    this.#loading = false;
  }

  /** @param {AudioContext} context @param {AudioBuffer} sound */
  #play(context, sound) {
    const source = new AudioBufferSourceNode(context, { buffer: sound }), began = context.currentTime;
    source.connect(context.destination);
    source.onended = () => { if (this.#source === source) this.stop(); };
    source.start();
    this.#source = source;
    this.element.classList.add('playing');
    this.button.setAttribute('aria-label', 'Stop the evidence');
    const tick = () => {
      if (this.#source !== source) return;
      const at = context.currentTime - began;
      this.clock.textContent = `${at.toFixed(1)} / ${sound.duration.toFixed(1)} s`;
      [...this.wave.children].forEach((bar, i) => bar.classList.toggle('played', i / BARS <= at / sound.duration));
      requestAnimationFrame(tick);
    };
    tick();
  }

  stop() {
    const source = this.#source;
    this.#source = null;
    if (source) source.stop();
    this.element.classList.remove('playing');
    this.button.setAttribute('aria-label', 'Play the evidence');
    for (const bar of this.wave.children) bar.classList.remove('played');
    this.clock.textContent = length(this.#sound?.duration ?? this.evidence.seconds);
  }

  close() {
    this.stop();
    void this.#context?.close();
    this.#context = null;
    this.#sound = null;
  }

  /** @param {number[]} bars */
  #draw(bars) {
    fill(this.wave, ...bars.map((v, i) => svg('rect', { x: i * 3, y: 20 - Math.max(1, v * 19), width: 2, height: Math.max(2, v * 38), rx: 1 })));
  }
}
