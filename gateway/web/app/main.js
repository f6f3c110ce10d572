/**
 * Wiring of the page: the plaza behind the join card, joining, coming back after
 * a loss, leaving.
 *
 * The address may carry (for links, kiosks and tests):
 *   ?name=Ada        fills the name in
 *   ?autojoin=1      joins at once; ?mic=1 with microphone, else without
 *   ?raw=1           microphone without echo and noise processing
 *   ?x=2&z=5&yaw=1   stands there (metres, radians)
 *   ?world=plaza     which world
 *   ?instance=in_plaza_2   which instance of it; &invitation=iv_... opens one that somebody made
 *   ?quality=minimal|low|medium|high|full   keeps the picture at that level; none draws nothing
 *   #token=...       the access token
 *   #key=...         encrypts voices end to end with this key; with a token: #token=...&key=...
 *
 * For automation, `globalThis.earshotApp = {session, audio, scene, controls}`
 * is there while in a world.
 * @module
 */
import { SpatialAudio } from '../audio.js';
import { attempts, pauses } from '../comeback.js';
import { Controls } from './controls.js';
import { keepInHash } from './e2ee.js';
import { Earshot, EarshotError } from '../earshot.js';
import { explain, explainPlace } from './explain.js';
import { JoinCard } from './joincard.js';
import { arrive } from './layout.js';
import { Microphone } from './microphone.js';
import { joinOrWait } from '../queue.js';
import { Regions } from '../regions.js';
import { Scene } from './scene.js';
import { Settings } from './settings.js';
import { TokenNeeded, devToken, tokenFromHash } from './token.js';
import { UI, el } from './ui.js';
import { placeOf } from './waiting-words.js';
import { WaitingCard } from './waiting.js';
import { World } from './world.js';

/** A server that was started anew knows neither our session nor, in development, our token: join as if for the first time. */
const FORGOTTEN = new Set(['unauthenticated', 'not_found']);

const LOST = 'Connection lost. Joining again …';

const params = new URLSearchParams(location.search);
const settings = new Settings();
const ui = new UI();
const view = /** @type {HTMLCanvasElement} */ (el('view'));
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
const microphone = new Microphone(params.get('raw') === '1');
const worldName = params.get('world') ?? 'plaza';
const regions = new Regions(new URL('.', location.href).href);
void regions.measure();

/** @type {Scene} */ let scene;
/** @type {Controls} */ let controls;
/** @type {World | null} */ let world = null;

try {
  scene = new Scene(view, { quality: params.get('quality'), still });
  controls = new Controls(scene, view, el('stick'));
} catch (error) {
  el('join-error').hidden = false;
  el('join-error').textContent = 'This browser shows no 3D graphics (WebGL 2). Turn on hardware acceleration, or use another browser.';
  throw error;
}

if (params.has('name')) settings.name = params.get('name')?.slice(0, 32) ?? '';
const card = new JoinCard(settings, microphone, enter), waiting = new WaitingCard();
scene.onFrame((dt, seconds) => { if (!world) lookAround(still ? 0 : seconds); });
scene.start();
if (params.get('autojoin') === '1') card.submit(params.get('mic') === '1');

/** The camera of the join card: a slow turn round the plaza. @param {number} seconds */
function lookAround(seconds) {
  const wide = innerWidth > innerHeight, a = 0.02 + Math.sin(seconds * 0.05) * 0.2, r = wide ? 15.2 : 17;
  scene.rig.position.set(0, 0, 0);
  scene.rig.rotation.y = 0;
  scene.camera.position.set(Math.sin(a) * r, 2.3, Math.cos(a) * r);
  scene.camera.rotation.set(wide ? -0.02 : -0.17, a + (wide ? 0.24 : 0.02), 0, 'YXZ');
}

