/**
 * Lets a figure fade. Figures share their materials, so one that fades is given
 * its own for as long as it does.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';

export class Fade {
  /** @type {Map<THREE.Mesh, THREE.Material | THREE.Material[]>} what each had */ #had = new Map();
  /** @type {Map<THREE.Material, THREE.Material>} */ #own = new Map();
  opacity = 1;

  /** @param {THREE.Object3D} figure */
  constructor(figure) { this.figure = figure; }

  /** @param {number} opacity 1 gives the shared materials back */
  set(opacity) {
    if (opacity === this.opacity) return;
    this.opacity = opacity;
    if (opacity >= 1) return this.dispose();
    if (!this.#had.size) this.#borrow();
    for (const own of this.#own.values()) own.opacity = opacity;
  }

  #borrow() {
    this.figure.traverse((o) => {
      const mesh = /** @type {THREE.Mesh} */ (o);
      if (!mesh.isMesh) return;
      this.#had.set(mesh, mesh.material);
      mesh.material = Array.isArray(mesh.material) ? mesh.material.map((m) => this.#copy(m)) : this.#copy(mesh.material);
    });
  }

  /** @param {THREE.Material} material */
  #copy(material) {
    const own = this.#own.get(material) ?? Object.assign(material.clone(), { transparent: true });
    this.#own.set(material, own);
    return own;
  }

  dispose() {
    for (const [mesh, material] of this.#had) mesh.material = material;
    for (const own of this.#own.values()) own.dispose();
    this.#had.clear();
    this.#own.clear();
    this.opacity = 1;
  }
}
