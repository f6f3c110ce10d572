// livekit-client, unmodified, in Chromium against a server that speaks LiveKit:
// over one PeerConnection (/rtc/v1) and over two (/rtc).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LiveKitStage } from './livekit-stage.mjs';
import { settled, sleep, soon, until } from './stage.mjs';

/** @typedef {import('./livekit-stage.mjs').GuestHandle} GuestHandle */

const HZ = 440;
// LiveKit's DisconnectReason.
const PARTICIPANT_REMOVED = 4;
// LiveKit's VideoQuality.
const [LOW, HIGH] = [0, 2];

for (const single of [true, false]) {
  describe(single ? 'one connection, /rtc/v1' : 'two connections, /rtc', () => life(single));
}

/** @param {boolean} single */
function life(single) {
  /** @type {LiveKitStage} */ let stage;
  /** @type {GuestHandle} */ let alice;
  /** @type {GuestHandle} */ let bob;
  const [a, b] = [`alice-${single}`, `bob-${single}`];

  before(async () => {
    stage = new LiveKitStage();
    alice = await stage.guest(a, { single });
    bob = await stage.guest(b, { single });
    await alice.lose(0); // see GuestHandle.lose
    await alice.enter();
    await bob.enter();
  });
  after(() => stage?.close());

  const hears = () => until('bob hears the tone', async () => {
    const { hz, db } = await bob.do((g, id) => g.loudest(id), a);
    return Math.abs(hz - HZ) < 10 && db > -25;
  }, 15);

  test('a foreign and an expired token are refused', async () => {
    for (const token of [stage.token('eve', { secret: 'of somebody else, long enough for HS256' }), stage.token('eve', { seconds: -3600 })]) {
      const refused = await alice.do(async (g, t) => {
        const { Room } = /** @type {any} */ (globalThis).LivekitClient;
        return new Room().connect(g.url, t).then(() => 'let in', (/** @type {any} */ e) => e.status);
      }, token);
      assert.equal(refused, 401);
    }
  });

  test('each sees the other as their token says', async () => {
    await until('both see each other', async () => (await alice.do((g) => g.others())).length > 0 && (await bob.do((g) => g.others())).length > 0);
    const [seen] = (await bob.do((g) => g.others())).filter((p) => p.identity === a);
    assert.match(seen.sid, /^PA_/);
    assert.deepEqual([seen.name, seen.metadata, seen.attributes['earshot.audio']], [`${a} by name`, `about ${a}`, 'tracks']);
  });

  test('a voice is heard, and its speaker named', async () => {
    await alice.do((g, hz) => g.speak(hz), HZ);
    await hears();
    await bob.flows(a);
    const { lost } = await bob.do((g, id) => g.received(id, 'microphone'), a);
    const { db } = await bob.do((g, id) => g.loudest(id), a);
    console.log(`${lost} packets lost; the tone of -10 dBFS comes at ${db.toFixed(1)} dB`);
    await until('bob is told who speaks', async () => (await bob.events('speakers')).some((list) => list.includes(a)));
  });

  test('muted, not a packet of sound more; unmuted, they flow again', async () => {
    const mute = (/** @type {boolean} */ on) => alice.do((g, m) => Promise.all(
      [...g.room.localParticipant.audioTrackPublications.values()].map((t) => m ? t.mute() : t.unmute())), on);
    await mute(true);
    await until('bob is told', async () => (await bob.events('trackMuted')).some(([id]) => id === a));
    await sleep(1);
    const had = await settled(() => bob.packets(a));
    await sleep(2);
    assert.ok(await bob.packets(a) - had <= 5, 'packets while muted'); // of LiveKit's server comes a little silence
    await mute(false);
    await until('bob is told', async () => (await bob.events('trackUnmuted')).some(([id]) => id === a));
    await bob.flows(a);
  });

  test('unsubscribed, not a packet; subscribed, they flow again', async () => {
    await bob.do((g, id) => g.publication(id, 'microphone')?.setSubscribed(false), a);
    await until('it is gone', () => bob.do((g, id) => !g.publication(id, 'microphone')?.track, a));
    await bob.do((g, id) => g.publication(id, 'microphone')?.setSubscribed(true), a);
    await until('it is back', () => bob.do((g, id) => !!g.publication(id, 'microphone')?.track, a));
    await bob.flows(a);
  });

  test('a camera in two sizes: the one that is asked for comes', async () => {
    await alice.do((g) => g.film());
    await until('bob has the track', () => bob.do((g, id) => !!g.publication(id, 'camera')?.track, a), 15);
    await bob.do((g, id) => g.watch(id), a);
    const width = async () => (await bob.do((g, id) => g.received(id, 'camera'), a)).width;
    await until('the large picture comes', async () => await width() === 640, 30);
    await bob.do((g, [id, quality]) => g.publication(id, 'camera')?.setVideoQuality(quality), /** @type {const} */ ([a, LOW]));
    await until('the small picture comes', async () => await width() === 320, 20);
    await bob.do((g, [id, quality]) => g.publication(id, 'camera')?.setVideoQuality(quality), /** @type {const} */ ([a, HIGH]));
    await until('the large picture comes again', async () => await width() === 640, 20);
  });

  test('data comes, reliable and lossy, to all and to one', async () => {
    for (const reliable of [true, false]) {
      const topic = reliable ? 'reliable' : 'lossy';
      await alice.do((g, [r, t, to]) => {
        const send = (/** @type {string} */ text, /** @type {string[]} */ destinationIdentities) => g.room.localParticipant.publishData(
          new TextEncoder().encode(text), { reliable: r, topic: t, destinationIdentities });
        return Promise.all([send('to all', []), send('to bob', [to]), send('to nobody here', ['somebody-else'])]);
      }, /** @type {const} */ ([reliable, topic, b]));
      await until('bob has both', async () => (await bob.events('dataReceived')).filter(([, , t]) => t === topic).length >= 2);
      await sleep(0.5);
      const got = (await bob.events('dataReceived')).filter(([, , t]) => t === topic).map(([id, text]) => [id, text]).sort();
      assert.deepEqual(got, [[a, 'to all'], [a, 'to bob']]);
    }
  });

  test('a text of 100 kB comes whole, and a call is answered', async () => {
    await alice.do((g) => g.room.localParticipant.sendText('0123456789'.repeat(10_000), { topic: 'greeting' }));
    await until('the text is there', async () => (await bob.events('text')).length > 0);
    const [[from, text]] = await bob.events('text');
    assert.deepEqual([from, text.length], [a, 100_000]);
    const answer = await alice.do((g, to) => g.room.localParticipant.performRpc({ destinationIdentity: to, method: 'double', payload: '21' }), b);
    assert.equal(answer, '42');
    const refused = await alice.do((g, to) => g.room.localParticipant.performRpc({ destinationIdentity: to, method: 'unheard-of', payload: '' })
      .catch((/** @type {any} */ e) => e.code), b);
    assert.equal(refused, 1400); // RpcError.UNSUPPORTED_METHOD
  });

  test('attributes and metadata change for others', async () => {
    await alice.do((g) => g.room.localParticipant.setAttributes({ mood: 'merry' }));
    await until('bob is told', async () => (await bob.events('attributes')).some(([id, changed]) => id === a && changed.mood === 'merry'));
    await alice.do((g) => g.room.localParticipant.setMetadata('changed'));
    await until('bob is told', async () => (await bob.events('metadata')).some(([id, metadata]) => id === a && metadata === 'changed'));
  });

  test('another name is seen', async () => {
    await alice.do((g) => g.room.localParticipant.setName('Alice the Second'));
    await until('bob is told', async () => (await bob.events('name')).some(([id, name]) => id === a && name === 'Alice the Second'));
  });

  test('told of the quality of connections, and of the first who hears', async () => {
    await until('alice is told of her own', async () => (await alice.events('quality')).some(([id, q]) => id === a && ['excellent', 'good'].includes(q)), 20);
    await until('bob is told of hers', async () => (await bob.events('quality')).some(([id]) => id === a), 20);
    console.log(`quality: ${JSON.stringify([await alice.events('quality'), await bob.events('quality')])}`);
    assert.ok((await alice.events('localTrackSubscribed')).includes('microphone'));
  });

  test('the sound of a screen is heard beside the voice', async () => {
    await alice.do((g) => g.share());
    await until('bob has the track', () => bob.do((g, id) => !!g.publication(id, 'sound')?.track, a), 15);
    const had = await bob.packets(a, 'sound');
    await until('its packets come', async () => await bob.packets(a, 'sound') > had + 20);
    await bob.flows(a);
    await alice.do((g) => g.unshare());
    await until('it is gone', () => bob.do((g, id) => !g.publication(id, 'sound'), a));
  });

  test('frames of a data track come', async () => {
    await alice.do(async (g) => {
      const track = await g.room.localParticipant.publishDataTrack({ name: 'servo' });
      setInterval(() => track.tryPush({ payload: new TextEncoder().encode('left 30') }).catch(() => { /* it has ended */ }), 100);
    });
    await until('bob has some', async () => (await bob.events('frame')).some(([id, name, text]) => id === a && name === 'servo' && text === 'left 30'), 15);
  });

  test('signalling cut: resumed as the same participant, the voice goes on', async () => {
    const sid = await alice.do((g) => g.room.localParticipant.sid);
    await alice.do((g) => g.room.simulateScenario('signal-reconnect'));
    await until('it is noticed', async () => (await alice.events('signalReconnecting')).length + (await alice.events('reconnecting')).length > 0);
    await until('alice is back', async () => await alice.do((g) => g.room.state) === 'connected');
    assert.equal(await alice.do((g) => g.room.localParticipant.sid), sid);
    assert.ok(!(await bob.events('participantDisconnected')).includes(a));
    await bob.flows(a);
  });

  test('the network is cut: the connection is restarted, the voice goes on', async () => {
    const had = (await alice.events('reconnected')).length;
    await alice.lose(100);
    await until('the loss is noticed', async () => await alice.do((g) => g.room.state) !== 'connected', 40);
    await alice.lose(0);
    await until('alice is back', async () => (await alice.events('reconnected')).length > had, 30);
    assert.equal(await alice.do((g) => g.room.state), 'connected');
    await bob.flows(a, 30);
  });

  test('a whole new connection: published again, heard again', async () => {
    const had = (await alice.events('reconnected')).length;
    await alice.do((g) => g.room.simulateScenario('full-reconnect'));
    await until('alice is back', async () => (await alice.events('reconnected')).length > had, 30);
    await hears();
    await bob.flows(a);
  });

  test('what is taken back is gone for others', async () => {
    await alice.do((g) => Promise.all([...g.room.localParticipant.videoTrackPublications.values()].map((t) => t.track && g.room.localParticipant.unpublishTrack(t.track))));
    await until('bob is told', async () => (await bob.events('trackUnpublished')).some(([id, source]) => id === a && source === 'camera'));
    await bob.flows(a);
  });

  test('an admin mutes: told, and not a packet more', async () => {
    const told = (await alice.events('trackMuted')).length;
    const sid = await alice.do((g) => [...g.room.localParticipant.audioTrackPublications.values()][0].trackSid);
    await stage.admin('MutePublishedTrack', { room: stage.room, identity: a, track_sid: sid, muted: true });
    await until('alice is told', async () => (await alice.events('trackMuted')).length > told);
    await sleep(1);
    const had = await settled(() => bob.packets(a));
    await sleep(2);
    assert.ok(await bob.packets(a) - had <= 5, 'packets while muted');
  });

  test('an admin removes: told why, and gone for others', async () => {
    const before = (await bob.events('participantDisconnected')).length;
    await stage.admin('RemoveParticipant', { room: stage.room, identity: a });
    await until('alice is told', async () => (await alice.events('disconnected')).includes(PARTICIPANT_REMOVED));
    await until('bob is told', async () => (await bob.events('participantDisconnected')).length > before);
  });

  test('leaving, the other is told at once', async () => {
    const carol = await stage.guest(`carol-${single}`, { single });
    await carol.enter();
    await bob.do((g) => g.room.disconnect());
    await soon('carol is told', async () => (await carol.events('participantDisconnected')).includes(b), 3);
  });
}
