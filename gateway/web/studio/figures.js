/**
 * How an NPC does: tiles with the newest figures and small lines of how they
 * went since the page was opened.
 * @module
 */
import { el, fill, h, svg } from './dom.js';
import { keep, money, path, share, time } from './sparkline.js';

/** @typedef {import('./api.js').Npc} Npc */

export class FiguresPane {
  /** @type {Map<string, {ttft: number[], word: number[], turns: number[]}>} */ #past = new Map();

  constructor() { this.box = el('figures'); }

  /** Remembers figures of everybody. @param {Npc[]} npcs */
  remember(npcs) {
    for (const { id, figures } of npcs) {
      const past = this.#past.get(id) ?? { ttft: [], word: [], turns: [] };
      this.#past.set(id, past);
      keep(past.ttft, figures.ttft_p50_ms);
      keep(past.word, figures.word_p50_ms);
      keep(past.turns, figures.turns);
    }
  }

  /** @param {Npc|null} npc null: not in the world yet */
  draw(npc) {
    if (!npc) return fill(this.box, h('div.head', null, h('h2', null, 'Figures')), h('p.none', null, 'There are none before this NPC is applied to the world.'));
    const f = npc.figures;
    const past = this.#past.get(npc.id);
    const tile = (/** @type {string} */ name, /** @type {string} */ title, /** @type {string} */ value, /** @type {string} */ small, /** @type {number[]} */ line = []) => h('div.tile', { title },
      h('dt', null, name), h('dd', null, value, small && h('small', null, ` ${small}`)), spark(line));
    fill(this.box,
      h('div.head', null, h('h2', null, 'Figures'), h('span', { className: `pill ${npc.out === false ? '' : npc.speaks === 'model' ? 'good' : 'warn'}`, title: npc.reason ?? '' }, npc.out === false ? 'nobody is around' : npc.speaks === 'model' ? 'answers by a model' : 'scripted lines')),
      h('dl.tiles', null,
        tile('First token', 'Median and 95th percentile of the time to the first token', time(f.ttft_p50_ms), f.ttft_p95_ms ? `p95 ${time(f.ttft_p95_ms)}` : '', past?.ttft),
        tile('First word', 'Median and 95th percentile of the time until the first word is heard', time(f.word_p50_ms), f.word_p95_ms ? `p95 ${time(f.word_p95_ms)}` : '', past?.word),
        tile('Turns', 'Answers since the server started', String(f.turns), f.interrupted ? `${f.interrupted} interrupted` : '', past?.turns),
        tile('Scripted', 'Share of answers that were scripted lines', share(f.scripted, f.turns), f.scripted ? `${f.scripted} of ${f.turns}` : ''),
        tile('Degraded', 'Share of answers from another region or a smaller model', share(f.degraded, f.turns), f.degraded ? `${f.degraded} of ${f.turns}` : ''),
        tile('Cost', 'What the backends were paid, and tokens in and out', money(f.cost), `${short(f.tokens_in)} → ${short(f.tokens_out)}`)),
      npc.speaks !== 'model' && npc.out !== false && npc.reason ? h('p.none', null, npc.reason) : null,
      f.last_error ? h('p.last-error', null, h('b', null, 'Last error: '), f.last_error) : null);
  }
}

/** Tokens, shortly. @param {number} n */
function short(n) { return n < 10_000 ? String(n) : `${Math.round(n / 1000)}k`; }

/** @param {number[]} values */
function spark(values) {
  const d = values.some((v) => v !== 0) ? path(values, 92, 18) : '';
  return d ? svg('svg', { viewBox: '0 0 92 18', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('path', { d, 'vector-effect': 'non-scaling-stroke' })) : null;
}
