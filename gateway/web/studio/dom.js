/**
 * Small helpers to make elements. Texts are always set as text, never as HTML.
 * @module
 */

/** @typedef {Node|string|null|undefined|false} Child */

/**
 * Makes an element: h('button.quiet', {onclick: f}, 'Say').
 * Properties that the element has are set, others become attributes.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T|`${T}.${string}`} tag with classes after dots
 * @param {Record<string, any>|null} [props]
 * @param {...(Child|Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = /** @type {any} */ (document.createElement(name));
  if (classes.length) element.className = classes.join(' ');
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null) continue;
    if (key === 'dataset') Object.assign(element.dataset, value);
    else if (key in element && key !== 'list' && key !== 'form') element[key] = value;
    else if (value !== false) element.setAttribute(key, value === true ? '' : String(value));
  }
  fill(element, ...children);
  return element;
}

/** @param {Element} element @param {...(Child|Child[])} children */
export function fill(element, ...children) {
  element.replaceChildren(.../** @type {(Node|string)[]} */ (children.flat().filter((c) => c !== null && c !== undefined && c !== false)));
}

const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} tag @param {Record<string, string|number>} attributes @param {...(Node|string)} children */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** An icon of the page's sheet. @param {string} name */
export function icon(name) { return svg('svg', { 'aria-hidden': 'true', class: 'icon' }, svg('use', { href: `#i-${name}` })); }

/** An element of the page that is there. @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export function el(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (found);
}

/**
 * Calls late, once for all calls within a time.
 * @param {number} ms
 * @param {() => void} call
 * @returns {(() => void) & {cancel: () => void}}
 */
export function debounce(ms, call) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  return Object.assign(() => { clearTimeout(timer); timer = setTimeout(call, ms); }, { cancel: () => clearTimeout(timer) });
}

/** A notice that goes by itself. @param {string} text @param {'good'|'bad'|'info'} [kind] */
export function toast(text, kind = 'info') {
  const box = el('toasts');
  const note = h(`p.${kind}`, null, text);
  while (box.childElementCount >= 3) box.firstElementChild?.remove();
  box.append(note);
  setTimeout(() => note.remove(), kind === 'bad' ? 9000 : 5000);
}

/** Saves bytes as a file of this machine. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** When something was, for people. @param {string|number} at @param {number} [now] */
export function when(at, now = Date.now()) {
  const t = new Date(at).getTime();
  if (!Number.isFinite(t) || t <= 0) return '';
  const s = Math.max(0, (now - t) / 1000);
  if (s < 50) return 'just now';
  if (s < 3600) return `${Math.round(s / 60)} min ago`;
  if (s < 20 * 3600) return `${Math.round(s / 3600)} h ago`;
  return new Date(t).toLocaleString(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}
