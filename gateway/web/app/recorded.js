/**
 * What a recording keeps, in words. Pure.
 * @module
 */

/** @typedef {import('../signal.js').Recording} Recording */

/** What is kept, in words. @param {Recording} r @param {string} you your id */
export function explainRecording(r, you) {
  const what = { microphone: 'voices', camera: 'cameras', screen: 'screens' };
  const kept = r.sources.map((s) => what[/** @type {keyof typeof what} */ (s)] ?? s).join(' and ') || 'voices, pictures and movements';
  if (!r.participants.length) return `This place is being recorded: ${kept} of everybody are kept. Mute yourself, or leave, if you do not agree.`;
  const me = r.participants.includes(you);
  return `This place is being recorded: ${kept} of ${r.participants.length === 1 ? 'one participant' : `${r.participants.length} participants`} are kept, ${me ? 'yours among them' : 'not yours'}.`;
}
