// livekit-server-sdk, unmodified, against Earshot, with bots of Earshot's own
// protocol in the world and a participant of @livekit/rtc-node.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { AccessToken, DataPacket_Kind, EgressClient, RoomServiceClient, TokenVerifier, TrackSource, WebhookReceiver } from 'livekit-server-sdk';
import { Native } from './livekit-tone.mjs';
import { settled, sleep, until } from './stage.mjs';

const { EARSHOT_LIVEKIT_URL: url = '', EARSHOT_LIVEKIT_KEY: key = '', EARSHOT_LIVEKIT_SECRET: secret = '', EARSHOT_HOST: host = '' } = process.env;
if (!host) throw new Error('run this by: EARSHOT_E2E=1 go test -run E2ELiveKitServer ./cmd/earshot');

const ROOM = 'plaza';
const [JOINED_STATE, ACTIVE_STATE] = [1, 2];
const rooms = new RoomServiceClient(url, key, secret);
const native = new Native('carl');
/** Bots' ids and numbers. @type {Record<string, {id: string, number: number}>} */
const bots = {};

/** @param {string} name @returns {Promise<{told: any[], heard: Record<number, number>}>} */
const bot = async (name) => (await fetch(`${host}/bots/${name}`)).json();

/** How many frames bo heard of ada so far. */
const heard = async () => (await bot('bo')).heard[bots.ada.number] ?? 0;

/** How many frames bo hears of ada in half a second. */
async function flows() {
  const had = await heard();
  await sleep(0.5);
  return await heard() - had;
}

/** The webhooks so far, verified. @returns {Promise<import('livekit-server-sdk').WebhookEvent[]>} */
async function hooks() {
  const receiver = new WebhookReceiver(key, secret);
  /** @type {{body: string, authorization: string}[]} */
  const posted = await (await fetch(`${host}/hooks`)).json() ?? [];
  return Promise.all(posted.map(({ body, authorization }) => receiver.receive(body, authorization)));
}

/**
 * Refused with a code of Twirp and words.
 * @param {Promise<unknown>} call
 * @param {string} code
 * @param {number} status
 */
async function refused(call, code, status) {
  await assert.rejects(call, (/** @type {any} */ e) => {
    assert.deepEqual([e.code, e.status], [code, status], e.message);
    assert.ok(e.message.length > 20, e.message);
    return true;
  });
}

before(async () => {
  for (const name of ['ada', 'bo']) bots[name] = await (await fetch(`${host}/bots/${name}`, { method: 'POST' })).json();
});
after(async () => {
  await native.leave();
  await dispose();
});

test('a token of the SDK admits, and says what is said of the participant', async () => {
  const token = new AccessToken(key, secret, { identity: 'carl', name: 'Carl', metadata: 'sings', attributes: { 'earshot.audio': 'tracks' } });
  token.addGrant({ roomJoin: true, room: ROOM });
  await native.enter(url.replace(/^http/, 'ws'), await token.toJwt());
  const seen = await rooms.getParticipant(ROOM, 'carl');
  assert.deepEqual([seen.name, seen.metadata, seen.attributes['earshot.audio']], ['Carl', 'sings', 'tracks']);
  assert.ok([JOINED_STATE, ACTIVE_STATE].includes(seen.state));
});

test('earshot token -livekit makes a token that the SDK verifies and sends', async () => {
  const token = process.env.EARSHOT_LIVEKIT_TOKEN ?? '';
  const claims = await new TokenVerifier(key, secret).verify(token);
  assert.deepEqual([claims.video?.roomAdmin, claims.video?.room, claims.video?.roomJoin], [true, ROOM, undefined]);
  const list = await new RoomServiceClient(url, undefined, undefined, { token }).listRooms();
  assert.deepEqual(list.map(({ name }) => name), [ROOM]);
});

