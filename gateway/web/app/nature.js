/**
 * Trees, bushes and the far hills.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { Mesher, hash, place } from './mesher.js';
import { PLANTERS, WALLS, at } from './layout.js';
import { terrainHeight } from './ground.js';

/** @typedef {[THREE.ColorRepresentation, THREE.ColorRepresentation]} Shade bottom and top */
/** @type {Shade} */ const BLOSSOM = ['#a8436f', '#ffb3c4'];
/** @type {Shade[]} */ const LEAVES = [['#274a45', '#6f9a5b'], ['#2c4f3c', '#8fa457'], ['#2a4650', '#5b8a75']];
/** @type {Shade} */ const NEEDLES = ['#1c3a40', '#3f7265'];

/** Trees in the planters, trees and bushes round the plaza, one mesh.
 * @param {THREE.Material} material @returns {THREE.Mesh} */
export function createTrees(material) {
  const m = new Mesher();
  PLANTERS.forEach(([x, z], i) => roundTree(m, x, 0.5, z, 1.05, BLOSSOM, i * 31 + 5));
  for (let i = 0; i < 74; i++) {
    const bearing = hash(i) * 360, radius = 24.5 + hash(i + 500) * 14;
    if (nearWayOut(bearing) || nearSun(bearing, i)) continue;
    const [x, z] = at(bearing, radius), y = terrainHeight(radius, bearing * Math.PI / 180) - 0.1;
    const size = 0.9 + hash(i + 900) * 0.8;
    if (hash(i + 77) < 0.42) pine(m, x, y, z, size, i);
    else roundTree(m, x, y, z, size, LEAVES[i % LEAVES.length], i);
  }
  hedges(m);
  return m.build(material);
}

/** @param {number} bearing @returns {boolean} */
function nearWayOut(bearing) {
  return [90, 180, 270].some((way) => Math.abs(bearing - way) < 7) || bearing < 20 || bearing > 340;
}

/** Keeps the view to the setting sun open. @param {number} bearing @param {number} i @returns {boolean} */
function nearSun(bearing, i) {
  return Math.abs(bearing - 334) < 17 && hash(i + 41) < 0.85;
}

/** @param {Mesher} m @param {number} x @param {number} y @param {number} z @param {number} s size @param {Shade} paint @param {number} seed */
function roundTree(m, x, y, z, s, paint, seed) {
  const detail = paint === BLOSSOM ? 2 : 1;
  const turn = hash(seed) * 6;
  m.add(new THREE.CylinderGeometry(0.1, 0.2, 1.9, 7), ['#3a2a2c', '#5c4038'], place(x, y + 0.95 * s, z, { scale: s, turn }));
  const blobs = [[0, 2.55, 0, 1.15], [0.75, 2.1, 0.25, 0.8], [-0.6, 2.15, 0.45, 0.75], [0.05, 2.05, -0.75, 0.78], [-0.25, 3.25, 0.1, 0.72]];
  blobs.forEach(([bx, by, bz, r], i) => {
    const c = Math.cos(turn), n = Math.sin(turn), k = 0.9 + hash(seed * 7 + i) * 0.25;
    const g = roughen(new THREE.IcosahedronGeometry(r * k, detail), 0.16, seed + i);
    m.add(g, paint, place(x + (bx * c + bz * n) * s, y + by * s, z + (bz * c - bx * n) * s, { scale: [s, s * 0.88, s] }), { vary: 0.22 });
  });
}

/** @param {Mesher} m @param {number} x @param {number} y @param {number} z @param {number} s @param {number} seed */
function pine(m, x, y, z, s, seed) {
  m.add(new THREE.CylinderGeometry(0.1, 0.17, 1, 6), '#40302e', place(x, y + 0.5 * s, z, { scale: s }));
  for (let i = 0; i < 4; i++) {
    const g = roughen(new THREE.ConeGeometry(1.25 - i * 0.25, 1.45 - i * 0.08, 9, 1), 0.08, seed + i);
    m.add(g, NEEDLES, place(x, y + (1.35 + i * 0.82) * s, z, { scale: s, turn: hash(seed + i) * 6 }), { vary: 0.18 });
  }
}

/** Hedges behind the low walls. @param {Mesher} m */
function hedges(m) {
  for (const [from, to] of WALLS) {
    for (let b = from + 2, i = 0; b < to - 1; b += 4.1, i++) {
      const [x, z] = at(b, 21.35 + hash(b) * 0.2), s = 0.72 + hash(b * 3) * 0.2;
      m.add(roughen(new THREE.IcosahedronGeometry(1, 1), 0.14, i), LEAVES[i % 3],
        place(x, 0.42, z, { scale: [s * 1.15, s * 0.85, s], turn: hash(b) * 6 }), { vary: 0.2 });
    }
  }
}

/** Moves vertices along their direction, equal ones equally, so that the shape stays closed.
 * @param {THREE.BufferGeometry} g @param {number} by share of the size @param {number} seed @returns {THREE.BufferGeometry} */
function roughen(g, by, seed) {
  const p = g.getAttribute('position');
  for (let i = 0; i < p.count; i++) {
    const x = p.getX(i), y = p.getY(i), z = p.getZ(i);
    const n = Math.round(x * 50) * 1.3 + Math.round(y * 50) * 2.7 + Math.round(z * 50) * 0.7;
    const k = 1 + (hash(n * 0.37 + seed) - 0.5) * 2 * by;
    p.setXYZ(i, x * k, y * k, z * k);
  }
  return g;
}

/** Three rows of far hills over the sea; the fog gives them their depth.
 * @param {THREE.Material} material @returns {THREE.Mesh} */
export function createHills(material) {
  const m = new Mesher();
  for (let i = 0; i < 46; i++) {
    const bearing = i / 46 * 360 + hash(i) * 7, row = i % 3;
    const toSun = Math.abs(((bearing - 334 + 540) % 360) - 180);
    if (toSun < 13 + row * 4) continue;
    const [x, z] = at(bearing, 150 + row * 75 + hash(i + 8) * 30);
    const h = (11 + hash(i + 3) * 17) * (0.8 + row * 0.45), w = (26 + hash(i + 5) * 26) * (1 + row * 0.4);
    const g = roughen(new THREE.ConeGeometry(1, 1, 9, 3), 0.13, i * 3);
    m.add(g, ['#2b3350', '#4a4568'], place(x, h / 2 - 3, z, { scale: [w, h, w * 0.7], turn: -bearing * Math.PI / 180 }), { vary: 0.1 });
  }
  const mesh = m.build(material);
  mesh.castShadow = mesh.receiveShadow = false;
  return mesh;
}
