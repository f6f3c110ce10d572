/**
 * An NPC on the plaza: breathes, blinks, gestures, moves its lips; its pendant
 * says what it is doing. The same methods as Avatar.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { Aura } from './aura.js';
import { hueOf } from './color.js';
import { ThinkingDots } from './dots.js';
import { HIP, Performer, embody } from './gestures.js';
import { Label } from './label.js';
import { Mesher, hash, place } from './mesher.js';
import { ARM, SHOULDER, foreArm, head, lookOf, shoe, skirt, torso, upperArm } from './npc-figure.js';
import { glowTexture } from './plaza.js';

/** @typedef {import('../pose.js').Pose} Pose */
/** @typedef {import('./gestures.js').State} State */

/** The pendant: what it is doing, seen from afar. @type {Record<State, THREE.Color>} */
const LIGHTS = { idle: new THREE.Color('#ffc37a'), listening: new THREE.Color('#6fe0da'), thinking: new THREE.Color('#c9a4ff'), speaking: new THREE.Color('#ffd9a0') };
const MOTES = 6;
const UP = new THREE.Vector3(0, 1, 0);

/** Scratch of moveArms. */
const bones = { shoulder: new THREE.Vector3(), hand: new THREE.Vector3(), along: new THREE.Vector3(), pole: new THREE.Vector3(), elbow: new THREE.Vector3() };
/** Made when the first NPC is seen. @type {{matte: THREE.Material, dark: THREE.Material, glow: THREE.Texture} | null} */
let shared = null;

export class NpcAvatar {
  /** @param {string} id @param {string} name @param {{still?: boolean}} [options] */
  constructor(id, name, options = {}) {
    this.id = id;
    this.still = options.still ?? false;
    this.hue = hueOf(id);
    this.performer = new Performer();
    this.level = this.target = 0;
    this.light = LIGHTS.idle.clone();
    this.last = new THREE.Vector3(NaN, 0, 0);
    this.stride = this.pace = 0;
    this.seconds = hash(this.hue) * 20;
    this.blink = 1 + hash(this.hue + 1) * 4;
    const look = lookOf(Math.round(this.hue * 7));
    shared ??= { matte: new THREE.MeshLambertMaterial({ vertexColors: true }), dark: new THREE.MeshLambertMaterial({ color: '#5b2630' }), glow: glowTexture() };
    const { matte, dark, glow } = shared;
    this.group = new THREE.Group();
    this.figure = new THREE.Group();
    this.skirt = skirt(look, matte);
    this.torso = torso(look, matte);
    this.arms = [-1, 1].map((side) => ({ side, upper: upperArm(look, matte), fore: foreArm(look, matte) }));
    this.feet = [shoe(look, matte), shoe(look, matte)];
    this.head = new THREE.Group();
    this.face = face(look, matte, dark);
    this.head.add(head(look, matte), ...this.face.lids, ...this.face.brows, this.face.mouth, this.face.smile);
    this.head.scale.setScalar(1.08);
    this.pendant = new THREE.Mesh(new THREE.IcosahedronGeometry(0.027, 2), new THREE.MeshBasicMaterial({ color: '#ffffff' }));
    this.shine = new THREE.Sprite(new THREE.SpriteMaterial({ map: glow, transparent: true, depthWrite: false, blending: THREE.AdditiveBlending, fog: false }));
    this.motes = new THREE.Points(new THREE.BufferGeometry().setAttribute('position', new THREE.Float32BufferAttribute(new Float32Array(MOTES * 3), 3)),
      new THREE.PointsMaterial({ size: 0.13, map: glow, color: look.trim, transparent: true, blending: THREE.AdditiveBlending, depthWrite: false, fog: false }));
    this.motes.frustumCulled = false;
    this.torso.add(this.pendant, this.shine);
    this.pendant.position.set(0, 0.33, -0.172);
    this.shine.position.set(0, 0.33, -0.22);
    this.figure.add(this.skirt, this.torso, this.head, this.motes, ...this.feet, ...this.arms.flatMap((a) => [a.upper, a.fore]));
    this.aura = new Aura(new THREE.Color(look.trim), this.still);
    this.label = new Label(name, this.hue);
    this.dots = new ThinkingDots(this.still);
    this.group.add(this.figure, this.aura.rings, this.aura.halo, this.aura.blob, this.label.sprite, this.dots.group);
    this.group.visible = false;
  }

  /** @param {string} name @param {boolean} muted @param {string} [tag] */
  setName(name, muted, tag) {
    this.label.set(name, muted, tag);
  }

  /** @param {number} level 0 to 1 */
  setLevel(level) {
    this.aura.set(level);
    this.target = level;
  }

