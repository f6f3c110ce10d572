/**
 * The plaza on the screen: renderer, camera, light and the frame loop. It knows
 * nothing of sessions; app code adds avatars and moves the rig.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { createFountain } from './fountain.js';
import { createGround, createSea } from './ground.js';
import { createHills, createTrees } from './nature.js';
import { createFurniture, createLights } from './plaza.js';
import { Quality, isSoftware } from './quality.js';
import { ScreenWall } from './screen.js';
import { SUN, createSky, installSkyFog } from './sky.js';

/** @typedef {(dt: number, seconds: number) => void} FrameListener seconds since the last frame, seconds since the start */

export class Scene {
  /** @param {HTMLCanvasElement} canvas @param {{quality?: string | null, still?: boolean}} [options] still: the person prefers less motion */
  constructor(canvas, options = {}) {
    installSkyFog();
    this.canvas = canvas;
    this.still = options.still ?? false;
    const software = isSoftware();
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: !software, powerPreference: 'high-performance' });
    this.renderer.toneMapping = THREE.ACESFilmicToneMapping;
    this.renderer.toneMappingExposure = 0.9;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.renderer.xr.enabled = true;
    /** Nothing is drawn: for automation on machines that have better things to do. */
    this.blank = options.quality === 'none';
    const phone = matchMedia('(pointer: coarse)').matches && Math.min(innerWidth, innerHeight) < 700;
    this.quality = new Quality({ software, phone, wanted: options.quality });

    this.scene = new THREE.Scene();
    this.scene.fog = new THREE.FogExp2('#8a6f8f', 0.0052);
    this.camera = new THREE.PerspectiveCamera(64, 1, 0.08, 1400);
    /** Stands where the person stands; the camera (or the headset) is inside. */
    this.rig = new THREE.Group();
    this.rig.add(this.camera);
    this.scene.add(this.rig);

    this.sky = createSky();
    this.sea = createSea();
    this.ground = createGround();
    this.screen = new ScreenWall();
    this.sun = sunlight();
    this.build();

    /** @type {Set<FrameListener>} */ this.listeners = new Set();
    this.lifted = 0;
    this.seconds = 0;
    this.last = performance.now();
    this.applyQuality();
    addEventListener('resize', () => this.resize());
    this.resize();
  }

  build() {
    const matte = new THREE.MeshLambertMaterial({ vertexColors: true });
    this.fountain = createFountain(matte);
    const fill = new THREE.HemisphereLight('#7d92ec', '#8c6a5c', 1.55);
    const bounce = new THREE.DirectionalLight('#ffd3bd', 0.95);
    bounce.position.set(6, 5, 16);
    const warm = new THREE.PointLight('#ffb066', 26, 26, 1.5);
    warm.position.set(0, 4.6, 5.5);
    this.scene.add(this.sky.mesh, this.sea.mesh, this.ground.mesh, createHills(matte), createTrees(matte), createFurniture(matte),
      createLights(), this.fountain.group, this.screen.group, fill, bounce, warm, this.sun, this.sun.target);
  }

  /** Starts the frame loop; it runs until the page goes. */
  start() {
    if (this.blank) return;
    this.renderer.setAnimationLoop((now) => this.frame(now));
  }

  /** @param {FrameListener} f @returns {() => void} takes it off again */
  onFrame(f) {
    this.listeners.add(f);
    return () => this.listeners.delete(f);
  }

  /** @param {number} now ms */
  frame(now) {
    const xr = this.renderer.xr.isPresenting, dt = (now - this.last) / 1000;
    if (!xr && dt * 1000 < this.quality.level.frameMs - 4) return;
    this.last = now;
    this.seconds += Math.min(dt, 0.1);
    const begun = performance.now(), moving = this.still ? 0 : this.seconds;
    this.sky.update(moving);
    this.sea.update(moving);
    this.fountain?.update(moving, this.renderer.domElement.height);
    for (const f of this.listeners) f(Math.min(dt, 0.1), this.seconds);
    this.renderer.render(this.scene, this.camera);
    if (!xr && this.quality.frame(dt, (performance.now() - begun) / 1000)) this.applyQuality();
  }

  applyQuality() {
    const { shadows, lamps } = this.quality.level;
    this.scene.traverse((o) => {
      if (o instanceof THREE.PointLight) o.visible = lamps;
      const material = /** @type {THREE.Mesh} */ (o).material;
      if (this.sun.castShadow !== shadows && material && !Array.isArray(material)) material.needsUpdate = true;
    });
    this.renderer.shadowMap.enabled = this.sun.castShadow = shadows;
    this.resize();
  }

  /**
   * Moves the picture up, so that who one talks to stays in view above a panel at
   * the bottom of a small screen. Call it often: it goes there smoothly.
   * @param {number} covered px of the bottom
   */
  lift(covered) {
    const to = covered * 0.42;
    if (Math.abs(to - this.lifted) < 0.5) return;
    this.lifted += (to - this.lifted) * (this.still || Math.abs(to - this.lifted) < 2 ? 1 : 0.4);
    this.frameView();
  }

  frameView() {
    if (this.lifted > 0.5) this.camera.setViewOffset(innerWidth, innerHeight, 0, this.lifted, innerWidth, innerHeight);
    else this.camera.clearViewOffset();
  }

  resize() {
    if (this.renderer.xr.isPresenting) return;
    const width = innerWidth, height = innerHeight;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, this.quality.level.pixelRatio));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.fov = width < height ? 74 : 62;
    this.frameView();
    this.camera.updateProjectionMatrix();
  }
}

/** @returns {THREE.DirectionalLight} */
function sunlight() {
  const sun = new THREE.DirectionalLight('#ffab60', 5.0);
  sun.position.copy(SUN).setY(0.3).multiplyScalar(60); // higher than it looks: shorter shadows
  sun.shadow.mapSize.set(2048, 2048);
  Object.assign(sun.shadow.camera, { left: -30, right: 30, top: 26, bottom: -26, near: 10, far: 120 });
  sun.shadow.bias = -0.0009;
  sun.shadow.normalBias = 0.07;
  sun.shadow.radius = 3;
  return sun;
}
