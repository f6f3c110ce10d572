/**
 * The versions of an NPC: who, when, why, what changed, and the way back.
 * @module
 */
import { sentence } from './api.js';
import { confirm, openDialog } from './dialog.js';
import { diff } from './diff.js';
import { changes, showDiff } from './diffview.js';
import { fill, h, when } from './dom.js';

/**
 * @param {import('./api.js').Api} api
 * @param {import('./draft.js').Draft} draft
 * @param {{rolledBack: (version: number, ms: number) => void, open: (yaml: string, version: number) => void}} to
 */
export async function openHistory(api, draft, to) {
  const list = h('nav.versions', { 'aria-label': 'Versions' });
  const picture = h('div');
  const tools = h('div.tools');
  const { dialog, close } = openDialog(`Versions of ${draft.id}`, { wide: true, bare: true, body: h('div.history', null, list, h('div.compare', null, tools, picture)) });
  dialog.dataset.dialog = 'history';
  /** @type {import('./api.js').Version[]} */
  let versions = [];
  let against = 'before', asked = 0;

  /** @param {number} n */
  async function show(n) {
    const asking = ++asked;
    for (const b of list.querySelectorAll('button')) b.setAttribute('aria-current', String(b.dataset.version === String(n)));
    const i = versions.findIndex((v) => v.version === n);
    const before = versions[i + 1]?.version;
    const newest = versions[0].version;
    const select = h('select', { 'aria-label': 'Compare with', onchange: () => { against = select.value; void show(n); } },
      h('option', { value: 'before', disabled: !before }, before ? `with version ${before} before it` : 'the first version'), h('option', { value: 'newest', disabled: n === newest }, `with version ${newest}, which runs`), h('option', { value: 'draft' }, 'with the draft in the editor'));
    const effective = against === 'before' && !before ? (n === newest ? 'draft' : 'newest') : against === 'newest' && n === newest ? (before ? 'before' : 'draft') : against;
    select.value = effective;
    try {
      const hunks = effective === 'draft' ? diff((await api.version(draft.id, n)).yaml, draft.text)
        : (await (effective === 'before' ? api.diff(draft.id, before, n) : api.diff(draft.id, n, newest))).hunks;
      if (asking !== asked) return; // another was chosen meanwhile
      fill(tools, h('b', null, `Version ${n}`), select, changes(hunks ?? []), h('span.grow'),
        h('button.small', { type: 'button', onclick: () => { void open(n); } }, 'Open in the editor'),
        n !== newest && h('button.small', { type: 'button', onclick: () => { void back(n); } }, 'Roll back to this'));
      showDiff(picture, hunks ?? [], 'Nothing differs.');
    } catch (error) {
      if (asking === asked) fill(picture, h('p', null, sentence(error)));
    }
  }

  /** @param {number} n */
  async function open(n) {
    try {
      to.open((await api.version(draft.id, n)).yaml, n);
      close();
    } catch (error) {
      fill(picture, h('p', null, sentence(error)));
    }
  }

  /** @param {number} n */
  async function back(n) {
    const kept = draft.dirty ? ' Your unsaved changes stay in the editor.' : '';
    if (!await confirm(`Roll back to version ${n}?`, `The running world gets version ${n} again, as a new version with your name. Nothing is deleted.${kept}`, `Roll back to version ${n}`)) return;
    const start = performance.now();
    try {
      const { version } = await api.rollback(draft.id, n, `Rolled back to version ${n}`);
      close();
      to.rolledBack(version, performance.now() - start);
    } catch (error) {
      fill(picture, h('p', null, sentence(error)));
    }
  }

  try {
    versions = (await api.versions(draft.id)).versions;
    fill(list, versions.map((v, i) => h('button', { type: 'button', dataset: { version: String(v.version) }, onclick: () => { void show(v.version); } },
      h('b', null, `v${v.version}`), h('span', null, v.note || h('i', null, 'no note')), h('small', null, [i === 0 ? 'running' : '', v.by, when(v.at)].filter(Boolean).join(' · ')))));
    if (versions.length) await show(versions[0].version);
    else fill(picture, h('p', null, 'There are no versions yet.'));
  } catch (error) {
    fill(picture, h('p', null, sentence(error)));
  }
}
