/**
 * One line of somebody in the chat: covered words, marks of moderation, and a
 * menu for whoever reads it.
 * @module
 */
import { hueOf } from './color.js';
import { cut } from './sanctions.js';
import { icon } from './ui.js';

/**
 * @param {import('../signal.js').Chat} m
 * @param {boolean} own
 * @param {((line: HTMLElement, from: HTMLElement) => void) | null} onMenu null where there is none
 * @returns {HTMLLIElement}
 */
export function chatLine(m, own, onMenu) {
  const line = document.createElement('li'), who = document.createElement('b');
  line.style.setProperty('--hue', hueOf(m.from).toFixed(0));
  line.dataset.id = m.id;
  who.textContent = own ? 'You' : m.name;
  line.append(who, ...words(m.text, m.masked === true));
  if (m.unverified) line.append(mark('clock', 'Not checked yet: what should have judged this line did not answer in time. It may still be taken back.'));
  if (onMenu) line.append(menuButton(`What to do about this line of ${m.name}`, (button) => onMenu(line, button)));
  return line;
}

/** @param {string} text @param {boolean} masked @returns {(string | HTMLElement)[]} */
function words(text, masked) {
  return cut(text, masked).map((part) => {
    if (!part.covered) return part.text;
    const cover = document.createElement('span');
    cover.className = 'covered';
    cover.textContent = part.text;
    cover.title = 'Covered by moderation';
    cover.setAttribute('role', 'img');
    cover.setAttribute('aria-label', 'covered');
    return cover;
  });
}

/** @param {string} name of an icon @param {string} why @returns {HTMLElement} */
export function mark(name, why) {
  const box = document.createElement('span');
  box.className = 'mark';
  box.title = why;
  box.setAttribute('role', 'img');
  box.setAttribute('aria-label', why);
  box.append(icon(name));
  return box;
}

/** @param {string} label @param {(button: HTMLElement) => void} onClick */
function menuButton(label, onClick) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'more';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.setAttribute('aria-haspopup', 'menu');
  button.append(icon('more'));
  button.onclick = () => onClick(button);
  return button;
}
