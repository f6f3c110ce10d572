/**
 * NPCs on the page: binds what the server says of them to their avatars, their
 * speech bubbles and the chat log.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { Bubble } from './bubble.js';
import { tell } from './deeds.js';
import { isState } from './gestures.js';
import { SpeechSprite } from './speech-sprite.js';
import { el, narrow } from './ui.js';

/** @typedef {import('../earshot.js').Earshot} Earshot */
/** @typedef {import('./avatar.js').Avatar | import('./npc-avatar.js').NpcAvatar} AnyAvatar */

/** Lips without a voice: this long after the last words, ms. */
const LIPS_MS = 350;

export class Npcs {
  /**
   * @param {Earshot} session @param {import('./crowd.js').Crowd} crowd @param {import('./chat.js').ChatPanel} chat
   * @param {import('./ui.js').UI} ui @param {import('./scene.js').Scene} scene
   */
  constructor(session, crowd, chat, ui, scene) {
    this.session = session;
    this.crowd = crowd;
    this.chat = chat;
    this.ui = ui;
    this.scene = scene;
    /** @type {Map<string, Bubble>} */ this.bubbles = new Map();
    /** In a headset. @type {Map<string, SpeechSprite>} */ this.sprites = new Map();
    /** Who is known to have only scripted lines, and why. @type {Map<string, string>} */ this.noted = new Map();
    this.point = new THREE.Vector3();
    this.last = performance.now();
    crowd.lips = (id) => this.lips(id);
    crowd.onArrive = (id) => this.dress(id);
    this.undo = [
      session.on('caption', (m) => this.caption(m)), session.on('npc', (m) => this.changed(m.participant)),
      session.on('retract', (m) => this.retract(m.id)), session.on('act', (m) => this.act(m)), session.on('left', (m) => this.forget(m.participant)),
      session.on('blocked', (m) => { if (m.blocked) this.forget(m.participant); }),
    ];
  }

  /** @param {import('../signal.js').Caption} m */
  caption(m) {
    const scripted = this.session.npcs.get(m.participant)?.speaks === 'script';
    this.explain(m.participant);
    this.bubble(m.participant).say(m, scripted, performance.now());
    if (m.final && m.text) this.chat.addSpeech(m, this.name(m.participant));
  }

  /** Takes what an NPC says back. @param {string} id of the caption */
  retract(id) {
    for (const bubble of this.bubbles.values()) if (bubble.id === id) bubble.takeBack();
  }

  /** @param {import('../signal.js').Act} m */
  act(m) {
    const to = !m.to ? '' : m.to === this.session.you?.id ? 'you' : this.name(m.to);
    const { gesture, shown, note, toast } = tell(m, this.name(m.participant), to);
    if (gesture) this.crowd.avatars.get(m.participant)?.play(gesture);
    if (shown) this.bubble(m.participant).act(shown, performance.now());
    if (note) this.chat.note(note);
    if (toast) this.ui.toast(toast, 'gift');
  }

  /** State and badge. @param {string} id */
  changed(id) {
    this.dress(id);
    this.crowd.sync();
    const info = this.session.npcs.get(id);
    if (info?.speaks !== 'model' || !this.noted.delete(id)) return;
    this.chat.note(`${this.name(id)} answers with a model again.`);
  }

  /** @param {string} id */
  dress(id) {
    const { state } = this.session.npcs.get(id) ?? { state: 'idle' };
    this.crowd.avatars.get(id)?.setState(isState(state) ? state : 'idle');
  }

  /** Says once why an NPC has only its scripted lines, to those who come to hear it. @param {string} id */
  explain(id) {
    const info = this.session.npcs.get(id);
    if (info?.speaks !== 'script' || this.noted.get(id) === info.reason) return;
    this.noted.set(id, info.reason);
    this.chat.note(`${this.name(id)} only speaks scripted lines${info.reason ? `: ${info.reason.replace(/\.$/, '')}` : ''}.`);
  }

