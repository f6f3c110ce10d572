/**
 * The card before joining: name, microphone with a level, token where one is needed.
 * @module
 */
import { keyFromHash } from './e2ee.js';
import { explain } from './explain.js';
import { el } from './ui.js';
import { tokenFromHash, worldNow } from './token.js';

/**
 * @typedef {{name: string, microphone: MediaStreamTrack | null, token: string, key: string}} Wish
 *   key: of end-to-end encryption, '' for none
 */

export class JoinCard {
  /**
   * @param {import('./settings.js').Settings} settings
   * @param {import('./microphone.js').Microphone} microphone
   * @param {(wish: Wish) => Promise<void>} onJoin rejects with what to show
   */
  constructor(settings, microphone, onJoin) {
    this.settings = settings;
    this.microphone = microphone;
    this.onJoin = onJoin;
    this.name = /** @type {HTMLInputElement} */ (el('join-name'));
    this.token = /** @type {HTMLInputElement} */ (el('join-token'));
    this.key = /** @type {HTMLInputElement} */ (el('join-key'));
    this.key.value = keyFromHash();
    this.devices = /** @type {HTMLSelectElement} */ (el('join-device'));
    this.meter = el('join-meter');
    this.go = /** @type {HTMLButtonElement} */ (el('join-go'));
    this.listen = /** @type {HTMLButtonElement} */ (el('join-listen'));
    this.name.value = settings.name;
    /** The token carries the name. */
    this.named = false;
    if (tokenFromHash()) this.hideName();
    el('join-allow').onclick = () => { this.problem(''); this.openMicrophone(); };
    this.devices.onchange = () => { this.problem(''); this.openMicrophone(this.devices.value); };
    el('join-form').onsubmit = (e) => { e.preventDefault(); this.submit(true); };
    this.listen.onclick = () => this.submit(false);
    this.show();
  }

  /** Appears (again), with a reason or without. @param {string} [problem] */
  show(problem = '') {
    this.problem(problem);
    this.busy(false);
    if (matchMedia('(pointer: fine)').matches) (this.named ? this.go : this.name).focus();
    const tick = () => {
      if (el('join').hidden) return;
      const level = Math.round(this.microphone.level() * 100);
      this.meter.style.setProperty('--level', `${level}%`);
      this.meter.setAttribute('aria-valuenow', String(level));
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    this.openIfAllowed();
    this.count();
  }

  async count() {
    const now = await worldNow('plaza');
    if (!now) return;
    el('join-voice').hidden = !now.voiceModeration;
    el('join-recording').hidden = !now.recording;
    el('join-key-field').hidden = now.e2ee !== 'required' && !this.key.value;
    const n = now.participants;
    el('join-count').textContent = n === 0 ? 'Nobody is there yet. Be the first.' : n === 1 ? 'One person is there now.' : `${n} people are there now.`;
  }

  /** Whoever allowed the microphone before sees the level at once. */
  async openIfAllowed() {
    const name = /** @type {PermissionName} */ ('microphone');
    const permission = await navigator.permissions?.query({ name }).catch(() => null);
    if (permission?.state === 'granted' && !this.microphone.track) await this.openMicrophone(this.settings.device);
  }

  /** @param {string} [deviceId] @returns {Promise<boolean>} */
  async openMicrophone(deviceId) {
    try {
      if (!navigator.mediaDevices) throw new Error('This page is not served over HTTPS or from localhost, so the browser gives it no microphone.');
      const track = await this.microphone.open(deviceId || this.settings.device);
      const id = track.getSettings().deviceId ?? '';
      if (deviceId) this.settings.setDevice(deviceId);
      const options = (await this.microphone.devices()).map((d, i) => new Option(d.label || `Microphone ${i + 1}`, d.deviceId, false, d.deviceId === id));
      this.devices.replaceChildren(...options);
      this.devices.hidden = false;
      el('join-allow').hidden = true;
      return true;
    } catch (error) {
      if (/** @type {any} */ (error)?.code !== 'canceled') this.problem(explain(error));
      return false;
    }
  }

  /** @param {boolean} speak */
  async submit(speak) {
    const name = this.name.value.trim();
    if (!name && !this.named) {
      this.problem('Tell us your name first.');
      this.name.focus();
      return;
    }
    if (name) this.settings.setName(name);
    this.problem('');
    this.busy(true);
    if (speak && !this.microphone.track && !(await this.openMicrophone())) return this.busy(false);
    try {
      await this.onJoin({ name, microphone: speak ? this.microphone.track : null, token: this.token.value.trim(), key: this.key.value.trim() });
    } catch (error) {
      this.problem(explain(error));
    } finally {
      this.busy(false);
    }
  }

  /** A name typed here would count for nothing. */
  hideName() {
    this.named = true;
    /** @type {HTMLElement} */ (this.name.closest('.field')).hidden = true;
  }

  /** Asks for a token from now on. */
  askToken() {
    this.hideName();
    el('join-token-field').hidden = false;
    this.token.focus();
  }

  /** @param {string} text '' hides it */
  problem(text) {
    el('join-error').hidden = !text;
    el('join-error').textContent = text;
  }

  /** @param {boolean} on */
  busy(on) {
    this.go.disabled = this.listen.disabled = on;
    this.go.textContent = on ? 'Joining …' : 'Join with microphone';
  }
}
