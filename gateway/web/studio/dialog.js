/**
 * Dialogs of the page: made when they open, gone when they close.
 * @module
 */
import { h, icon } from './dom.js';

/** @typedef {import('./dom.js').Child} Child */

/**
 * @param {string} title
 * @param {{wide?: boolean, body: Child|Child[], footer?: Child|Child[], bare?: boolean}} parts bare: the body fills the dialog
 * @returns {{dialog: HTMLDialogElement, close: () => void}}
 */
export function openDialog(title, { wide = false, body, footer, bare = false }) {
  const close = () => dialog.close();
  const dialog = h(wide ? (bare ? 'dialog.wide.tall' : 'dialog.wide') : 'dialog', { 'aria-label': title, onclose: () => dialog.remove(), onclick: (/** @type {MouseEvent} */ e) => { if (e.target === dialog && wide) close(); } },
    h('header', null, h('h2', null, title), h('button.icon-only', { type: 'button', 'aria-label': 'Close', onclick: close }, icon('close'))),
    bare ? body : h('div.body', null, ...[body].flat()), footer && h('footer', null, ...[footer].flat()));
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close };
}

/**
 * Asks before something happens that is not easily taken back.
 * @param {string} title @param {string} text @param {string} yes label of the button
 * @returns {Promise<boolean>}
 */
export function confirm(title, text, yes) {
  return new Promise((done) => {
    const { dialog, close } = openDialog(title, {
      body: h('p', null, text),
      footer: [h('span.grow'), h('button.quiet', { type: 'button', onclick: () => close() }, 'Cancel'), h('button.primary', { type: 'button', onclick: () => { done(true); close(); } }, yes)],
    });
    dialog.addEventListener('close', () => done(false));
  });
}
