/**
 * The policy of a world as a file: edited with its problems at their lines, and
 * beside it what it would change about the incidents that are on record. The
 * running policy stays until a new one without problems is put in force.
 * @module
 */
import { sentence } from '../studio/api.js';
import { confirm } from '../studio/dialog.js';
import { debounce, el, fill, h, toast } from '../studio/dom.js';
import { TextView } from '../studio/textview.js';

/** @typedef {import('./api.js').Replay} Replay */

const CHECK_MS = 450;

export class PolicyPane {
  world = '';
  saved = '';
  text = '';
  /** @type {Replay|null} */ result = null;
  /** @type {import('./api.js').Problem[]} */ problems = [];
  #asked = 0;
  #loading = 0;
  #check = debounce(CHECK_MS, () => { void this.check(); });

  /** @param {import('./api.js').Api} api @param {{open: (incident: string) => void}} to */
  constructor(api, to) {
    this.api = api;
    this.to = to;
    this.admin = false;
    this.view = new TextView(el('policy-text'), (text) => { this.text = text; this.#drawBar(); this.#check(); });
    this.view.area.setAttribute('aria-label', 'YAML of the policy. Tab indents; press Escape first to leave with Tab.');
    this.select = /** @type {HTMLSelectElement} */ (el('policy-world'));
    this.select.onchange = () => { void this.load(this.select.value); };
    this.button = /** @type {HTMLButtonElement} */ (el('policy-save'));
    this.button.onclick = () => { void this.save(); };
    el('policy-back').onclick = () => { this.text = this.saved; this.view.show(this.text); this.#drawBar(); this.#check(); };
  }

  /** @param {import('./api.js').World[]} worlds @param {boolean} admin */
  async open(worlds, admin) {
    this.admin = admin;
    fill(this.select, worlds.map((w) => h('option', { value: w.name, selected: w.name === this.world }, w.title || w.name)));
    if (!this.world && worlds[0]) await this.load(worlds[0].name);
  }

  get dirty() { return this.text !== this.saved; }

  /** @param {string} world */
  async load(world) {
    if (this.dirty && !await confirm('Leave this policy?', 'What you changed in it is not in force and will be lost.', 'Leave it')) { this.select.value = this.world; return; }
    const loading = ++this.#loading;
    this.view.area.readOnly = true; // what is typed now would be lost
    try {
      const policy = await this.api.policy(world);
      if (loading !== this.#loading) return;
      this.#check.cancel();
      this.#asked++; // what is being checked is of the one before
      el('replay').classList.remove('busy');
      Object.assign(this, { world, saved: policy.yaml, text: policy.yaml, problems: [], result: null });
      el('policy-name').textContent = policy.default ? 'Default policy' : policy.name;
      this.view.show(this.text);
      this.view.problems([]);
      this.#drawBar();
      this.#drawResult();
    } catch (error) {
      if (loading !== this.#loading) return;
      this.select.value = this.world;
      toast(sentence(error), 'bad');
    }
    this.view.area.readOnly = false;
  }

  async check() {
    const asked = ++this.#asked, { text, world } = this;
    if (!world) return;
    el('replay').classList.add('busy');
    try {
      const answer = await this.api.replay(world, text);
      if (asked !== this.#asked) return;
      this.problems = answer.problems ?? [];
      this.result = this.problems.length ? null : answer;
    } catch (error) {
      if (asked !== this.#asked) return;
      const problems = /** @type {any} */ (error)?.problems ?? [];
      this.problems = problems;
      this.result = null;
      if (!problems.length) toast(sentence(error), 'bad');
    }
    el('replay').classList.remove('busy');
    this.view.problems(this.problems);
    this.#drawBar();
    this.#drawResult();
  }

  async save() {
    const { text, world } = this;
    this.button.disabled = true;
    try {
      await this.api.setPolicy(world, text);
      toast('The policy is in force.', 'good');
      if (this.world === world) this.saved = text;
      const { name } = await this.api.policy(world);
      if (this.world === world) el('policy-name').textContent = name;
    } catch (error) {
      if (this.world !== world) return toast(sentence(error), 'bad');
      this.problems = /** @type {any} */ (error)?.problems ?? [];
      this.view.problems(this.problems);
      this.#drawResult();
      toast(sentence(error), 'bad');
    }
    this.#drawBar();
  }

  #drawBar() {
    const n = this.problems.length;
    this.button.disabled = !this.admin || !this.dirty || n > 0;
    this.button.title = this.admin ? '' : 'Putting a policy in force needs the grant admin. You can try one here.';
    el('policy-back').hidden = !this.dirty;
    el('policy-state').textContent = n ? `${n} ${n === 1 ? 'problem' : 'problems'}` : this.dirty ? 'not in force' : 'in force';
    el('policy-state').className = n ? 'pill bad' : this.dirty ? 'pill warm' : 'pill good';
  }

  #drawResult() {
    const r = this.result;
    if (this.problems.length) {
      return fill(el('replay'), h('h3', null, 'It would be refused'), h('ol.faults', null, this.problems.map((p) => h('li', null, h('button', { type: 'button', onclick: () => this.view.goTo(p.line) }, h('b', null, `line ${p.line}`), p.field ? h('code', null, p.field) : null, h('span', null, p.message))))), h('p.soft', null, 'The running policy stays as it is.'));
    }
    if (!r) return fill(el('replay'), h('h3', null, 'What it would change'), h('p.soft', null, 'Change something on the left: recorded incidents are decided again under it, and the difference is shown here.'));
    const other = r.harsher + r.milder + r.added + r.removed;
    fill(el('replay'), h('h3', null, 'What it would change'),
      h('p', null, r.compared === 0 ? 'There are no recorded incidents to compare with yet.' : other === 0 ? `Nothing: all ${r.compared} recorded incidents end the same.` : `Of ${r.compared} recorded incidents, ${other} would end differently.`),
      r.compared ? h('dl.changes-of', null, part('same', r.same, r.compared), part('harsher', r.harsher, r.compared), part('milder', r.milder, r.compared), part('added', r.added, r.compared), part('removed', r.removed, r.compared)) : null,
      (r.examples ?? []).length ? [h('h3', null, 'Examples'), h('ul.examples', null, r.examples.slice(0, 30).map((e) => h('li', null, h('button', { type: 'button', onclick: () => this.to.open(e.incident), title: 'Look at the incident' }, h('code', null, e.incident), h('span', null, h('del', null, words(e.before)), ' → ', h('ins', null, words(e.after)))))))] : null);
  }
}

/** @param {string} name @param {number} n @param {number} of */
function part(name, n, of) {
  return h('div', { dataset: { part: name } }, h('dt', null, name), h('dd', null, String(n)), h('meter', { min: 0, max: of, value: n, 'aria-label': name }));
}

/** @param {unknown} of actions before or after */
function words(of) {
  const all = Array.isArray(of) ? of : of ? [of] : [];
  return all.map((a) => (typeof a === 'string' ? a : String(a?.action ?? ''))).filter(Boolean).join(', ') || 'nothing';
}
