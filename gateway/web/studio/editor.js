/**
 * The editor: form and text of one draft beside each other, checked by the
 * server while one types.
 * @module
 */
import { sentence } from './api.js';
import { debounce, el, fill, h, icon } from './dom.js';
import { Form } from './form.js';
import { PlaceForm } from './placeform.js';
import { order } from './schema.js';
import { TextView } from './textview.js';
import { YamlProblem, at, parse } from './yamlparse.js';

/**
 * @typedef {import('./draft.js').Draft} Draft
 * @typedef {import('./draft.js').Problem} Problem
 * @typedef {'form'|'split'|'text'} Mode
 */

const CHECK_MS = 250;
const MODE = 'earshot.studio.view';
const DEFAULT_CONTEXT = 4096;

export class Editor {
  /** @type {Draft|null} */ draft = null;
  /** @type {Problem[]} */ problems = [];
  /** Whether the newest text was checked. */ checked = false;
  /** @type {AbortController|null} */ #checking = null;
  /** @type {Mode} */ mode;
  #check = debounce(CHECK_MS, () => { void this.check(); });
  /** The form follows the text a moment later, so that typing stays quick. */
  #follow = debounce(120, () => this.form.show(this.draft?.text ?? '', true));

  /**
   * @param {import('./api.js').Api} api
   * @param {() => void} changed the draft, its problems or whether it was checked
   */
  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
    this.box = el('editor');
    this.list = el('problems');
    this.verdict = /** @type {HTMLButtonElement} */ (el('verdict'));
    this.text = new TextView(el('text'), (text) => this.draft?.change(text, 'text'));
    this.form = new Form(el('form'), {
      text: () => this.draft?.text ?? '', write: (text, by) => this.draft?.change(text, 'form', by),
      goTo: (line) => this.goTo(line), order, again: () => this.form.show(this.draft?.text ?? '', true),
    });
    this.place = new PlaceForm(this.form.extra, (place) => this.draft?.setPlace(place));
    this.verdict.onclick = () => this.#open(this.list.hidden);
    this.mode = 'form';
    let wanted = '';
    try { wanted = localStorage.getItem(MODE) ?? ''; } catch { /* the default then */ }
    this.setMode(wanted === 'form' || wanted === 'split' || wanted === 'text' ? wanted : matchMedia('(min-width: 1480px)').matches ? 'split' : 'form', false);
    const modes = /** @type {HTMLElement[]} */ ([...this.box.querySelectorAll('[data-mode][role=radio]')]);
    modes.forEach((b, i) => {
      b.onclick = () => this.setMode(/** @type {Mode} */ (b.dataset.mode));
      b.onkeydown = (e) => {
        const way = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
        if (!way) return;
        const next = modes[(i + way + modes.length) % modes.length];
        next.focus();
        next.click();
      };
    });
    this.box.addEventListener('keydown', (e) => this.#key(e));
    el('notice').addEventListener('keydown', (e) => { if (e.key === 'Escape') this.say(null); });
  }

  /** @param {Mode} mode @param {boolean} [keep] */
  setMode(mode, keep = true) {
    this.mode = mode;
    /** @type {HTMLElement} */ (this.box.querySelector('.views')).dataset.mode = mode;
    for (const b of this.box.querySelectorAll('[data-mode][role=radio]')) {
      const on = /** @type {HTMLElement} */ (b).dataset.mode === mode;
      b.setAttribute('aria-checked', String(on));
      /** @type {HTMLElement} */ (b).tabIndex = on ? 0 : -1;
    }
    if (keep) try { localStorage.setItem(MODE, mode); } catch { /* as it was next time */ }
    if (this.draft && mode !== 'text') this.form.show(this.draft.text, true);
  }

