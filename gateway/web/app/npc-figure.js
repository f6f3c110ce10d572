/**
 * The shapes of an NPC: somebody in a pleated robe and a mantle, with a lit
 * pendant, sleeves, a face, and one of four headdresses. Nobody looks like a
 * player, and hardly one like another. Procedural, no assets.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { HIP } from './gestures.js';
import { Mesher, hash, place } from './mesher.js';

/** @typedef {{robe: [string, string], mantle: [string, string], trim: string, sash: string, skin: string, hair: string, head: 'hat' | 'hood' | 'wrap' | 'wreath'}} Look */
/** Length of an upper arm and of a forearm, metres. */
export const ARM = 0.285;
/** From the hip to the shoulders. */
export const SHOULDER = { x: 0.182, y: 0.43 };

const ROBES = /** @type {const} */ ([
  { robe: ['#54203a', '#a34a5c'], mantle: ['#31285a', '#5a4a92'], trim: '#f6bd68', sash: '#e89a4a' },
  { robe: ['#17474a', '#3f8f82'], mantle: ['#7c4526', '#bd7a45'], trim: '#ffd79a', sash: '#f0b066' },
  { robe: ['#2c2b6b', '#5b66b8'], mantle: ['#7b2f59', '#bd5f83'], trim: '#ffd08a', sash: '#f0a3a0' },
  { robe: ['#8a4f22', '#d99a4c'], mantle: ['#174a57', '#358594'], trim: '#ffe0a3', sash: '#8b3f62' },
]);
const SKINS = ['#f3cdb2', '#e2ac86', '#c08560', '#a26c4a', '#ecbd9c'];
const HAIRS = ['#efe6da', '#382a31', '#7d4a30', '#c9904f', '#6b6577'];
const IRISES = ['#6b4426', '#3f6b58', '#4a6a94', '#7a5a2a'];
const HEADS = /** @type {const} */ (['wrap', 'hat', 'wreath', 'hood']);

/** What somebody looks like, always the same for the same number. @param {number} seed @returns {Look} */
export function lookOf(seed) {
  /** @template T @param {readonly T[]} from @param {number} salt @returns {T} */
  const one = (from, salt) => from[Math.floor(hash(seed * 3.7 + salt) * from.length)];
  const { robe, ...colors } = one(ROBES, 1);
  return { robe: [...robe], ...colors, mantle: [...colors.mantle], skin: one(SKINS, 2), hair: one(HAIRS, 3), head: one(HEADS, 4) };
}

const ball = (/** @type {number} */ r, detail = 3) => new THREE.IcosahedronGeometry(r, detail);

/** The skirt of the robe, which stands still when the body bends. @param {Look} look @param {THREE.Material} matte @returns {THREE.Mesh} */
export function skirt(look, matte) {
  const m = new Mesher();
  const outline = curve([[0.345, 0.025], [0.335, 0.06], [0.282, 0.3], [0.222, 0.56], [0.172, HIP], [0.165, HIP + 0.06]], 16);
  m.add(pleated(new THREE.LatheGeometry(outline, 60), 12, 0.085), look.robe, place(0, 0, 0), { smooth: true });
  const hem = curve([[0.352, 0.012], [0.356, 0.03], [0.352, 0.062], [0.336, 0.088], [0.32, 0.092]], 8);
  m.add(pleated(new THREE.LatheGeometry(hem, 60), 12, 0.085, HIP + 0.06), look.trim, place(0, 0, 0), { smooth: true });
  m.add(new THREE.TorusGeometry(0.166, 0.042, 10, 32), look.sash, place(0, HIP, 0, { tilt: Math.PI / 2, scale: [1, 0.92, 1.25] }), { smooth: true });
  m.add(new THREE.CapsuleGeometry(0.034, 0.27, 3, 10), look.sash, place(0.09, HIP - 0.19, -0.185, { tilt: 0.16, scale: [1, 1, 0.45] }), { smooth: true });
  m.add(new THREE.CapsuleGeometry(0.03, 0.18, 3, 10), look.sash, place(0.145, HIP - 0.14, -0.165, { tilt: 0.15, scale: [1, 1, 0.45] }), { smooth: true });
  return m.build(matte);
}

