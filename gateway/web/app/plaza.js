/**
 * What is built of stone, wood and metal on the plaza: walls, benches, lanterns
 * with strings of lights, planters and the stage. Procedural, no assets.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { Mesher, hash, place } from './mesher.js';
import { BENCHES, LANTERNS, PAVED, PLANTERS, SCREEN, STAGE, WALLS } from './layout.js';

const STONE = '#a58f86', CAP = '#cbb3a3', WOOD = '#8a5a3c', WOOD2 = '#77492f', IRON = '#2b2733', DARK = '#241f2b';
/** Height of the lantern posts: their strings hang from here. */
const POST = 4.3;

/** @param {THREE.Material} material takes vertex colours @returns {THREE.Mesh} */
export function createFurniture(material) {
  const m = new Mesher();
  for (const [from, to] of WALLS) wall(m, from, to);
  for (const b of BENCHES) bench(m, b.at[0], b.at[1], -b.bearing * Math.PI / 180);
  for (const [x, z] of LANTERNS) lantern(m, x, z);
  for (const [x, z] of PLANTERS) planter(m, x, z);
  stage(m);
  return m.build(material);
}

/** @param {Mesher} m @param {number} from bearing @param {number} to bearing */
function wall(m, from, to) {
  const count = Math.round((to - from) / 3.4), step = (to - from) / count;
  for (let i = 0; i < count; i++) {
    const a = (from + (i + 0.5) * step) * Math.PI / 180, x = Math.sin(a) * (PAVED + 0.1), z = -Math.cos(a) * (PAVED + 0.1);
    const w = 2 * (PAVED + 0.4) * Math.tan(step * Math.PI / 360) + 0.03, tone = 0.94 + hash(i + from) * 0.1;
    m.add(new THREE.BoxGeometry(w, 0.62, 0.5), [new THREE.Color('#7d6a68').multiplyScalar(tone), new THREE.Color(STONE).multiplyScalar(tone)], place(x, 0.31, z, { turn: -a }));
    m.add(new THREE.BoxGeometry(w + 0.02, 0.1, 0.64), CAP, place(x, 0.67, z, { turn: -a }));
  }
  for (const end of [from, to]) {
    const a = end * Math.PI / 180, x = Math.sin(a) * (PAVED + 0.1), z = -Math.cos(a) * (PAVED + 0.1);
    m.add(new THREE.BoxGeometry(0.86, 1.15, 0.86), ['#7d6a68', STONE], place(x, 0.575, z, { turn: -a }));
    m.add(new THREE.BoxGeometry(1.02, 0.12, 1.02), CAP, place(x, 1.2, z, { turn: -a }));
    m.add(new THREE.IcosahedronGeometry(0.3, 2), CAP, place(x, 1.5, z), { smooth: true });
  }
}

/** @param {Mesher} m @param {number} x @param {number} z @param {number} turn its front faces +z before it */
function bench(m, x, z, turn) {
  const put = (/** @type {number} */ dx, /** @type {number} */ y, /** @type {number} */ dz, tilt = 0) =>
    place(x + Math.cos(turn) * dx + Math.sin(turn) * dz, y, z - Math.sin(turn) * dx + Math.cos(turn) * dz, { turn, tilt });
  for (let i = 0; i < 4; i++) m.add(new THREE.BoxGeometry(1.9, 0.055, 0.115), i % 2 ? WOOD : WOOD2, put(0, 0.46, -0.2 + i * 0.135));
  for (let i = 0; i < 3; i++) m.add(new THREE.BoxGeometry(1.9, 0.115, 0.05), i % 2 ? WOOD2 : WOOD, put(0, 0.62 + i * 0.145, -0.31 - i * 0.035, -0.2));
  for (const side of [-0.8, 0.8]) {
    m.add(new THREE.BoxGeometry(0.07, 0.44, 0.5), IRON, put(side, 0.22, 0));
    m.add(new THREE.BoxGeometry(0.07, 0.55, 0.06), IRON, put(side, 0.72, -0.36, -0.2));
    m.add(new THREE.BoxGeometry(0.09, 0.05, 0.5), IRON, put(side, 0.66, -0.05));
  }
}

/** @param {Mesher} m @param {number} x @param {number} z */
function lantern(m, x, z) {
  m.add(new THREE.CylinderGeometry(0.24, 0.32, 0.3, 8), [DARK, IRON], place(x, 0.15, z));
  m.add(new THREE.CylinderGeometry(0.055, 0.085, POST - 0.7, 8), [DARK, IRON], place(x, POST / 2 - 0.1, z));
  m.add(new THREE.CylinderGeometry(0.16, 0.1, 0.12, 6), IRON, place(x, POST - 0.46, z));
  m.add(new THREE.ConeGeometry(0.3, 0.26, 6), [IRON, DARK], place(x, POST + 0.2, z));
  m.add(new THREE.IcosahedronGeometry(0.06, 1), IRON, place(x, POST + 0.36, z));
  for (let i = 0; i < 6; i++) {
    const a = i / 6 * Math.PI * 2;
    m.add(new THREE.BoxGeometry(0.025, 0.5, 0.025), IRON, place(x + Math.sin(a) * 0.19, POST - 0.17, z + Math.cos(a) * 0.19, { turn: a }));
  }
}

