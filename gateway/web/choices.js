/**
 * What somebody chose and what holds after joining again, too: how they want to
 * be heard, whom they blocked, how loud others are. Pure: messages in and out.
 * @module
 */
import * as signal from './signal.js';

export class Choices {
  /** @type {Map<string, object>} by type */ #said = new Map();

  /** Remembers a message whose last one of its type holds. @param {{type: string}} message */
  note(message) { this.#said.set(message.type, message); }

  /**
   * What to say to a server that has let us in, in this order: blocks before
   * anything is received, so that nobody blocked is heard or seen even for a moment.
   * @param {{blocked: Iterable<string>, gains: Iterable<[string, number]>, muted: boolean, beds: boolean}} of
   *   gains in dB by participant; beds: whoever plays the voice slots places beds of crowds
   * @param {boolean} handedOver from another node, which told how voices shall come
   * @returns {object[]} messages
   */
  greeting({ blocked, gains, muted, beds }, handedOver) {
    const blocks = [...blocked], { readyBlocks } = signal.LIMITS;
    const { audio, ...others } = Object.fromEntries(this.#said);
    return [
      ...blocks.slice(readyBlocks).map((id) => signal.block(id, true)),
      ...audio && !handedOver ? [audio] : [],
      signal.ready(blocks.slice(0, readyBlocks), beds),
      ...muted ? [signal.mute(true)] : [],
      ...Object.values(others),
      ...[...gains].map(([id, db]) => signal.gain(id, db)),
    ];
  }
}
