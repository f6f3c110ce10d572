/**
 * The console: signs a moderator in, follows what happens, and ties the parts of
 * the page together.
 * @module
 */
import { sentence } from '../studio/api.js';
import { openDialog } from '../studio/dialog.js';
import { debounce, el, fill, h, toast } from '../studio/dom.js';
import { ask, claims, development, found, keep, may } from '../studio/signin.js';
import { Api } from './api.js';
import { AppealsPane } from './appeals.js';
import { DetailPane } from './detail.js';
import { FiguresPane } from './figures.js';
import { KEYS, commandOf } from './keys.js';
import { LastAct } from './lastact.js';
import { IncidentList } from './list.js';
import { PersonPane } from './person.js';
import { PolicyPane } from './policy.js';
import { Prefs } from './prefs.js';
import { Queue } from './queue.js';
import { category } from './words.js';

/** @typedef {import('./api.js').Incident} Incident */
/** @typedef {'queue'|'appeals'|'figures'|'policy'} Tab */

const TABS = /** @type {Tab[]} */ (['queue', 'appeals', 'figures', 'policy']);
const AGAIN_MS = [500, 1000, 2000, 4000, 8000];
const CLOCK_MS = 20_000;
/** @type {import('../studio/signin.js').Purpose} */
const PURPOSE = {
  grant: 'moderate', page: 'the console', verb: 'moderate', needs: 'The console shows what people said and decides about them, so it needs a token with the grant moderate.',
  grants: 'moderate', who: 'Moderator', sub: 'moderator',
};
const VERDICTS = /** @type {Record<string, string>} */ ({ right: 'right', wrong: 'wrong, to be undone', too_harsh: 'too harsh', too_mild: 'too mild' });

class Console {
  /** @type {Tab} */ tab = 'queue';
  /** @type {import('./api.js').Overview|null} */ data = null;
  selected = '';
  #opening = 0;
  /** Many come at once when the stream begins. */
  #drawSoon = debounce(40, () => { this.list.draw(); this.#badges(); });

