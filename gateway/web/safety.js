/**
 * What a client and moderation say to each other: reports and appeals that wait
 * for their answer, and the orders in force against oneself. Knows the messages,
 * not how they travel: what is sent goes out by the function it is given.
 * @module
 */
import { Pending } from './pending.js';
import * as signal from './signal.js';

/** @typedef {signal.Order|signal.Retract|signal.Reported|signal.Appealed} Verdict */

/** Begins the ref of a report or an appeal, by which a refusal finds who asked. */
const REF = 'safety-';

export class Safety {
  #send;
  #count = 0;
  /** @type {Map<string, {pending: Pending, order: string}>} by ref, in the order of asking; order is '' for a report */
  #waiting = new Map();
  /** @type {Map<string, signal.Order>} against us and not lifted, by id */
  orders = new Map();

  /** @param {(message: object) => void} send */
  constructor(send) { this.#send = send; }

  /**
   * @param {object} message of signal.report
   * @returns {Promise<void>}
   */
  report(message) { return this.#ask(message, ''); }

  /**
   * @param {{order: string}} message of signal.appeal
   * @returns {Promise<void>}
   */
  appeal(message) { return this.#ask(message, message.order); }

  /**
   * Learns from a message. Returns it where the app is to be told of it.
   * @param {Verdict} m
   * @returns {signal.Order|signal.Retract|signal.Reported|null}
   */
  take(m) {
    if (m.type === 'reported' && m.outcome !== undefined) return m;
    if (m.type === 'reported' || m.type === 'appealed') {
      this.#answered(m.type === 'reported' ? '' : m.order);
      return null;
    }
    if (m.type === 'order' && m.lifted) this.orders.delete(m.id);
    else if (m.type === 'order') this.orders.set(m.id, m);
    return m;
  }

  /**
   * @param {signal.EarshotError} error
   * @returns {boolean} whether it refused a report or an appeal, whose promise has it now
   */
  refused(error) {
    const asked = this.#waiting.get(error.ref);
    asked?.pending.reject(error);
    return asked !== undefined;
  }

  /**
   * The connection ended: nothing will be answered, and orders in force are told
   * again by the next one.
   * @param {signal.EarshotError} error
   */
  end(error) {
    for (const { pending } of [...this.#waiting.values()]) pending.reject(error);
    this.orders.clear();
  }

  /**
   * @param {object} message
   * @param {string} order
   */
  #ask(message, order) {
    this.#count += 1;
    const ref = `${REF}${this.#count}`;
    const pending = new Pending();
    this.#waiting.set(ref, { pending, order });
    const answered = pending.ask(() => this.#send({ ...message, ref }));
    const done = () => { this.#waiting.delete(ref); };
    answered.then(done, done);
    return answered;
  }

  /**
   * The oldest that waits for this: control is ordered, and so are the answers.
   * @param {string} order
   */
  #answered(order) {
    for (const [ref, asked] of this.#waiting) {
      if (asked.order !== order) continue;
      this.#waiting.delete(ref);
      return asked.pending.resolve();
    }
  }
}
