/**
 * What an Earshot has to do with end-to-end encryption: `earshot.e2ee`.
 *
 *     await earshot.join({ microphone, e2ee: { key: 'what we agreed on' } });
 *     earshot.on('e2ee', ({ participant, trouble }) => …);  // '' | 'key' | 'plain' | 'sender'
 *     await earshot.e2ee.setKey(1, 'the next one');         // rotation; index 0 stays good for hearing
 *     earshot.e2ee.ratchet();                               // a newcomer given the next key cannot hear what was
 *     earshot.e2ee.hearing.get(id)                          // {opened, dropped, faults, trouble}
 *
 * Who encrypts is said by Participant.encrypted. One without a key gets nothing
 * from them: the server does not send it. docs/e2ee.md says what it protects from.
 * @module
 */
import { Encryption } from './e2ee.js';
import { EarshotError } from './signal.js';

/**
 * @import {E2eeOptions, Hearing, Trouble} from './e2ee.js'
 * @import {GroupSecret} from './e2ee-keys.js'
 * @import {Roster} from './roster.js'
 * @import {ServerMessage, Welcome} from './signal.js'
 */

export class E2eeSession {
  /** @type {Encryption|null} */ #encryption = null;

  /**
   * @param {(participant: string, trouble: Trouble) => void} onTrouble
   * @param {(error: EarshotError) => void} onFailed
   */
  constructor(onTrouble, onFailed) {
    this.onTrouble = onTrouble;
    this.onFailed = onFailed;
  }

  /** Whether what we send is encrypted. */
  get active() { return this.#encryption !== null; }

  /** How others are heard. @returns {ReadonlyMap<string, Hearing>} */
  get hearing() { return this.#encryption?.hearing ?? new Map(); }

  /** What it costs: frames sealed and opened so far, and the ms that took. */
  get cost() { return this.#encryption?.cost ?? null; }

  /**
   * Sets a key of the group; those of other indices stay good for hearing.
   * @param {number} index 0 to 15
   * @param {GroupSecret} key
   * @param {boolean} [use] whether to send with it from now on
   * @param {number} [step] how often it was ratcheted before it was given to us
   */
  async setKey(index, key, use = true, step = 0) { return this.#demand().setKey(index, key, use, step); }

  /** Goes on to the next key, which follows from the present one; listeners go along by themselves. */
  async ratchet() { this.#demand().ratchet(); }

  /**
   * Prepares a connection. Returns what does the work, null where nothing is
   * encrypted.
   * @param {E2eeOptions|null} options
   * @param {string} videoCodec that one wishes for
   */
  async prepare(options, videoCodec) {
    this.end();
    if (!options) return null;
    const encryption = this.#encryption = new Encryption(options, videoCodec, this.onTrouble, this.onFailed);
    await encryption.setKey(options.index ?? 0, options.key, true, options.step);
    return encryption;
  }

  /**
   * @param {Welcome} m
   * @returns {EarshotError|null} an error where the server does not know that we encrypt
   */
  welcomed(m) {
    if (this.#encryption && !m.you.encrypted) return new EarshotError('unimplemented', 'this server does not know of end-to-end encryption: join without a key, or have it updated');
    this.#encryption?.begin(m.you.id);
    return null;
  }

  /** @param {ServerMessage} news @param {Roster} roster which has taken it */
  follow(news, roster) {
    if (news.type === 'left') this.#encryption?.forget(news.participant);
    if (news.type === 'slots' || news.type === 'joined') this.#encryption?.show(roster.slots, roster.participants);
  }

  end() {
    this.#encryption?.close();
    this.#encryption = null;
  }

  #demand() {
    if (!this.#encryption) throw new EarshotError('failed_precondition', 'this session is not encrypted: join with a key');
    return this.#encryption;
  }
}
