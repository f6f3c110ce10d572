import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isMade, linkTo, placeName } from '../app/place-name.js';

test('instances have names that people would use', () => {
  assert.equal(placeName('in_plaza_2'), 'plaza 2');
  assert.equal(placeName('in_plaza_private-k5dqabcdefghij23'), 'a private place');
  assert.equal(placeName('in_plaza_friends-k5dqabcdefghij23'), 'a place for friends');
  assert.deepEqual([isMade('in_plaza_2'), isMade('in_plaza_private-party'), isMade('in_plaza_event-k5dqabcdefghij23')], [false, false, true]);
});

test('a link says where to, and nothing of who sends it', () => {
  const here = 'https://voice.example.org/earshot/?name=Ada&autojoin=1&world=plaza&x=2&instance=in_old#token=secret&key=k';
  assert.equal(linkTo(here, { instance: 'in_plaza_private-k', invitation: 'iv_1' }), 'https://voice.example.org/earshot/?world=plaza&instance=in_plaza_private-k&invitation=iv_1');
  assert.equal(linkTo(here, { instance: '' }), 'https://voice.example.org/earshot/?world=plaza');
});