/** Joins a world. @param {import('./joincard.js').Wish} wish @returns {Promise<void>} */
async function enter(wish) {
  const session = new Earshot({
    url: new URL('.', location.href).href, token: await findToken(wish), blocks: settings.blocks.keys(), videoSlots: 3, instance: params.get('instance') ?? '',
  });
  Object.assign(session.nodes.asks, { invitation: params.get('invitation') ?? '', rtt: regions.query });
  for (const [id, db] of settings.gains) session.gains.set(id, db);
  if (!wish.microphone) {
    microphone.close();
    session.muted = true; // so that others see that we only listen
  }
  const audio = new SpatialAudio(session), gone = new AbortController();
  const resume = () => audio.resume();
  try {
    await joinOrWait(session, { microphone: wish.microphone, e2ee: withKey(wish) }, waiting.begin(() => { if (document.hidden) session.muted = true; }));
    keepInHash(wish.key);
  } catch (error) {
    audio.close();
    if (/** @type {any} */ (error).code === 'canceled') return; // they left the queue
    throw params.has('instance') ? new Error(explainPlace(error)) : error;
  } finally {
    waiting.hide();
  }
  standAt(session);
  const leave = () => { session.leave(); away(); };
  /** @param {string} [problem] */
  const away = (problem) => {
    removeEventListener('pointerdown', resume);
    removeEventListener('keydown', resume);
    offState();
    gone.abort();
    world?.close();
    world = null;
    audio.close();
    microphone.close();
    Reflect.deleteProperty(globalThis, 'earshotApp');
    el('join-device').hidden = true;
    el('join-allow').hidden = false;
    card.show(problem);
  };
  let returning = false;
  const offState = session.on('state', ({ state, error }) => {
    if (state !== 'closed' || returning || !error) return;
    if (!error.reconnect && !FORGOTTEN.has(error.code)) return away(explain(error));
    returning = true;
    comeBack(session, wish, error, gone.signal).catch((e) => away(explain(e))).finally(() => { returning = false; });
  });
  /**
   * Joins elsewhere or otherwise, and where that fails as before. One such thing
   * at a time; who leaves meanwhile has left.
   * @param {() => Promise<void>} go
   * @param {() => Promise<void>} back
   */
  const rejoin = async (go, back) => {
    if (returning) throw new EarshotError('failed_precondition', 'You are on your way already. Wait until you are there.');
    returning = true;
    try {
      await go();
    } catch (error) {
      if (!gone.signal.aborted) await back().catch((e) => { if (!gone.signal.aborted) away(explain(e)); });
      throw error;
    } finally {
      returning = false;
    }
  };
  /** Leaves and joins again, with another key or none. @param {string} key */
  const rekey = (key) => {
    const before = wish.key;
    return rejoin(() => again(session, wish, key, gone.signal), () => again(session, wish, before, gone.signal));
  };
  /** Leaves, and joins another instance; or comes back to this one. @param {import('./places.js').Goal} to */
  const travel = async (to) => {
    const from = { instance: session.instance, invitation: session.nodes.asks.invitation };
    await rejoin(() => move(session, wish, to), () => move(session, wish, from));
    standAt(session);
  };
  world = new World({ session, audio, scene, controls, ui, settings, microphone, speaking: wish.microphone !== null, onLeave: leave, rekey, travel });
  addEventListener('pointerdown', resume);
  addEventListener('keydown', resume);
  audio.resume();
  if (wish.microphone && session.muted) ui.toast('You came in while you looked at something else, so your microphone is off.');
  if (audio.context.state !== 'running') setTimeout(() => { if (audio.context.state === 'suspended') ui.toast('Click or tap anywhere to hear people.'); }, 800);
  Object.assign(globalThis, { earshotApp: { session, audio, scene, controls } });
}

/** @param {import('./joincard.js').Wish} wish */
function withKey({ key }) { return key ? { key } : null; }

/** Joins another instance. @param {Earshot} session @param {import('./joincard.js').Wish} wish @param {import('./places.js').Goal} to */
async function move(session, wish, to) {
  session.leave();
  session.nodes.go(to);
  await session.join({ microphone: microphone.track, e2ee: withKey(wish) });
  world?.rejoined();
}

/** Joins again with another key. @param {Earshot} session @param {import('./joincard.js').Wish} wish @param {string} key @param {AbortSignal} signal ends waiting for a place */
async function again(session, wish, key, signal) {
  session.leave();
  wish.key = key;
  await joinOrWait(session, { microphone: microphone.track, e2ee: withKey(wish) }, { onWait: (standing) => ui.banner(`It is full by now. ${placeOf(standing)}.`), onTurn: () => ui.banner(''), signal });
  world?.rejoined();
}

/**
 * Joins again after a loss, until it works or takes too long.
 * @param {Earshot} session
 * @param {import('./joincard.js').Wish} wish
 * @param {import('../earshot.js').EarshotError} lost
 * @param {AbortSignal} signal they left
 */
async function comeBack(session, wish, lost, signal) {
  let last = lost;
  ui.banner(LOST);
  for await (const _ of attempts(pauses(session.nodes.others), signal)) {
    try {
      if (last.code === 'unauthenticated') session.token = await findToken(wish);
      if (signal.aborted) return;
      await joinOrWait(session, { microphone: microphone.track, e2ee: withKey(wish) }, {
        onWait: (standing) => ui.banner(`It is full by now. ${placeOf(standing)}.`), signal,
      });
      world?.rejoined();
      ui.banner('');
      return;
    } catch (error) {
      if (signal.aborted) return;
      last = EarshotError.from(error);
      ui.banner(LOST);
    }
  }
  if (!signal.aborted) throw last;
}

/** @param {import('./joincard.js').Wish} wish @returns {Promise<string>} */
async function findToken(wish) {
  const given = tokenFromHash() || wish.token;
  if (given) return given;
  try {
    return await devToken({ world: worldName, name: wish.name, sub: params.get('sub') ?? settings.sub });
  } catch (error) {
    if (!(error instanceof TokenNeeded)) throw error;
    card.askToken();
    throw new Error('This server wants an access token: paste it above, then join.');
  }
}

/** Where the address says, else where the server says. @param {Earshot} session */
function standAt(session) {
  const [sx = 0, , sz = 10] = session.spawn?.position ?? [], { x, z } = arrive(sx, sz);
  const number = (/** @type {string} */ key, /** @type {number} */ otherwise) => params.has(key) ? Number(params.get(key)) || 0 : otherwise;
  controls.stand(number('x', x), number('z', z), number('yaw', params.has('x') || params.has('z') ? 0 : session.spawn?.yaw ?? 0));
}
