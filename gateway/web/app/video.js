/**
 * A received (or own) video track as a texture.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';

export class VideoFeed {
  /** @param {MediaStreamTrack} track @param {() => void} [onSize] called when its proportions become known or change */
  constructor(track, onSize) {
    this.track = track;
    this.video = document.createElement('video');
    this.video.muted = this.video.playsInline = true;
    this.video.srcObject = new MediaStream([track]);
    this.video.play().catch(() => {}); // starts by itself once the page may play
    if (onSize) this.video.onresize = onSize;
    this.texture = new THREE.VideoTexture(this.video);
    this.texture.colorSpace = THREE.SRGBColorSpace;
  }

  /** Width by height; 16:9 until it is known. */
  get aspect() {
    const { videoWidth: w, videoHeight: h } = this.video;
    return w && h ? w / h : 16 / 9;
  }

  dispose() {
    this.texture.dispose();
    this.video.srcObject = null;
  }
}
