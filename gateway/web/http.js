/**
 * The HTTP half of joining (PROTOCOL.md section 2): an SDP offer in, an answer
 * and a session URL out; later PATCH to restart ICE and DELETE to leave.
 * @module
 */
import { EarshotError, LIMITS } from './signal.js';

const REQUEST_TIMEOUT_MS = 8000;
const JOIN_TRIES = 4;

/**
 * Joins. Where the server is busy (503) it is asked again after the time it
 * names, a few times.
 * @param {string} base URL of the server
 * @param {string} token
 * @param {string} offer SDP
 * @param {boolean} [encrypted] whether media are encrypted end to end
 * @returns {Promise<{answer: string, session: string}>} session is an absolute URL
 */
export async function postOffer(base, token, offer, encrypted = false) {
  const body = await packed(offer);
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await request(new URL(encrypted ? 'v1/join?e2ee=1' : 'v1/join', base), token, {
        method: 'POST', body: body.bytes,
        headers: { 'Content-Type': 'application/sdp', ...body.headers },
      });
      const location = response.headers.get('Location');
      if (!location) throw new EarshotError('internal', 'the server named no session');
      return { answer: await response.text(), session: new URL(location, new URL(base, response.url || undefined)).href };
    } catch (error) {
      const again = error instanceof EarshotError && error.retryAfterMs > 0 && attempt < JOIN_TRIES;
      if (!again) throw error;
      // Spread out: everybody who was refused waits as long as told and a bit.
      await new Promise((done) => setTimeout(done, error.retryAfterMs * (1 + Math.random() / 2)));
    }
  }
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
 * @param {URL} url
 * @param {string} token
 * @param {RequestInit & {headers: Record<string, string>}} init
 * @param {number} [timeoutMs]
 */
async function request(url, token, init, timeoutMs = REQUEST_TIMEOUT_MS) {
  let response;
  try {
    response = await fetch(url, {
      ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs), cache: 'no-store',
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
    return new EarshotError(body.code, body.message, { retryAfterMs });
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