  constructor() {
    this.base = new URL('../', import.meta.url);
    this.api = new Api(this.base);
    this.prefs = new Prefs();
    this.queue = new Queue();
    this.list = new IncidentList(this.queue, (id) => { void this.open(id); });
    this.detail = new DetailPane(el('detail'), el('verdicts'), this.api, (verdict, actions, note) => this.judge(verdict, actions, note));
    this.last = new LastAct((act) => this.#drawLast(act));
    this.person = new PersonPane(el('person'), this.api, {
      admin: false, open: (id) => { void this.open(id); }, undone: () => { void this.#again(); },
      acted: (order, words) => this.last.do({ what: words, undo: () => this.person.undo(order) }),
    });
    this.appeals = new AppealsPane(this.api, { look: (id) => { this.go('queue'); void this.open(id); }, decided: () => { void this.#overview(); } });
    this.figures = new FiguresPane();
    this.policy = new PolicyPane(this.api, { open: (id) => { this.go('queue'); void this.open(id); } });
    this.#wire();
  }

  async start() {
    let token = found();
    if (!may(token, 'moderate')) token = await development(this.base, PURPOSE) || token;
    let message = '';
    for (;;) {
      if (!may(token, 'moderate')) token = await ask({ had: token, message }, PURPOSE);
      this.api.token = token;
      this.api.renew = () => this.#renew();
      try {
        await this.#overview();
        await this.#load();
        keep(this.api.token);
        break;
      } catch (error) {
        message = sentence(error);
        const status = /** @type {any} */ (error)?.status;
        if (status === 401 || status === 403) { token = await ask({ had: '', message }, PURPOSE); continue; }
        fill(el('failed'), h('h2', null, 'The console cannot be opened'), h('p', null, message), h('p', null, h('button.small', { type: 'button', onclick: () => location.reload() }, 'Try again')));
        el('failed').hidden = false;
        return;
      }
    }
    this.person.to.admin = claims(this.api.token)?.grants?.includes('admin') === true;
    for (const id of ['app', 'tabs']) el(id).hidden = false;
    this.#drawWorlds();
    this.list.draw();
    const wanted = new URLSearchParams(location.hash.slice(1));
    this.go(/** @type {Tab} */ (TABS.find((t) => t === wanted.get('tab')) ?? 'queue'));
    const first = wanted.get('incident') || (matchMedia('(min-width: 761px)').matches ? this.queue.rows()[0]?.id : '');
    if (first) await this.open(first);
    this.appeals.load().then(() => this.#badges(), () => { /* said when the tab is opened */ });
    void this.#follow();
    setInterval(() => this.list.draw(), CLOCK_MS);
  }

  /** What waits, and what the machine decided of late. */
  async #load() {
    for (const { incidents } of await Promise.all([this.api.incidents('open'), this.api.incidents('all')])) this.queue.load(incidents ?? []);
  }

  async #renew() {
    const token = await development(this.base, PURPOSE) || await ask({ had: '', message: 'Your token is no longer valid. Nothing you typed is lost.' }, PURPOSE);
    el('app').hidden = false;
    keep(token);
    return token;
  }

  async #overview() {
    this.data = await this.api.overview();
    this.figures.take(this.data.figures);
    this.#badges();
  }

  /** Follows the live stream for as long as the page is open. */
  async #follow() {
    for (let failed = 0; ; failed++) {
      try {
        for await (const news of this.api.live(new AbortController().signal, () => { if (failed) void this.#again(); failed = 0; this.#say('live', 'Live'); })) this.#take(news);
      } catch { /* told by the pill; tried again below */ }
      this.#say('lost', 'Reconnecting …');
      await new Promise((done) => setTimeout(done, AGAIN_MS[Math.min(failed, AGAIN_MS.length - 1)]));
    }
  }

  /** @param {import('./api.js').News} news */
  #take({ incident, figures }) {
    if (figures) {
      this.figures.take(figures);
      if (this.tab === 'figures') this.figures.draw([...this.queue.incidents.values()]);
    }
    if (incident) {
      const fresh = this.queue.take(incident);
      this.#drawSoon();
      if (fresh && incident.state === 'open') el('news').textContent = `New: ${category(incident.category)}, ${incident.name}`;
      if (incident.id === this.selected) void this.open(incident.id, true);
      else if (fresh && !this.selected && this.queue.rows().length === 1 && matchMedia('(min-width: 761px)').matches) void this.open(incident.id);
      else if (this.person.person?.who === incident.who) void this.person.refresh();
    }
    this.#badges();
  }

  /** What may have changed while nobody told. */
  async #again() {
    try {
      await this.#overview();
      await this.#load();
      this.list.draw();
      if (this.selected) await this.open(this.selected, true);
    } catch (error) {
      toast(sentence(error), 'bad');
    }
  }

  /**
   * Shows an incident. Until it is there, nothing can be done to the one before,
   * which nobody means any more.
   * @param {string} id @param {boolean} [quiet] it is shown already
   */
  async open(id, quiet = false) {
    const opening = ++this.#opening;
    this.selected = id;
    this.list.select(id);
    this.#drawWaiting();
    if (!quiet) {
      document.body.dataset.pane = 'detail';
      history.replaceState(null, '', `#incident=${encodeURIComponent(id)}`);
    }
    try {
      const incident = await this.api.incident(id);
      if (opening !== this.#opening) return;
      this.detail.always = this.prefs.uncovered;
      this.detail.show(incident);
      this.person.show(incident.person && { ...incident.person, name: incident.person.name || incident.name }, incident.world);
      el('detail-empty').hidden = true;
      this.#drawWaiting();
    } catch (error) {
      if (opening !== this.#opening) return;
      toast(sentence(error), 'bad');
      if (this.waits) this.#close();
    }
  }

  /** Whether another incident is shown than the one that was chosen, which is on its way. */
  get waits() { return this.selected !== '' && this.detail.incident?.id !== this.selected; }

  #drawWaiting() {
    for (const id of ['detail', 'verdicts', 'person']) {
      el(id).inert = this.waits;
      el(id).ariaBusy = String(this.waits);
    }
  }

  #close() {
    this.#opening++;
    this.selected = '';
    this.list.select('');
    this.detail.show(null);
    this.person.show(null, '');
    this.#drawWaiting();
    el('detail-empty').hidden = false;
    document.body.dataset.pane = 'list';
  }

  /** @param {import('./api.js').Verdict} verdict @param {import('./api.js').Act[]} actions @param {string} note */
  judge(verdict, actions, note) {
    const { incident } = this.detail;
    if (!incident || this.waits || this.queue.held.has(incident.id)) return;
    const { id } = incident, next = this.queue.show === 'open' ? this.queue.after(id) : '';
    this.last.do({
      what: `${incident.name}: ${VERDICTS[verdict]}`,
      send: async (last) => {
        try {
          this.queue.take(await this.api.judge(id, { verdict, actions, note }, last));
          if (verdict === 'wrong') el('news').textContent = 'Undone.';
        } catch (error) {
          toast(`${incident.name}: ${sentence(error)}`, 'bad');
        }
        this.queue.held.delete(id);
        this.list.draw();
        this.#badges();
        if (this.selected === id) await this.open(id, true);
        else if (this.person.person?.who === incident.who) await this.person.refresh();
      },
      undo: () => {
        this.queue.held.delete(id);
        this.list.draw();
        void this.open(id);
      },
    });
    this.queue.held.add(id);
    /** @type {HTMLElement|null} */ (document.activeElement)?.blur();
    this.list.draw();
    this.#badges();
    if (this.queue.show === 'all') return;
    if (next && next !== id) void this.open(next);
    else this.#close();
  }

  /** @param {Tab} tab */
  go(tab) {
    this.tab = tab;
    document.body.dataset.tab = tab;
    for (const name of TABS) {
      el(`tab-${name}`).setAttribute('aria-selected', String(name === tab));
      el(`pane-${name}`).hidden = name !== tab;
    }
    if (tab === 'appeals') this.appeals.load().then(() => this.#badges(), (e) => toast(sentence(e), 'bad'));
    if (tab === 'figures') this.api.incidents('all').then(({ incidents }) => { this.queue.load(incidents ?? []); }, () => {}).finally(() => this.figures.draw([...this.queue.incidents.values()]));
    if (tab === 'policy') void this.policy.open(this.data?.worlds ?? [], this.person.to.admin);
  }

  #wire() {
    for (const name of TABS) el(`tab-${name}`).onclick = () => this.go(name);
    addEventListener('keydown', (e) => this.#key(e));
    addEventListener('pagehide', () => this.last.flush(true));
    addEventListener('beforeunload', (e) => { if (this.policy.dirty) e.preventDefault(); });
    el('b-help').onclick = () => this.#help();
    el('back').onclick = () => { document.body.dataset.pane = 'list'; };
    const show = /** @type {HTMLSelectElement} */ (el('show')), world = /** @type {HTMLSelectElement} */ (el('world'));
    show.onchange = async () => {
      this.queue.show = show.value === 'all' ? 'all' : 'open';
      this.list.draw();
      await this.#load().catch((e) => toast(sentence(e), 'bad'));
      this.list.draw();
    };
    world.onchange = () => { this.queue.world = world.value; this.list.draw(); };
    el('undo').onclick = () => this.last.undo();
    for (const name of /** @type {const} */ (['grey', 'uncovered'])) {
      const box = /** @type {HTMLInputElement} */ (el(`p-${name}`));
      box.checked = this.prefs[name];
      box.onchange = () => this.prefs.set(name, box.checked);
    }
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    if (el('app').hidden || document.querySelector('dialog[open]')) return;
    const { target } = e, typing = target instanceof HTMLElement && target.matches('input:not([type=checkbox]), textarea, select');
    if (e.key === 'Escape' && typing) return target.blur();
    const command = commandOf(e, typing);
    if (!command) return;
    const button = target instanceof HTMLElement ? target.closest('button, summary, a') : null;
    if (e.key === ' ' && button && !button.matches('.incident')) return; // it presses the button
    if (!this.#do(command)) return;
    e.preventDefault();
  }

  /** @param {import('./keys.js').Command} command @returns {boolean} */
  #do(command) {
    if (command === 'help') return this.#help();
    if (command === 'undo') return this.last.undo() || (toast('There is nothing of yours to take back.'), true);
    const tab = /^tab(\d)$/.exec(command)?.[1];
    if (tab) return this.go(TABS[Number(tab) - 1]), true;
    if (this.tab !== 'queue') return false;
    if (command === 'down' || command === 'up') {
      const next = this.queue.after(this.selected, command === 'down' ? 1 : -1);
      if (next && next !== this.selected) void this.open(next);
    } else if (this.waits) return true; // what is on its way has not been seen
    else if (command === 'show') this.detail.toggle();
    else if (command === 'play') this.detail.play();
    else if (command === 'person') this.person.openForm();
    else if (command === 'right' || command === 'wrong' || command === 'too_harsh' || command === 'too_mild') this.detail.choose(command);
    return true;
  }

  #help() {
    openDialog('Keys', { body: h('dl.keylist', null, KEYS.map(({ cap, what }) => h('div', null, h('dt', null, h('kbd', null, cap)), h('dd', null, what)))) });
    return true;
  }

  /** @param {import('./lastact.js').Act|null} act */
  #drawLast(act) {
    const box = el('last');
    box.hidden = !act;
    box.classList.remove('waits');
    if (!act) return;
    el('last-what').textContent = act.what;
    void box.offsetWidth; // begins the bar anew
    box.classList.toggle('waits', act.send !== undefined);
  }

  #badges() {
    const open = [...this.queue.incidents.values()].filter((i) => i.state === 'open' && !this.queue.held.has(i.id)).length;
    const show = (/** @type {string} */ id, /** @type {number} */ n) => { el(id).textContent = n > 99 ? '99+' : String(n); el(id).hidden = n === 0; };
    show('n-queue', open);
    show('n-appeals', this.appeals.appeals.filter((a) => !a.mine).length);
    document.title = open ? `(${open}) Earshot Console` : 'Earshot Console';
  }

  #drawWorlds() {
    const worlds = this.data?.worlds ?? [];
    fill(el('world'), h('option', { value: '' }, 'All worlds'), worlds.map((w) => h('option', { value: w.name }, w.title || w.name)));
    el('world').hidden = worlds.length < 2;
    el('kept').textContent = this.data?.kept === 'memory' ? 'Incidents are kept in memory until the server ends.' : '';
  }

  /** @param {'live'|'lost'} state @param {string} text */
  #say(state, text) {
    el('live').dataset.state = state;
    el('live-text').textContent = text;
  }
}

await new Console().start();
