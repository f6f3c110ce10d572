// The mark of a recording, in words, and the message it comes from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainRecording } from '../app/recorded.js';
import { parse } from '../signal.js';

test('a recording message has its lists, also where the server leaves them out', () => {
  const all = parse('{"type":"recording","active":true,"since":"2026-11-21T17:00:00Z"}');
  assert.deepEqual(all, { type: 'recording', active: true, since: '2026-11-21T17:00:00Z', participants: [], sources: [] });
  assert.throws(() => parse('{"type":"recording"}'), /active/);
  assert.throws(() => parse('{"type":"recording","active":true,"participants":[7]}'), /participants/);
});

test('what is kept is said in words', () => {
  const all = { type: /** @type {const} */ ('recording'), active: true, participants: [], sources: [] };
  assert.match(explainRecording(all, 'pa_a'), /voices, pictures and movements of everybody/);
  assert.match(explainRecording({ ...all, sources: ['microphone'], participants: ['pa_a'] }, 'pa_a'), /voices of one participant are kept, yours among them/);
  assert.match(explainRecording({ ...all, participants: ['pa_b', 'pa_c'] }, 'pa_a'), /2 participants are kept, not yours/);
});
