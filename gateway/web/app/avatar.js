/**
 * A participant on the plaza: a rounded figure with headphones that walks, looks
 * where its person looks, blinks, and glows when it speaks.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { Aura } from './aura.js';
import { hueOf } from './color.js';
import { ThinkingDots } from './dots.js';
import { Fade } from './fade.js';
import { Performer, embody } from './gestures.js';
import { Label } from './label.js';
import { Mesher, hash, place } from './mesher.js';
import { VideoFeed } from './video.js';

/** @typedef {import('../pose.js').Pose} Pose */

/** Height of the head's middle when standing, metres. */
const HEAD = 1.6;
/** Hands and feet are drawn up to here, metres. */
const LIMBS_TO = 18;
const MATTE = new THREE.MeshLambertMaterial({ vertexColors: true });
const LID = new THREE.MeshLambertMaterial({ color: '#ffffff' });

export class Avatar {
  /** @param {string} id @param {string} name @param {{still?: boolean, of?: string}} [options] of: whose looks a stand-in has */
  constructor(id, name, options = {}) {
    this.id = id;
    this.hue = hueOf(options.of ?? id);
    /** A stand-in's body language. */
    this.performer = options.of ? new Performer() : null;
    this.still = options.still ?? false;
    this.group = new THREE.Group();
    /** Turns with the body. */
    this.figure = new THREE.Group();
    this.body = bodyMesh(this.hue);
    this.head = headMesh(this.hue);
    this.hands = [handMesh(this.hue), handMesh(this.hue)];
    this.feet = [footMesh(this.hue), footMesh(this.hue)];
    this.aura = new Aura(new THREE.Color().setHSL(this.hue / 360, 0.85, 0.62), this.still);
    this.label = new Label(name, this.hue);
    this.figure.add(this.body, this.head, ...this.hands, ...this.feet);
    this.dots = new ThinkingDots(this.still);
    this.group.add(this.figure, this.aura.rings, this.aura.halo, this.aura.blob, this.label.sprite, this.dots.group);
    this.lids = /** @type {THREE.Object3D} */ (this.head.getObjectByName('lids'));
    /** @type {VideoFeed | null} */ this.feed = null;
    /** @type {THREE.Sprite | null} */ this.picture = null;
    this.last = new THREE.Vector3(NaN, 0, 0);
    this.stride = hash(this.hue) * 6;
    this.pace = 0;
    this.blink = 1 + hash(this.hue + 1) * 4;
    this.group.visible = false;
    this.fading = new Fade(this.figure);
  }

  /** @param {string} name @param {boolean} muted @param {string} [tag] */
  setName(name, muted, tag) {
    this.label.set(name, muted, tag);
  }

  /** @param {import('./gestures.js').State} state of a stand-in */
  setState(state) {
    if (!this.performer) return;
    this.performer.state = state;
    this.dots.show(state === 'thinking');
  }

  /** @param {string} gesture of gestures.js */
  play(gesture) {
    this.performer?.play(gesture);
  }

  /** Metres above the root where a speech bubble may begin. */
  get top() {
    return this.label.sprite.position.y + this.label.sprite.scale.y;
  }

  /** @param {number} level 0 to 1 */
  setLevel(level) {
    this.aura.set(level);
  }

  /** Metres that the camera above the head is high, 0 for none. */
  get cameraHeight() { return this.picture?.scale.y ?? 0; }

  /** Shows a camera above the head, or none. @param {MediaStreamTrack | null} track */
  setCamera(track) {
    if (track === (this.feed?.track ?? null)) return;
    this.feed?.dispose();
    this.picture?.removeFromParent();
    this.picture?.material.dispose();
    this.feed = this.picture = null;
    if (!track) return;
    const picture = new THREE.Sprite();
    const feed = new VideoFeed(track, () => picture.scale.set(0.42 * feed.aspect, 0.42, 1));
    picture.material = new THREE.SpriteMaterial({ map: feed.texture, toneMapped: false, fog: false });
    picture.center.set(0.5, 0);
    picture.scale.set(0.42 * feed.aspect, 0.42, 1);
    this.feed = feed;
    this.picture = picture;
    this.group.add(picture);
  }

