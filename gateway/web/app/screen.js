/**
 * The screen wall on the stage: an idle picture, or somebody's shared screen.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';
import { SCREEN } from './layout.js';
import { VideoFeed } from './video.js';

export class ScreenWall {
  constructor() {
    this.group = new THREE.Group();
    this.idle = idleTexture();
    this.material = new THREE.MeshBasicMaterial({ map: this.idle, fog: false, toneMapped: false });
    this.panel = new THREE.Mesh(new THREE.PlaneGeometry(1, 1), this.material);
    this.panel.position.set(SCREEN.x, SCREEN.y, SCREEN.z + 0.06);
    this.panel.scale.set(SCREEN.width, SCREEN.height, 1);
    const black = new THREE.Mesh(new THREE.PlaneGeometry(SCREEN.width, SCREEN.height), new THREE.MeshBasicMaterial({ color: '#07060c', fog: false }));
    black.position.set(SCREEN.x, SCREEN.y, SCREEN.z + 0.02);
    this.light = new THREE.PointLight('#8f9dff', 14, 16, 1.5);
    this.light.position.set(0, SCREEN.y - 0.6, SCREEN.z + 2.6);
    this.group.add(black, this.panel, this.light);
    /** @type {VideoFeed | null} */ this.feed = null;
  }

  /** Shows a track, or the idle picture again. @param {MediaStreamTrack | null} track */
  show(track) {
    if (track === (this.feed?.track ?? null)) return;
    this.feed?.dispose();
    this.feed = track ? new VideoFeed(track, () => this.fit()) : null;
    this.material.map = this.feed?.texture ?? this.idle;
    this.material.needsUpdate = true;
    this.fit();
  }

  /** Keeps the picture's proportions inside the frame. */
  fit() {
    const aspect = this.feed?.aspect ?? 16 / 9, height = Math.min(SCREEN.height, SCREEN.width / aspect);
    this.panel.scale.set(height * aspect, height, 1);
  }
}

/** @returns {THREE.CanvasTexture} */
function idleTexture() {
  const canvas = document.createElement('canvas');
  canvas.width = 1280;
  canvas.height = 720;
  const c = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const back = c.createLinearGradient(0, 0, 1280, 720);
  back.addColorStop(0, '#2a2260');
  back.addColorStop(0.55, '#5b3478');
  back.addColorStop(1, '#c9665f');
  c.fillStyle = back;
  c.fillRect(0, 0, 1280, 720);
  c.translate(640, 300);
  for (let i = 0; i < 6; i++) {
    c.strokeStyle = `rgba(255, 214, 165, ${0.85 - i * 0.14})`;
    c.lineWidth = 7;
    for (const side of [-1, 1]) {
      c.beginPath();
      c.arc(0, 0, 62 + i * 40, side < 0 ? Math.PI * 0.78 : -Math.PI * 0.22, side < 0 ? Math.PI * 1.22 : Math.PI * 0.22);
      c.stroke();
    }
  }
  c.fillStyle = '#ffd9a8';
  c.beginPath();
  c.arc(0, 0, 25, 0, Math.PI * 2);
  c.fill();
  c.textAlign = 'center';
  c.fillStyle = '#fff3e2';
  c.font = '600 76px "SF Pro Rounded", "Segoe UI", Inter, system-ui, sans-serif';
  c.fillText('Earshot', 0, 245);
  c.font = '400 32px "SF Pro Rounded", "Segoe UI", Inter, system-ui, sans-serif';
  c.fillStyle = 'rgba(255, 236, 214, 0.78)';
  c.fillText('Share your screen and it appears here', 0, 308);
  const texture = new THREE.CanvasTexture(canvas);
  texture.colorSpace = THREE.SRGBColorSpace;
  texture.anisotropy = 8;
  return texture;
}