test('rooms are the worlds where somebody is', async () => {
  const [room] = await rooms.listRooms([ROOM]);
  assert.deepEqual([room.name, room.numParticipants, room.metadata], [ROOM, 3, '']);
  assert.ok(room.sid && room.creationTime > 0n && room.maxParticipants > 0);
  assert.equal((await rooms.createRoom({ name: ROOM, metadata: 'dusk' })).sid, room.sid);
  assert.equal((await rooms.updateRoomMetadata(ROOM, 'night')).metadata, 'night');
  await until('the room is told', async () => native.room.metadata === 'night');
  await refused(rooms.createRoom({ name: 'nowhere' }), 'not_found', 404);
  await refused(rooms.deleteRoom('nowhere'), 'not_found', 404);
});

test('everybody is listed, whatever they came by', async () => {
  const list = await rooms.listParticipants(ROOM);
  assert.deepEqual(list.map(({ name }) => name).sort(), ['Carl', 'ada', 'bo']);
  const ada = await rooms.getParticipant(ROOM, bots.ada.id);
  assert.equal(ada.sid, (await rooms.getParticipant(ROOM, 'ada')).sid, 'by the subject of a token of the same key');
  assert.deepEqual(ada.tracks.map(({ source, muted, mimeType }) => [source, muted, mimeType]), [[TrackSource.MICROPHONE, false, 'audio/opus']]);
  assert.deepEqual([ada.permission?.canPublish, ada.permission?.canSubscribe, ada.permission?.canPublishData], [true, true, true]);
  await refused(rooms.getParticipant(ROOM, 'nobody'), 'not_found', 404);
});

test('a mute holds until it is lifted', async () => {
  const [{ sid }] = (await rooms.getParticipant(ROOM, 'ada')).tracks;
  await until('bo hears ada', async () => await heard() > 20);
  assert.equal((await rooms.mutePublishedTrack(ROOM, 'ada', sid, true)).muted, true);
  await settled(heard);
  assert.equal(await flows(), 0);
  assert.equal((await rooms.mutePublishedTrack(ROOM, 'ada', sid, false)).muted, false);
  await until('bo hears ada again', async () => await flows() > 5);
  await until('ada is told', async () => (await bot('ada')).told.some((m) => m.type === 'muted' && m.by === 'moderator' && m.muted));
});

test('a permission that is taken away is a mute too', async () => {
  const grants = { canSubscribe: true, canPublishData: true };
  const less = await rooms.updateParticipant(ROOM, 'ada', { permission: { ...grants, canPublish: false } });
  assert.equal(less.permission?.canPublish, false);
  await settled(heard);
  assert.equal(await flows(), 0);
  await rooms.updateParticipant(ROOM, 'ada', { permission: { ...grants, canPublish: true } });
  await until('bo hears ada again', async () => await flows() > 5);
  const deaf = await rooms.updateParticipant(ROOM, 'ada', { permission: { ...grants, canPublish: true, canSubscribe: false } });
  assert.equal(deaf.permission?.canSubscribe, false);
  await rooms.updateParticipant(ROOM, 'ada', { permission: { ...grants, canPublish: true } });
  await refused(rooms.updateParticipant(ROOM, 'ada', { permission: { ...grants, canPublish: true, hidden: true } }), 'unimplemented', 501);
});

test('metadata and attributes are told to LiveKit clients', async () => {
  const seen = await rooms.updateParticipant(ROOM, bots.ada.id, { metadata: 'dances', attributes: { team_name: 'red' } });
  assert.deepEqual([seen.metadata, seen.attributes], ['dances', { team_name: 'red' }]);
  const remote = () => native.room.remoteParticipants.get(bots.ada.id);
  await until('carl knows', async () => remote()?.metadata === 'dances' && remote()?.attributes.team_name === 'red');
});

