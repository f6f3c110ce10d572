/**
 * The HTTP half of joining (PROTOCOL.md section 2): an SDP offer in, an answer
 * and a session URL out; later PATCH to restart ICE and DELETE to leave.
 * @module
 */
import { EarshotError, LIMITS } from './signal.js';

const REQUEST_TIMEOUT_MS = 8000;
const JOIN_TRIES = 4;
/** How many nodes in turn may send us to another one. */
const MAX_NODES = 4;
/** While the others have not noticed that a node is gone, one of them is asked this often, on average. */
const MOVING_MS = 250;
/** A node that is there answers a ping within this time. */
const PING_MS = 600;

/**
 * Joins. Where the server is busy (503) it is asked again after the time it
 * names, a few times; where another node has the instance (421), that is. Where
 * that one is not trusted the first is asked again, until it knows better. Where
 * there is no room and we wait, it throws an EarshotError with a queue.
 * @param {string} base URL of the server
 * @param {string} token
 * @param {string} offer SDP
 * @param {{encrypted?: boolean, query?: Record<string, string>, trusts?: (location: string) => boolean, answered?: () => void}} [wish]
 *   encrypted: media are, end to end; query: what to say of where to go (nodes.js); trusts: whether to go where
 *   a node sends us; answered is told that one that was not trusted is there
 * @returns {Promise<{answer: string, session: string}>} session is an absolute URL
 */
export async function postOffer(base, token, offer, { encrypted = false, query = {}, trusts = () => true, answered = () => {} } = {}) {
  const body = await packed(offer), door = new URL('v1/join', base);
  for (const [key, value] of Object.entries(query)) door.searchParams.set(key, value);
  let url = door, nodes = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      if (encrypted) url.searchParams.set('e2ee', '1');
      const response = await request(url, token, {
        method: 'POST', body: body.bytes,
        headers: { 'Content-Type': 'application/sdp', ...body.headers },
      });
      if (response.status === 202) throw await waits(response, url);
      const location = response.headers.get('Location');
      if (!location) throw new EarshotError('internal', 'the server named no session');
      return { answer: await response.text(), session: new URL(location, new URL(url, response.url || undefined)).href };
    } catch (error) {
      if (error instanceof EarshotError && error.location && !trusts(error.location)) {
        const [back] = await Promise.all([answers(error.location), sleep(MOVING_MS * (0.5 + Math.random()))]);
        if (back) answered();
        url = back ? new URL(error.location) : door;
        nodes = attempt = 0;
        continue;
      }
      if (error instanceof EarshotError && error.location && ++nodes < MAX_NODES) {
        url = new URL(error.location);
        continue;
      }
      const again = error instanceof EarshotError && error.retryAfterMs > 0 && attempt < JOIN_TRIES;
      if (!again) throw error;
      // Spread out: everybody who was refused waits as long as told and a bit.
      await sleep(error.retryAfterMs * (1 + Math.random() / 2));
    }
  }
}

/**
 * Whether a node is there. Never rejects.
 * @param {string} address any URL of it
 * @returns {Promise<boolean>}
 */
