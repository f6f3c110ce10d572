// A headset's pose, as others get it, is where the headset and the hands are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as THREE from '../vendor/three/three.module.min.js';
import { headWorld } from '../pose.js';
import { Headset } from '../app/xr.js';

/** A scene with a headset in it, without a browser. */
function tracked() {
  const rig = new THREE.Group(), camera = new THREE.PerspectiveCamera();
  rig.add(camera);
  const grips = [new THREE.Group(), new THREE.Group()];
  const xr = { isPresenting: true, getControllerGrip: (/** @type {number} */ i) => grips[i], getSession: () => ({ inputSources }) };
  /** @type {{handedness: string, gamepad: {axes: number[]}}[]} */ const inputSources = [];
  const headset = new Headset(/** @type {any} */ ({ rig, camera, renderer: { xr } }));
  return { rig, camera, grips, inputSources, headset };
}

/** @param {ArrayLike<number>} got @param {ArrayLike<number>} want @param {string} what */
function near(got, want, what) {
  Array.from(want).forEach((v, i) => assert.ok(Math.abs(got[i] - v) < 1e-5, `${what} = ${Array.from(got)}, want ${Array.from(want)}`));
}

test('head and hand are where they are in the world, whatever way rig and head face', () => {
  for (const [rigYaw, headYaw, pitch] of [[0, 0, 0], [1.2, 0, 0.3], [0.4, -2, -0.5], [-3, 3, 0.9]]) {
    const { rig, camera, grips, headset } = tracked();
    rig.position.set(3, 0.4, -7);
    rig.rotation.y = rigYaw;
    camera.position.set(0.3, 1.7, -0.2);
    camera.quaternion.setFromEuler(new THREE.Euler(pitch, headYaw, 0.1, 'YXZ'));
    grips[0].position.set(-0.2, 1.1, -0.5);
    grips[0].userData.side = 'left';
    grips[1].visible = false;
    rig.updateMatrixWorld(true);
    const pose = headset.pose({ x: 3, y: 0.4, z: -7, yaw: rigYaw });
    const head = headWorld(pose), want = camera.getWorldPosition(new THREE.Vector3());
    near(head.position, want.toArray(), 'head');
    const turned = new THREE.Vector3(0, 0, -1).applyQuaternion(new THREE.Quaternion(...head.rotation));
    near(turned.toArray(), new THREE.Vector3(0, 0, -1).applyQuaternion(camera.getWorldQuaternion(new THREE.Quaternion())).toArray(), 'where the head looks');
    assert.ok(pose.left && !pose.right, 'the left hand alone is tracked');
    const hand = new THREE.Vector3(...pose.left.position).applyAxisAngle(new THREE.Vector3(0, 1, 0), pose.yaw).add(new THREE.Vector3(...pose.root));
    near(hand.toArray(), grips[0].getWorldPosition(new THREE.Vector3()).toArray(), 'left hand');
  }
});

test('the left stick walks where the head looks, the right one turns once a push', () => {
  const { camera, inputSources, headset } = tracked();
  camera.quaternion.setFromEuler(new THREE.Euler(0, 0.5, 0));
  inputSources.push({ handedness: 'left', gamepad: { axes: [0, 0, 0, -1] } }, { handedness: 'right', gamepad: { axes: [0, 0, 1, 0] } });
  const intent = { right: 0, forward: 0, fast: false, yaw: 0, pitch: 0 };
  const heading = headset.apply(intent, 1);
  assert.ok(Math.abs(heading - 1.5) < 1e-6, `heading = ${heading}, want 1.5`);
  assert.equal(intent.forward, 1);
  assert.ok(intent.yaw < -0.5, 'pushing right turns right');
  const again = { ...intent, yaw: 0 };
  headset.apply(again, 1);
  assert.equal(again.yaw, 0, 'turned again although the stick was held');
});
