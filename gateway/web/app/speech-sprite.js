/**
 * What an NPC says, for headsets: there the page with its bubbles is not seen,
 * so the last lines are drawn into the world.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';

const WIDTH = 1024, LINE = 58, LINES = 4, PADDING = 40;
const FONT = '500 44px "SF Pro Rounded", ui-rounded, Inter, "Segoe UI", Roboto, system-ui, "DejaVu Sans", sans-serif';
/** Metres at 3 m and nearer; further away it grows with the distance, as names do. */
const WIDE = 1.15;

export class SpeechSprite {
  constructor() {
    this.canvas = document.createElement('canvas');
    this.canvas.width = WIDTH;
    this.text = '';
    this.material = new THREE.SpriteMaterial({ transparent: true, depthWrite: false, fog: false, toneMapped: false });
    this.sprite = new THREE.Sprite(this.material);
    this.sprite.center.set(0.5, 0);
    this.sprite.renderOrder = 6;
    this.sprite.visible = false;
  }

  /** @param {string} text '' hides it @param {import('./label.js').Label} label it stands over @param {number} distance metres */
  update(text, label, distance) {
    this.sprite.visible = text !== '';
    if (text && text !== this.text) this.draw(text);
    this.text = text;
    const { position, scale } = label.sprite, wide = WIDE * Math.max(1, distance / 3) ** 0.8;
    this.sprite.position.set(position.x, position.y + scale.y * 1.35, position.z);
    this.sprite.scale.set(wide, wide * this.canvas.height / WIDTH, 1);
  }

  /** @param {string} text */
  draw(text) {
    const c = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext('2d'));
    c.font = FONT;
    const lines = wrap(text, (t) => c.measureText(t).width, WIDTH - 2 * PADDING).slice(-LINES);
    this.canvas.height = lines.length * LINE + 2 * PADDING;
    c.fillStyle = '#fff8ec';
    c.beginPath();
    c.roundRect(2, 2, WIDTH - 4, this.canvas.height - 4, 48);
    c.fill();
    c.font = FONT;
    c.fillStyle = '#2a1c33';
    c.textBaseline = 'middle';
    lines.forEach((line, i) => c.fillText(line, PADDING, PADDING + (i + 0.5) * LINE));
    this.material.map?.dispose();
    this.material.map = new THREE.CanvasTexture(this.canvas);
    this.material.map.colorSpace = THREE.SRGBColorSpace;
    this.material.needsUpdate = true;
  }

  dispose() {
    this.sprite.removeFromParent();
    this.material.map?.dispose();
    this.material.dispose();
  }
}

/**
 * Text in lines no wider than `width`; a word that is too long has a line of its own.
 * @param {string} text @param {(text: string) => number} measure @param {number} width @returns {string[]}
 */
export function wrap(text, measure, width) {
  const lines = [''];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines[lines.length - 1], longer = last ? `${last} ${word}` : word;
    if (!last || measure(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
