/**
 * Real recorded speech for Chromium's fake microphone: the clips of Debian's
 * alsa-utils (48 kHz, mono, 16 bit), one after the other without their leading
 * and trailing silence.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = '/usr/share/sounds/alsa';
const RATE = 48000;
/** Below this a sample counts as silence at the ends of a clip. */
const SILENCE = 300;
const PAUSE = RATE / 10;
const HEADER = 44;
/** A clip without a pause, for whom one counts gaps. */
const STEADY = 'Noise';

/**
 * Writes one clip of several and returns its path. Chromium repeats it for ever.
 * @param {string} folder
 * @param {string} name
 * @param {string[]} clips names of files without .wav
 * @param {number} [silence] seconds after them, for whom one waits for an answer
 */
export function writeSpeech(folder, name, clips, silence = 0) {
  const pause = new Int16Array(clips.includes(STEADY) ? 0 : PAUSE);
  const parts = clips.flatMap((clip) => [trim(read(join(SOURCE, `${clip}.wav`))), pause]);
  parts.push(new Int16Array(Math.round(silence * RATE)));
  const path = join(folder, `${name}.wav`);
  writeFileSync(path, wav(parts));
  return path;
}

/**
 * @param {string} path
 * @returns {Int16Array}
 */
function read(path) {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new Error(`${path} is missing: apt-get install alsa-utils`);
  }
  if (bytes.readUInt32LE(24) !== RATE || bytes.readUInt16LE(22) !== 1 || bytes.readUInt16LE(34) !== 16) {
    throw new Error(`${path} is not 48 kHz, mono, 16 bit`);
  }
  const data = bytes.indexOf('data', 12) + 8;
  const samples = new Int16Array(bytes.readUInt32LE(data - 4) / 2);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(data + 2 * i);
  return samples;
}

/** @param {Int16Array} samples */
function trim(samples) {
  const loud = (/** @type {number} */ s) => Math.abs(s) > SILENCE;
  return samples.subarray(samples.findIndex(loud), samples.findLastIndex(loud) + 1);
}

/** @param {Int16Array[]} parts */
function wav(parts) {
  const length = parts.reduce((n, p) => n + p.length, 0);
  const out = Buffer.alloc(HEADER + 2 * length);
  out.write('RIFF', 0);
  out.writeUInt32LE(HEADER - 8 + 2 * length, 4);
  out.write('WAVEfmt ', 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20); // PCM
  out.writeUInt16LE(1, 22);
  out.writeUInt32LE(RATE, 24);
  out.writeUInt32LE(2 * RATE, 28);
  out.writeUInt16LE(2, 32);
  out.writeUInt16LE(16, 34);
  out.write('data', 36);
  out.writeUInt32LE(2 * length, 40);
  let at = HEADER;
  for (const part of parts) for (const sample of part) at = out.writeInt16LE(sample, at);
  return out;
}
