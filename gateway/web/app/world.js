/**
 * Being in a world: binds a joined session to scene, sound and page, and undoes
 * it all on leaving.
 * @module
 */
import { ChatPanel } from './chat.js';
import { Avatar } from './avatar.js';
import { Crowd } from './crowd.js';
import { Encrypting } from './e2ee.js';
import { explain, explainRefusal } from './explain.js';
import { MediaButtons } from './media-buttons.js';
import { Minimap } from './minimap.js';
import { NetworkPanel } from './network.js';
import { Npcs } from './npcs.js';
import { Options } from './options.js';
import { Orders } from './orders.js';
import { faced } from './facing.js';
import { Elsewhere } from './elsewhere.js';
import { Friends } from './friends.js';
import { PeoplePanel } from './people.js';
import { onLongPress, pick } from './pick.js';
import { isMade, placeName } from './place-name.js';
import { Places } from './places.js';
import { Social } from '../social.js';
import { headWorld } from '../pose.js';
import { RecordingMark } from './recording.js';
import { Report } from './report.js';
import { Listening } from './listening.js';
import { Space } from './space.js';
import { TalkPrompt } from './talk.js';
import { grantsOf } from './token.js';
import { el, narrow } from './ui.js';
import { Headset } from './xr.js';
import { ZoneMarks } from './zones.js';
import { nameOf } from '../zonelook.js';

const POSE_MS = 1000 / 30;
const MAP_MS = 66;
const LIST_MS = 500;

/**
 * @typedef {{session: import('../earshot.js').Earshot, audio: import('../audio.js').SpatialAudio,
 *   scene: import('./scene.js').Scene, controls: import('./controls.js').Controls, ui: import('./ui.js').UI,
 *   settings: import('./settings.js').Settings, microphone: import('./microphone.js').Microphone, speaking: boolean,
 *   onLeave: () => void, rekey: (key: string) => Promise<void>, travel: (to: import('./places.js').Goal) => Promise<void>}} Parts
 */

export class World {
  /** @param {Parts} parts */
  constructor(parts) {
    const { session, audio, scene, controls, ui, settings, microphone } = parts;
    this.session = session;
    this.audio = audio;
    this.scene = scene;
    this.controls = controls;
    this.ui = ui;
    this.crowd = new Crowd(scene, session, audio);
    this.me = new Avatar(session.you?.id ?? '', session.you?.name ?? 'You', { still: scene.still });
    this.me.label.sprite.removeFromParent(); // one knows one's own name
    scene.scene.add(this.me.group);
    this.settings = settings;
    this.report = new Report(session, settings, ui);
    this.chat = new ChatPanel(session, ui, { report: (subject) => this.report.open(subject), block: (subject) => this.block(subject) });
    this.npcs = new Npcs(session, this.crowd, this.chat, ui, scene);
    this.talk = new TalkPrompt(session, this.chat);
    this.options = new Options(session, settings);
    this.encrypting = new Encrypting(session, ui, parts.rekey);
    this.space = new Space(settings, audio);
    this.listening = new Listening(settings, session);
    this.zones = new ZoneMarks(scene.scene);
    const social = new Social({ url: () => session.nodes.url, token: () => session.token });
    this.places = new Places(session, social, ui, { mayMake: grantsOf(session.token).includes('host'), travel: parts.travel });
    this.friends = new Friends(session, social, settings, ui, {
      goTo: ({ instance = '', url }, name) => this.places.go({ instance, url }, `Going to ${name}`), changed: () => this.people.rebuild(),
    });
    this.people = new PeoplePanel(session, settings, (id) => this.distanceTo(id), (subject) => this.report.open(subject), this.friends);
    this.elsewhere = new Elsewhere(session);
    this.network = new NetworkPanel(session, () => ({ name: scene.quality.level.name, fps: this.fps }));
    this.media = new MediaButtons(session, ui, microphone, parts.speaking);
    this.media.onShare = () => this.showVideo();
    this.orders = new Orders(session, ui, this.chat, () => this.media.show());
    this.media.locked = () => this.orders.silenced;
    this.media.onLocked = () => this.orders.explain();
    this.recording = new RecordingMark(session, this.chat);
    this.media.show();
    this.map = new Minimap(/** @type {HTMLCanvasElement} */ (el('minimap')));
    this.mapped = 0;
    this.fps = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ this.refreshing = undefined;
    /** @type {(() => void)[]} */ this.undo = [];
    this.wirePage(settings, microphone, parts.onLeave);
    this.wireSession();
    this.undo.push(scene.onFrame((dt) => this.frame(dt)));
    const pose = setInterval(() => this.sendPose(), POSE_MS), list = setInterval(() => this.people.refresh(), LIST_MS);
    this.undo.push(() => { clearInterval(pose); clearInterval(list); });
    ui.setInside(true);
    this.refresh();
  }

