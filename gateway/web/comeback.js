/**
 * When to try again after a loss.
 * @module
 */

/** Pauses before joining a node alone again, ms: it may be starting anew. */
const ALONE = [600, 1500, 3000, 6000, 12_000];
/** Where other nodes can take us: the first at once, then from here, doubled up to the longest. */
const FIRST_MS = 150;
const LONGEST_MS = 1000;
const TRIES = 25;

/**
 * The pauses before each attempt to join again, ms; when they are over it is
 * given up. No two clients wait for the same time, as all have lost the same node
 * at once.
 * @param {boolean} others whether another node could take us
 * @param {() => number} [random] 0 to 1
 */
export function* pauses(others, random = Math.random) {
  if (!others) return yield* ALONE;
  yield FIRST_MS * random();
  for (let i = 0, pause = FIRST_MS; i < TRIES; i++, pause = Math.min(2 * pause, LONGEST_MS)) yield pause * (0.5 + random());
}

/**
 * Ends when pauses are over, or at once after the one in which the signal ended it.
 * @param {Iterable<number>} pauses ms, before each attempt
 * @param {AbortSignal} signal they gave up: whatever they do since then is nothing to us
 * @returns {AsyncGenerator<void>} an attempt is due
 */
export async function* attempts(pauses, signal) {
  for (const pause of pauses) {
    await new Promise((done) => setTimeout(done, pause));
    if (signal.aborted) return;
    yield;
  }
}
