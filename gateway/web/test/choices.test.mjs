import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Choices } from '../choices.js';
import * as signal from '../signal.js';

const types = (/** @type {object[]} */ list) => list.map((m) => /** @type {{type: string}} */ (m).type);
const none = { blocked: [], gains: [], muted: false, beds: false };

test('blocks come before ready, and what was chosen after it', () => {
  const choices = new Choices();
  choices.note(signal.audio('binaural'));
  choices.note(signal.standIn(true, 'one'));
  choices.note(signal.standIn(true, 'two'));
  const blocked = Array.from({ length: signal.LIMITS.readyBlocks + 2 }, (_, i) => `pa_${i}`);
  const said = choices.greeting({ ...none, blocked, gains: new Map([['pa_1', -6]]), muted: true }, false);
  assert.deepEqual(types(said), ['block', 'block', 'audio', 'ready', 'mute', 'stand_in', 'gain']);
  assert.match(JSON.stringify(said[5]), /two/);
});

test('who was handed over does not say again how voices shall come', () => {
  const choices = new Choices();
  choices.note(signal.audio('binaural'));
  assert.deepEqual(types(choices.greeting(none, true)), ['ready']);
  assert.deepEqual(types(choices.greeting(none, false)), ['audio', 'ready']);
});