  /** @param {import('./settings.js').Settings} settings @param {import('./microphone.js').Microphone} microphone @param {() => void} onLeave */
  wirePage(settings, microphone, onLeave) {
    const { ui } = this;
    ui.onPanel = (name, open) => {
      if (name === 'network') this.network.watch(open);
      if (name === 'people') for (const part of [this.elsewhere, this.friends]) part.watch(open);
      if (name === 'chat' && open) this.chat.seen();
    };
    Object.assign(ui.keys, {
      KeyM: () => this.media.toggleMicrophone(), KeyV: () => this.controls.toggleView(),
      KeyP: () => ui.toggle('people'), KeyN: () => ui.toggle('network'), KeyR: () => this.reportFaced(), Enter: () => this.chat.open(),
    });
    el('b-leave').onclick = onLeave;
    el('b-vr').onclick = () => this.controls.headset.toggle().catch((e) => ui.toast(explain(e), 'bad'));
    Headset.supported().then((yes) => { el('b-vr').hidden = !yes; });
    this.undo.push(onLongPress(this.ui.canvas, (x, y) => this.reportPerson(pick(this.crowd, this.scene.camera, x, y))));
    const devices = /** @type {MediaDevices | undefined} */ (navigator.mediaDevices);
    const changed = () => { if (microphone.track?.readyState === 'ended') ui.toast('Your microphone was unplugged.', 'bad'); };
    devices?.addEventListener('devicechange', changed);
    this.undo.push(() => devices?.removeEventListener('devicechange', changed));
    if (!settings.helped) {
      settings.setHelped();
      if (!new URLSearchParams(location.search).has('autojoin')) ui.showHelp();
    }
  }

  wireSession() {
    const { session, ui } = this;
    const everybody = () => this.refreshSoon();
    this.undo.push(
      session.on('joined', everybody), session.on('blocked', everybody), session.on('near', () => this.people.refresh()),
      session.on('left', () => everybody()), session.on('renamed', everybody),
      session.on('muted', (m) => this.mutedChanged(m)),
      session.on('published', (m) => this.published(m)),
      session.on('slots', () => { this.network.showSlots(); this.showVideo(); }),
      session.on('speaking', () => this.people.refresh()),
      session.on('chat', (m) => this.chat.add(m)), session.on('retract', (m) => this.chat.retract(m.id)),
      session.on('npc', () => this.people.refresh()), session.on('e2ee', everybody),
      session.on('recording', () => this.recording.show()),
      session.on('world', () => { this.chat.hint(); this.refresh(); }),
      session.on('error', (e) => ui.toast(explainRefusal(e), 'bad')),
      session.on('state', ({ state }) => { // whoever joins again says so, until we are in
        if (state === 'reconnecting') ui.banner('Connection lost. Reconnecting …');
        if (state === 'connected') ui.banner('');
      }),
    );
  }

  /** Shows everything anew: after joining, and after joining again. */
  refresh() {
    const { session } = this, others = [...session.participants.values()].filter((p) => !p.beyond), npcs = others.filter((p) => p.kind === 'npc').length, people = others.filter((p) => p.kind !== 'npc' && p.kind !== 'stand-in' && p.kind !== 'stream').length + 1;
    el('world-title').textContent = session.world?.title ?? 'Plaza';
    el('world-count').textContent = [people === 1 ? 'only you' : `${people} people`, npcs === 0 ? '' : npcs === 1 ? '1 NPC' : `${npcs} NPCs`, isMade(session.instance) ? placeName(session.instance) : ''].filter(Boolean).join(' · ');
    this.zones.show(session.world?.zones ?? []);
    this.crowd.sync();
    this.people.rebuild();
    this.friends.show();
    this.places.show();
    this.showVideo();
    this.encrypting.show();
    this.tellOfVoice();
    this.recording.show();
  }

  /** Says that voices are judged here: always in the bar, once in words. */
  tellOfVoice() {
    const judged = this.session.world?.voice_moderation === true, world = this.session.world?.name ?? '';
    el('world-voice').hidden = !judged;
    if (!judged || this.settings.toldOfVoice.includes(world)) return;
    this.settings.setToldOfVoice(world);
    this.chat.note('Voices are moderated here: what is said is written down by a machine and checked against the rules of this world. It is kept only where it breaks them or somebody reports it.');
  }

