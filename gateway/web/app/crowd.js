/**
 * The avatars of everybody near, kept in step with the session.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { Avatar } from './avatar.js';
import { encryptionOf } from './e2ee-words.js';
import { FULL_REACH } from './label.js';
import { NpcAvatar } from './npc-avatar.js';
import { spaceGain } from '../spatial.js';

/** @typedef {import('../earshot.js').Earshot} Earshot */
/** @typedef {import('./minimap.js').Dot} Dot */

/** Levels shown: quiet (dBFS) is 0, loud is 1. */
const QUIET = -52, LOUD = -16;
const NEW_PER_FRAME = 2;
/** How much is seen of somebody in a neighbouring world. */
const BEYOND = 0.5;
/** How often the server is told how large cameras are seen. */
const VIEW_MS = 1000;

export class Crowd {
  /** @param {import('./scene.js').Scene} scene @param {Earshot} session @param {import('../audio.js').SpatialAudio} audio */
  constructor(scene, session, audio) {
    this.scene = scene;
    this.session = session;
    this.audio = audio;
    /** @type {Map<string, Avatar | NpcAvatar>} */ this.avatars = new Map();
    /** @type {Map<string, number>} */ this.levels = new Map();
    this.eye = new THREE.Vector3();
    this.viewed = { at: 0, heights: '' };
    /** How far the lips of an NPC without a voice are open. @type {(id: string) => number} */
    this.lips = () => 0;
    /** An avatar has been made. @type {(id: string) => void} */
    this.onArrive = () => {};
  }

  /** Renames and removes avatars after joins, leaves, blocks or a new session. */
  sync() {
    const { participants, blocked } = this.session;
    this.viewed.heights = '';
    for (const [id, avatar] of this.avatars) {
      if (participants.has(id) && !blocked.has(id)) continue;
      avatar.dispose();
      this.avatars.delete(id);
    }
    for (const p of participants.values()) this.avatars.get(p.id)?.setName(p.name, p.muted || p.moderated || p.hushed === true, this.tag(p));
    this.showCameras();
  }

  /** Makes avatars for those who have come near, a few a frame: a crowd must not stop the picture. */
  welcome() {
    let budget = NEW_PER_FRAME;
    for (const id of this.session.near) {
      const p = this.session.participants.get(id);
      if (!p || this.avatars.has(id) || this.session.blocked.has(id)) continue;
      if (budget-- <= 0) return;
      const { still } = this.scene, avatar = p.kind === 'npc' && !p.beyond ? new NpcAvatar(id, p.name, { still }) : new Avatar(id, p.name, { still, of: p.of });
      avatar.setName(p.name, p.muted || p.moderated || p.hushed === true, this.tag(p));
      this.avatars.set(id, avatar);
      this.onArrive(id);
      this.scene.scene.add(avatar.group);
      if (p.camera) this.showCameras();
    }
  }

  /** What stands beside a name. @param {import('../earshot.js').Participant} p @returns {string} */
  tag(p) {
    if (p.beyond) return p.beyond.toUpperCase();
    if (p.kind === 'stream') return 'STREAM';
    if (p.kind !== 'npc' && p.kind !== 'stand-in') return encryptionOf(this.session, p).tag;
    return `${p.kind === 'npc' ? 'NPC' : 'STAND-IN'}${this.session.npcs.get(p.id)?.speaks === 'script' ? ' · SCRIPTED' : ''}`;
  }

  /** Puts the cameras in the video slots above their owners. */
  showCameras() {
    const cameras = new Map(this.session.slots.video.flatMap((s) => s.source === 'camera' && s.participant ? [[s.participant, this.session.videoTracks[s.slot]]] : []));
    for (const [id, avatar] of this.avatars) avatar.setCamera(cameras.get(id) ?? null);
  }

  /** Tells the server how high the cameras are on this screen, so that no more comes than is seen. @param {number} nowMs */
  tellSizes(nowMs) {
    const { camera, renderer } = this.scene, pixels = renderer.domElement.height * camera.projectionMatrix.elements[5] / 2;
    const heights = this.session.slots.video.map(({ source, participant }) => {
      const avatar = source === 'camera' && participant ? this.avatars.get(participant) : null;
      if (!(avatar instanceof Avatar)) return 0;
      return 20 * Math.ceil(avatar.cameraHeight * pixels / Math.max(0.5, this.eye.distanceTo(avatar.group.position)) / 20);
    });
    const changed = heights.join() !== this.viewed.heights;
    this.viewed = { at: nowMs, heights: heights.join() };
    if (changed) this.session.setVideoHeights(heights);
  }

  /** @param {number} dt seconds @param {number} nowMs performance.now() */
  update(dt, nowMs) {
    this.scene.camera.getWorldPosition(this.eye);
    this.measure();
    this.welcome();
    if (nowMs - this.viewed.at > VIEW_MS) this.tellSizes(nowMs);
    // In a crowd only the names of those close by and of those who speak are shown.
    const quiet = Math.max(11, FULL_REACH - this.avatars.size * 0.8);
    for (const [id, avatar] of this.avatars) {
      const level = this.levels.get(id) ?? 0;
      avatar.setLevel(level);
      avatar.label.reach = level > 0.1 ? FULL_REACH : quiet;
      avatar.update(this.session.poseOf(id, nowMs), dt, this.eye);
      const seen = this.session.participants.get(id)?.beyond ? BEYOND : 1, share = spaceGain(this.audio.space, this.apart(avatar.group.position));
      if (avatar instanceof Avatar) avatar.fade(seen * share, share);
    }
  }

  /** Metres on the ground between somebody and us. @param {THREE.Vector3} position */
  apart(position) {
    const { x, z } = this.scene.rig.position;
    return Math.hypot(position.x - x, position.z - z);
  }

  /** Levels of those in slots as they sound; of others, whether they speak. */
  measure() {
    this.levels.clear();
    for (const id of this.session.speaking) this.levels.set(id, 0.45);
    for (const id of this.session.npcs.keys()) if (this.lips(id) > 0) this.levels.set(id, this.lips(id));
    for (const { slot, participant } of this.session.slots.voice) {
      if (!participant) continue;
      const level = Math.min(1, Math.max(0, (this.audio.meter(slot) - QUIET) / (LOUD - QUIET)));
      if (this.session.npcs.has(participant)) this.voiced(participant, level);
      else if (level > 0.05) this.levels.set(participant, Math.max(level, this.levels.get(participant) ?? 0));
    }
  }

  /** One whose lips are seen: as it sounds, from syllable to syllable. @param {string} id @param {number} level */
  voiced(id, level) {
    if (level > 0.05 || this.session.speaking.has(id)) this.levels.set(id, level);
  }

  /** @param {number} nowMs @returns {Dot[]} for the map */
  dots(nowMs) {
    return [...this.avatars.keys()].flatMap((id) => {
      const pose = this.session.poseOf(id, nowMs);
      return pose ? [{ id, x: pose.root[0], z: pose.root[2], yaw: pose.yaw, level: this.levels.get(id) ?? 0, npc: this.session.participants.get(id)?.kind === 'npc' }] : [];
    });
  }

  dispose() {
    for (const avatar of this.avatars.values()) avatar.dispose();
    this.avatars.clear();
  }
}
