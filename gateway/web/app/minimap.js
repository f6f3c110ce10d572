/**
 * The map in the corner: you in the middle looking up, the plaza around you,
 * everybody near, and how far a voice carries.
 * @module
 */
import { BENCHES, FOUNTAIN, LANTERNS, PAVED, PLANTERS, SCREEN, STAGE, WALLS } from './layout.js';
import { hueOf } from './color.js';
import { colorOf } from '../zonelook.js';
import { outline } from '../zones.js';

/** @typedef {{id: string, x: number, z: number, yaw: number, level: number, npc?: boolean}} Dot */

export class Minimap {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  }

  /** @param {{x: number, z: number, yaw: number}} you @param {Dot[]} dots @param {number} range metres a voice carries @param {import('../zones.js').Zone[]} [zones] */
  draw(you, dots, range, zones = []) {
    const size = this.canvas.clientWidth, ratio = Math.min(devicePixelRatio, 2), px = Math.round(size * ratio);
    if (!size) return;
    if (this.canvas.width !== px) this.canvas.width = this.canvas.height = px;
    const c = this.ctx, k = size / 2 / (range * 1.22);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, size, size);
    c.save();
    disc(c, size / 2, size / 2, size / 2 - 1);
    c.fillStyle = 'rgba(27, 22, 46, 0.78)';
    c.fill();
    c.clip();
    c.translate(size / 2, size / 2);
    c.rotate(you.yaw);
    c.scale(k, k);
    c.translate(-you.x, -you.z);
    this.plaza(c);
    for (const zone of zones) this.zone(c, zone);
    c.restore();
    this.reach(c, size, range * k);
    for (const dot of dots) this.dot(c, size, k, you, dot);
    this.self(c, size);
    c.lineWidth = 1;
    c.strokeStyle = 'rgba(255, 240, 222, 0.22)';
    disc(c, size / 2, size / 2, size / 2 - 0.5);
    c.stroke();
  }

  /** @param {CanvasRenderingContext2D} c in metres */
  plaza(c) {
    c.fillStyle = 'rgba(255, 214, 178, 0.17)';
    disc(c, 0, 0, PAVED);
    c.fill();
    c.fillStyle = 'rgba(255, 214, 178, 0.14)';
    c.beginPath();
    c.arc(0, STAGE.z, STAGE.steps[0][0], 0, Math.PI);
    c.fill();
    c.fillStyle = '#b7a5ff';
    c.fillRect(-SCREEN.width / 2, SCREEN.z - 0.4, SCREEN.width, 0.9);
    c.fillStyle = 'rgba(111, 216, 210, 0.6)';
    disc(c, 0, 0, FOUNTAIN.radius);
    c.fill();
    c.strokeStyle = 'rgba(255, 228, 200, 0.5)';
    c.lineWidth = 0.6;
    for (const [from, to] of WALLS) {
      c.beginPath();
      c.arc(0, 0, PAVED + 0.1, (from - 90) * Math.PI / 180, (to - 90) * Math.PI / 180);
      c.stroke();
    }
    c.fillStyle = 'rgba(255, 150, 180, 0.55)';
    for (const [x, z] of PLANTERS) { disc(c, x, z, 1.6); c.fill(); }
    c.fillStyle = 'rgba(255, 190, 120, 0.8)';
    for (const [x, z] of LANTERNS) { disc(c, x, z, 0.4); c.fill(); }
    c.fillStyle = 'rgba(190, 140, 110, 0.8)';
    for (const b of BENCHES) { disc(c, b.at[0], b.at[1], 0.6); c.fill(); }
  }

  /** @param {CanvasRenderingContext2D} c in metres @param {import('../zones.js').Zone} zone */
  zone(c, { kind, shape }) {
    c.beginPath();
    for (const [x, z] of outline(shape)) c.lineTo(x, z);
    c.closePath();
    c.fillStyle = colorOf(kind, 0.2);
    c.fill();
    c.strokeStyle = colorOf(kind, 0.85);
    c.lineWidth = 0.25;
    c.stroke();
  }

  /** @param {CanvasRenderingContext2D} c @param {number} size @param {number} r px */
  reach(c, size, r) {
    c.strokeStyle = 'rgba(255, 189, 122, 0.75)';
    c.lineWidth = 1.2;
    c.setLineDash([3, 4]);
    disc(c, size / 2, size / 2, r);
    c.stroke();
    c.setLineDash([]);
  }

  /** @param {CanvasRenderingContext2D} c @param {number} size @param {number} k px a metre @param {{x: number, z: number, yaw: number}} you @param {Dot} dot */
  dot(c, size, k, you, dot) {
    const dx = (dot.x - you.x) * k, dz = (dot.z - you.z) * k, s = Math.sin(you.yaw), o = Math.cos(you.yaw);
    let x = dx * o - dz * s, y = dx * s + dz * o;
    const edge = size / 2 - 7, r = Math.hypot(x, y), out = r > edge;
    if (out) { x *= edge / r; y *= edge / r; }
    const hue = hueOf(dot.id).toFixed(0), turn = you.yaw - dot.yaw;
    c.save();
    c.translate(size / 2 + x, size / 2 + y);
    if (dot.level > 0.02) {
      c.fillStyle = `hsl(${hue} 90% 70% / 35%)`;
      disc(c, 0, 0, 6 + dot.level * 6);
      c.fill();
    }
    c.fillStyle = dot.npc ? '#ffcf97' : `hsl(${hue} 80% 68%)`;
    if (!out) {
      c.rotate(turn);
      c.beginPath();
      c.moveTo(0, -9);
      c.lineTo(3.4, -2.5);
      c.lineTo(-3.4, -2.5);
      c.fill();
    }
    if (dot.npc) diamond(c, out ? 3.4 : 5.6);
    else disc(c, 0, 0, out ? 2.6 : 4.4);
    c.fill();
    c.restore();
  }

  /** @param {CanvasRenderingContext2D} c @param {number} size */
  self(c, size) {
    const m = size / 2;
    const view = c.createRadialGradient(m, m, 0, m, m, size * 0.3);
    view.addColorStop(0, 'rgba(255, 246, 234, 0.35)');
    view.addColorStop(1, 'rgba(255, 246, 234, 0)');
    c.fillStyle = view;
    c.beginPath();
    c.moveTo(m, m);
    c.arc(m, m, size * 0.3, -Math.PI / 2 - 0.6, -Math.PI / 2 + 0.6);
    c.fill();
    c.fillStyle = '#fff6ea';
    c.beginPath();
    c.moveTo(m, m - 7);
    c.lineTo(m + 5, m + 5);
    c.lineTo(m, m + 2.4);
    c.lineTo(m - 5, m + 5);
    c.fill();
  }
}

/** @param {CanvasRenderingContext2D} c @param {number} r */
function diamond(c, r) {
  c.beginPath();
  c.moveTo(0, -r);
  c.lineTo(r, 0);
  c.lineTo(0, r);
  c.lineTo(-r, 0);
}

/** @param {CanvasRenderingContext2D} c @param {number} x @param {number} y @param {number} r */
function disc(c, x, y, r) {
  c.beginPath();
  c.arc(x, y, r, 0, Math.PI * 2);
}