  /** Many come at once when one joins; the page is rebuilt once for all of them. */
  refreshSoon() {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = undefined;
      this.refresh();
    }, 80);
  }

  /** The session was joined anew after a loss. */
  rejoined() {
    this.refresh();
    this.media.resume();
    this.media.show();
    this.network.watch(!el('network').hidden);
  }

  /** @param {import('../signal.js').Muted} m */
  mutedChanged(m) {
    if (m.participant !== this.session.you?.id) return this.crowd.sync();
    if (m.by === 'zone') this.tellOfHush(m.muted);
    if (m.by === 'moderator' && !this.session.orders.size) this.ui.toast(m.muted ? 'A moderator has muted you.' : 'A moderator has unmuted you.');
    this.orders.tick();
    this.media.show();
  }

  /** Says why nobody hears us, where we came to where we may not speak. @param {boolean} hushed */
  tellOfHush(hushed) {
    const { zones } = this.audio.acoustics, { x, y, z } = this.controls, here = zones.ruling(zones.locate([x, y + 1, z]));
    const where = here ? `in “${nameOf(here)}”` : 'here';
    this.ui.toast(!hushed ? 'You can be heard again.' : here?.speak?.who === 'nobody' ? `Nobody may speak ${where}.` : `You may not speak ${where}: only some may.`);
  }

  /** @param {import('../signal.js').Published} m */
  published(m) {
    const name = this.session.participants.get(m.participant)?.name;
    if (name && m.source === 'screen') this.chat.note(m.active ? `${name} shows a screen on the wall.` : `${name} stopped showing a screen.`);
    this.people.refresh();
  }

  /** Screen on the wall: a received one, else our own. Cameras go above heads. */
  showVideo() {
    const slot = this.session.slots.video.find((s) => s.source === 'screen' && s.participant);
    this.scene.screen.show(slot ? this.session.videoTracks[slot.slot] ?? null : this.media.tracks.screen);
    this.crowd.showCameras();
  }

  /** Reports whom one faces: people, and NPCs too. */
  reportFaced() {
    const spots = [...this.session.near].flatMap((id) => (this.session.blocked.has(id) ? [] : this.spotOf(id) ?? []));
    const id = faced(this.controls, spots);
    if (id) this.reportPerson(id);
    else this.ui.toast('Face whom you want to report, or use the flag in the people list.');
  }

  /** @param {string} id '' for nobody */
  reportPerson(id) {
    const p = this.session.participants.get(id);
    if (p) this.report.open({ id, name: p.name });
  }

  /** @param {import('./report.js').Subject} subject */
  block({ id, name }) {
    this.settings.setBlock(id, name);
    this.session.setBlocked(id, true);
    this.ui.toast(`${name} is blocked: neither of you hears or sees the other. The people list undoes it.`);
  }

  sendPose() {
    this.controls.step();
    const pose = this.controls.pose();
    if (this.session.state === 'connected') this.session.sendPose(pose);
    this.audio.update(headWorld(pose));
  }

  /** @param {number} dt seconds */
  frame(dt) {
    const now = performance.now();
    this.fps += ((dt > 0 ? 1 / dt : 0) - this.fps) * 0.06;
    this.controls.step(now);
    this.crowd.update(dt, now);
    this.npcs.update(now);
    const behind = this.controls.third && !this.controls.headset.presenting;
    this.me.setLevel(this.media.speaking && !this.session.muted ? Math.max(0, this.media.microphone.level() * 1.5 - 0.6) : 0);
    this.me.update(behind ? this.controls.pose() : null, dt, this.crowd.eye);
    if (now - this.mapped < MAP_MS) return;
    this.mapped = now;
    this.media.pulse();
    this.scene.lift(narrow.matches && !el('chat').hidden ? Math.max(0, innerHeight - el('chat').getBoundingClientRect().top) : 0);
    this.talk.update(this.controls, (id) => this.spotOf(id));
    this.map.draw(this.controls, this.crowd.dots(now), this.session.world?.voice.range ?? 20, this.session.world?.zones);
  }

  /** @param {string} id @returns {number | null} metres */
  distanceTo(id) {
    const pose = this.session.poseOf(id, performance.now());
    return pose && Math.hypot(pose.root[0] - this.controls.x, pose.root[1] - this.controls.y, pose.root[2] - this.controls.z);
  }

  /** @param {string} id @returns {import('./facing.js').Spot | null} */
  spotOf(id) {
    const pose = this.session.poseOf(id, performance.now());
    return pose && { id, x: pose.root[0], z: pose.root[2] };
  }

  /** Takes everything down that the constructor put up. */
  close() {
    for (const f of this.undo) f();
    clearTimeout(this.refreshing);
    this.network.watch(false);
    this.elsewhere.watch(false);
    this.friends.watch(false);
    this.places.close();
    this.ui.onPanel = () => {};
    this.media.close();
    this.talk.close();
    this.options.close();
    this.listening.close();
    this.encrypting.close();
    this.orders.dispose();
    this.report.close();
    this.chat.close();
    this.npcs.dispose();
    this.zones.dispose();
    this.crowd.dispose();
    this.me.dispose();
    this.scene.lift(0);
    this.scene.screen.show(null);
    this.ui.banner('');
    this.ui.setInside(false);
  }
}
