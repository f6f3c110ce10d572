/**
 * Errors in plain words, with what to do.
 * @module
 */

/** @type {Record<string, string>} */
const BY_CODE = {
  unauthenticated: 'Your access token is not valid here or has expired. Ask for a new one and try again.',
  permission_denied: 'Your access token does not allow this.',
  resource_exhausted: 'The place is full or too busy right now. Try again in a minute.',
  unavailable: 'The server cannot be reached or is restarting. Check your connection and try again.',
  deadline_exceeded: 'The server took too long to answer. Check your connection and try again.',
  not_found: 'This world is not here. Check the address.',
  unimplemented: 'This page and the server do not match. Reload the page.',
  aborted: 'You joined from another tab or device, so this one was let go.',
};

/** @param {unknown} error @returns {string} */
export function explain(error) {
  const e = /** @type {{code?: string, name?: string, message?: string}} */ (error ?? {});
  if (e.name === 'NotAllowedError') return 'The browser may not use this device. Allow it in the address bar, or join without.';
  if (e.name === 'NotFoundError' || e.name === 'OverconstrainedError') return 'No microphone was found. Plug one in, or join without.';
  if (e.name === 'NotReadableError') return 'The device is in use by another program. Close that, or choose another one.';
  const plain = e.code ? BY_CODE[e.code] : '';
  const detail = e.message ? sentence(e.message) : '';
  // Long details are for those who run the server; they are in the reply and its log.
  if (plain && detail && detail.length < 90 && e.code !== 'aborted') return `${plain} (${detail.replace(/\.$/, '')})`;
  return plain || detail || 'Something went wrong. Try again.';
}

/**
 * Why one did not come into an instance that was asked for.
 * @param {unknown} error
 * @returns {string}
 */
export function explainPlace(error) {
  const { code } = /** @type {{code?: string}} */ (error ?? {});
  if (code === 'not_found') return 'This place has closed: one does two minutes after the last has left. Ask for a new link.';
  if (code === 'permission_denied') return 'This place is not for everybody. Ask who made it for an invitation.';
  return explain(error);
}

/**
 * A message that the server refused while the session goes on: its own words
 * say what was refused, those of explain() are about joining.
 * @param {import('../signal.js').EarshotError} error
 * @returns {string}
 */
export function explainRefusal(error) {
  return error.message && error.message.length < 140 ? `${sentence(error.message).replace(/\.$/, '')}.` : explain(error);
}

/** @param {string} text @returns {string} */
function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
