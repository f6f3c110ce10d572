/**
 * Reads a stream of server-sent events whose data is JSON.
 * @module
 */

/**
 * Cuts what arrives into events. Pieces may end anywhere.
 */
export class EventReader {
  #rest = '';

  /**
   * @param {string} piece
   * @returns {any[]} the data of the events that are complete now
   */
  push(piece) {
    // A line may end in \r\n whose halves arrive apart: \r alone ends none here.
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    const out = [];
    for (const line of lines) {
      const data = /^data: ?(.*?)\r?$/.exec(line)?.[1];
      if (data && data !== '[DONE]') out.push(JSON.parse(data));
    }
    return out;
  }
}

/**
 * @param {ReadableStream<Uint8Array>} stream
 * @returns {AsyncGenerator<any, void, void>}
 */
export async function* events(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const split = new EventReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield* split.push(decoder.decode(value, { stream: true }));
    }
    yield* split.push(`${decoder.decode()}\n`);
  } finally {
    reader.cancel().catch(() => { /* it ended already */ });
  }
}
