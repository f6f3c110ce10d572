/**
 * Brings a draft into the running world: shows what changes, takes a note, and
 * where somebody else was faster, lets the designer choose.
 * @module
 */
import { StudioError, sentence } from './api.js';
import { openDialog } from './dialog.js';
import { diff } from './diff.js';
import { changes, showDiff } from './diffview.js';
import { fill, h } from './dom.js';

/** The note outlives a dialog that was closed. @type {Map<string, string>} */
const notes = new Map();

/**
 * @param {import('./api.js').Api} api
 * @param {import('./draft.js').Draft} draft
 * @param {{applied: (version: number, ms: number) => void, refused: (problems: import('./draft.js').Problem[], message: string) => void}} to
 */
export function openApply(api, draft, to) {
  const isNew = draft.version === 0;
  const hunks = diff(isNew ? '' : draft.base, draft.text);
  const picture = h('div');
  const problem = h('p.note', { role: 'alert' });
  const note = h('input', { type: 'text', maxLength: 200, value: notes.get(draft.id) ?? '', placeholder: isNew ? 'First version' : 'What changes, for whoever reads the history', 'aria-label': 'Note for the history', autocomplete: 'off', oninput: () => { notes.set(draft.id, note.value); } });
  const go = h('button.primary', { type: 'submit' }, isNew ? 'Bring into the world' : 'Apply to running world');
  const body = [h('p.soft', null, h('span', null, isNew ? `${draft.id} comes into the world ${draft.world}.` : `This becomes the next version of ${draft.id} in ${draft.world}, at once and without a restart. Conversations go on. `), draft.placeChanged && !isNew ? ' The place changes too.' : ''), picture];
  const form = h('form', { method: 'dialog', onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); void apply(draft.version); } });
  const { dialog, close } = openDialog(isNew ? 'Bring into the world' : 'Apply to the running world', { wide: hunks.length > 0, body, footer: [changes(hunks), h('span.grow', null, note), problem, go] });
  dialog.dataset.dialog = 'apply';
  const footer = /** @type {HTMLElement} */ (dialog.querySelector('footer'));
  form.append(...footer.childNodes);
  form.className = 'footer';
  footer.replaceChildren(form);
  showDiff(picture, hunks, draft.placeChanged ? 'The text is the same; only the place changes.' : 'Nothing changes.');
  note.focus();

  /** @param {number} version that this replaces */
  async function apply(version) {
    go.disabled = true;
    problem.textContent = '';
    const start = performance.now();
    const yaml = draft.text;
    const place = draft.place;
    try {
      let now = 1;
      if (isNew && version === 0) now = (await api.create({ id: draft.id, world: draft.world, yaml, place: place ?? { position: [0, 0, 0], yaw: 0, waypoints: [], speed: 1.2 }, note: note.value.trim() }))?.version ?? 1;
      else now = (await api.apply(draft.id, { yaml, note: note.value.trim(), if_version: version, ...(draft.placeChanged && place ? { place } : {}) })).version;
      const ms = performance.now() - start;
      notes.delete(draft.id);
      draft.saved(now, yaml, place);
      close();
      to.applied(now, ms);
    } catch (error) {
      go.disabled = false;
      if (error instanceof StudioError && error.problems.length) {
        close();
        to.refused(error.problems, error.message);
      } else if (error instanceof StudioError && error.status === 409 && !isNew) await conflict();
      else problem.textContent = sentence(error);
    }
  }

  /** Somebody applied another version meanwhile. */
  async function conflict() {
    try {
      const newest = await api.npc(draft.id);
      const theirs = (await api.versions(draft.id)).versions[0];
      const by = theirs?.by ? ` by ${theirs.by}` : '';
      const between = diff(newest.yaml, draft.text);
      fill(/** @type {HTMLElement} */ (dialog.querySelector('h2')), 'Somebody was faster');
      fill(/** @type {HTMLElement} */ (dialog.querySelector('.body')), h('p', null, `Version ${newest.version}${by} runs since you began${theirs?.note ? `: “${theirs.note}”` : ''}. Left is what runs now, right is yours.`), picture);
      showDiff(picture, between, 'Both say the same.');
      fill(form, changes(between), h('span.grow', null, note), problem,
        h('button.quiet', { type: 'button', onclick: close }, 'Keep editing'),
        h('button.small', { type: 'button', title: 'Ctrl+Z brings yours back', onclick: () => { draft.change(newest.yaml, 'undo', 'theirs'); draft.saved(newest.version, newest.yaml, newest.place); close(); } }, 'Take theirs'),
        h('button.primary', { type: 'button', onclick: () => { void apply(newest.version); } }, 'Put mine over it'));
    } catch (error) {
      problem.textContent = sentence(error);
    }
  }
}