  /** @param {Draft} draft */
  open(draft) {
    this.draft = draft;
    this.problems = [];
    this.#open(false);
    this.say(null);
    draft.listen((cause) => { if (this.draft === draft) this.#changed(cause); });
    this.#show(true);
    this.place.show(draft.place);
    this.form.scroller.scrollTop = el('text').scrollTop = 0;
    void this.check();
  }

  /** @param {import('./draft.js').Cause} cause */
  #changed(cause) {
    const { draft } = this;
    if (!draft) return;
    this.checked = false;
    if (cause === 'text') { if (this.mode !== 'text') this.#follow(); } else this.#show(cause !== 'form');
    if (cause === 'load' || cause === 'undo') this.place.show(draft.place);
    this.#check();
    this.changed();
  }

  /** @param {boolean} force also where one is typing */
  #show(force) {
    const text = this.draft?.text ?? '';
    this.text.show(text);
    this.form.show(text, force);
  }

  /** Asks the server what is wrong with the text. */
  async check() {
    const { draft } = this;
    if (!draft) return;
    this.#checking?.abort();
    const checking = this.#checking = new AbortController();
    const { text } = draft;
    try {
      const { problems, tokens } = await this.api.check(text, checking.signal);
      if (checking.signal.aborted || this.draft !== draft || draft.text !== text) return;
      this.checked = true;
      this.showProblems(problems ?? []);
      this.#tokens(tokens, text);
    } catch (error) {
      if (checking.signal.aborted || this.draft !== draft) return;
      this.#verdict('', `Not checked: ${sentence(error)}`);
    }
  }

  /** @param {Problem[]} problems */
  showProblems(problems) {
    this.problems = problems;
    this.text.problems(problems);
    this.form.problems(problems);
    if (!problems.length) this.#verdict('good', 'No problems');
    else this.#verdict('bad', problems.length === 1 ? '1 problem' : `${problems.length} problems`);
    fill(this.list, problems.map((p) => h('li', null, h('button', { type: 'button', onclick: () => this.goToProblem(p) }, h('span', null, p.line ? `line ${p.line}` : 'file'), h('code', null, p.field), h('span', null, p.message)))));
    if (!problems.length) this.#open(false);
    this.changed();
  }

  /** @param {'good'|'bad'|''} look @param {string} text */
  #verdict(look, text) {
    this.verdict.className = `verdict ${look}`;
    fill(this.verdict, look && icon(look === 'good' ? 'check' : 'warn'), text);
    this.verdict.disabled = look !== 'bad';
  }

  /** @param {boolean} open the list of problems */
  #open(open) {
    this.list.hidden = !open;
    this.verdict.setAttribute('aria-expanded', String(open));
  }

  /** @param {number} tokens @param {string} text */
  #tokens(tokens, text) {
    let context = DEFAULT_CONTEXT;
    try {
      const node = at(parse(text).root, ['model', 'context']);
      if (node?.kind === 'scalar' && Number(node.value) > 0) context = Number(node.value);
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error;
    }
    fill(el('tokens'), tokens ? [h('meter', { min: 0, max: context, low: context * 0.5, high: context * 0.75, optimum: 0, value: tokens, 'aria-hidden': 'true' }), h('span', null, `≈ ${tokens}`, h('span.wide', null, ` of ${context}`), ' tokens')] : '');
  }

  /** @param {Problem} problem */
  goToProblem(problem) {
    if (this.mode !== 'text' && problem.field && this.form.goTo(problem.field)) {
      if (this.mode === 'form') return;
    }
    this.goTo(problem.line || 1);
  }

  /** Shows a line of the text. @param {number} line */
  goTo(line) {
    if (this.mode === 'form') this.setMode(matchMedia('(min-width: 1300px)').matches ? 'split' : 'text');
    this.text.goTo(line);
  }

  /** A notice above the views. @param {import('./dom.js').Child[]|null} content null takes it away */
  say(content) {
    el('notice').hidden = content === null;
    fill(el('notice'), ...content ?? []);
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    if (!(e.ctrlKey || e.metaKey) || e.altKey) return;
    const key = e.key.toLowerCase();
    const undo = key === 'z' && !e.shiftKey;
    if (!undo && key !== 'y' && !(key === 'z' && e.shiftKey)) return;
    e.preventDefault();
    if (undo) this.draft?.undo();
    else this.draft?.redo();
  }
}
