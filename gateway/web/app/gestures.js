/**
 * Body language of NPCs: where hands, head and body are when one waits, listens,
 * thinks, speaks, waves, shrugs … Pure: seconds and levels in, a stance out. It is
 * put on top of the pose that the server sends, so that it suits any avatar.
 *
 * Metres and radians, in the frame of the body: x to its right, y up, -z ahead.
 * @module
 */

/** @typedef {import('../pose.js').Pose} Pose */
/** @typedef {[number, number, number]} Vec */
/**
 * left and right: hands. pitch (up), yaw (to the left), roll (to the left) of the
 * head on top of the pose's; lean (forward), sway (to the left) of the body; turn of all of it; rise.
 * @typedef {{left: Vec, right: Vec, pitch: number, yaw: number, roll: number, lean: number, sway: number, turn: number, rise: number}} Stance
 */
/** @typedef {'idle' | 'listening' | 'thinking' | 'speaking'} State */

/** Hands folded, the way one stands who has time for you. @type {Stance} */
export const REST = { left: [-0.085, 0.94, -0.27], right: [0.085, 0.955, -0.29], pitch: 0, yaw: 0, roll: 0, lean: 0, sway: 0, turn: 0, rise: 0 };

/** Where the body bends, metres. */
export const HIP = 0.8;
const SIDE_L = /** @type {Vec} */ ([-0.33, 0.8, -0.06]), SIDE_R = /** @type {Vec} */ ([0.33, 0.8, -0.06]);
const { sin, cos, PI, abs, max, min } = Math;

/** What one does for as long as a state lasts. @type {Record<State, (s: number, level: number) => Partial<Stance>>} */
const STATES = {
  idle: (s) => ({ sway: sin(s * 0.5) * 0.018, pitch: sin(s * 0.37) * 0.03, yaw: sin(s * 0.23) * 0.1 }),
  listening: (s) => ({ lean: 0.07, roll: 0.1 + sin(s * 0.6) * 0.03, pitch: -0.03 - nods(s) * 0.11, left: [-0.1, 0.97, -0.28], right: [0.1, 0.98, -0.3] }),
  thinking: (s) => ({
    lean: -0.02, pitch: 0.17 + sin(s * 0.8) * 0.04, yaw: 0.34 + sin(s * 0.55) * 0.09, roll: -0.09,
    right: [0.045, 1.335 + sin(s * 2.4) * 0.012, -0.255], left: [0.13, 0.98, -0.27],
  }),
  speaking: (s, level) => {
    const beat = 0.35 + level * 0.65;
    return {
      left: [-0.19 - sin(s * 1.7) * 0.05, 0.99 + sin(s * 2.9) * 0.06 * beat, -0.31 - cos(s * 2.1) * 0.03],
      right: [0.21 + sin(s * 1.3 + 1) * 0.06, 1.03 + sin(s * 3.4 + 1) * 0.09 * beat, -0.33 - cos(s * 2.6) * 0.04],
      pitch: sin(s * 3.1) * 0.045 * beat, roll: sin(s * 1.9) * 0.04, lean: 0.03, sway: sin(s * 0.9) * 0.02,
    };
  },
};

/** @param {string} name @returns {name is State} */
export function isState(name) {
  return Object.hasOwn(STATES, name);
}

/** A nod now and then: 1 at its deepest. @param {number} s @returns {number} */
function nods(s) {
  const t = s % 3.7;
  return t < 0.9 ? sin(t / 0.9 * PI * 2) ** 2 : 0;
}

