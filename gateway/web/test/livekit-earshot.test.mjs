// livekit-earshot.js with a room that is not there: poses both ways, whom they
// are of, what a stranger may not say in the server's name.
import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DEFAULT_CURVE, EarshotSpace, TOPIC } from '../livekit-earshot.js';
import { decode, encode } from '../pose.js';

/** @import {Pose} from '../pose.js' */

const text = new TextEncoder();

/** What of a Room is used, with what was sent. */
class FakeRoom extends EventEmitter {
  state = 'connected';
  remoteParticipants = new Map();
  /** @type {{data: Uint8Array, topic: string, reliable: boolean}[]} */ sent = [];
  localParticipant = {
    /**
     * @param {Uint8Array} data
     * @param {any} options
     */
    publishData: async (data, options) => { this.sent.push({ data, ...options }); },
  };

  /**
   * The server, or somebody, sends.
   * @param {string} topic
   * @param {Uint8Array|object} what
   * @param {object} [from]
   */
  send(topic, what, from) {
    this.emit('dataReceived', what instanceof Uint8Array ? what : text.encode(JSON.stringify(what)), from, 1, topic);
  }

  /**
   * @param {number} index
   * @param {string} identity
   */
  meet(index, identity) { this.send(TOPIC.people, { people: [{ index, id: `pa_${identity}`, identity, sid: `PA_${identity}`, name: identity }] }); }
}

/**
 * @param {number} x
 * @returns {Pose}
 */
const standing = (x) => ({ root: [x, 0, 0], yaw: 0, head: { position: [0, 1.6, 0], rotation: [0, 0, 0, 1] }, left: null, right: null });

function open() {
  const room = new FakeRoom();
  return { room, space: new EarshotSpace(room, { voices: false }) };
}

test('our pose goes up lossy, 30 times a second at most, with the one before', () => {
  const { room, space } = open();
  for (let ms = 0; ms < 1000; ms += 10) space.update(standing(ms / 1000), 5000 + ms);
  assert.ok(room.sent.length >= 24 && room.sent.length <= 31, `${room.sent.length} datagrams in a second of 100 frames`);
  assert.ok(room.sent.every(({ topic, reliable }) => topic === 'earshot.pose' && !reliable));
  const [first, second] = room.sent.map(({ data }) => decode(data));
  assert.deepEqual([first.seq, second.seq, first.time, first.blocks.length, second.blocks.length], [0, 1, 5000, 1, 2]);
});

test('nothing goes up while there is no connection', () => {
  const { room, space } = open();
  room.state = 'reconnecting';
  space.update(standing(0), 5000);
  assert.equal(room.sent.length, 0);
  room.state = 'connected';
  space.update(standing(0), 5001);
  assert.equal(room.sent.length, 1);
});

test('poses of others come by index, and who has left is nowhere', () => {
  const { room, space } = open();
  assert.equal(space.poseOf('bob'), null);
  room.send(TOPIC.pose, encode(0, 1000, [{ index: 7, age: 0, pose: standing(3) }]));
  room.meet(7, 'bob');
  assert.equal(space.poseOf('bob'), null, 'what came before the index was said may be another’s');
  room.send(TOPIC.pose, encode(1, 1033, [{ index: 7, age: 0, pose: standing(4) }]));
  assert.ok(Math.abs((space.poseOf('bob')?.root[0] ?? 0) - 4) < 0.01);
  room.emit('participantDisconnected', { identity: 'bob' });
  assert.equal(space.poseOf('bob'), null);
});

test('an index that is somebody else’s now shows nobody where another stood', () => {
  const { room, space } = open();
  room.meet(7, 'bob');
  room.send(TOPIC.pose, encode(0, 1000, [{ index: 7, age: 0, pose: standing(3) }]));
  room.meet(7, 'carol');
  assert.deepEqual([space.poseOf('bob'), space.poseOf('carol')], [null, null]);
  assert.throws(() => space.setBlocked('bob', true), /nobody here/);
});

test('a participant cannot speak for the server', () => {
  const { room, space } = open();
  const eve = { identity: 'eve' };
  room.send(TOPIC.people, { people: [{ index: 7, id: 'pa_eve', identity: 'bob', sid: 'PA_eve', name: 'bob' }] }, eve);
  room.send(TOPIC.pose, encode(0, 1000, [{ index: 7, age: 0, pose: standing(3) }]), eve);
  room.send(TOPIC.control, { type: 'world', world: { voice: { ...DEFAULT_CURVE, range: 10000 } } }, eve);
  assert.deepEqual([space.poseOf('bob'), space.curve], [null, DEFAULT_CURVE]);
});

test('what cannot be read is passed over', (t) => {
  t.mock.method(console, 'warn', () => {});
  const { room, space } = open();
  for (const topic of Object.values(TOPIC)) room.send(topic, text.encode('{"'));
  room.send('chat', text.encode('hello'));
  room.send(TOPIC.control, { type: 'of a later version' });
  room.meet(7, 'bob');
  room.send(TOPIC.pose, encode(0, 1000, [{ index: 7, age: 0, pose: standing(3) }]));
  assert.ok(space.poseOf('bob'));
});

test('the world’s curve is taken, and is the server’s default before', () => {
  const { room, space } = open();
  const { curves } = JSON.parse(readFileSync(new URL('../../../spatialaudio/testdata/gains.json', import.meta.url), 'utf8'));
  assert.deepEqual(space.curve, curves.default);
  const voice = { ...DEFAULT_CURVE, range: 5 };
  room.send(TOPIC.control, { type: 'world', world: { voice } });
  assert.deepEqual(space.curve, voice);
});

test('a block is asked for by Earshot’s own id', () => {
  const { room, space } = open();
  room.meet(7, 'bob');
  space.setBlocked('bob', true);
  const [{ data, topic, reliable }] = room.sent;
  assert.deepEqual([topic, reliable, JSON.parse(new TextDecoder().decode(data))], ['earshot.control', true, { type: 'block', participant: 'pa_bob', blocked: true }]);
});

test('closed, it lets go of the room', () => {
  const { room, space } = open();
  space.close();
  assert.deepEqual(room.eventNames(), []);
});
