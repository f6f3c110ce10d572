/**
 * Whom a finger or a pointer is on, and the long press that reports them.
 * @module
 */
import * as THREE from '../vendor/three/three.module.min.js';

/** A press is long after this, ms, and may waver by so much, pixels. */
const LONG_MS = 550, WAVER = 12;
/** How far beside somebody one may press, as a share of their height on the screen, and in pixels at the least. */
const BESIDE = 0.3, LEAST = 26;
/** Nobody further off is meant, metres. */
const FAR = 25;
const point = new THREE.Vector3(), foot = new THREE.Vector3();

/**
 * Whom a place of the screen is on, the nearest of them; '' for nobody.
 * @param {import('./crowd.js').Crowd} crowd @param {THREE.PerspectiveCamera} camera @param {number} x @param {number} y
 * @returns {string} id
 */
export function pick(crowd, camera, x, y) {
  let best = '', least = FAR;
  for (const [id, avatar] of crowd.avatars) {
    if (!avatar.group.visible) continue;
    const { position } = avatar.group, distance = crowd.eye.distanceTo(position);
    const head = point.set(position.x, position.y + 1.85, position.z).project(camera), feet = foot.copy(position).project(camera);
    if (head.z > 1 || distance >= least) continue;
    const top = (1 - head.y) / 2 * innerHeight, bottom = (1 - feet.y) / 2 * innerHeight, beside = Math.max(LEAST, (bottom - top) * BESIDE);
    if (Math.abs((head.x + 1) / 2 * innerWidth - x) > beside || y < top - beside || y > bottom + beside) continue;
    [best, least] = [id, distance];
  }
  return best;
}

/**
 * Calls when somebody keeps a finger on an element without moving it, or clicks
 * with the other mouse button.
 * @param {HTMLElement} element
 * @param {(x: number, y: number, target: EventTarget | null) => void} call
 * @returns {() => void} ends it
 */
export function onLongPress(element, call) {
  const off = new AbortController(), { signal } = off;
  /** @type {{id: number, x: number, y: number, timer: ReturnType<typeof setTimeout>} | null} */ let press = null;
  const end = () => { clearTimeout(press?.timer); press = null; };
  element.addEventListener('pointerdown', (e) => {
    const alone = !press;
    end();
    if (e.pointerType !== 'touch' || !alone) return;
    const { pointerId: id, clientX: x, clientY: y, target } = e;
    press = { id, x, y, timer: setTimeout(() => { end(); call(x, y, target); }, LONG_MS) };
  }, { signal });
  element.addEventListener('pointermove', (e) => { if (press?.id === e.pointerId && Math.hypot(e.clientX - press.x, e.clientY - press.y) > WAVER) end(); }, { signal });
  for (const type of ['pointerup', 'pointercancel']) element.addEventListener(type, end, { signal });
  element.addEventListener('contextmenu', (e) => {
    const mouse = /** @type {PointerEvent} */ (e).pointerType !== 'touch';
    if (mouse && e.target instanceof HTMLElement && e.target.matches('input, textarea, a')) return;
    e.preventDefault();
    if (mouse) call(e.clientX, e.clientY, e.target);
  }, { signal });
  return () => { end(); off.abort(); };
}
