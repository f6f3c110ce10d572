/**
 * The zones of the world in the scene: a line on the ground and a breath of
 * colour above it, so that one sees where a private table begins.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { lookOf } from '../zonelook.js';
import { outline } from '../zones.js';

/** @typedef {import('../zones.js').Zone} Zone */

const ABOVE_GROUND = 0.03; // metres, so that the line does not flicker in the paving
const VEIL = 1.1;

export class ZoneMarks {
  group = new THREE.Group();
  #shown = '[]';

  /** @param {THREE.Scene} scene */
  constructor(scene) { scene.add(this.group); }

  /** @param {Zone[]} zones */
  show(zones) {
    const key = JSON.stringify(zones.map((z) => [z.kind, z.shape]));
    if (key === this.#shown) return;
    this.#shown = key;
    this.#clear();
    for (const zone of zones) this.group.add(...marks(zone));
  }

  dispose() {
    this.#clear();
    this.group.removeFromParent();
  }

  #clear() {
    for (const mark of this.group.children) {
      const { geometry, material } = /** @type {THREE.Mesh} */ (mark);
      geometry.dispose();
      /** @type {THREE.Material} */ (material).dispose();
    }
    this.group.clear();
  }
}

/** @param {Zone} zone @returns {THREE.Object3D[]} */
function marks({ kind, shape }) {
  const color = new THREE.Color(`rgb(${lookOf(kind).rgb})`);
  const corners = outline(shape), bottom = shape.floor + ABOVE_GROUND, top = bottom + Math.min(shape.height, VEIL);
  const line = new THREE.LineLoop(
    new THREE.BufferGeometry().setFromPoints(corners.map(([x, z]) => new THREE.Vector3(x, bottom, z))),
    new THREE.LineBasicMaterial({ color, transparent: true, opacity: 0.85 }),
  );
  /** @type {number[]} */ const places = [];
  /** @type {number[]} */ const colors = [];
  const put = (/** @type {[number, number]} */ [x, z], /** @type {boolean} */ high) => {
    places.push(x, high ? top : bottom, z);
    colors.push(color.r, color.g, color.b, high ? 0 : 0.22);
  };
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % corners.length];
    for (const [c, high] of /** @type {[[number, number], boolean][]} */ ([[a, false], [b, false], [b, true], [a, false], [b, true], [a, true]])) put(c, high);
  });
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute('position', new THREE.Float32BufferAttribute(places, 3));
  geometry.setAttribute('color', new THREE.Float32BufferAttribute(colors, 4));
  const veil = new THREE.Mesh(geometry, new THREE.MeshBasicMaterial({ vertexColors: true, transparent: true, side: THREE.DoubleSide, depthWrite: false }));
  return [line, veil];
}