/** @param {Mesher} m @param {number} x @param {number} z */
function planter(m, x, z) {
  m.add(new THREE.CylinderGeometry(1.55, 1.65, 0.5, 20, 1, true), ['#77646a', STONE], place(x, 0.25, z));
  m.add(new THREE.TorusGeometry(1.5, 0.11, 5, 20), CAP, place(x, 0.5, z, { tilt: Math.PI / 2, scale: [1, 1, 0.7] }));
  m.add(new THREE.CylinderGeometry(1.5, 1.5, 0.1, 20), '#31402c', place(x, 0.42, z));
  for (let i = 0; i < 9; i++) {
    const a = i * 2.4, r = 0.75 + hash(i + x) * 0.45;
    m.add(new THREE.IcosahedronGeometry(0.16 + hash(i) * 0.1, 1), i % 3 ? ['#2e5141', '#6d9455'] : ['#b0577c', '#ffc4cf'],
      place(x + Math.sin(a) * r, 0.52, z + Math.cos(a) * r), { vary: 0.2 });
  }
}

/** @param {Mesher} m */
function stage(m) {
  STAGE.steps.forEach(([radius, height], i) => {
    const below = i ? STAGE.steps[i - 1][1] : 0, h = height - below;
    const g = new THREE.CylinderGeometry(radius, radius, h, 40, 1, false, -Math.PI / 2, Math.PI);
    m.add(g, i ? ['#8f7668', '#b49580'] : ['#6f5e60', '#a08a80'], place(0, below + h / 2, STAGE.z));
    m.add(new THREE.BoxGeometry(radius * 2, h, STAGE.z - STAGE.back), ['#8f7668', '#b49580'], place(0, below + h / 2, (STAGE.z + STAGE.back) / 2));
  });
  const top = STAGE.steps[1][1], { width: w, height: h, y } = SCREEN, back = SCREEN.z - 0.16;
  m.add(new THREE.BoxGeometry(w + 0.7, h + 0.7, 0.24), DARK, place(0, y, back));
  m.add(new THREE.BoxGeometry(w + 1.6, y - h / 2 - top, 0.6), ['#57444a', '#7c625d'], place(0, (y - h / 2) / 2, back));
  for (const side of [-1, 1]) {
    const x = side * (w / 2 + 0.85);
    m.add(new THREE.BoxGeometry(0.7, y + h / 2 + 1, 0.9), ['#6d5756', '#a98f83'], place(x, (y + h / 2 + 1) / 2, back));
    m.add(new THREE.BoxGeometry(0.95, 0.16, 1.15), CAP, place(x, y + h / 2 + 1.06, back));
    for (let i = 0; i < 9; i++) {
      const height = 5.2 - i * 0.28;
      m.add(new THREE.BoxGeometry(0.16, height, 0.2), i % 2 ? WOOD : WOOD2, place(side * (w / 2 + 1.55 + i * 0.34), height / 2, back + 0.05));
    }
  }
  m.add(new THREE.BoxGeometry(w + 2.6, 0.34, 1.1), ['#6d5756', '#a98f83'], place(0, y + h / 2 + 0.72, back));
}

/** Lantern glass, strings of bulbs and their glow. @returns {THREE.Group} */
export function createLights() {
  const group = new THREE.Group(), glass = new Mesher(), wires = [], bulbs = [];
  for (const [x, z] of LANTERNS) glass.add(new THREE.CylinderGeometry(0.17, 0.13, 0.42, 6), ['#ff9a3d', '#ffe2a8'], place(x, POST - 0.17, z));
  const lit = glass.build(new THREE.MeshBasicMaterial({ vertexColors: true, color: new THREE.Color(2.2, 1.9, 1.6) }));
  lit.castShadow = lit.receiveShadow = false;
  for (let i = 0; i < LANTERNS.length; i++) {
    const [ax, az] = LANTERNS[i], [bx, bz] = LANTERNS[(i + 1) % LANTERNS.length];
    let last = new THREE.Vector3(ax, POST + 0.1, az);
    for (let k = 1; k <= 22; k++) {
      const t = k / 22, p = new THREE.Vector3(ax + (bx - ax) * t, POST + 0.1 - 4 * t * (1 - t) * 0.85, az + (bz - az) * t);
      wires.push(last, p);
      if (k % 2 && k > 1) bulbs.push(new THREE.Vector3(p.x, p.y - 0.1, p.z));
      last = p;
    }
  }
  const wire = new THREE.LineSegments(new THREE.BufferGeometry().setFromPoints(wires), new THREE.LineBasicMaterial({ color: '#1d1826' }));
  const bulb = new THREE.InstancedMesh(new THREE.IcosahedronGeometry(0.042, 1), new THREE.MeshBasicMaterial({ color: new THREE.Color(1.9, 1.05, 0.4) }), bulbs.length);
  bulbs.forEach((p, i) => bulb.setMatrixAt(i, new THREE.Matrix4().makeTranslation(p)));
  const heads = LANTERNS.map(([x, z]) => new THREE.Vector3(x, POST - 0.15, z));
  group.add(lit, wire, bulb, glow(bulbs, 0.8, 0.42), glow(heads, 3.2, 0.5));
  return group;
}

/** @param {THREE.Vector3[]} points @param {number} size metres @param {number} strength @returns {THREE.Points} */
function glow(points, size, strength) {
  const material = new THREE.PointsMaterial({
    size, map: glowTexture(), color: '#ffae5c', transparent: true, opacity: strength,
    blending: THREE.AdditiveBlending, depthWrite: false, fog: false,
  });
  return new THREE.Points(new THREE.BufferGeometry().setFromPoints(points), material);
}

/** A soft round spot, white on black. @returns {THREE.CanvasTexture} */
export function glowTexture() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const g = ctx.createRadialGradient(32, 32, 0, 32, 32, 32);
  for (let i = 0; i <= 8; i++) g.addColorStop(i / 8, `rgba(255,255,255,${Math.pow(1 - i / 8, 2.4).toFixed(3)})`);
  ctx.fillStyle = g;
  ctx.fillRect(0, 0, 64, 64);
  return new THREE.CanvasTexture(canvas);
}