  /** An NPC has no camera. */
  setCamera() {}

  /** @param {State} state */
  setState(state) {
    this.performer.state = state;
    this.dots.show(state === 'thinking');
  }

  /** @param {string} gesture of gestures.js */
  play(gesture) {
    this.performer.play(gesture);
  }

  /** Metres above the root where a speech bubble may begin. */
  get top() {
    return this.label.sprite.position.y + this.label.sprite.scale.y;
  }

  /** @param {Pose | null} given null hides it @param {number} dt seconds @param {THREE.Vector3} eye the onlooker's */
  update(given, dt, eye) {
    this.group.visible = given !== null;
    if (!given) return;
    const heard = this.target;
    this.level += (heard - this.level) * Math.min(1, dt * (heard > this.level ? 26 : 11));
    const stance = this.performer.update(dt, this.level, this.still), pose = embody(given, stance);
    this.seconds += this.still ? 0 : dt;
    const [x, y, z] = pose.root, breath = Math.sin(this.seconds * 1.55);
    this.walk(given.root[0], given.root[2], dt);
    this.group.position.set(x, y, z);
    this.figure.rotation.y = pose.yaw;
    const [hx, hy, hz] = pose.head.position, tall = given.head.position[1] / 1.6, bob = Math.abs(Math.sin(this.stride)) * 0.028 * this.pace + breath * 0.004;
    this.head.position.set(hx, hy - 0.03 + bob, hz);
    this.head.quaternion.set(...pose.head.rotation);
    this.skirt.scale.set(1, tall, 1);
    this.skirt.rotation.y = Math.sin(this.stride) * 0.07 * this.pace;
    this.torso.position.set(given.head.position[0] * 0.6, HIP * tall + bob * 0.7, given.head.position[2] * 0.6);
    this.torso.rotation.set(-stance.lean - this.pace * 0.05, 0, stance.sway);
    this.torso.scale.set(1 + breath * 0.008, tall * (1 + breath * 0.006), 1 + breath * 0.014);
    this.moveArms(pose);
    this.moveFeet();
    this.moveFace(dt);
    this.glow(dt);
    this.aura.update(dt);
    this.aura.halo.position.copy(this.head.position).applyAxisAngle(UP, pose.yaw);
    const distance = eye.distanceTo(this.group.position);
    this.label.sprite.position.set(this.aura.halo.position.x, hy + 0.42 + bob, this.aura.halo.position.z);
    this.label.update(distance);
    this.dots.update(dt, this.label.sprite);
  }

  /** @param {number} x @param {number} z @param {number} dt */
  walk(x, z, dt) {
    const moved = Number.isNaN(this.last.x) ? 0 : Math.hypot(x - this.last.x, z - this.last.z);
    this.last.set(x, 0, z);
    const speed = dt > 0 && moved < 2 ? moved / dt : 0;
    this.pace += (Math.min(speed / 1.4, 1) - this.pace) * Math.min(1, dt * 6);
    this.stride += moved * 4.6;
  }

  /** Shoulder, elbow, hand: the elbow goes down and outwards. @param {Pose} pose */
  moveArms(pose) {
    const { shoulder, hand, along, pole, elbow } = bones;
    for (const { side, upper, fore } of this.arms) {
      const tracked = side < 0 ? pose.left : pose.right;
      shoulder.set(side * SHOULDER.x, SHOULDER.y, 0.01).multiply(this.torso.scale).applyEuler(this.torso.rotation).add(this.torso.position);
      hand.set(...(tracked?.position ?? [side * 0.3, 0.8, 0]));
      hand.z += Math.sin(this.stride) * side * this.pace * 0.05;
      along.subVectors(hand, shoulder);
      const reach = Math.min(along.length(), ARM * 1.995);
      along.normalize();
      pole.set(side * 0.75, -0.8, 0.35);
      pole.addScaledVector(along, -pole.dot(along)).normalize();
      elbow.copy(shoulder).addScaledVector(along, reach / 2).addScaledVector(pole, Math.sqrt(Math.max(0, ARM * ARM - reach * reach / 4)));
      upper.position.copy(shoulder);
      upper.quaternion.setFromUnitVectors(UP, pole.subVectors(elbow, shoulder).normalize());
      hand.copy(shoulder).addScaledVector(along, reach);
      fore.position.copy(elbow);
      fore.quaternion.setFromUnitVectors(UP, pole.subVectors(hand, elbow).normalize());
    }
  }