  /**
   * Stands where the pose says.
   * @param {Pose | null} given null hides the avatar @param {number} dt seconds @param {THREE.Vector3} eye the onlooker's
   */
  update(given, dt, eye) {
    this.group.visible = given !== null;
    if (!given) return;
    const pose = this.performer ? outside(embody(given, this.performer.update(dt, this.aura.target, this.still))) : given;
    const [x, y, z] = pose.root;
    this.walk(x, z, dt);
    this.group.position.set(x, y, z);
    this.figure.rotation.y = pose.yaw;
    const [hx, hy, hz] = pose.head.position, bob = this.bob();
    this.head.position.set(hx, hy - 0.02 + bob, hz);
    this.head.quaternion.set(...pose.head.rotation);
    this.body.position.set(hx * 0.8, bob * 0.6, hz * 0.8);
    this.body.scale.y = Math.max(0.5, (hy - 0.18) / (HEAD - 0.18));
    this.body.rotation.x = -this.pace * 0.05;
    this.limbs(pose);
    this.blinkEyes(dt);
    this.aura.update(dt);
    this.aura.halo.position.copy(this.head.position).applyAxisAngle(UP, pose.yaw);
    const distance = eye.distanceTo(this.group.position);
    this.label.sprite.position.set(this.aura.halo.position.x, hy + 0.4 + bob, this.aura.halo.position.z);
    this.label.update(distance);
    this.dots.update(dt, this.label.sprite);
    for (const limb of [...this.hands, ...this.feet]) limb.visible = distance < LIMBS_TO;
    this.picture?.position.copy(this.label.sprite.position).setY(this.label.sprite.position.y + this.label.sprite.scale.y + 0.05);
  }

  /**
   * How much of it is seen, after update(): for who comes too close, or is in a neighbouring world.
   * @param {number} share 0 to 1 @param {number} [name] of its label, where that is not as faint
   */
  fade(share, name = share) {
    this.fading.set(share);
    if (share >= 1) return;
    this.group.visible &&= share > 0.02;
    this.label.material.opacity *= name;
  }

  /** @param {number} x @param {number} z @param {number} dt */
  walk(x, z, dt) {
    const moved = Number.isNaN(this.last.x) ? 0 : Math.hypot(x - this.last.x, z - this.last.z);
    this.last.set(x, 0, z);
    const speed = dt > 0 && moved < 2 ? moved / dt : 0;
    this.pace += (Math.min(speed / 2.6, 1.6) - this.pace) * Math.min(1, dt * 8);
    this.stride += moved * 4.2 + (this.still ? 0 : dt * 1.1);
  }

  bob() {
    return this.still ? 0 : Math.abs(Math.sin(this.stride)) * 0.035 * Math.min(this.pace, 1) + Math.sin(this.stride * 0.9) * 0.006;
  }

  /** @param {Pose} pose */
  limbs(pose) {
    const swing = Math.sin(this.stride), stretch = Math.min(this.pace, 1.3);
    [-1, 1].forEach((side, i) => {
      const s = swing * side * stretch;
      this.feet[i].position.set(side * 0.13, 0.055 + Math.max(0, Math.cos(this.stride) * side) * 0.07 * stretch, -s * 0.17 - 0.02);
      const tracked = side < 0 ? pose.left : pose.right;
      if (tracked) {
        this.hands[i].position.set(...tracked.position);
        this.hands[i].quaternion.set(...tracked.rotation);
      } else {
        this.hands[i].position.set(side * 0.34, 0.76 + (this.still ? 0 : Math.sin(this.stride * 0.9 + 1) * 0.012), s * 0.2 - 0.06);
        this.hands[i].rotation.set(0.2, 0, side * 0.25);
      }
    });
  }

  /** @param {number} dt */
  blinkEyes(dt) {
    this.blink -= dt;
    if (this.blink < 0) this.blink = 2.2 + hash(this.stride) * 4;
    this.lids.visible = !this.still && this.blink < 0.13;
  }

  dispose() {
    this.setCamera(null);
    this.group.removeFromParent();
    this.fading.dispose();
    this.figure.traverse((o) => /** @type {THREE.Mesh} */ (o).geometry?.dispose());
    this.aura.dispose();
    this.label.dispose();
    this.dots.dispose();
  }
}

const UP = new THREE.Vector3(0, 1, 0);

