/**
 * WebXR: the headset and its controllers as head and hands.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { outside } from './inputs.js';

/** @typedef {import('../pose.js').Pose} Pose */

/** The right stick turns by this much at a push, which makes fewer people sick than turning smoothly. */
const SNAP = Math.PI / 6;

export class Headset {
  /** @param {import('./scene.js').Scene} scene */
  constructor(scene) {
    this.scene = scene;
    this.xr = scene.renderer.xr;
    this.snapped = false;
    this.hands = [0, 1].map((i) => {
      const grip = this.xr.getControllerGrip(i);
      grip.addEventListener('connected', (e) => { grip.userData.side = /** @type {{data?: XRInputSource}} */ (e).data?.handedness ?? 'none'; });
      grip.addEventListener('disconnected', () => { grip.userData.side = 'none'; });
      scene.rig.add(grip);
      return grip;
    });
  }

  /** @returns {Promise<boolean>} */
  static async supported() {
    return await navigator.xr?.isSessionSupported('immersive-vr').catch(() => false) ?? false;
  }

  get presenting() {
    return this.xr.isPresenting;
  }

  /** Puts the picture into the headset, or takes it out again. Call it from a click. */
  async toggle() {
    if (this.presenting) {
      await this.xr.getSession()?.end();
      return;
    }
    const session = await /** @type {XRSystem} */ (navigator.xr).requestSession('immersive-vr', { optionalFeatures: ['local-floor', 'hand-tracking'] });
    this.xr.setReferenceSpaceType('local-floor');
    await this.xr.setSession(session);
    session.addEventListener('end', () => {
      this.scene.camera.position.set(0, 1.6, 0);
      this.scene.resize();
    });
  }

  /**
   * Adds the sticks to the intent.
   * @param {import('./inputs.js').Intent} intent @param {number} yaw of the rig
   * @returns {number} heading to walk along: where the head looks
   */
  apply(intent, yaw) {
    for (const source of this.xr.getSession()?.inputSources ?? []) {
      const axes = source.gamepad?.axes ?? [], x = outside(axes[2] ?? axes[0] ?? 0), y = outside(axes[3] ?? axes[1] ?? 0);
      if (source.handedness === 'left') {
        intent.right += x;
        intent.forward -= y;
      } else if (Math.abs(x) < 0.4) this.snapped = false;
      else if (!this.snapped) {
        this.snapped = true;
        intent.yaw -= Math.sign(x) * SNAP;
      }
    }
    return yaw + headYaw(this.scene.camera.quaternion);
  }

  /** @param {{x: number, y: number, z: number, yaw: number}} at the rig @returns {Pose} */
  pose(at) {
    const { camera } = this.scene, turn = headYaw(camera.quaternion), yaw = at.yaw + turn;
    const back = new THREE.Quaternion().setFromAxisAngle(UP, -turn);
    // The body stands under the head; the rig is only the origin of the tracked space.
    const foot = new THREE.Vector3(camera.position.x, 0, camera.position.z);
    const root = foot.clone().applyAxisAngle(UP, at.yaw);
    const relative = (/** @type {THREE.Object3D} */ o) => ({
      position: o.position.clone().sub(foot).applyQuaternion(back).toArray(),
      rotation: back.clone().multiply(o.quaternion).toArray(),
    });
    /** @type {Pose} */
    const pose = { root: [at.x + root.x, at.y, at.z + root.z], yaw: Math.atan2(Math.sin(yaw), Math.cos(yaw)), head: relative(camera) };
    for (const hand of this.hands) {
      if (!hand.visible) continue;
      if (hand.userData.side === 'left') pose.left = relative(hand);
      if (hand.userData.side === 'right') pose.right = relative(hand);
    }
    return pose;
  }
}

const UP = new THREE.Vector3(0, 1, 0);

/** Yaw of a rotation: where its -z points, seen from above. @param {THREE.Quaternion} q @returns {number} */
function headYaw(q) {
  const f = new THREE.Vector3(0, 0, -1).applyQuaternion(q);
  return Math.atan2(-f.x, -f.z);
}
