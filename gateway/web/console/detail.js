/**
 * One incident: what was said, the minute around it, what was heard, why the
 * machine decided as it did, and the keys to judge it.
 * @module
 */
import { fill, h, toast, when } from '../studio/dom.js';
import { sentence } from '../studio/api.js';
import { Player } from './evidence.js';
import { LADDER, TIMES, action, acts, category, covered, grade, judgeable, kind, lasts, next, source, time } from './words.js';

/** @typedef {import('./api.js').Detail} Incident */
/** @typedef {import('./api.js').Verdict} Verdict */

/** @type {[Verdict, string, string, string][]} */
const VERDICTS = [['right', 'J', 'Right', 'stands'], ['wrong', 'K', 'Wrong', 'undo it'], ['too_harsh', 'L', 'Too harsh', 'milder'], ['too_mild', 'H', 'Too mild', 'harsher']];

export class DetailPane {
  /** @type {Incident|null} */ incident = null;
  /** Whether the covered text is shown. */ shown = false;
  /** Covered texts are shown at once: for who chose so. */ always = false;
  /** @type {Player[]} */ players = [];
  /** @type {'too_harsh'|'too_mild'|null} */ choosing = null;
  /** The note, while there is no field for it. */ #written = '';

  /**
   * @param {HTMLElement} box @param {HTMLElement} verdicts
   * @param {import('./api.js').Api} api
   * @param {(verdict: Verdict, actions: import('./api.js').Act[], note: string) => void} judge
   */
  constructor(box, verdicts, api, judge) {
    this.box = box;
    this.verdicts = verdicts;
    this.api = api;
    this.judge = judge;
  }

  /** @param {Incident|null} incident */
  show(incident) {
    const same = incident !== null && this.incident?.id === incident.id;
    if (!same) {
      for (const player of this.players) player.close();
      this.players = (incident?.evidence ?? []).map((e) => new Player(this.api, e, incident?.id ?? ''));
      this.choosing = null;
      this.shown = incident !== null && (this.always || !covered(incident));
    }
    this.incident = incident;
    this.draw();
    if (!same) this.box.scrollTop = 0;
  }

  draw() {
    const i = this.incident;
    this.#drawVerdicts();
    if (!i) return fill(this.box);
    fill(this.box,
      h('header.case', { dataset: { grade: grade(i.severity) } },
        h('div', null, h('h2', null, `${category(i.category)}`, h('span.sev', { title: 'Severity' }, `${Math.round(i.severity * 100)}`)),
          h('p', null, `${i.name || i.who} in ${i.world}, ${kind(i.kind)}, ${when(i.at)}. Found by ${source(i.source)}.`)),
        h('div.pills', null,
          i.state !== 'open' && !judgeable(i) ? h(`span.pill.${i.state === 'undone' ? 'warn' : 'good'}`, { title: i.by ? `by ${i.by}` : '' }, i.state === 'undone' ? 'undone' : String(i.verdict).replace('_', ' ')) : null,
          i.unverified ? h('span.pill.warn', { title: 'What should have judged it did not answer in time' }, 'unverified') : null,
          i.reports ? h('span.pill.warm', null, `${i.reports} ${i.reports === 1 ? 'report' : 'reports'}`) : null)),
      this.#words(i),
      this.players.length ? h('section.evidence', { 'aria-label': 'Evidence' }, this.players.map((p) => p.element)) : null,
      h('section.why', null,
        h('div', null, h('h3', null, 'What was done'), h('p', null, h('b', null, acts(i.actions)), i.automatic ? ' by the machine' : i.by ? ' by a person' : ''),
          i.proposed?.length && !i.automatic ? h('p.soft', null, `Proposed: ${acts(i.proposed)}`) : null,
          h('p.soft', null, i.rule ? ['Rule ', h('code', null, i.rule)] : 'No rule of the policy was met.')),
        h('div', null, h('h3', null, 'Scores'), scores(i.scores), i.terms?.length ? h('p.soft', null, 'Listed terms: ', this.shown ? i.terms.join(', ') : `${i.terms.length} covered`) : null)),
      i.statement?.what ? h('details.statement', null, h('summary', null, 'What they were told'),
        h('dl', null, [['What', i.statement.what], ['Facts', i.statement.facts], ['Automation', i.statement.automation], ['Rule', i.statement.rule], ['Redress', i.statement.redress]].flatMap(([t, d]) => (d ? [h('dt', null, t), h('dd', null, d)] : [])))) : null);
  }

