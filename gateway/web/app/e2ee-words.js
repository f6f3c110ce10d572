/**
 * End-to-end encryption in words: who can be heard and who not, and why. Pure.
 * @module
 */

/**
 * @typedef {import('../earshot.js').Participant} Participant
 * @typedef {{active: boolean, hearing: ReadonlyMap<string, {trouble: import('../e2ee.js').Trouble}>}} Keys
 * @typedef {{e2ee: Keys, participants: Map<string, Participant>, blocked: Set<string>}} Known
 */

/** What keeps somebody from being heard, in words and as a tag beside a name. */
export const TROUBLES = {
  '': { note: 'encrypted', tag: '' },
  key: { note: 'encrypted with another key: you do not hear them', tag: 'OTHER KEY' },
  plain: { note: 'said to be encrypted, but is not: silenced', tag: 'NOT ENCRYPTED' },
  sender: { note: 'another voice comes in their name: silenced', tag: 'OTHER VOICE' },
};

/** A fragment with a key in place of the one in it. @param {string} hash @param {string} key @returns {string} */
export function withKey(hash, key) {
  const parts = new URLSearchParams(hash.slice(1));
  if (key) parts.set('key', key);
  else parts.delete('key');
  return parts.size ? `#${parts}` : '';
}

/** How it is with a participant's encryption. @param {Known} session @param {Participant} p @returns {{note: string, tag: string}} */
export function encryptionOf(session, p) {
  if (p.beyond || ['npc', 'stand-in', 'stream'].includes(p.kind)) return { note: '', tag: '' };
  if (!session.e2ee.active) return p.encrypted ? { note: 'encrypted: you do not hear them without the key', tag: 'NO KEY' } : { note: '', tag: '' };
  if (!p.encrypted) return { note: 'not encrypted: does not hear you', tag: 'NOT ENCRYPTED' };
  return TROUBLES[session.e2ee.hearing.get(p.id)?.trouble ?? ''];
}

/** What stands in the bar; null for nothing. @param {Known} session @returns {{text: string, title: string, bad: boolean} | null} */
export function summary(session) {
  const others = [...session.participants.values()].filter((p) => !session.blocked.has(p.id));
  if (!session.e2ee.active) {
    const deaf = others.filter((p) => p.encrypted).length;
    return deaf ? { text: 'No key', bad: true, title: `${deaf === 1 ? 'One person here encrypts' : `${deaf} people here encrypt`} end to end. Without the key you do not hear them, nor they you.` } : null;
  }
  const bad = others.filter((p) => p.encrypted && encryptionOf(session, p).tag);
  if (bad.length) return { text: 'Key differs', bad: true, title: `You do not hear ${bad.map((p) => p.name).join(', ')}: ${encryptionOf(session, bad[0]).note}.` };
  return { text: 'Encrypted', bad: false, title: 'Your voice and videos are encrypted end to end: only those with the same key hear and see them. NPCs and this server do not.' };
}
