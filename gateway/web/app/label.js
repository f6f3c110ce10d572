/**
 * Name labels: a sprite drawn at the resolution it is seen at, as large on the
 * screen far away as near by (within limits), so that names stay readable.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';

/** Characters; longer ones are cut, the people panel has them whole. */
const LONGEST = 22;
const HEIGHT_PX = 72;
const FONT = '600 40px "SF Pro Rounded", ui-rounded, Inter, "Segoe UI", Roboto, system-ui, "DejaVu Sans", sans-serif';
const TAG_FONT = '700 21px "SF Pro Rounded", ui-rounded, Inter, "Segoe UI", Roboto, system-ui, "DejaVu Sans", sans-serif';
/** World height of a label at SAME_SIZE metres and nearer; further away it grows with the distance. */
const HEIGHT_M = 0.15;
const SAME_SIZE = 3.2;
/** Nearer than this it shrinks, so that it does not fill the picture. */
const CLOSE = 2.8;
/** Read up to here, metres, where it is not crowded. */
export const FULL_REACH = 42;

export class Label {
  /** @param {string} text @param {number} hue */
  constructor(text, hue) {
    this.hue = hue;
    this.canvas = document.createElement('canvas');
    this.material = new THREE.SpriteMaterial({ transparent: true, depthWrite: false, fog: false, toneMapped: false });
    this.sprite = new THREE.Sprite(this.material);
    this.sprite.renderOrder = 5;
    this.sprite.center.set(0.5, 0);
    this.aspect = 1;
    /** Shown up to here, metres; it fades over the second half. */
    this.reach = FULL_REACH;
    this.key = '';
    this.set(text, false);
  }

  /** @param {string} name @param {boolean} muted @param {string} [tag] what it is, smaller: NPC, scripted */
  set(name, muted, tag = '') {
    const characters = [...name], text = characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('').trim()}…` : name;
    const key = `${muted}${tag}|${text}`;
    if (key === this.key) return;
    this.key = key;
    const c = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext('2d'));
    c.font = FONT;
    const badge = muted ? 46 : 0, named = Math.ceil(c.measureText(text).width);
    c.font = TAG_FONT;
    c.letterSpacing = '2px';
    const tagged = tag ? Math.ceil(c.measureText(tag).width) + 30 : 0, width = named + 52 + badge + (tag ? tagged + 2 : 0);
    this.canvas.width = width;
    this.canvas.height = HEIGHT_PX;
    c.fillStyle = 'rgba(26, 20, 44, 0.72)';
    c.beginPath();
    c.roundRect(1, 1, width - 2, HEIGHT_PX - 2, HEIGHT_PX / 2);
    c.fill();
    c.font = FONT;
    c.letterSpacing = '0px';
    c.fillStyle = '#fff6ea';
    c.textBaseline = 'middle';
    c.fillText(text, 26, HEIGHT_PX / 2 + 2);
    if (tag) drawTag(c, tag, 26 + named + 14, tagged);
    if (muted) drawMuted(c, width - 44, HEIGHT_PX / 2);
    this.material.map?.dispose();
    this.material.map = new THREE.CanvasTexture(this.canvas);
    this.material.map.colorSpace = THREE.SRGBColorSpace;
    this.material.map.anisotropy = 4;
    this.material.needsUpdate = true;
    this.aspect = width / HEIGHT_PX;
  }

  /** @param {number} distance metres to the eye */
  update(distance) {
    const height = HEIGHT_M * Math.max(1, distance / SAME_SIZE) ** 0.86 * Math.min(1, Math.max(distance, 1) / CLOSE);
    this.sprite.scale.set(height * this.aspect, height, 1);
    this.material.opacity = Math.min(1, Math.max(0, 2 - 2 * distance / this.reach));
    this.sprite.visible = this.material.opacity > 0.02 && distance > 0.5;
  }

  dispose() {
    this.material.map?.dispose();
    this.material.dispose();
  }
}

/** @param {CanvasRenderingContext2D} c @param {string} tag @param {number} x @param {number} width */
function drawTag(c, tag, x, width) {
  c.fillStyle = 'rgba(255, 200, 130, 0.2)';
  c.beginPath();
  c.roundRect(x, HEIGHT_PX / 2 - 18, width, 36, 12);
  c.fill();
  c.font = TAG_FONT;
  c.letterSpacing = '2px';
  c.fillStyle = '#ffcf97';
  c.fillText(tag, x + 15, HEIGHT_PX / 2 + 2);
  c.letterSpacing = '0px';
}

/** A crossed-out microphone. @param {CanvasRenderingContext2D} c @param {number} x @param {number} y */
function drawMuted(c, x, y) {
  c.strokeStyle = '#ff8a80';
  c.lineWidth = 4.5;
  c.lineCap = 'round';
  c.beginPath();
  c.roundRect(x - 6.5, y - 20, 13, 24, 6.5);
  c.moveTo(x - 13, y - 2);
  c.arc(x, y - 2, 13, Math.PI, 0, true);
  c.moveTo(x, y + 11);
  c.lineTo(x, y + 19);
  c.moveTo(x - 16, y - 18);
  c.lineTo(x + 16, y + 17);
  c.stroke();
}