/** @typedef {{seconds: number, at: (s: number) => Partial<Stance>}} Gesture */
/** What one does once. @type {Record<string, Gesture>} */
export const GESTURES = {
  wave: { seconds: 2.6, at: (s) => ({ right: [0.37 + sin(s * 9) * 0.1, 1.66 - abs(sin(s * 9)) * 0.03, -0.17], left: SIDE_L, roll: 0.1, pitch: 0.06, sway: 0.03 }) },
  nod: { seconds: 1.5, at: (s) => ({ pitch: -0.1 - sin(s * 8.4) * 0.2 }) },
  shake: { seconds: 1.7, at: (s) => ({ yaw: sin(s * 8.5) * 0.36, pitch: -0.05 }) },
  shrug: { seconds: 1.9, at: () => ({ left: [-0.36, 1.1, -0.24], right: [0.36, 1.1, -0.24], roll: 0.16, rise: 0.035, pitch: 0.05 }) },
  dance: {
    seconds: 5.2, at: (s) => ({
      left: [-0.38, 1.3 + sin(s * 7) * 0.22, -0.16], right: [0.38, 1.3 - sin(s * 7) * 0.22, -0.16],
      rise: abs(sin(s * 7)) * 0.09, sway: sin(s * 7) * 0.13, turn: sin(s * 3.5) * 0.55, roll: sin(s * 7) * 0.16,
    }),
  },
  laugh: { seconds: 2.2, at: (s) => ({ lean: -0.08 + sin(s * 15) * 0.025, pitch: 0.2 + sin(s * 15) * 0.05, rise: abs(sin(s * 15)) * 0.014, left: [-0.12, 1.0, -0.25], right: [0.12, 1.02, -0.25] }) },
  bow: { seconds: 2.2, at: () => ({ lean: 0.5, pitch: -0.5, right: [0.02, 0.98, -0.3], left: [-0.36, 0.84, 0.06] }) },
  point: { seconds: 2.2, at: () => ({ right: [0.2, 1.24, -0.56], left: SIDE_L }) },
  clap: { seconds: 2.4, at: (s) => { const x = 0.05 + abs(sin(s * 11)) * 0.15; return { left: [-x, 1.18, -0.34], right: [x, 1.18, -0.34], rise: abs(sin(s * 11)) * 0.012 }; } },
  cheer: { seconds: 2.2, at: (s) => ({ left: [-0.3, 1.74 + sin(s * 12) * 0.05, -0.1], right: [0.3, 1.74 - sin(s * 12) * 0.05, -0.1], rise: abs(sin(s * 8)) * 0.1, pitch: 0.12 }) },
  offer: { seconds: 2.4, at: () => ({ left: [-0.09, 1.07, -0.5], right: [0.09, 1.07, -0.5], lean: 0.13, pitch: -0.08 }) },
  surprise: { seconds: 1.6, at: () => ({ left: [-0.17, 1.38, -0.22], right: [0.17, 1.38, -0.22], lean: -0.09, rise: 0.03 }) },
  sad: { seconds: 2.8, at: (s) => ({ pitch: -0.4, lean: 0.07, rise: -0.03, left: SIDE_L, right: SIDE_R, sway: sin(s * 1.5) * 0.03 }) },
};

/** Other words for the same. */
const SAME = /** @type {Record<string, string>} */ ({
  hello: 'wave', greet: 'wave', goodbye: 'wave', farewell: 'wave', yes: 'nod', agree: 'nod', no: 'shake', shake_head: 'shake', disagree: 'shake',
  chuckle: 'laugh', giggle: 'laugh', smile: 'laugh', curtsy: 'bow', thank: 'bow', applaud: 'clap', celebrate: 'cheer', jump: 'cheer',
  give: 'offer', hand: 'offer', beckon: 'point', gasp: 'surprise', sigh: 'sad', cry: 'sad', frown: 'sad', confused: 'shrug',
});

/**
 * The gesture that a name stands for, '' where there is none: "Wave", "wave_hand"
 * and "emote-wave" are a wave.
 * @param {string} name @returns {string}
 */
export function gestureOf(name) {
  const whole = name.toLowerCase().trim().replace(/[\s-]+/g, '_');
  for (const word of [whole, ...whole.split('_')]) {
    const known = Object.hasOwn(SAME, word) ? SAME[word] : word;
    if (Object.hasOwn(GESTURES, known)) return known;
  }
  return '';
}

