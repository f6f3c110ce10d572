/**
 * Quality follows the machine: it steps down when frames take long and up again
 * carefully. Software renderers start at the bottom.
 * @module
 */

/** @typedef {{name: string, pixelRatio: number, shadows: boolean, lamps: boolean, frameMs: number}} Level */

/** From worst to best. lamps: point lights besides the painted ones; frameMs caps the frame rate. @type {Level[]} */
export const LEVELS = [
  { name: 'minimal', pixelRatio: 0.4, shadows: false, lamps: false, frameMs: 160 },
  { name: 'low', pixelRatio: 0.75, shadows: false, lamps: false, frameMs: 33 },
  { name: 'medium', pixelRatio: 1.25, shadows: false, lamps: true, frameMs: 0 },
  { name: 'high', pixelRatio: 1.5, shadows: true, lamps: true, frameMs: 0 },
  { name: 'full', pixelRatio: 2, shadows: true, lamps: true, frameMs: 0 },
];

/** Seconds of frames looked at before a step. */
const WINDOW = 2.5;

export class Quality {
  /** @param {{software: boolean, phone: boolean, wanted?: string | null}} machine wanted names a level and turns steps off */
  constructor(machine) {
    const wanted = LEVELS.findIndex((l) => l.name === machine.wanted);
    this.fixed = wanted >= 0;
    this.index = this.fixed ? wanted : machine.software ? 0 : machine.phone ? 2 : 3;
    this.ceiling = machine.software ? 1 : LEVELS.length - 1;
    this.seconds = 0;
    this.frames = 0;
    this.busy = 0;
  }

  /** @returns {Level} */
  get level() {
    return LEVELS[this.index];
  }

  /**
   * Counts a frame.
   * @param {number} seconds since the frame before @param {number} work seconds this page computed for it
   * @returns {boolean} whether the level changed
   */
  frame(seconds, work) {
    if (this.fixed || seconds > 1) return false; // hidden page or a hiccup says nothing
    this.seconds += seconds;
    this.busy += work;
    this.frames++;
    if (this.seconds < WINDOW) return false;
    const mean = this.seconds / this.frames, load = this.busy / this.seconds, before = this.index;
    const budget = Math.max(this.level.frameMs / 1000, 1 / 60);
    if ((mean > budget * 1.55 || load > 0.75) && this.index > 0) {
      this.index--;
      this.ceiling = this.index; // what was too much once is not tried again
    } else if (mean < budget * 1.1 && load < 0.35 && this.index < this.ceiling) this.index++;
    this.seconds = this.frames = this.busy = 0;
    return this.index !== before;
  }
}

/** Whether this browser draws without a graphics card. @returns {boolean} */
export function isSoftware() {
  const gl = document.createElement('canvas').getContext('webgl2');
  if (!gl) return false;
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}
