/**
 * Who may use a page: a token with the grant it needs, from the address, from the
 * main page of the same tab, or from a server in development. The studio's and
 * the console's.
 * @module
 */
import { el, fill, h } from './dom.js';

const KEY = 'earshot.token';

/**
 * @typedef {{grant: string, page: string, verb: string, needs: string, grants: string, who: string, sub: string}} Purpose
 *   page: "the studio"; verb: what the grant allows; needs: a sentence on why; grants: what to
 *   ask a token for; who and sub: name and subject of a token in development
 */

/** @type {Purpose} */
export const STUDIO = {
  grant: 'design', page: 'the studio', verb: 'design', needs: 'The studio changes the running world, so it needs a token with the grant design.',
  grants: 'design,publish.pose,subscribe,chat', who: 'Designer', sub: 'studio',
};

/** The claims of a token, unverified: the server verifies. @param {string} token @returns {{name?: string, grants?: string[], exp?: number, world?: string}|null} */
export function claims(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Whether it is worth asking the server with a token. @param {string} token @param {number} [now] ms */
export function mayDesign(token, now = Date.now()) { return may(token, STUDIO.grant, now); }

/** Whether a token has a grant and is still good. @param {string} token @param {string} grant @param {number} [now] ms */
export function may(token, grant, now = Date.now()) {
  const c = claims(token);
  return !!c && Array.isArray(c.grants) && c.grants.includes(grant) && (c.exp === undefined || c.exp * 1000 > now);
}

/** The token that this tab has, '' for none. */
export function found() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const given = hash.get('token') ?? '';
  if (given) {
    hash.delete('token');
    history.replaceState(null, '', location.pathname + location.search + (hash.size ? `#${hash}` : ''));
    keep(given);
    return given;
  }
  try { return sessionStorage.getItem(KEY) ?? ''; } catch { return ''; }
}

/** @param {string} token */
export function keep(token) {
  try { sessionStorage.setItem(KEY, token); } catch { /* then it is asked for again */ }
}

/**
 * A token of a server in development, '' where there is none.
 * @param {URL} base
 * @param {Purpose} [purpose]
 */
export async function development(base, { who, sub } = STUDIO) {
  try {
    const url = new URL('v1/dev/token', base);
    url.search = String(new URLSearchParams({ world: new URLSearchParams(location.search).get('world') ?? 'plaza', name: who, sub }));
    const response = await fetch(url, { cache: 'no-store' });
    return response.ok ? String((await response.json()).token ?? '') : '';
  } catch {
    return '';
  }
}

/**
 * Shows the card that says what is missing, until there is a token.
 * @param {{had: string, message: string}} why had: the token that was refused
 * @param {Purpose} [purpose]
 * @returns {Promise<string>}
 */
export function ask({ had, message }, purpose = STUDIO) {
  const { grant, page } = purpose;
  const c = had ? claims(had) : null;
  const lacking = c && !c.grants?.includes(grant);
  const expired = c && !lacking && c.exp !== undefined && c.exp * 1000 < Date.now();
  return new Promise((done) => {
    const box = el('signin');
    const input = h('input', { type: 'text', autocomplete: 'off', spellcheck: false, 'aria-label': 'Token', placeholder: 'Paste the token' });
    const wrong = h('p.wrong', { role: 'alert' }, '');
    const world = c?.world ?? 'plaza';
    fill(box, h('form.card', { onsubmit: (/** @type {Event} */ e) => {
      e.preventDefault();
      const token = input.value.trim();
      if (!claims(token)) wrong.textContent = 'This is no token. Copy the whole line that earshot token printed.';
      else if (!may(token, grant)) wrong.textContent = claims(token)?.grants?.includes(grant) ? 'This token is no longer valid. Get a new one.' : `This token has not the grant ${grant}. Get one that has.`;
      else {
        box.hidden = true;
        document.body.classList.remove('signed-out');
        keep(token);
        done(token);
      }
    } },
    h('h2', { id: 'signin-title' }, lacking ? `Your token may not ${purpose.verb}` : expired ? 'Your token is no longer valid' : `Sign in to ${page}`),
    h('p', null, lacking ? `The token of ${c?.name || 'this tab'} has the grants ${c?.grants?.join(', ') || 'none'}, and ${page} needs the grant ${grant} as well. Nothing you typed is lost.`
      : message || purpose.needs),
    h('p', null, 'Whoever runs the server can issue one:'),
    h('pre', null, `earshot token -world ${world} -name ${c?.name ? JSON.stringify(c.name) : purpose.who} -grant ${purpose.grants} -config FILE`),
    h('label', null, 'Token', input), wrong, h('button.primary', { type: 'submit' }, `Open ${page}`)));
    box.hidden = false;
    document.body.classList.add('signed-out');
    el('app').hidden = true;
    el('panes').hidden = true;
    input.focus();
  });
}