  /** @param {Incident} i */
  #words(i) {
    const lines = i.context ?? [], has = lines.some((l) => l.text === i.text && l.who === i.who);
    const all = has || !i.text ? lines : [...lines, { at: i.at, who: i.who, name: i.name, text: i.text }].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    const mine = has ? lines.findLastIndex((l) => l.text === i.text && l.who === i.who) : all.findIndex((l) => l.at === i.at && l.text === i.text);
    return h('section.words', { 'aria-label': 'The minute around' },
      h('div.head', null, h('h3', null, 'The minute around'), covered(i) ? h('button.small', { type: 'button', onclick: () => this.toggle(), 'aria-pressed': String(this.shown) }, this.shown ? 'Cover' : 'Show', h('kbd', null, 'T')) : null),
      i.elsewhere?.length ? h('p.soft', null, 'Some of what was said is on a node that does not answer.') : null,
      this.shown ? h('ol.lines-said', null, all.map((l, n) => h('li', { className: n === mine ? 'it' : l.who === i.who ? 'theirs' : '' },
        h('time', { dateTime: l.at }, new Date(l.at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })), h('b', null, l.name || l.who), h('span', null, l.text)))
      ) : h('button.cover', { type: 'button', onclick: () => this.toggle() },
        h('b', null, `Covered: ${category(i.category).toLowerCase()}, severity ${Math.round(i.severity * 100)}`),
        h('span', null, `${all.length} ${all.length === 1 ? 'line' : 'lines'}. You can judge by scores and history without reading it. Press `, h('kbd', null, 'T'), ' to read.')));
  }

  #drawVerdicts() {
    const i = this.incident;
    this.verdicts.hidden = !i;
    if (!i) return;
    if (this.choosing) return this.#drawChoice(i, this.choosing);
    const note = h('input.note', { type: 'text', maxLength: 300, placeholder: 'Note for others (optional)', 'aria-label': 'Note', value: this.note });
    fill(this.verdicts, h('div.keys', null, VERDICTS.map(([verdict, key, name, more]) => h('button', { type: 'button', dataset: { verdict }, disabled: !judgeable(i), onclick: () => this.choose(verdict) },
      h('kbd', null, key), h('span', null, h('b', null, name), h('small', null, more))))), note);
  }

  /** @param {Incident} i @param {'too_harsh'|'too_mild'} verdict */
  #drawChoice(i, verdict) {
    const first = next(i.actions ?? [], verdict === 'too_harsh' ? -1 : 1);
    const select = h('select', { 'aria-label': 'Instead' }, h('option', { value: 'none' }, 'nothing'), LADDER.map((a) => h('option', { value: a, selected: a === first.action }, action(a))));
    const length = h('select', { 'aria-label': 'For how long', hidden: !lasts(first.action) }, TIMES.map((s) => h('option', { value: String(s), selected: s === (first.for_s || 600) }, time(s))));
    select.onchange = () => { length.hidden = !lasts(select.value); };
    const form = h('form.choice', {
      onsubmit: (/** @type {Event} */ e) => {
        e.preventDefault();
        this.choosing = null;
        this.judge(verdict, [{ action: select.value, for_s: lasts(select.value) ? Number(length.value) : 0 }], this.#written);
      },
      onkeydown: (/** @type {KeyboardEvent} */ e) => {
        if (e.key === 'Escape') { e.stopPropagation(); this.choosing = null; this.draw(); }
        if (e.key === 'Enter' && e.target instanceof HTMLSelectElement) { e.preventDefault(); form.requestSubmit(); }
      },
    }, h('span', null, verdict === 'too_harsh' ? 'Too harsh. Instead:' : 'Too mild. Instead:'), select, length, h('button.primary', { type: 'submit' }, 'Decide ', h('kbd', null, 'Enter')), h('button.quiet', { type: 'button', onclick: () => { this.choosing = null; this.draw(); } }, 'Back'));
    fill(this.verdicts, form);
    select.focus();
  }

  get note() {
    const field = this.verdicts.querySelector('input.note');
    return field instanceof HTMLInputElement ? field.value.trim() : '';
  }

  /** @param {Verdict} verdict */
  choose(verdict) {
    const i = this.incident;
    if (!i) return;
    if (!judgeable(i)) return toast('It is judged already. Use undo, or the sanctions of the person.');
    if (verdict === 'right' || verdict === 'wrong') return this.judge(verdict, [], this.note);
    this.#written = this.note;
    this.choosing = verdict;
    this.draw();
  }

  toggle() {
    this.shown = !this.shown;
    this.draw();
  }

  play() {
    const player = this.players.find((p) => p.playing) ?? this.players[0];
    if (player) player.toggle().catch((error) => toast(sentence(error), 'bad'));
  }
}

/** @param {Record<string, number|null>} of */
function scores(of) {
  const all = /** @type {[string, number][]} */ (Object.entries(of ?? {}).filter(([, v]) => v !== null && v >= 0.01)).sort((a, b) => b[1] - a[1]).slice(0, 6);
  if (!all.length) return h('p.soft', null, 'None: people reported it.');
  return h('ul.scores', null, all.map(([name, v]) => h('li', null, h('span', null, category(name)), h('meter', { min: 0, max: 1, value: v, 'aria-label': category(name) }), h('output', null, v.toFixed(2)))));
}