test('data reach clients of both protocols, and only those they are for', async () => {
  const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);
  await rooms.sendData(ROOM, bytes('to all'), DataPacket_Kind.RELIABLE, { topic: 'score' });
  await rooms.sendData(ROOM, bytes('to carl'), DataPacket_Kind.LOSSY, { topic: 'score', destinationIdentities: ['carl'] });
  await rooms.sendData(ROOM, bytes('to ada'), DataPacket_Kind.RELIABLE, { destinationIdentities: ['ada'] });
  await until('carl has both', async () => native.events('dataReceived').length >= 2);
  assert.deepEqual(native.events('dataReceived').map(([, text, topic]) => [text, topic]).sort(), [['to all', 'score'], ['to carl', 'score']]);
  const got = async (/** @type {string} */ name) => (await bot(name)).told.filter((m) => m.type === 'data').map((m) => [m.topic, atob(m.data)]);
  await until('ada and bo have theirs', async () => (await got('ada')).length >= 2 && (await got('bo')).length >= 1);
  assert.deepEqual([await got('ada'), await got('bo')], [[['score', 'to all'], [undefined, 'to ada']], [['score', 'to all']]]);
});

test('who has no right is told which', async () => {
  const strangers = new RoomServiceClient(url, key, 'the secret of somebody else, long enough');
  await refused(strangers.listRooms(), 'unauthenticated', 401);
  const guest = new AccessToken(key, secret, { identity: 'eve', ttl: 60 });
  guest.addGrant({ roomJoin: true, room: ROOM });
  const asGuest = new RoomServiceClient(url, undefined, undefined, { token: await guest.toJwt() });
  await refused(asGuest.listRooms(), 'permission_denied', 403);
  await refused(asGuest.removeParticipant(ROOM, 'ada'), 'permission_denied', 403);
  await refused(rooms.moveParticipant(ROOM, 'ada', 'elsewhere'), 'unimplemented', 501);
  await refused(new EgressClient(url, key, secret).listEgress(), 'unimplemented', 501);
});

test('who is removed is gone', async () => {
  await rooms.removeParticipant(ROOM, 'bo');
  assert.deepEqual((await rooms.listParticipants(ROOM)).map(({ name }) => name).sort(), ['Carl', 'ada']);
  await until('bo is told', async () => (await bot('bo')).told.at(-1)?.type === 'bye');
  await until('carl is told', async () => !native.room.remoteParticipants.has(bots.bo.id));
});

test('a deleted room sends everybody out', async () => {
  await rooms.deleteRoom(ROOM);
  assert.deepEqual(await rooms.listRooms(), []);
  await until('carl is out', async () => native.events('disconnected').length > 0);
  await until('ada is out', async () => (await bot('ada')).told.at(-1)?.type === 'bye');
});

test('webhooks told all of it in order, signed', async () => {
  await until('the end', async () => (await hooks()).at(-1)?.event === 'room_finished');
  const told = await hooks();
  const lines = told.map((e) => [e.event, e.participant?.name, e.track?.source].filter((x) => x !== undefined).join(' '));
  const mic = TrackSource.MICROPHONE;
  assert.deepEqual(lines.slice(0, 6), [
    'room_started', 'participant_joined ada', `track_published ada ${mic}`, 'participant_joined bo', `track_published bo ${mic}`, 'participant_joined Carl',
  ]);
  assert.deepEqual(lines.slice(6, 8), [`track_unpublished bo ${mic}`, 'participant_left bo']);
  assert.deepEqual(lines.slice(8, -1).sort(), ['participant_left Carl', 'participant_left ada', `track_unpublished ada ${mic}`]);
  assert.equal(new Set(told.map(({ id }) => id)).size, told.length);
  assert.ok(told.every((e) => e.room?.name === ROOM && e.createdAt > 0n && e.numDropped === 0));
  assert.deepEqual(told.find((e) => e.event === 'participant_joined' && e.participant?.identity === 'carl')?.participant?.attributes, { 'earshot.audio': 'tracks' });
  const receiver = new WebhookReceiver(key, secret);
  const [first] = await (await fetch(`${host}/hooks`)).json();
  await assert.rejects(receiver.receive(first.body.replace('plaza', 'vault'), first.authorization), /sha256/);
  await assert.rejects(new WebhookReceiver(key, 'somebody else, with a secret of their own').receive(first.body, first.authorization));
});
