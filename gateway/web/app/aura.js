/**
 * What shows that somebody speaks: rings that run outwards on the ground with
 * the voice, and a soft glow behind the head.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { glowTexture } from './plaza.js';

const GEOMETRY = new THREE.PlaneGeometry(2.7, 2.7).rotateX(-Math.PI / 2);
const BLOB = new THREE.PlaneGeometry(1.25, 1.25).rotateX(-Math.PI / 2);
/** @type {THREE.CanvasTexture | null} */ let glow = null;

const FRAGMENT = /* glsl */ `
varying vec2 vAt;
uniform vec3 color;
uniform float level;
uniform float phase;
void main() {
  float r = length(vAt);
  float base = smoothstep(0.045, 0.0, abs(r - 0.40)) * (0.35 + 0.65 * level);
  float waves = 0.0;
  for (int i = 0; i < 2; i++) {
    float t = fract(phase + float(i) * 0.5);
    waves += smoothstep(0.05, 0.0, abs(r - mix(0.40, 1.0, t))) * (1.0 - t) * (1.0 - t);
  }
  float fill = smoothstep(0.46, 0.1, r) * 0.3;
  float a = (base + waves * 0.8 + fill) * smoothstep(0.0, 0.12, level);
  gl_FragColor = vec4(color * 1.25, min(a * 0.8, 0.95));
  #include <colorspace_fragment>
}`;

export class Aura {
  /** @param {THREE.Color} color @param {boolean} still */
  constructor(color, still) {
    glow ??= glowTexture();
    this.still = still;
    this.level = 0;
    this.target = 0;
    this.uniforms = { color: { value: color }, level: { value: 0 }, phase: { value: 0.2 } };
    this.material = new THREE.ShaderMaterial({
      uniforms: this.uniforms, fragmentShader: FRAGMENT,
      vertexShader: 'varying vec2 vAt; void main() { vAt = position.xz / 1.35; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }',
      transparent: true, depthWrite: false, polygonOffset: true, polygonOffsetFactor: -4,
    });
    this.rings = new THREE.Mesh(GEOMETRY, this.material);
    this.rings.position.y = 0.03;
    this.rings.renderOrder = 2;
    this.halo = new THREE.Sprite(new THREE.SpriteMaterial({ map: glow, color, transparent: true, depthWrite: false, blending: THREE.AdditiveBlending, fog: false }));
    this.halo.renderOrder = 1;
    this.blob = new THREE.Mesh(BLOB, new THREE.MeshBasicMaterial({ map: glow, color: '#050310', transparent: true, opacity: 0.55, alphaMap: glow, depthWrite: false, fog: false, polygonOffset: true, polygonOffsetFactor: -2 }));
    this.blob.position.y = 0.02;
  }

  /** @param {number} level 0 to 1 */
  set(level) {
    this.target = level;
  }

  /** @param {number} dt seconds */
  update(dt) {
    const rate = this.target > this.level ? 18 : 5;
    this.level += (this.target - this.level) * Math.min(1, dt * rate);
    this.uniforms.level.value = this.level;
    if (!this.still) this.uniforms.phase.value = (this.uniforms.phase.value + dt * (0.55 + this.level * 0.5)) % 1;
    this.rings.visible = this.halo.visible = this.level > 0.01;
    const size = 1.0 + this.level * 0.55;
    this.halo.scale.set(size, size, 1);
    this.halo.material.opacity = Math.min(0.85, this.level * 0.9);
  }

  dispose() {
    this.material.dispose();
    this.halo.material.dispose();
    this.blob.material.dispose();
  }
}