/** Chest, mantle and collar; its origin is the hip. @param {Look} look @param {THREE.Material} matte @returns {THREE.Mesh} */
export function torso(look, matte) {
  const m = new Mesher();
  const chest = curve([[0.16, -0.03], [0.178, 0.14], [0.192, 0.3], [0.178, 0.42], [0.12, 0.505], [0.062, 0.545], [0.055, 0.62]], 18);
  m.add(new THREE.LatheGeometry(chest, 32), look.robe[1], place(0, 0, 0, { scale: [1, 1, 0.86] }), { smooth: true });
  // The mantle is open in front, where the pendant hangs.
  const open = 0.62, cloak = curve([[0.3, 0.06], [0.298, 0.13], [0.268, 0.29], [0.226, 0.41], [0.145, 0.51], [0.086, 0.56]], 14);
  const shell = pleated(new THREE.LatheGeometry(cloak, 48, Math.PI + open, Math.PI * 2 - 2 * open), 9, 0.04);
  m.add(shell, look.mantle, place(0, 0, 0.012, { scale: [1, 1, 0.92] }), { smooth: true });
  m.add(inside(shell), '#1d1630', place(0, 0, 0.012, { scale: [0.985, 1, 0.9] }), { smooth: true });
  for (const side of [-1, 1]) {
    const a = open, edge = cloak.map((p) => new THREE.Vector3(side * Math.sin(a) * p.x, p.y, 0.012 - Math.cos(a) * p.x * 0.92));
    m.add(new THREE.TubeGeometry(new THREE.CatmullRomCurve3(edge), 24, 0.011, 6), look.trim, place(0, 0, 0), { smooth: true });
  }
  m.add(new THREE.TorusGeometry(0.083, 0.027, 8, 28), look.trim, place(0, 0.562, 0, { tilt: Math.PI / 2 }), { smooth: true });
  return m.build(matte);
}

/** One sleeve: the upper arm from the shoulder, along +y. @param {Look} look @param {THREE.Material} matte @returns {THREE.Mesh} */
export function upperArm(look, matte) {
  const m = new Mesher();
  m.add(new THREE.CapsuleGeometry(0.068, ARM, 5, 14), [look.mantle[1], look.robe[1]], place(0, ARM / 2, 0), { smooth: true });
  return m.build(matte);
}

/** The bell of the sleeve, from the elbow along +y, with the hand. @param {Look} look @param {THREE.Material} matte @returns {THREE.Mesh} */
export function foreArm(look, matte) {
  const m = new Mesher();
  const bell = new THREE.LatheGeometry(curve([[0.062, -0.04], [0.066, 0.03], [0.072, 0.13], [0.081, 0.212]], 10), 20);
  m.add(bell, look.robe[1], place(0, 0, 0), { smooth: true });
  m.add(new THREE.CylinderGeometry(0.077, 0.07, 0.012, 20), look.robe[0], place(0, 0.203, 0), { smooth: false });
  m.add(new THREE.TorusGeometry(0.0785, 0.0095, 8, 26), look.trim, place(0, 0.212, 0, { tilt: Math.PI / 2 }), { smooth: true });
  m.add(ball(0.064), look.skin, place(0, 0.268, 0, { scale: [0.92, 1.2, 0.78] }), { smooth: true });
  m.add(ball(0.026), look.skin, place(0.046, 0.256, -0.018, { scale: [0.9, 1.45, 0.9], turn: 0.4 }), { smooth: true });
  return m.build(matte);
}

/** @param {Look} look @param {THREE.Material} matte @returns {THREE.Mesh} */
export function shoe(look, matte) {
  const m = new Mesher();
  m.add(ball(0.075), look.mantle[0], place(0, 0, 0, { scale: [0.85, 0.6, 1.6] }), { smooth: true });
  return m.build(matte);
}

