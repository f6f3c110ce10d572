/**
 * Mesher collects coloured low-poly pieces and makes one mesh of them, so that
 * the whole plaza is a handful of draw calls.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';

/** @typedef {THREE.ColorRepresentation} Paint */

export class Mesher {
  constructor() {
    /** @type {number[]} */ this.positions = [];
    /** @type {number[]} */ this.normals = [];
    /** @type {number[]} */ this.colors = [];
  }

  /**
   * Adds a piece.
   * @param {THREE.BufferGeometry} geometry consumed: it is disposed
   * @param {Paint | [Paint, Paint]} paint one colour, or bottom and top
   * @param {THREE.Matrix4} matrix where it stands
   * @param {{smooth?: boolean, vary?: number}} [how] smooth keeps round normals; vary scatters brightness by face
   */
  add(geometry, paint, matrix, how = {}) {
    let g = geometry.index ? geometry.toNonIndexed() : geometry;
    if (!how.smooth) g.computeVertexNormals();
    g.computeBoundingBox();
    const box = /** @type {THREE.Box3} */ (g.boundingBox);
    const [low, high] = Array.isArray(paint) ? paint.map((p) => new THREE.Color(p)) : [new THREE.Color(paint), null];
    const at = g.getAttribute('position'), tint = new THREE.Color();
    let face = 1;
    for (let i = 0; i < at.count; i++) {
      if (i % 3 === 0) face = 1 + (hash(i + this.positions.length) - 0.5) * (how.vary ?? 0);
      const t = high ? (at.getY(i) - box.min.y) / Math.max(box.max.y - box.min.y, 1e-6) : 0;
      tint.copy(low);
      if (high) tint.lerp(high, t);
      this.colors.push(tint.r * face, tint.g * face, tint.b * face);
    }
    g.applyMatrix4(matrix);
    push(this.positions, g.getAttribute('position'));
    push(this.normals, g.getAttribute('normal'));
    geometry.dispose();
  }

  /** @param {THREE.Material} material @returns {THREE.Mesh} casting and receiving shadows */
  build(material) {
    const g = new THREE.BufferGeometry();
    g.setAttribute('position', new THREE.Float32BufferAttribute(this.positions, 3));
    g.setAttribute('normal', new THREE.Float32BufferAttribute(this.normals, 3));
    g.setAttribute('color', new THREE.Float32BufferAttribute(this.colors, 3));
    const mesh = new THREE.Mesh(g, material);
    mesh.castShadow = mesh.receiveShadow = true;
    return mesh;
  }
}

/** Place of a piece: translation, turn about y, scale, tilt about x.
 * @param {number} x @param {number} y @param {number} z
 * @param {{turn?: number, scale?: number | [number, number, number], tilt?: number}} [how] radians
 * @returns {THREE.Matrix4} */
export function place(x, y, z, how = {}) {
  const s = how.scale ?? 1;
  const scale = typeof s === 'number' ? new THREE.Vector3(s, s, s) : new THREE.Vector3(...s);
  const turn = new THREE.Quaternion().setFromEuler(new THREE.Euler(how.tilt ?? 0, how.turn ?? 0, 0, 'YXZ'));
  return new THREE.Matrix4().compose(new THREE.Vector3(x, y, z), turn, scale);
}

/** A number in [0, 1) that is always the same for the same n.
 * @param {number} n @returns {number} */
export function hash(n) {
  const s = Math.sin(n * 127.1 + 311.7) * 43758.5453;
  return s - Math.floor(s);
}

/** @param {number[]} into @param {THREE.BufferAttribute | THREE.InterleavedBufferAttribute} from */
function push(into, from) {
  for (let i = 0; i < from.count; i++) into.push(from.getX(i), from.getY(i), from.getZ(i));
}
