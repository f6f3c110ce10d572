/**
 * Walking: turns what keys, mouse, touch, gamepad or headset want into a place
 * on the plaza, moves the camera there and says the pose to send.
 * @module
 */
import { Gamepads, Keys, Mouse, Touch } from './inputs.js';
import { collide, groundAt } from './layout.js';
import { Headset } from './xr.js';

/** @typedef {import('../pose.js').Pose} Pose */
/** @typedef {import('./scene.js').Scene} Scene */

const WALK = 2.3, RUN = 4.8;
export const EYE = 1.6;
const PITCH_LIMIT = 1.25;
/** Seconds to reach full speed, about. */
const INERTIA = 0.09;

export class Controls {
  /** @param {Scene} scene @param {HTMLElement} view @param {HTMLElement} stick */
  constructor(scene, view, stick) {
    this.scene = scene;
    this.x = 0;
    this.y = 0;
    this.z = 10;
    this.yaw = 0;
    this.pitch = -0.02;
    /** Seen from behind. */
    this.third = false;
    this.headset = new Headset(scene);
    this.sources = [new Keys(), new Mouse(view), new Touch(view, stick, () => this.toggleView()), new Gamepads()];
    this.velocity = { x: 0, z: 0 };
    this.last = performance.now();
  }

  /** Stands somewhere, facing yaw. @param {number} x @param {number} z @param {number} yaw radians */
  stand(x, z, yaw) {
    Object.assign(this, { x, z, yaw, y: groundAt(x, z), pitch: -0.02 });
    this.velocity = { x: 0, z: 0 };
    this.place();
  }

  toggleView() {
    this.third = !this.third;
  }

  /** Walks on for the time since the last step. Call it often: each frame and before each pose. @param {number} [now] ms */
  step(now = performance.now()) {
    const dt = Math.min((now - this.last) / 1000, 0.25);
    this.last = now;
    if (dt <= 0) return;
    const intent = { right: 0, forward: 0, fast: false, yaw: 0, pitch: 0 };
    for (const source of this.sources) source.apply(intent, dt);
    const heading = this.headset.presenting ? this.headset.apply(intent, this.yaw) : this.yaw;
    this.yaw = wrap(this.yaw + intent.yaw);
    this.pitch = Math.min(PITCH_LIMIT, Math.max(-PITCH_LIMIT, this.pitch + intent.pitch));
    this.walk(intent, heading, dt);
    this.place();
  }

  /** @param {import('./inputs.js').Intent} intent @param {number} heading @param {number} dt */
  walk(intent, heading, dt) {
    const push = Math.hypot(intent.right, intent.forward), k = (intent.fast ? RUN : WALK) / Math.max(push, 1);
    const s = Math.sin(heading), c = Math.cos(heading);
    const vx = (intent.right * c - intent.forward * s) * k, vz = (-intent.right * s - intent.forward * c) * k;
    const ease = 1 - Math.exp(-dt / INERTIA);
    this.velocity.x += (vx - this.velocity.x) * ease;
    this.velocity.z += (vz - this.velocity.z) * ease;
    const speed = Math.hypot(this.velocity.x, this.velocity.z);
    if (speed > 0.02) {
      this.x += this.velocity.x * dt;
      this.z += this.velocity.z * dt;
      collide(this);
    }
    this.y += (groundAt(this.x, this.z) - this.y) * Math.min(1, dt * 9);
  }

  /** Puts rig and camera where we are. */
  place() {
    const { rig, camera } = this.scene;
    rig.position.set(this.x, this.y, this.z);
    rig.rotation.y = this.yaw;
    if (this.headset.presenting) return;
    camera.rotation.set(this.pitch, 0, 0, 'YXZ');
    if (!this.third) {
      camera.position.set(0, EYE, 0);
      return;
    }
    const back = 3.4, tilt = this.pitch - 0.16;
    camera.position.set(0.35, Math.max(0.35, EYE + 0.28 - Math.sin(tilt) * back), Math.cos(tilt) * back);
    this.clearView(camera.position);
  }

  /** Moves the camera behind us out of lanterns, trees and walls. @param {{x: number, z: number}} local place of the camera in the rig */
  clearView(local) {
    const s = Math.sin(this.yaw), c = Math.cos(this.yaw);
    const at = { x: this.x + local.x * c + local.z * s, z: this.z - local.x * s + local.z * c }, from = { ...at };
    collide(at, 0.5);
    const dx = at.x - from.x, dz = at.z - from.z;
    local.x += dx * c - dz * s;
    local.z += dx * s + dz * c;
  }

  /** @returns {Pose} what others see of us: head (and hands) relative to root and yaw */
  pose() {
    if (this.headset.presenting) return this.headset.pose(this);
    const half = this.pitch / 2;
    return {
      root: [this.x, this.y, this.z], yaw: this.yaw,
      head: { position: [0, EYE, 0], rotation: [Math.sin(half), 0, 0, Math.cos(half)] },
    };
  }
}

/** @param {number} a radians @returns {number} in -pi..pi */
export function wrap(a) {
  return a - Math.PI * 2 * Math.round(a / (Math.PI * 2));
}