/** Head without lids, brows and mouth; its origin is the middle. @param {Look} look @param {THREE.Material} matte @returns {THREE.Mesh} */
export function head(look, matte) {
  const m = new Mesher(), cheek = new THREE.Color(look.skin).lerp(new THREE.Color('#e0574a'), 0.2);
  const iris = IRISES[Math.floor(hash(look.hair.charCodeAt(2) + look.skin.charCodeAt(3)) * IRISES.length)], lash = new THREE.Color(look.skin).multiplyScalar(0.34);
  m.add(ball(0.205, 4), look.skin, place(0, -0.008, 0, { scale: [0.95, 1.05, 0.96] }), { smooth: true });
  m.add(ball(0.026), new THREE.Color(look.skin).lerp(new THREE.Color('#c8543f'), 0.16), place(0, -0.028, -0.195, { scale: [0.78, 0.95, 1.05] }), { smooth: true });
  for (const side of [-1, 1]) {
    m.add(ball(0.034), '#fff6ea', place(side * 0.074, 0.02, -0.1655, { scale: [1.08, 1, 0.6], turn: side * -0.36 }), { smooth: true });
    m.add(ball(0.0235), iris, place(side * 0.0755, 0.0205, -0.176, { scale: [1, 1.08, 0.58], turn: side * -0.36 }), { smooth: true });
    m.add(ball(0.0135, 2), '#23151f', place(side * 0.0762, 0.0205, -0.184, { scale: [1, 1.08, 0.58], turn: side * -0.36 }), { smooth: true });
    m.add(ball(0.0062, 1), '#ffffff', place(side * 0.0765 - 0.008, 0.031, -0.1925), { smooth: true });
    m.add(new THREE.TorusGeometry(0.0345, 0.0058, 6, 16, 2.3).rotateZ(Math.PI / 2 - 1.15), lash, place(side * 0.0745, 0.0195, -0.172, { scale: [1.08, 1, 1], turn: side * -0.36, tilt: 0.1 }), { smooth: true });
    m.add(ball(0.036), cheek, place(side * 0.112, -0.052, -0.143, { scale: [1, 0.72, 0.24], turn: side * -0.65 }), { smooth: true });
    m.add(ball(0.034), look.skin, place(side * 0.19, -0.005, 0.005, { scale: [0.5, 1.15, 0.8] }), { smooth: true });
  }
  m.add(ball(0.211), look.hair, place(0, 0.034, 0.036, { scale: [0.98, 1, 0.99] }), { smooth: true });
  DRESS[look.head](m, look);
  return m.build(matte);
}

/** What is on the head. @type {Record<Look['head'], (m: Mesher, look: Look) => void>} */
const DRESS = {
  hat(m, look) {
    const hat = curve([[0.335, 0.02], [0.328, 0.045], [0.235, 0.052], [0.198, 0.075], [0.186, 0.17], [0.128, 0.265], [0.001, 0.29]], 26);
    const how = { tilt: -0.13 };
    m.add(new THREE.LatheGeometry(hat, 40), [look.mantle[0], look.mantle[1]], place(0, 0.085, 0.02, how), { smooth: true });
    m.add(new THREE.CylinderGeometry(0.33, 0.2, 0.012, 40), look.mantle[0], place(0, 0.1, 0.02, how), { smooth: false });
    m.add(new THREE.CylinderGeometry(0.2, 0.207, 0.042, 40, 1, true), look.trim, place(0, 0.18, 0.008, how), { smooth: true });
    m.add(new THREE.CapsuleGeometry(0.018, 0.17, 3, 8), '#fff3dd', place(0.2, 0.28, 0.06, { tilt: 0.5, scale: [0.5, 1, 1.2] }), { smooth: true });
    for (const side of [-1, 1]) m.add(ball(0.07), look.hair, place(side * 0.165, -0.07, 0.05, { scale: [0.6, 1.5, 0.9] }), { smooth: true });
  },
  hood(m, look) {
    const cut = 0.82, hood = new THREE.SphereGeometry(0.262, 36, 20, Math.PI * 1.5 + cut, Math.PI * 2 - 2 * cut, 0, 2.3);
    m.add(hood, look.mantle, place(0, 0.025, 0.03, { scale: [0.98, 1.04, 1.02] }), { smooth: true });
    m.add(inside(hood), '#1d1630', place(0, 0.025, 0.03, { scale: [0.96, 1.02, 1] }), { smooth: true });
    m.add(new THREE.ConeGeometry(0.1, 0.2, 14), look.mantle[1], place(0, 0.16, 0.235, { tilt: 1.95 }), { smooth: true });
    const rim = [];
    for (let i = 0; i <= 18; i++) {
      const theta = 0.02 + i / 18 * 2.28, r = 0.262 * Math.sin(theta);
      rim.push(new THREE.Vector3(r * 0.98 * Math.sin(cut), 0.025 + 0.272 * Math.cos(theta), 0.03 - r * 1.02 * Math.cos(cut)));
    }
    for (const side of [-1, 1]) {
      m.add(new THREE.TubeGeometry(new THREE.CatmullRomCurve3(rim.map((p) => new THREE.Vector3(side * p.x, p.y, p.z))), 28, 0.014, 7), look.trim, place(0, 0, 0), { smooth: true });
      m.add(ball(0.06), look.hair, place(side * 0.105, 0.14, -0.125, { scale: [1.3, 0.7, 0.7], turn: side * -0.5 }), { smooth: true });
    }
  },
  wrap(m, look) {
    m.add(new THREE.SphereGeometry(0.226, 36, 18, 0, Math.PI * 2, 0, 1.5), look.sash, place(0, 0.052, 0.03, { tilt: 0.3 }), { smooth: true });
    m.add(new THREE.TorusGeometry(0.212, 0.026, 8, 40), look.trim, place(0, 0.06, 0.03, { tilt: Math.PI / 2 + 0.3, scale: [1, 1, 1.5] }), { smooth: true });
    m.add(ball(0.085), look.hair, place(0, 0.13, 0.235, { scale: [1.05, 0.95, 0.9] }), { smooth: true });
    m.add(new THREE.TorusGeometry(0.062, 0.02, 8, 20), look.trim, place(0, 0.11, 0.185, { tilt: 0.35 }), { smooth: true });
    for (const side of [-1, 1]) {
      m.add(ball(0.021), look.trim, place(side * 0.2, -0.055, -0.005), { smooth: true });
    }
  },
  wreath(m, look) {
    for (let i = 0; i < 13; i++) {
      const a = i / 13 * Math.PI * 2, x = Math.sin(a) * 0.205, z = 0.02 - Math.cos(a) * 0.205, y = 0.1 - Math.cos(a) * -0.035 + 0.02;
      m.add(ball(0.032 + hash(i) * 0.012, 1), i % 3 === 0 ? ['#d9638a', '#ffd0da'] : i % 3 === 1 ? ['#2f6b4f', '#8cc27a'] : ['#e8a04a', '#fff0b8'], place(x, y, z, { turn: a }), { vary: 0.15 });
      m.add(ball(0.026, 1), ['#24513f', '#6fa765'], place(Math.sin(a + 0.24) * 0.206, y - 0.008, 0.02 - Math.cos(a + 0.24) * 0.206), { vary: 0.15 });
    }
    m.add(ball(0.15), look.hair, place(0, -0.06, 0.115, { scale: [1.15, 1.35, 0.72] }), { smooth: true });
    for (const side of [-1, 1]) {
      m.add(ball(0.08), look.hair, place(side * 0.09, 0.118, -0.12, { scale: [1.2, 0.55, 0.7], turn: side * -0.55 }), { smooth: true });
      m.add(ball(0.07), look.hair, place(side * 0.168, -0.06, 0.045, { scale: [0.6, 1.7, 0.95] }), { smooth: true });
    }
  },
};