  /** How far the lips of one without a voice are open. @param {string} id @returns {number} 0 to 1 */
  lips(id) {
    const bubble = this.bubbles.get(id), now = performance.now();
    const words = bubble && !bubble.gone && (bubble.growing || now - bubble.changed < LIPS_MS) && !bubble.box.classList.contains('deed');
    return words ? 0.38 + 0.3 * Math.sin(now * 0.017) * Math.sin(now * 0.0059 + 1) : 0;
  }

  /** @param {number} now ms */
  update(now) {
    const dt = (now - this.last) / 1000; // text keeps pace with the voice, however few frames there are
    this.last = now;
    const range = this.session.world?.voice.range ?? 20, screen = this.room(), xr = this.scene.renderer.xr.isPresenting;
    for (const id of this.session.npcs.keys()) {
      const avatar = this.crowd.avatars.get(id);
      if (avatar?.group.visible && this.crowd.eye.distanceTo(avatar.group.position) < range) this.explain(id);
    }
    /** @type {import('./bubble-place.js').Box[]} */ const taken = [];
    for (const [id, bubble] of this.nearestFirst()) {
      const avatar = this.crowd.avatars.get(id);
      bubble.update(dt, now, avatar?.group.visible && !xr ? this.anchor(avatar) : null, screen, range, taken);
      if (avatar && (xr || this.sprites.has(id))) this.sprite(id, avatar).update(xr && !bubble.gone ? bubble.words.textContent ?? '' : '', avatar.label, this.crowd.eye.distanceTo(avatar.group.position));
    }
  }

  /** Those that say something, so that the nearest has the best place. */
  nearestFirst() {
    const { avatars, eye } = this.crowd, distance = (/** @type {string} */ id) => avatars.get(id)?.group.position.distanceTo(eye) ?? Infinity;
    return [...this.bubbles].sort(([a], [b]) => distance(a) - distance(b));
  }

  /** The part of the screen for bubbles. */
  room() {
    const small = narrow.matches, chat = el('chat');
    const bottom = small && !chat.hidden ? chat.getBoundingClientRect().top : innerHeight - 90;
    return { left: 10, right: innerWidth - 10, top: small && innerWidth < 720 ? 66 : 12, bottom: bottom - 8 };
  }

  /** @param {AnyAvatar} avatar */
  anchor(avatar) {
    const { camera } = this.scene, { x, y, z } = avatar.group.position, head = avatar.label.sprite.position;
    const distance = this.crowd.eye.distanceTo(avatar.group.position), toScreen = (/** @type {number} */ up) => this.point.set(x + head.x, y + up, z + head.z).project(camera);
    const top = toScreen(avatar.top).clone(), face = toScreen(head.y - 0.42);
    if (face.z > 1 || Math.abs(face.x) > 1.15) return null; // behind us or out of the picture
    const perMetre = innerHeight / 2 / Math.tan(camera.fov * Math.PI / 360) / Math.max(distance, 0.4);
    return { x: (face.x + 1) / 2 * innerWidth, top: (1 - top.y) / 2 * innerHeight, face: (1 - face.y) / 2 * innerHeight, radius: perMetre * 0.34, distance };
  }

  /** @param {string} id */
  bubble(id) {
    const bubble = this.bubbles.get(id) ?? new Bubble(this.scene.still);
    this.bubbles.set(id, bubble);
    return bubble;
  }

  /** @param {string} id @param {AnyAvatar} avatar */
  sprite(id, avatar) {
    const known = this.sprites.get(id), sprite = known ?? new SpeechSprite();
    if (!known) this.sprites.set(id, sprite);
    if (sprite.sprite.parent !== avatar.group) avatar.group.add(sprite.sprite); // it may have come anew
    return sprite;
  }

  /** @param {string} id */
  name(id) {
    return this.session.participants.get(id)?.name ?? 'Somebody';
  }

  /** @param {string} id */
  forget(id) {
    this.bubbles.get(id)?.dispose();
    this.bubbles.delete(id);
    this.sprites.get(id)?.dispose();
    this.sprites.delete(id);
  }

  dispose() {
    this.undo.forEach((f) => f());
    for (const id of [...this.bubbles.keys()]) this.forget(id);
  }
}
