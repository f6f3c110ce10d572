/**
 * The personal space in the settings: a switch and how many metres.
 * @module
 */
import { el } from './ui.js';

export class Space {
  /** @param {import('./settings.js').Settings} settings @param {import('../audio.js').SpatialAudio} audio */
  constructor(settings, audio) {
    this.settings = settings;
    this.audio = audio;
    this.on = /** @type {HTMLInputElement} */ (el('space-on'));
    this.range = /** @type {HTMLInputElement} */ (el('space-metres'));
    this.on.checked = settings.space.on;
    this.range.value = String(settings.space.metres);
    this.on.onchange = this.range.oninput = () => {
      settings.setSpace({ on: this.on.checked, metres: Number(this.range.value) });
      this.show();
    };
    this.show();
  }

  show() {
    const { on, metres } = this.settings.space;
    this.audio.space = on ? Math.min(2, Math.max(0, metres)) : 0;
    el('space-about').hidden = !on;
    el('space-value').textContent = metres > 0 ? `${metres.toFixed(1)} m` : 'nobody fades';
  }
}