  moveFeet() {
    [-1, 1].forEach((side, i) => {
      const s = Math.sin(this.stride) * side * this.pace;
      this.feet[i].position.set(side * 0.1, 0.042 + Math.max(0, Math.cos(this.stride) * side) * 0.05 * this.pace, -0.12 - s * 0.19);
    });
  }

  /** @param {number} dt */
  moveFace(dt) {
    const { lids, brows, mouth, smile } = this.face, { state } = this.performer;
    this.blink -= dt;
    if (this.blink < 0) this.blink = 2.4 + hash(this.seconds) * 4;
    for (const lid of lids) lid.visible = !this.still && this.blink < 0.13;
    const raised = state === 'listening' ? 0.012 : 0;
    brows.forEach((brow, i) => {
      const up = state === 'thinking' ? i ? 0.017 : -0.006 : raised;
      brow.position.y += (0.079 + up + this.level * 0.008 - brow.position.y) * Math.min(1, dt * 8);
    });
    // Lips follow the voice; a little flutter, since a level says little of vowels.
    const open = this.level * (0.72 + 0.28 * Math.sin(this.seconds * 23));
    mouth.scale.set(1 - open * 0.18, 0.16 + open * 1.15, 1);
    mouth.visible = this.level > 0.04;
    smile.visible = !mouth.visible;
  }

  /** Pendant and motes. @param {number} dt */
  glow(dt) {
    const pulse = this.performer.state === 'thinking' ? 0.75 + 0.25 * Math.sin(this.seconds * 4.2) : 0.85 + 0.1 * Math.sin(this.seconds * 1.55);
    this.light.lerp(LIGHTS[this.performer.state], Math.min(1, dt * 5));
    const strength = pulse + this.level * 0.7;
    /** @type {THREE.MeshBasicMaterial} */ (this.pendant.material).color.copy(this.light).multiplyScalar(0.7 + this.level * 0.4);
    this.shine.material.color.copy(this.light);
    this.shine.material.opacity = Math.min(1, strength * 0.62);
    this.shine.scale.setScalar(0.36 + strength * 0.14);
    const at = this.motes.geometry.getAttribute('position');
    for (let i = 0; i < MOTES; i++) {
      const a = this.seconds * (0.32 + i * 0.045) + i * 2.1, r = 0.42 + 0.1 * Math.sin(this.seconds * 0.7 + i * 1.7);
      at.setXYZ(i, Math.sin(a) * r, 0.75 + i * 0.16 + Math.sin(this.seconds * 0.9 + i * 2.6) * 0.13, Math.cos(a) * r);
    }
    at.needsUpdate = true;
    this.motes.material.opacity = 0.5 + 0.18 * Math.sin(this.seconds * 1.9);
  }

  dispose() {
    this.group.removeFromParent();
    this.figure.traverse((o) => /** @type {THREE.Mesh} */ (o).geometry?.dispose());
    for (const { material } of [this.pendant, this.shine, this.motes, ...this.face.lids]) /** @type {THREE.Material} */ (material).dispose();
    this.aura.dispose();
    this.label.dispose();
    this.dots.dispose();
  }
}

/** What moves in the face. @param {import('./npc-figure.js').Look} look @param {THREE.Material} matte @param {THREE.Material} dark */
function face(look, matte, dark) {
  const skin = new THREE.MeshLambertMaterial({ color: new THREE.Color(look.skin).multiplyScalar(0.93) });
  const lids = [-1, 1].map((side) => {
    const lid = new THREE.Mesh(new THREE.IcosahedronGeometry(0.0365, 2), skin);
    lid.position.set(side * 0.0745, 0.02, -0.1655);
    lid.scale.set(1.1, 1.02, 0.98);
    lid.rotation.y = side * -0.36;
    return lid;
  });
  const brows = [-1, 1].map((side) => {
    const m = new Mesher();
    m.add(new THREE.CapsuleGeometry(0.0085, 0.05, 3, 8).rotateZ(Math.PI / 2 - side * 0.14), new THREE.Color(look.hair).multiplyScalar(0.72), place(0, 0, 0), { smooth: true });
    const brow = m.build(matte);
    brow.position.set(side * 0.078, 0.079, -0.182);
    brow.rotation.y = side * -0.38;
    return brow;
  });
  const mouth = new THREE.Mesh(new THREE.IcosahedronGeometry(0.034, 2), dark);
  mouth.position.set(0, -0.108, -0.158);
  const smile = new THREE.Mesh(new THREE.TorusGeometry(0.04, 0.0062, 6, 16, 1.9).rotateZ(-Math.PI / 2 - 0.95), dark);
  smile.position.set(0, -0.078, -0.172);
  smile.rotation.x = 0.24;
  return { lids, brows, mouth, smile };
}