/** Folded hands before a round body, not in it. @param {Pose} pose @returns {Pose} */
function outside(pose) {
  for (const hand of [pose.left, pose.right]) if (hand) hand.position[2] = Math.min(hand.position[2] - 0.1, -0.12);
  return pose;
}

/** @param {number} hue @param {number} s @param {number} l @returns {THREE.Color} */
const tone = (hue, s, l) => new THREE.Color().setHSL(((hue + 360) % 360) / 360, s, l);

/** @param {number} hue @returns {THREE.Mesh} */
function bodyMesh(hue) {
  const m = new Mesher();
  const profile = [[0.001, 0.09], [0.16, 0.1], [0.25, 0.17], [0.29, 0.34], [0.287, 0.54], [0.258, 0.78], [0.215, 1.0], [0.175, 1.17], [0.14, 1.3], [0.001, 1.4]];
  const outline = new THREE.SplineCurve(profile.map(([x, y]) => new THREE.Vector2(x, y))).getPoints(18);
  m.add(new THREE.LatheGeometry(outline, 24), [tone(hue - 14, 0.55, 0.4), tone(hue, 0.66, 0.62)], place(0, 0, 0), { smooth: true });
  m.add(new THREE.TorusGeometry(0.155, 0.058, 10, 28), tone(hue + 28, 0.72, 0.7), place(0, 1.26, 0, { tilt: Math.PI / 2 }), { smooth: true });
  return m.build(MATTE);
}

/** @param {number} hue @returns {THREE.Group} */
function headMesh(hue) {
  const group = new THREE.Group(), m = new Mesher();
  const skin = tone(hue, 0.72, 0.8), ball = (/** @type {number} */ r) => new THREE.IcosahedronGeometry(r, 3);
  m.add(ball(0.235), [tone(hue, 0.62, 0.7), skin], place(0, 0, 0, { scale: [1, 0.95, 0.96] }), { smooth: true });
  for (const side of [-1, 1]) {
    m.add(ball(0.04), '#1c1426', place(side * 0.083, 0.012, -0.205, { scale: [0.86, 1.3, 0.6], turn: side * -0.36 }), { smooth: true });
    m.add(ball(0.0125), '#ffffff', place(side * 0.083 - 0.012, 0.034, -0.231), { smooth: true });
    m.add(ball(0.034), tone(hue - 25, 0.75, 0.7), place(side * 0.138, -0.055, -0.172, { scale: [1.1, 0.62, 0.5], turn: side * -0.7 }), { smooth: true });
    m.add(new THREE.CylinderGeometry(0.088, 0.096, 0.062, 20).rotateZ(Math.PI / 2), '#fdf1e0', place(side * 0.243, 0, 0.012), { smooth: false });
    m.add(new THREE.CylinderGeometry(0.07, 0.07, 0.03, 20).rotateZ(Math.PI / 2), tone(hue + 28, 0.75, 0.62), place(side * 0.272, 0, 0.012));
  }
  m.add(new THREE.TorusGeometry(0.252, 0.024, 8, 28, Math.PI), '#fdf1e0', place(0, 0, 0.012, { scale: [1, 1.02, 1.6] }), { smooth: true });
  group.add(m.build(MATTE));
  const lids = new THREE.Group();
  lids.name = 'lids';
  for (const side of [-1, 1]) {
    const lid = new THREE.Mesh(ball(0.046), LID.clone());
    /** @type {THREE.MeshLambertMaterial} */ (lid.material).color.copy(skin);
    lid.position.set(side * 0.083, 0.012, -0.202);
    lid.scale.set(1, 1.25, 0.75);
    lids.add(lid);
  }
  group.add(lids);
  group.scale.setScalar(1.13);
  return group;
}

/** @param {number} hue @returns {THREE.Mesh} */
function handMesh(hue) {
  const m = new Mesher();
  m.add(new THREE.IcosahedronGeometry(0.082, 3), tone(hue, 0.55, 0.76), place(0, 0, 0, { scale: [0.85, 0.9, 1.12] }), { smooth: true });
  return m.build(MATTE);
}

/** @param {number} hue @returns {THREE.Mesh} */
function footMesh(hue) {
  const m = new Mesher();
  m.add(new THREE.IcosahedronGeometry(0.1, 3), tone(hue + 28, 0.4, 0.34), place(0, 0, 0, { scale: [0.88, 0.6, 1.3] }), { smooth: true });
  return m.build(MATTE);
}
