/**
 * Where the page's token comes from: the address (#token=...), the join card, or
 * the development endpoint of a server that has no keys.
 * @module
 */
import { EarshotError } from '../signal.js';

/** Thrown where somebody has to paste a token. */
export class TokenNeeded extends Error {}

/** @returns {string} the token in the address, or '' */
export function tokenFromHash() {
  return new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
}

/**
 * @param {{world: string, name: string, sub: string}} who
 * @returns {Promise<string>} a token; throws TokenNeeded where the server has keys
 */
export async function devToken(who) {
  const response = await fetch(`v1/dev/token?${new URLSearchParams(who)}`, { cache: 'no-store' }).catch(() => {
    throw new EarshotError('unavailable', 'the server cannot be reached');
  });
  if (response.status === 404) throw new TokenNeeded();
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new EarshotError(body.code ?? 'unknown', body.message ?? `the server answered ${response.status}`);
  return body.token;
}

/** What a token allows, for showing or hiding what needs it; the server decides.
 * @param {string} token @returns {string[]} */
export function grantsOf(token) {
  try {
    const [, payload = ''] = token.split('.'), bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    const { grants } = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(grants) ? grants.filter((g) => typeof g === 'string') : [];
  } catch {
    return [];
  }
}

/** How many people are in a world now, or null where the server does not say.
 * @param {string} world @returns {Promise<{title: string, participants: number, voiceModeration: boolean, recording: boolean, e2ee: string} | null>} */
export async function worldNow(world) {
  try {
    const { worlds } = await (await fetch('v1/worlds', { cache: 'no-store' })).json();
    const found = worlds.find((/** @type {{name: string}} */ w) => w.name === world);
    if (!found) return null;
    const participants = (found.instances ?? []).reduce((/** @type {number} */ n, /** @type {{participants: number}} */ i) => n + i.participants, 0);
    return { title: found.title, participants, voiceModeration: found.voice_moderation === true, recording: found.recording === true, e2ee: found.e2ee ?? '' };
  } catch {
    return null;
  }
}
