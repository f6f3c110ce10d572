/**
 * A new NPC: from a template, or from an imported card. It is a draft of this
 * browser until it is applied.
 * @module
 */
import { openDialog } from './dialog.js';
import { fill, h } from './dom.js';
import { TEMPLATES, idOf } from './templates.js';

/**
 * @param {{worlds: {name: string, title: string}[], world: string, taken: (id: string) => boolean,
 *   imported?: {name: string, yaml: string, warnings: string[]}, replace?: {id: string, name: string}}} options replace: the NPC that is open
 * @param {(made: {id: string, world: string, yaml: string, replace: boolean}) => void} done
 */
export function openCreate({ worlds, world, taken, imported, replace }, done) {
  let template = TEMPLATES[0];
  let touched = false;
  const name = h('input', { type: 'text', maxLength: 64, required: true, value: imported?.name ?? '', autocomplete: 'off', oninput: () => { if (!touched) id.value = name.value ? idOf(name.value, taken) : ''; } });
  const id = h('input', { type: 'text', maxLength: 32, required: true, pattern: '[a-z0-9][a-z0-9\\-]{0,31}', title: '1 to 32 of a-z, 0-9 and -', value: imported ? idOf(imported.name, taken) : '', autocomplete: 'off', spellcheck: false, oninput: () => { touched = true; } });
  const where = h('select', null, worlds.map((w) => h('option', { value: w.name, selected: w.name === world }, w.title || w.name)));
  const problem = h('p.note', { role: 'alert' });
  const cards = h('div.templates', { role: 'radiogroup', 'aria-label': 'Start from' });
  const draw = () => fill(cards, TEMPLATES.map((t) => h('button.template', { type: 'button', role: 'radio', 'aria-checked': String(t === template), dataset: { template: t.id }, onclick: () => { template = t; draw(); } }, h('b', null, t.title), h('small', null, t.about))));
  draw();
  const form = h('form', { id: 'create', onsubmit: (/** @type {Event} */ e) => {
    e.preventDefault();
    if (taken(id.value)) { problem.textContent = `${id.value} is taken. Choose another id.`; id.focus(); return; }
    done({ id: id.value, world: where.value, yaml: imported?.yaml ?? template.yaml(name.value.trim()), replace: false });
    close();
  } }, h('div.two', null, field('Name', name), field('Id', id)), field('World', where), problem);
  const warnings = imported?.warnings.length ? [h('p.soft', null, 'The card has parts that work differently here:'), h('ul', null, imported.warnings.map((w) => h('li.soft', null, `• ${w}`)))] : [];
  const { dialog, close } = openDialog(imported ? `Import ${imported.name}` : 'New NPC', {
    body: [...(imported ? warnings : [cards]), form],
    footer: [imported && replace ? h('button.quiet', { type: 'button', onclick: () => { done({ id: replace.id, world: '', yaml: imported.yaml, replace: true }); close(); } }, `Put into ${replace.name} instead`) : null,
      h('span.grow'), h('button.quiet', { type: 'button', onclick: () => close() }, 'Cancel'), h('button.primary', { type: 'submit', form: 'create' }, 'Open as a draft')],
  });
  dialog.dataset.dialog = 'create';
  name.focus();
}

/** @param {string} label @param {HTMLElement} control */
function field(label, control) { return h('div.field', null, h('label', { htmlFor: control.id ||= `c-${label.toLowerCase()}` }, label), control); }