/** One body with its state and gesture. */
export class Performer {
  constructor() {
    /** @type {State} */ this.state = 'idle';
    this.seconds = 0;
    this.gesture = '';
    this.begun = 0;
    /** @type {Stance} */ this.stance = copy(REST);
  }

  /** Begins a gesture; one that is going on gives way. @param {string} name of GESTURES */
  play(name) {
    this.gesture = name;
    this.begun = this.seconds;
  }

  /**
   * @param {number} dt seconds @param {number} level of the voice, 0 to 1 @param {boolean} [still] who watches prefers less motion
   * @returns {Stance}
   */
  update(dt, level, still = false) {
    this.seconds += dt;
    const base = { ...REST, ...STATES[this.state](still ? 0 : this.seconds, still ? 0 : level) };
    approach(this.stance, base, min(1, dt * 6));
    return this.gesture ? this.gesturing(still) : this.stance;
  }

  /** @param {boolean} still @returns {Stance} */
  gesturing(still) {
    const { seconds, at } = GESTURES[this.gesture], s = this.seconds - this.begun;
    if (s >= seconds) {
      this.gesture = '';
      return this.stance;
    }
    const stance = copy(this.stance);
    approach(stance, { ...REST, ...at(still ? seconds / 2 : s) }, smooth(s / 0.35) * smooth((seconds - s) / 0.45));
    return stance;
  }
}

/** The pose with a stance put on it; hands that are tracked stay where they are.
 * @param {Pose} pose @param {Stance} stance @returns {Pose} */
export function embody(pose, stance) {
  const [x, y, z] = pose.root, [hx, hy, hz] = pose.head.position, reach = hy / 1.6;
  const hand = (/** @type {Vec} */ at) => ({ position: /** @type {Vec} */ ([at[0], at[1] * reach, at[2]]), rotation: /** @type {[number, number, number, number]} */ ([0, 0, 0, 1]) });
  return {
    root: [x, y + max(stance.rise, 0), z], yaw: pose.yaw + stance.turn,
    head: {
      position: [hx - sin(stance.sway) * (hy - HIP), hy - (1 - cos(stance.lean)) * (hy - HIP) + min(stance.rise, 0), hz - sin(stance.lean) * (hy - HIP)],
      rotation: times(pose.head.rotation, euler(stance.pitch, stance.yaw, stance.roll)),
    },
    left: pose.left ?? hand(stance.left), right: pose.right ?? hand(stance.right),
  };
}

/** @param {Stance} s @returns {Stance} */
function copy(s) {
  return { ...s, left: [...s.left], right: [...s.right] };
}

/** Moves `s` towards `to` by a share. @param {Stance} s @param {Stance} to @param {number} k */
function approach(s, to, k) {
  for (const key of /** @type {const} */ (['pitch', 'yaw', 'roll', 'lean', 'sway', 'turn', 'rise'])) s[key] += (to[key] - s[key]) * k;
  for (const key of /** @type {const} */ (['left', 'right'])) s[key].forEach((v, i) => { s[key][i] = v + (to[key][i] - v) * k; });
}

/** 0 to 1 and back to level ground at both ends. @param {number} t @returns {number} */
function smooth(t) {
  const x = min(1, max(0, t));
  return x * x * (3 - 2 * x);
}

/** Yaw, then pitch, then roll. @param {number} pitch @param {number} yaw @param {number} roll @returns {[number, number, number, number]} */
function euler(pitch, yaw, roll) {
  const qy = /** @type {const} */ ([0, sin(yaw / 2), 0, cos(yaw / 2)]), qx = /** @type {const} */ ([sin(pitch / 2), 0, 0, cos(pitch / 2)]);
  return times(times(qy, qx), [0, 0, sin(roll / 2), cos(roll / 2)]);
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b @returns {[number, number, number, number]} */
function times(a, b) {
  return [
    a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1], a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
    a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3], a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
  ];
}
