// @livekit/rtc-node, unmodified, against a server that speaks LiveKit. Its core
// is the Rust SDK, which Unity, Python and C++ have too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { LiveKitStage } from './livekit-stage.mjs';
import { inTries, settled, sleep, until } from './stage.mjs';
import { Native } from './livekit-tone.mjs';

const HZ = 440;
const AMPLITUDE = 0.3;
/** RMS of the tone in dBFS. */
const LEVEL = 20 * Math.log10(AMPLITUDE / Math.SQRT2);
// Of SimulateScenarioKind: the client closes its signalling; the server is asked to ask for a new connection.
const [SIGNAL_RECONNECT, FULL_RECONNECT] = [0, 7];
// LiveKit's DisconnectReason.
const PARTICIPANT_REMOVED = 4;

/** @type {LiveKitStage} */ let stage;
/** @type {Native} */ let alice;
/** @type {Native} */ let bob;
let tone = '';

before(async () => {
  stage = new LiveKitStage();
  [alice, bob] = [new Native('node-alice'), new Native('node-bob')];
  for (const one of [alice, bob]) await one.enter(stage.ws, stage.token(one.identity));
});
after(async () => {
  await Promise.all([alice.leave(), bob.leave()]);
  await stage.close();
  await dispose();
});

test('a foreign and an expired token are refused', async () => {
  for (const token of [stage.token('eve', { secret: 'of somebody else, long enough for HS256' }), stage.token('eve', { seconds: -3600 })]) {
    await assert.rejects(new Native('eve').enter(stage.ws, token));
  }
});

test('each sees the other as their token says', async () => {
  await until('both see each other', async () => alice.room.remoteParticipants.has('node-bob') && bob.room.remoteParticipants.has('node-alice'));
  const seen = bob.room.remoteParticipants.get('node-alice');
  assert.deepEqual([seen?.name, seen?.metadata, seen?.attributes['earshot.audio']], ['node-alice by name', 'about node-alice', 'tracks']);
});

test('a tone comes whole and as loud as it was sent', async () => {
  tone = await alice.speak(HZ, AMPLITUDE);
  assert.match(tone, /^TR_/);
  await until('bob hears something', async () => bob.audible('node-alice') > 50, 15);
  await inTries(async () => {
    const had = bob.audible('node-alice');
    await sleep(4);
    const frames = bob.audible('node-alice') - had;
    const { left, right } = bob.level('node-alice', HZ);
    console.log(`${frames} audible frames of 10 ms in 4 s; the tone of ${LEVEL.toFixed(1)} dBFS comes at ${left.toFixed(1)} and ${right.toFixed(1)}`);
    assert.ok(frames > 360, `${frames} audible frames in 4 s`);
    assert.ok(Math.abs(left - LEVEL) < 2 && Math.abs(right - LEVEL) < 2, `the tone comes at ${left} and ${right} dBFS`);
  });
});

test('unsubscribed, nothing; subscribed, the tone again', async () => {
  const [publication] = [...bob.room.remoteParticipants.get('node-alice')?.trackPublications.values() ?? []];
  publication.setSubscribed(false);
  await until('it is gone', async () => bob.events('trackUnsubscribed').length > 0);
  const had = await settled(async () => bob.audible('node-alice'));
  await sleep(1);
  assert.equal(bob.audible('node-alice'), had);
  publication.setSubscribed(true);
  await until('the tone is back', async () => bob.audible('node-alice') > had + 100);
});

test('data comes, reliable and lossy, to all and to one', async () => {
  for (const reliable of [true, false]) {
    const topic = reliable ? 'reliable' : 'lossy';
    const send = (/** @type {string} */ text, /** @type {string[]} */ to) => alice.room.localParticipant?.publishData(
      new TextEncoder().encode(text), { reliable, topic, destination_identities: to });
    await Promise.all([send('to all', []), send('to bob', ['node-bob']), send('to nobody here', ['somebody-else'])]);
    const got = () => bob.events('dataReceived').filter(([, , t]) => t === topic).map(([id, text]) => [id, text]).sort();
    await until('bob has both', async () => got().length >= 2);
    await sleep(0.5);
    assert.deepEqual(got(), [['node-alice', 'to all'], ['node-alice', 'to bob']]);
  }
});

test('a text of 100 kB comes whole, and a call is answered', async () => {
  /** @type {Promise<string>} */
  const text = new Promise((done) => bob.room.registerTextStreamHandler('greeting', (reader) => { reader.readAll().then(done); }));
  await alice.room.localParticipant?.sendText('0123456789'.repeat(10_000), { topic: 'greeting' });
  assert.equal((await text).length, 100_000);
  const answer = await alice.room.localParticipant?.performRpc({ destinationIdentity: 'node-bob', method: 'double', payload: '21' });
  assert.equal(answer, '42');
});

test('signalling cut: resumed, the voice goes on', async () => {
  await alice.room.simulateScenario(SIGNAL_RECONNECT);
  await sleep(2);
  const had = bob.audible('node-alice');
  await until('bob hears more', async () => bob.audible('node-alice') > had + 100);
  assert.deepEqual(bob.events('participantDisconnected'), []);
});

test('a whole new connection: published again, heard again', async () => {
  const had = alice.events('reconnected').length;
  await alice.room.simulateScenario(FULL_RECONNECT);
  await until('alice is back', async () => alice.events('reconnected').length > had, 20);
  const heard = bob.audible('node-alice');
  await until('bob hears more', async () => bob.audible('node-alice') > heard + 100, 15);
  await inTries(async () => assert.ok(Math.abs(bob.level('node-alice', HZ).left - LEVEL) < 2));
});

test('an admin mutes, an admin removes', async () => {
  const sid = [...alice.room.localParticipant?.trackPublications.values() ?? []][0].sid ?? '';
  await stage.admin('MutePublishedTrack', { room: stage.room, identity: 'node-alice', track_sid: sid, muted: true });
  await until('bob is told', async () => bob.events('trackMuted').includes('node-alice'));
  const had = await settled(async () => bob.audible('node-alice'));
  await sleep(2);
  assert.equal(bob.audible('node-alice'), had, 'frames with sound while muted');
  await stage.admin('RemoveParticipant', { room: stage.room, identity: 'node-alice' });
  await until('alice is told', async () => alice.events('disconnected').includes(PARTICIPANT_REMOVED));
  await until('bob is told', async () => bob.events('participantDisconnected').includes('node-alice'));
});
