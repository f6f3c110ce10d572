/**
 * Three soft dots over somebody who thinks.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';

/** Painted when somebody thinks for the first time. @type {THREE.CanvasTexture | null} */
let spot = null;

export class ThinkingDots {
  /** @param {boolean} still */
  constructor(still) {
    this.still = still;
    this.shown = 0;
    this.wanted = false;
    this.seconds = 0;
    this.group = new THREE.Group();
    this.group.visible = false;
    /** @type {THREE.Sprite[]} */ this.sprites = [];
  }

  /** @param {boolean} on */
  show(on) {
    this.wanted = on;
    if (!on || this.sprites.length) return;
    spot ??= paint();
    this.sprites = [-1, 0, 1].map((i) => {
      const sprite = new THREE.Sprite(new THREE.SpriteMaterial({ map: spot, transparent: true, depthWrite: false, fog: false, toneMapped: false }));
      sprite.center.set(0.5 - i * 1.05, 0);
      sprite.renderOrder = 5;
      return sprite;
    });
    this.group.add(...this.sprites);
  }

  /** @param {number} dt seconds @param {THREE.Sprite} label the dots are over it, and as large for the eye */
  update(dt, label) {
    this.seconds += dt;
    this.shown += ((this.wanted ? 1 : 0) - this.shown) * Math.min(1, dt * 7);
    this.group.visible = this.shown > 0.02;
    if (!this.group.visible) return;
    this.group.position.copy(label.position);
    this.group.position.y += label.scale.y * 1.3;
    this.sprites.forEach((sprite, i) => {
      const beat = this.still ? 0.6 : Math.max(0, Math.sin(this.seconds * 4.4 - i * 0.85)), size = label.scale.y * 0.6;
      sprite.scale.setScalar(size);
      sprite.position.y = beat * size * 0.45;
      sprite.material.opacity = this.shown * (0.5 + 0.5 * beat);
    });
  }

  dispose() {
    for (const { material } of this.sprites) material.dispose();
  }
}

/** @returns {THREE.CanvasTexture} */
function paint() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const c = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const g = c.createRadialGradient(32, 32, 0, 32, 32, 31);
  g.addColorStop(0, '#fff8ee');
  g.addColorStop(0.6, '#efe0ff');
  g.addColorStop(0.78, 'rgba(214, 190, 255, 0.75)');
  g.addColorStop(1, 'rgba(190, 160, 255, 0)');
  c.fillStyle = g;
  c.fillRect(0, 0, 64, 64);
  const texture = new THREE.CanvasTexture(canvas);
  texture.colorSpace = THREE.SRGBColorSpace;
  return texture;
}
