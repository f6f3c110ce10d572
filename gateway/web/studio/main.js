/**
 * The studio: signs in, keeps what the server says, and ties the parts of the
 * page together.
 * @module
 */
import { Api, sentence } from './api.js';
import { openApply } from './apply.js';
import { openCreate } from './create.js';
import { confirm } from './dialog.js';
import { download, el, fill, h, toast, when } from './dom.js';
import { Draft, Drafts } from './draft.js';
import { Editor } from './editor.js';
import { FiguresPane } from './figures.js';
import { openHistory } from './history.js';
import { NpcList } from './list.js';
import { ask, development, found, keep, mayDesign } from './signin.js';
import { Talk } from './talk.js';
import { WorldPanel } from './world.js';
import { YamlProblem, at, parse } from './yamlparse.js';

const REFRESH_MS = 3000;
const KEPT = /** @type {Record<string, string>} */ ({ memory: 'Versions and memories are kept until the server ends.', file: 'Versions and memories are kept in a file.', valkey: 'Versions and memories are kept in Valkey.' });

class Studio {
  /** @type {import('./api.js').Studio|null} */ data = null;
  /** @type {Draft|null} */ draft = null;
  /** @type {Map<string, Draft>} */ #open = new Map();
  #asking = false;
  #opening = 0;
  #lost = false;