/** @param {number[][]} points radius and height @param {number} steps @returns {THREE.Vector2[]} */
function curve(points, steps) {
  return new THREE.SplineCurve(points.map(([x, y]) => new THREE.Vector2(x, y))).getPoints(steps);
}

/** Folds that are deep at the hem and end at the top.
 * @param {THREE.LatheGeometry} g @param {number} count @param {number} depth share of the radius @param {number} [from] height at which they begin: the top of the piece
 * @returns {THREE.BufferGeometry} */
function pleated(g, count, depth, from) {
  const p = g.getAttribute('position');
  g.computeBoundingBox();
  const { min, max } = /** @type {THREE.Box3} */ (g.boundingBox), top = from ?? max.y;
  for (let i = 0; i < p.count; i++) {
    const x = p.getX(i), z = p.getZ(i), t = (top - p.getY(i)) / Math.max(top - min.y, 0.2);
    const k = 1 + Math.cos(Math.atan2(x, z) * count) * depth * Math.min(1, t) ** 1.2;
    p.setX(i, x * k);
    p.setZ(i, z * k);
  }
  g.computeVertexNormals();
  return g;
}

/** The same surface seen from the other side. @param {THREE.BufferGeometry} g @returns {THREE.BufferGeometry} */
function inside(g) {
  const other = g.clone(), index = other.index;
  if (!index) return other;
  const a = /** @type {number[]} */ (Array.from(index.array));
  for (let i = 0; i < a.length; i += 3) [a[i], a[i + 1]] = [a[i + 1], a[i]];
  other.setIndex(a);
  const n = other.getAttribute('normal');
  for (let i = 0; i < n.count; i++) n.setXYZ(i, -n.getX(i), -n.getY(i), -n.getZ(i));
  return other;
}
