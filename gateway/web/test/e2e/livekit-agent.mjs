// An agent of LiveKit's Agents framework for Python, unmodified, as an NPC of a
// world: it registers, gets a job when an application asks for one or somebody
// comes, joins, stands where it was put and is heard from there. A block holds.
// EARSHOT_PYTHON is a Python that has livekit-agents.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dispose, ParticipantKind } from '@livekit/rtc-node';
import { AgentDispatchClient, RoomServiceClient } from 'livekit-server-sdk';
import { LiveKitStage } from './livekit-stage.mjs';
import { Native } from './livekit-tone.mjs';
import { inTries, sleep, until } from './stage.mjs';

const { EARSHOT_LIVEKIT_URL: url = '', EARSHOT_LIVEKIT_KEY: key = '', EARSHOT_LIVEKIT_SECRET: secret = '', EARSHOT_LIVEKIT_ROOM: room = '' } = process.env;
const HZ = 2000; // a head shadows high tones
const LEFT_DB = 4;
const SILENT_DB = -70;

const dispatches = new AgentDispatchClient(url, key, secret);
const rooms = new RoomServiceClient(url, key, secret);
/** @type {LiveKitStage} */ let stage;
/** @type {Native} */ let listener;
/** @type {Worker} */ let worker;

/** A worker in Python. */
class Worker {
  said = '';

  /** @param {string} name of its agents */
  constructor(name) {
    assert.ok(process.env.EARSHOT_PYTHON, 'EARSHOT_PYTHON names no Python');
    this.process = spawn(process.env.EARSHOT_PYTHON, [fileURLToPath(new URL('livekit_agent.py', import.meta.url)), name, String(HZ)], {
      env: { ...process.env, LIVEKIT_URL: stage.ws, LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => { this.said += text; });
    this.ended = new Promise((done) => { this.process.once('exit', done); });
  }

  /** @param {string} words */
  async says(words) {
    await until(`the worker says ${words}`, async () => this.said.includes(words), 60).catch((error) => { throw new Error(`${error.message}\n${this.said}`); });
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}

/** The agents in the room. */
const agents = () => [...listener.room.remoteParticipants.values()].filter((p) => p.kind === ParticipantKind.AGENT);

/** What the mix has of the agent's tone, over two seconds: dB at the left ear over the right, and dBFS of the louder. */
async function heard() {
  let [l, r] = [0, 0];
  for (let i = 0; i < 20; i++) {
    await sleep(0.1);
    const level = listener.level('binaural', HZ);
    l += 10 ** (level.left / 10) / 20;
    r += 10 ** (level.right / 10) / 20;
  }
  return { left: 10 * Math.log10(l / r), loud: 10 * Math.log10(Math.max(l, r)) };
}

before(async () => {
  stage = new LiveKitStage();
  worker = new Worker('guide');
  await worker.says('registered AW_');
  listener = new Native('listener');
  await listener.enter(stage.ws, stage.token('listener', { attributes: { 'earshot.audio': 'binaural', 'earshot.pose': '{"p":[0,0,0],"q":[0,0,0,1]}' } }));
});
after(async () => {
  await worker?.kill();
  await listener?.leave();
  await stage?.close();
  await dispose();
});

/** @type {string} */ let dispatched;

test('dispatched with a place, the agent joins and is heard from the left', async () => {
  const dispatch = await dispatches.createDispatch(room, 'guide', { metadata: JSON.stringify({ 'earshot.pose': { p: [-3, 0, 0] } }) });
  dispatched = dispatch.id;
  await worker.says(`joined ${room}`);
  await until('the agent is seen as one', async () => agents().length === 1, 10);
  assert.equal(agents()[0]?.attributes['lk.agent_name'], 'guide');
  await until('its tone is in the mix', async () => listener.level('binaural', HZ).left > -50, 20);
  await inTries(async () => {
    await sleep(1.5);
    const { left, loud } = await heard();
    console.log(`the agent is ${left.toFixed(1)} dB louder on the left, at ${loud.toFixed(1)} dBFS`);
    assert.ok(left >= LEFT_DB);
  });
  const listed = await dispatches.listDispatch(room);
  assert.deepEqual(listed.filter((d) => d.id === dispatched).map((d) => [d.agentName, d.state?.jobs.length, d.state?.jobs[0]?.state?.participantIdentity]),
    [['guide', 1, agents()[0]?.identity]]);
  const [info] = (await rooms.listRooms([room])).map((r) => r.numParticipants);
  assert.equal(info, 1, 'agents are no people');
});

test('it answers text and data', async () => {
  const answer = new Promise((done) => listener.room.registerTextStreamHandler('answer', async (reader) => done(await reader.readAll())));
  await listener.room.localParticipant?.sendText('hello', { topic: 'question' });
  assert.equal(await answer, 'you said hello');
  await listener.room.localParticipant?.publishData(new TextEncoder().encode('42'), { reliable: true, topic: 'ping' });
  await until('the data are back', async () => listener.events('dataReceived').some(([, text, topic]) => topic === 'pong' && text === '42'), 10);
});

test('blocked, nothing of it is in the mix; unblocked, it is again', async () => {
  const participant = (agents()[0]?.sid ?? '').replace(/^PA_/, 'pa_');
  const block = (/** @type {boolean} */ blocked) => listener.room.localParticipant?.publishData(
    new TextEncoder().encode(JSON.stringify({ type: 'block', participant, blocked })), { reliable: true, topic: 'earshot.control' });
  await block(true);
  await until('it is silent', async () => (await heard()).loud < SILENT_DB);
  const { loud } = await heard();
  assert.ok(loud < SILENT_DB, `${loud} dBFS of an agent that is blocked`);
  await block(false);
  await until('it is heard again', async () => listener.level('binaural', HZ).left > -50, 15);
});

test('its worker killed, another takes the job over', async () => {
  await worker.kill();
  worker = new Worker('guide');
  await worker.says(`joined ${room}`);
  await until('one agent is there', async () => agents().length === 1, 30);
  await until('it is heard', async () => listener.level('binaural', HZ).left > -50, 20);
});

test('the dispatch deleted, the agent goes', async () => {
  await dispatches.deleteDispatch(dispatched, room);
  await until('the agent has left', async () => agents().length === 0, 20);
  assert.equal((await dispatches.listDispatch(room)).some((d) => d.id === dispatched), false);
});