  constructor() {
    const base = new URL('../', import.meta.url);
    this.base = base;
    this.api = new Api(base);
    this.drafts = new Drafts(storage());
    this.list = new NpcList({ open: (id) => { void this.open(id); }, openWorld: (world) => this.openWorld(world) });
    this.editor = new Editor(this.api, () => this.#edited());
    this.figures = new FiguresPane();
    this.talk = new Talk(this.api, () => this.draft && { yaml: this.draft.text, world: this.draft.world, name: this.#name(), greeting: textOf(this.draft.text, ['greeting']), wrong: this.editor.problems.length > 0 });
    this.world = new WorldPanel(this.api, (world) => {
      if (this.data) this.data.worlds = this.data.worlds.map((w) => (w.name === world.name ? world : w));
    });
    this.#wire();
  }

  async start() {
    let token = found();
    if (!mayDesign(token)) token = await development(this.base) || token;
    let message = '';
    for (;;) {
      if (!mayDesign(token)) token = await ask({ had: token, message });
      this.api.token = token;
      this.api.renew = () => this.#renew();
      try {
        await this.#refresh(true);
        keep(this.api.token);
        break;
      } catch (error) {
        message = sentence(error);
        if (/** @type {any} */ (error)?.status === 401 || /** @type {any} */ (error)?.status === 403) { token = await ask({ had: '', message }); continue; }
        fill(el('empty'), h('h2', null, 'The studio cannot be opened'), h('p', null, message), h('p', null, h('button.small', { type: 'button', onclick: () => location.reload() }, 'Try again')));
        el('app').hidden = false;
        return;
      }
    }
    el('app').hidden = false;
    el('panes').hidden = false;
    const wanted = new URLSearchParams(location.hash.slice(1));
    const world = wanted.get('world');
    if (world && this.data?.worlds.some((w) => w.name === world)) this.openWorld(world);
    else {
      const id = wanted.get('npc') ?? '';
      const first = this.list.rows.some((r) => r.id === id) ? id : this.list.rows[0]?.id;
      if (first) await this.open(first);
      else this.#nobody();
    }
    setInterval(() => { if (!document.hidden) this.#refresh(false).catch(() => { /* said by #refresh */ }); }, REFRESH_MS);
  }

  /** A token expired: another one, without losing the page. */
  async #renew() {
    const token = await development(this.base) || await ask({ had: '', message: 'Your token is no longer valid. Nothing you typed is lost.' });
    el('app').hidden = false;
    el('panes').hidden = false;
    keep(token);
    return token;
  }

  /** @param {boolean} loud */
  async #refresh(loud) {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const data = this.data = await this.api.studio();
      if (this.#lost) toast('The server answers again.', 'good');
      this.#lost = false;
      this.figures.remember(data.npcs);
      this.#drawList();
      if (this.draft) this.#drawFigures();
      const shown = data.worlds.find((w) => w.name === this.world.world?.name);
      if (shown) this.world.update(shown);
      fill(el('list-models'), data.models.map((m) => h('option', { value: m })));
      el('kept').textContent = [KEPT[data.kept] ?? '', data.speech.kind === 'none' ? `No voice: ${data.speech.reason || 'no speech backend is configured'}.` : ''].filter(Boolean).join(' ').replace(/\.\.$/, '.');
    } catch (error) {
      if (!loud && !this.#lost) toast(sentence(error), 'bad');
      this.#lost = true;
      throw error;
    } finally {
      this.#asking = false;
    }
  }

  #drawList() {
    const { data, list } = this;
    if (!data) return;
    list.worlds = data.worlds;
    list.rows = data.npcs.map((n) => ({ id: n.id, world: n.world, name: n.name, version: n.version, out: n.out, speaks: n.speaks, reason: n.reason }));
    for (const [id, d] of [...this.drafts.fresh().map((f) => /** @type {const} */ ([f.id, f])), ...this.#open]) {
      if (d.version === 0 && !list.rows.some((r) => r.id === id)) list.rows.push({ id, world: d.world, name: nameOf('yaml' in d ? d.yaml : d.text) || id, version: 0, speaks: '' });
    }
    list.edited = new Set([...data.npcs.filter((n) => this.drafts.find(n.id)).map((n) => n.id), ...[...this.#open.values()].filter((d) => d.dirty && d.version > 0).map((d) => d.id)]);
    list.selected = el('editor').hidden ? '' : this.draft?.id ?? '';
    list.world = el('world').hidden ? '' : this.world.world?.name ?? '';
    list.draw();
  }

  #drawFigures() { this.figures.draw(this.data?.npcs.find((n) => n.id === this.draft?.id) ?? null); }

  /** @param {string} id */
  async open(id) {
    const opening = ++this.#opening;
    let draft = this.#open.get(id);
    const kept = this.drafts.find(id);
    if (!draft) {
      try {
        const saved = this.data?.npcs.some((n) => n.id === id) ? await this.api.npc(id) : { id, world: kept?.world ?? '', yaml: '', version: 0, place: defaultPlace() };
        draft = new Draft({ ...saved, place: saved.place ?? defaultPlace() });
      } catch (error) {
        if (opening === this.#opening) toast(sentence(error), 'bad');
        return;
      }
      if (opening !== this.#opening) return; // another was chosen meanwhile
      this.#open.set(id, draft);
      const made = draft;
      if (kept && (kept.yaml !== draft.text || kept.place)) {
        if (draft.version === 0) draft.base = draft.text = kept.yaml;
        else { draft.change(kept.yaml, 'load', 'kept'); draft.version = kept.version; }
        if (kept.place) draft.place = kept.place;
      }
      draft.listen(() => { this.drafts.keep(made); this.#drawList(); });
    }
    if (this.draft !== draft) this.talk.clear();
    this.draft = draft;
    this.#view('editor');
    this.editor.open(draft);
    if (kept && draft.version > 0 && draft.dirty) this.#offer(draft, kept.at);
    location.replace(`#npc=${encodeURIComponent(id)}`);
    this.#drawFigures();
    this.#edited();
    this.#drawList();
  }

  /** Says that unsaved changes are back. @param {Draft} draft @param {number} at */
  #offer(draft, at) {
    this.editor.say([h('span', null, `Your unsaved changes from ${when(at)} are back.`),
      h('button.small', { type: 'button', onclick: () => { this.editor.say(null); } }, 'Keep them'),
      h('button.small', { type: 'button', onclick: () => { this.#discard(draft); } }, 'Discard them')]);
  }

  /** @param {Draft} draft */
  #discard(draft) {
    if (draft.basePlace) draft.place = JSON.parse(draft.basePlace);
    draft.change(draft.base, 'undo', 'discard');
    this.drafts.forget(draft.id);
    this.editor.say(null);
    toast('Discarded. Ctrl+Z in the editor brings the text back.');
  }

  /** @param {string} name */
  openWorld(name) {
    const world = this.data?.worlds.find((w) => w.name === name);
    if (!world) return;
    this.#opening++;
    this.#view('world');
    this.world.show(world);
    location.replace(`#world=${encodeURIComponent(name)}`);
    el('title').textContent = world.title || world.name;
    fill(el('state'), 'World parameters');
    el('acts').hidden = true;
    this.#drawList();
  }

  /** @param {'editor'|'world'|'empty'} which */
  #view(which) {
    for (const id of ['editor', 'world', 'empty']) el(id).hidden = id !== which;
    document.body.dataset.view = which;
    this.#pane('edit');
  }

  #nobody() {
    this.#view('empty');
    el('acts').hidden = true;
    el('title').textContent = '';
    fill(el('empty'), h('h2', null, 'Nobody lives here yet'), h('p', null, 'Make the first NPC from a template, or drop a character card here.'), h('p', null, h('button.small', { type: 'button', onclick: () => this.#create() }, 'New NPC')));
  }

  #name() { return nameOf(this.draft?.text ?? '') || this.draft?.id || ''; }

  /** What the top says about the draft. */
  #edited() {
    const { draft } = this;
    if (!draft || el('editor').hidden) return;
    const npc = this.data?.npcs.find((n) => n.id === draft.id);
    const name = this.#name();
    document.title = `${draft.dirty ? '• ' : ''}${name} – Earshot Studio`;
    fill(el('title'), name);
    fill(el('state'), draft.version ? h('span.pill', { title: npc?.published ? `Applied ${when(npc.published)}` : '' }, `v${draft.version}`) : h('span.pill.warm', null, 'not in the world yet'),
      draft.dirty && draft.version > 0 ? h('span.pill.warm.unsaved', null, 'unsaved') : null,
      !this.drafts.works && draft.dirty ? h('span.pill.bad', { title: 'This browser keeps nothing: a reload would lose the changes.' }, 'not kept here') : null,
      npc?.published && !draft.dirty ? h('span', null, `live, applied ${when(npc.published)}`) : null);
    el('acts').hidden = false;
    /** @type {HTMLButtonElement} */ (el('b-history')).hidden = draft.version === 0;
    const apply = /** @type {HTMLButtonElement} */ (el('b-apply'));
    apply.disabled = !draft.dirty || this.editor.problems.length > 0;
    apply.title = this.editor.problems.length ? 'Correct the problems first' : draft.dirty ? 'Apply to the running world (Ctrl+S)' : 'The running world has this already';
  }

  async apply() {
    const { draft, editor } = this;
    if (!draft || el('editor').hidden || document.querySelector('dialog[open]')) return;
    if (document.activeElement instanceof HTMLInputElement) document.activeElement.dispatchEvent(new Event('change'));
    if (!draft.dirty) return toast('The running world has this already.');
    if (!editor.checked) await editor.check();
    if (this.draft !== draft) return; // another was opened meanwhile
    if (editor.problems.length) {
      toast(`Not applied: ${editor.problems.length === 1 ? 'there is a problem' : `there are ${editor.problems.length} problems`}. The running version stays.`, 'bad');
      return editor.goToProblem(editor.problems[0]);
    }
    const isNew = draft.version === 0;
    openApply(this.api, draft, {
      applied: (version, ms) => {
        editor.say(null);
        toast(`${isNew ? `${this.#name()} is in the world` : `Version ${version} is live`}. It took ${Math.round(ms)} ms.`, 'good');
        void this.#reload();
      },
      refused: (problems, message) => { editor.showProblems(problems); toast(`Not applied: ${message}`, 'bad'); },
    });
  }

  async #reload() {
    await this.#refresh(false).catch(() => { /* said */ });
    this.#edited();
  }

  #history() {
    const { draft } = this;
    if (!draft || !draft.version) return;
    void openHistory(this.api, draft, {
      open: (yaml, version) => { draft.change(yaml, 'undo', `version ${version}`); toast(`The text of version ${version} is in the editor. Ctrl+Z takes it back.`); },
      rolledBack: (version, ms) => { void this.#took(draft, version, ms); },
    });
  }

  /** After a roll back. @param {Draft} draft @param {number} version @param {number} ms */
  async #took(draft, version, ms) {
    toast(`Rolled back: version ${version} is live. It took ${Math.round(ms)} ms.`, 'good');
    try {
      const saved = await this.api.npc(draft.id);
      const { dirty } = draft;
      if (!dirty) draft.change(saved.yaml, 'load', 'rollback');
      draft.saved(saved.version, saved.yaml, saved.place);
      if (!dirty) this.drafts.forget(draft.id);
    } catch (error) {
      toast(sentence(error), 'bad');
    }
    void this.#reload();
  }

  /** @param {{name: string, yaml: string, warnings: string[]}} [imported] */
  #create(imported) {
    const { data, draft } = this;
    if (!data?.worlds.length) return;
    openCreate({
      worlds: data.worlds, world: draft?.world ?? data.worlds[0].name, imported,
      taken: (id) => data.npcs.some((n) => n.id === id) || this.#open.has(id) || this.drafts.find(id) !== null,
      replace: imported && draft ? { id: draft.id, name: this.#name() } : undefined,
    }, (made) => {
      if (made.replace && draft) {
        draft.change(made.yaml, 'undo', 'import');
        toast('The card is in the editor. Ctrl+Z takes it back.');
      } else {
        const fresh = new Draft({ id: made.id, world: made.world, yaml: made.yaml, version: 0, place: defaultPlace() });
        this.drafts.keep(fresh);
        void this.open(made.id);
      }
    });
  }

  /** @param {File} file */
  async import(file) {
    try {
      if (/\.ya?ml$/i.test(file.name)) {
        const yaml = (await file.text()).replaceAll('\r\n', '\n');
        return this.#create({ name: nameOf(yaml) || file.name.replace(/\.\w+$/, ''), yaml, warnings: [] });
      }
      const { yaml, warnings } = await this.api.import(file);
      this.#create({ name: nameOf(yaml) || file.name.replace(/\.\w+$/, ''), yaml, warnings: warnings ?? [] });
    } catch (error) {
      toast(`${file.name} was not imported: ${sentence(error)}`, 'bad');
    }
  }

  /** Export, discard, remove. */
  #menu() {
    const menu = el('more');
    const { draft } = this;
    if (!draft) return;
    const close = () => menu.hidePopover();
    const item = (/** @type {string} */ label, /** @type {string} */ small, /** @type {() => void} */ act, off = false) => h('button', { type: 'button', role: 'menuitem', disabled: off, onclick: () => { close(); act(); } }, label, h('small', null, small));
    const card = (/** @type {'json'|'png'|'charx'} */ format, /** @type {'v2'|'v3'} */ version) => item(`Export card ${version.toUpperCase()}`, `.${format}`, async () => {
      try { download(await this.api.card(draft.id, format, version), `${draft.id}.${version}.${format}`); } catch (error) { toast(sentence(error), 'bad'); }
    }, !draft.version);
    fill(menu, item('Export YAML', '.yaml', () => download(new Blob([draft.text], { type: 'application/yaml' }), `${draft.id}.yaml`)),
      card('json', 'v2'), card('png', 'v2'), card('json', 'v3'), card('png', 'v3'), card('charx', 'v3'), h('hr'),
      draft.version ? item('Discard unsaved changes', '', () => this.#discard(draft), !draft.dirty) : item('Delete this draft', '', () => { void this.#forget(draft); }),
      draft.version ? item('Take out of the world …', '', () => { void this.#remove(draft); }) : null);
  }

  /** @param {Draft} draft that was never applied */
  async #forget(draft) {
    if (!await confirm(`Delete the draft ${draft.id}?`, 'It was never applied, so there is no version to come back to.', 'Delete the draft')) return;
    this.#gone(draft);
  }

  /** @param {Draft} draft */
  async #remove(draft) {
    if (!await confirm(`Take ${this.#name()} out of the world?`, 'It leaves at once, in the middle of a sentence if need be. Its versions stay, and its text stays here as a draft: applying that brings it back.', 'Take out')) return;
    try {
      await this.api.remove(draft.id);
      toast(`${this.#name()} left the world.`, 'good');
      const left = new Draft({ id: draft.id, world: draft.world, yaml: draft.text, version: 0, place: draft.place });
      this.#open.delete(draft.id);
      this.drafts.keep(left);
      await this.#refresh(false);
      await this.open(draft.id);
    } catch (error) {
      toast(sentence(error), 'bad');
    }
  }

  /** @param {Draft} draft */
  #gone(draft) {
    this.drafts.forget(draft.id);
    this.#open.delete(draft.id);
    if (this.data) this.data.npcs = this.data.npcs.filter((n) => n.id !== draft.id);
    this.draft = null;
    this.#drawList();
    const next = this.list.rows[0];
    if (next) void this.open(next.id);
    else this.#nobody();
  }

  /** Of a narrow page: which part is shown. @param {string} pane */
  #pane(pane) {
    document.body.dataset.pane = pane;
    for (const b of el('panes').children) b.setAttribute('aria-current', String(/** @type {HTMLElement} */ (b).dataset.pane === pane));
  }

  #wire() {
    el('b-apply').onclick = () => { void this.apply(); };
    el('b-history').onclick = () => this.#history();
    el('b-new').onclick = () => this.#create();
    const file = /** @type {HTMLInputElement} */ (el('file'));
    el('b-import').onclick = () => file.click();
    file.onchange = () => { if (file.files?.[0]) void this.import(file.files[0]); file.value = ''; };
    el('more').addEventListener('beforetoggle', (e) => { if (/** @type {ToggleEvent} */ (e).newState === 'open') this.#menu(); });
    el('more').addEventListener('toggle', (e) => { if (/** @type {ToggleEvent} */ (e).newState === 'open') el('more').querySelector('button')?.focus(); });
    el('more').onkeydown = (e) => {
      const way = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
      const all = [...el('more').querySelectorAll('button')].filter((b) => !b.disabled);
      if (!way || !all.length) return;
      e.preventDefault();
      all[(all.indexOf(/** @type {any} */ (document.activeElement)) + way + all.length) % all.length].focus();
    };
    for (const b of el('panes').children) /** @type {HTMLElement} */ (b).onclick = () => this.#pane(/** @type {HTMLElement} */ (b).dataset.pane ?? 'edit');
    addEventListener('keydown', (e) => {
      if (!(e.ctrlKey || e.metaKey) || e.altKey || e.shiftKey) return;
      if (e.key === 's') { e.preventDefault(); void this.apply(); }
      if (e.key === 'k') { e.preventDefault(); this.#pane('side'); this.list.search.focus(); this.list.search.select(); }
    });
    addEventListener('beforeunload', (e) => {
      if ([...this.#open.values()].some((d) => d.dirty && d.version > 0)) e.preventDefault();
    });
    addEventListener('dragover', (e) => { if (e.dataTransfer?.types.includes('Files')) { e.preventDefault(); el('drop').hidden = false; } });
    addEventListener('dragleave', (e) => { if (!e.relatedTarget) el('drop').hidden = true; });
    addEventListener('drop', (e) => {
      el('drop').hidden = true;
      const dropped = e.dataTransfer?.files[0];
      if (!dropped) return;
      e.preventDefault();
      void this.import(dropped);
    });
  }
}

/** Where a new NPC stands until somebody moves it. */
function defaultPlace() { return { position: [2, 0, 4], yaw: 0, waypoints: [], speed: 1.2 }; }

/** The browser's store, null where there is none. */
function storage() { try { return localStorage; } catch { return null; } }

/** A text of a persona, '' where there is none. @param {string} yaml @param {string[]} path */
function textOf(yaml, path) {
  try {
    const node = at(parse(yaml).root, path);
    return node?.kind === 'scalar' ? node.value : '';
  } catch (error) {
    if (error instanceof YamlProblem) return '';
    throw error;
  }
}

/** @param {string} yaml */
function nameOf(yaml) { return textOf(yaml, ['name']) || (/^name: *["']?([^"'#\n]+?)["']? *(?:#.*)?$/m.exec(yaml)?.[1] ?? ''); }

void new Studio().start();