export async function answers(address) {
  try {
    return (await fetch(new URL('/v1/ping', address), { signal: AbortSignal.timeout(PING_MS), cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

/**
 * @param {Response} response 202 of a join
 * @param {URL} url of it
 */
async function waits(response, url) {
  const told = await response.json();
  return new EarshotError('resource_exhausted', 'the world is full', { told: true, queue: { told, base: new URL('..', response.url || url).href } });
}

/**
 * The STUN and TURN servers for this token.
 * @param {string} base URL of the server
 * @param {string} token
 * @returns {Promise<{ice_servers: RTCIceServer[], expires: string}>} expires is RFC 3339
 */
export async function getIce(base, token) {
  const response = await request(new URL('v1/ice', base), token, { method: 'GET', headers: {} });
  /** @type {any} */
  const body = await response.json().catch(() => null);
  if (!Array.isArray(body?.ice_servers) || typeof body.expires !== 'string') {
    throw new EarshotError('internal', 'the server named its ICE servers in a way this page does not know');
  }
  return body;
}

/**
 * Asks for a page of the API.
 * @param {string} base URL of the server
 * @param {string} token
 * @param {string} method
 * @param {string} path
 * @param {object} [body] sent as JSON
 * @returns {Promise<any>} the answer's JSON; null where there is none
 */
export async function ask(base, token, method, path, body) {
  const response = await request(new URL(path, base), token, {
    method, headers: body ? { 'Content-Type': 'application/json' } : {}, ...body && { body: JSON.stringify(body) },
  });
  return response.status === 204 ? null : response.json();
}

/**
 * Restarts ICE.
 * @param {string} session URL
 * @param {string} token
 * @param {string} offer SDP
 * @param {number} timeoutMs
 * @returns {Promise<string>} the answer
 */
export async function patchOffer(session, token, offer, timeoutMs) {
  const body = await packed(offer);
  const response = await request(new URL(session), token, {
    method: 'PATCH', body: body.bytes,
    headers: { 'Content-Type': 'application/sdp', ...body.headers },
  }, timeoutMs);
  return response.text();
}

/**
 * Leaves. keepalive lets the request outlive the page; sendBeacon could not
 * carry the token. Never throws: who leaves does not wait for an answer.
 * @param {string} session URL
 * @param {string} token
 */
export function deleteSession(session, token) {
  fetch(session, { method: 'DELETE', keepalive: true, headers: { Authorization: `Bearer ${token}` } })
    .catch(() => { /* the server notices by itself within 10 s */ });
}

/**
 * Makes a request; refusals are thrown as EarshotErrors.
 * @param {URL} url
 * @param {string} token
 * @param {RequestInit & {headers: Record<string, string>}} init
 * @param {number} [timeoutMs]
 */
export async function request(url, token, init, timeoutMs = REQUEST_TIMEOUT_MS) {
  let response;
  try {
    response = await fetch(url, {
      ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` },
      signal: init.signal ? AbortSignal.any([init.signal, AbortSignal.timeout(timeoutMs)]) : AbortSignal.timeout(timeoutMs), cache: 'no-store',
    });
  } catch (cause) {
    throw new EarshotError('unavailable', `the server at ${url.host} cannot be reached: check the network and the address`,
      { cause, reconnect: true });
  }
  if (response.ok) return response;
  throw await refusal(response);
}

/**
 * Makes an error of the body of a refused request, or of the status where
 * something between us and the server answered.
 * @param {Response} response
 */
async function refusal(response) {
  const retryAfterMs = (Number(response.headers.get('Retry-After')) || 0) * 1000;
  /** @type {any} */
  const body = await response.json().catch(() => null);
  if (typeof body?.code === 'string' && typeof body?.message === 'string') {
    const location = response.status === 421 ? response.headers.get('Location') ?? '' : '';
    return new EarshotError(body.code, body.message, { retryAfterMs, location, told: true });
  }
  return new EarshotError(response.status >= 500 ? 'unavailable' : 'unknown',
    `the server answered ${response.status} ${response.statusText}`, { retryAfterMs });
}

/**
 * The offer as gzip where the browser can: about a tenth of the size.
 * @param {string} sdp
 * @returns {Promise<{bytes: BodyInit, headers: Record<string, string>}>}
 */
async function packed(sdp) {
  if (sdp.length > LIMITS.sdpBytes) {
    throw new EarshotError('invalid_argument', `the offer has ${sdp.length} bytes: use fewer slots`);
  }
  if (typeof CompressionStream === 'undefined') return { bytes: sdp, headers: {} };
  const stream = new Blob([sdp]).stream().pipeThrough(new CompressionStream('gzip'));
  return { bytes: await new Response(stream).arrayBuffer(), headers: { 'Content-Encoding': 'gzip' } };
}

/** @param {number} ms */
function sleep(ms) { return new Promise((done) => setTimeout(done, ms)); }
