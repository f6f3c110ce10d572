/**
 * Ways to steer: keys, mouse, touch and gamepad. Each adds what it wants to one
 * Intent a step; controls.js walks by it.
 * @module
 */

/** Strafe right, forward: -1 to 1. Turns: radians (left and up positive).
 * @typedef {{right: number, forward: number, fast: boolean, yaw: number, pitch: number}} Intent */

const LOOK = 0.0042, LOOK_TOUCH = 0.006, TURN_KEYS = 1.9, TURN_PAD = 2.4;
/** Sticks at rest are not quite at 0. */
const DEAD = 0.16;
const STICK_RADIUS = 52;

/** @param {EventTarget | null} target @returns {boolean} typing there */
export function isTyping(target) {
  return target instanceof HTMLElement && target.matches('input:not([type=range]), select, textarea');
}

export class Keys {
  constructor() {
    /** @type {Set<string>} */ this.down = new Set();
    addEventListener('keydown', (e) => {
      if (isTyping(e.target) || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
      if (e.code.startsWith('Arrow') && !(e.target instanceof HTMLInputElement)) e.preventDefault();
      if (!(e.target instanceof HTMLInputElement)) this.down.add(e.code);
    });
    addEventListener('keyup', (e) => this.down.delete(e.code));
    addEventListener('blur', () => this.down.clear());
    document.addEventListener('focusin', (e) => { if (isTyping(e.target)) this.down.clear(); });
  }

  /** @param {Intent} intent @param {number} dt */
  apply(intent, dt) {
    const on = (/** @type {string[]} */ ...codes) => codes.some((c) => this.down.has(c)) ? 1 : 0;
    intent.forward += on('KeyW', 'ArrowUp') - on('KeyS', 'ArrowDown');
    intent.right += on('KeyD') - on('KeyA');
    intent.yaw += (on('ArrowLeft', 'KeyQ') - on('ArrowRight', 'KeyE')) * TURN_KEYS * dt;
    intent.fast ||= on('ShiftLeft', 'ShiftRight') === 1;
  }
}

/** Mouse: drag to look, double click to steer with a captured pointer. */
export class Mouse {
  /** @param {HTMLElement} view */
  constructor(view) {
    this.yaw = this.pitch = 0;
    view.addEventListener('pointerdown', (e) => {
      if (e.pointerType === 'touch') return;
      view.setPointerCapture(e.pointerId);
      view.focus({ preventScroll: true });
    });
    view.addEventListener('pointermove', (e) => {
      if (e.pointerType === 'touch') return;
      const captured = document.pointerLockElement === view;
      if (!captured && !(e.buttons & 1)) return;
      const sign = captured ? -1 : 1; // a drag pulls the world, a captured pointer turns the head
      this.yaw += sign * e.movementX * LOOK;
      this.pitch += sign * e.movementY * LOOK;
    });
    view.addEventListener('dblclick', () => view.requestPointerLock?.());
  }

  /** @param {Intent} intent */
  apply(intent) {
    intent.yaw += this.yaw;
    intent.pitch += this.pitch;
    this.yaw = this.pitch = 0;
  }
}

/** Touch: the left half of the view is a stick, the right half looks around. */
export class Touch {
  /** @param {HTMLElement} view @param {HTMLElement} stick drawn where the thumb is @param {() => void} onTwoFingers */
  constructor(view, stick, onTwoFingers) {
    this.stick = stick;
    this.knob = /** @type {HTMLElement} */ (stick.firstElementChild);
    this.yaw = this.pitch = this.x = this.y = 0;
    /** @type {Map<number, {walk: boolean, x: number, y: number, moved: number}>} */ this.fingers = new Map();
    this.onTwoFingers = onTwoFingers;
    view.addEventListener('pointerdown', (e) => this.begin(e));
    view.addEventListener('pointermove', (e) => this.move(e));
    for (const type of ['pointerup', 'pointercancel']) view.addEventListener(type, (e) => this.end(/** @type {PointerEvent} */ (e)));
  }

  /** @param {PointerEvent} e */
  begin(e) {
    if (e.pointerType !== 'touch') return;
    const walking = [...this.fingers.values()].some((f) => f.walk), walk = !walking && e.clientX < innerWidth / 2;
    this.fingers.set(e.pointerId, { walk, x: e.clientX, y: e.clientY, moved: 0 });
    if (!walk) return;
    this.stick.hidden = false;
    this.stick.style.left = `${e.clientX}px`;
    this.stick.style.top = `${e.clientY}px`;
  }

  /** @param {PointerEvent} e */
  move(e) {
    const f = this.fingers.get(e.pointerId);
    if (!f) return;
    const dx = e.clientX - f.x, dy = e.clientY - f.y;
    f.moved += Math.abs(dx) + Math.abs(dy);
    if (f.walk) {
      const k = Math.min(1, STICK_RADIUS / Math.max(Math.hypot(dx, dy), 1e-3));
      this.x = dx * k / STICK_RADIUS;
      this.y = -dy * k / STICK_RADIUS;
      this.knob.style.transform = `translate(${dx * k}px, ${dy * k}px)`;
      return;
    }
    this.yaw += dx * LOOK_TOUCH;
    this.pitch += dy * LOOK_TOUCH;
    f.x = e.clientX;
    f.y = e.clientY;
  }

  /** @param {PointerEvent} e */
  end(e) {
    const f = this.fingers.get(e.pointerId);
    if (!f) return;
    const tapped = this.fingers.size === 2 && [...this.fingers.values()].every((g) => g.moved < 24);
    this.fingers.delete(e.pointerId);
    if (f.walk) {
      this.x = this.y = 0;
      this.stick.hidden = true;
      this.knob.style.transform = '';
    }
    if (tapped) this.onTwoFingers();
  }

  /** @param {Intent} intent */
  apply(intent) {
    intent.right += this.x;
    intent.forward += this.y;
    intent.fast ||= Math.hypot(this.x, this.y) > 0.97;
    intent.yaw += this.yaw;
    intent.pitch += this.pitch;
    this.yaw = this.pitch = 0;
  }
}

/** The first connected gamepad: left stick walks, right stick looks, a trigger or stick press runs. */
export class Gamepads {
  /** @param {Intent} intent @param {number} dt */
  apply(intent, dt) {
    const pad = navigator.getGamepads?.().find((p) => p?.connected && p.mapping === 'standard');
    if (!pad) return;
    const [lx = 0, ly = 0, rx = 0, ry = 0] = pad.axes.map(outside);
    intent.right += lx;
    intent.forward -= ly;
    intent.yaw -= rx * TURN_PAD * dt;
    intent.pitch -= ry * TURN_PAD * 0.7 * dt;
    intent.fast ||= [7, 10].some((b) => pad.buttons[b]?.pressed);
  }
}

/** Stick value without its dead zone. @param {number} v @returns {number} */
export function outside(v) {
  return Math.abs(v) < DEAD ? 0 : (v - Math.sign(v) * DEAD) / (1 - DEAD);
}
