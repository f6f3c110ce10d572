/**
 * How far the regions of a fleet are, for placing who joins: a few cheap requests
 * to a node of each, side by side, while a person looks at the join card. A join
 * takes what is known by then and waits for nothing; with a single node or region
 * there is one request and nothing to measure.
 *
 *     const regions = new Regions(url);
 *     regions.measure();
 *     session.nodes.asks.rtt = regions.query;     // 'eu:23,us:140', '' where nothing is known
 *
 * @module
 */

/** More regions than that are not asked: the server takes 16, and the nearest are among the first that answer. */
const MAX_REGIONS = 12;
/** After the first request, which opens the connection. */
const SAMPLES = 3;
const REQUEST_MS = 1500;
/** What a join's query takes at most, ms. */
const LONGEST_MS = 10_000;

/** @typedef {{region: string, ping: string}} Node */

export class Regions {
  /** @type {Map<string, number[]>} round trips by region, ms */ #samples = new Map();

  /**
   * @param {string} base URL of any node
   * @param {{fetch?: typeof fetch, now?: () => number}} [deps] now in ms
   */
  constructor(base, { fetch = globalThis.fetch.bind(globalThis), now = () => performance.now() } = {}) {
    this.base = base;
    this.fetch = fetch;
    this.now = now;
  }

  /** What is known, as the query of a join has it: regions and the median of their round trips, ms. */
  get query() {
    return [...this.#samples].map(([region, all]) => `${region}:${Math.min(LONGEST_MS, Math.round(median(all)))}`).join(',');
  }

  /** Measures; resolves when it is done. Never rejects: who cannot measure is placed without. */
  async measure() {
    /** @type {Map<string, Node[]>} */ const byRegion = new Map();
    for (const node of await this.#list()) byRegion.set(node.region, [...byRegion.get(node.region) ?? [], node]);
    await Promise.all([...byRegion.values()].slice(0, MAX_REGIONS).map((nodes) => this.#measure(nodes)));
  }

  /** @returns {Promise<Node[]>} */
  async #list() {
    try {
      const response = await this.fetch(new URL('v1/nodes', this.base), { signal: AbortSignal.timeout(REQUEST_MS) });
      const { nodes } = await response.json();
      return nodes.filter((/** @type {Node} */ n) => typeof n.region === 'string' && typeof n.ping === 'string');
    } catch {
      return [];
    }
  }

  /** The first that answers stands for its region. @param {Node[]} nodes of one region */
  async #measure(nodes) {
    for (const { region, ping } of nodes) {
      if (await this.#trip(ping) === null) continue;
      for (let i = 0; i < SAMPLES; i++) {
        const ms = await this.#trip(ping);
        if (ms !== null) this.#samples.set(region, [...this.#samples.get(region) ?? [], ms]);
      }
      return;
    }
  }

  /** How long a request takes, ms; null where it is not answered. @param {string} url */
  async #trip(url) {
    const begin = this.now();
    try {
      const { ok } = await this.fetch(url, { signal: AbortSignal.timeout(REQUEST_MS), cache: 'no-store' });
      return ok ? this.now() - begin : null;
    } catch {
      return null;
    }
  }
}

/** @param {number[]} values at least one */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
