/**
 * The control messages of Earshot: builders for what a client sends and
 * validation of what the server says. gateway/protocol/PROTOCOL.md is the
 * specification; the same golden vectors are read by this file's test and Go's.
 *
 * Nothing here opens a connection. All functions are pure.
 * @module
 */

/** Protocol version this library speaks. */
export const VERSION = 1;

/** Limits of what a client may send (PROTOCOL.md section 4). */
export const LIMITS = Object.freeze({
  tokenBytes: 4096, sdpBytes: 65536, voiceSlots: 32, videoSlots: 8, messageBytes: 16384,
  refBytes: 32, chatCharacters: 500, reasonCharacters: 200, readyBlocks: 500, standInCharacters: 500,
  reportCharacters: 500, appealCharacters: 1000, orderBytes: 64,
  gainMinDb: -60, gainMaxDb: 12, viewHeight: 10_000, poseBitrate: 768_000,
});

/** What somebody can be reported for. */
export const REPORT_REASONS = Object.freeze(/** @type {const} */ (['harassment', 'hate', 'sexual', 'violence', 'self_harm', 'spam', 'other']));

/**
 * @typedef {'microphone'|'camera'|'screen'|'screen_audio'|'mix'|'bed'} Source screen_audio: the sound of a screen, a second voice;
 *   mix: all that is heard, in the voice slot of who asked for it; bed: many far voices mixed to one sound
 * @typedef {{id: string, index: number, name: string, kind: string, muted: boolean,
 *   moderated: boolean, camera: boolean, screen: boolean, encrypted?: boolean, hushed?: boolean, of?: string, beyond?: string}} Participant
 *   kind is person, bot, npc, stream (it came by WHIP) or stand-in: an NPC in the place of `of`, who is away;
 *   encrypted: voice and videos are encrypted end to end; hushed: they may not speak where they stand;
 *   beyond: the neighbouring world they are in: they are only seen, across its border
 * @typedef {{position: [number, number, number], yaw: number}} Spawn metres, radians
 * @typedef {{name: string, title: string, scene: string, view_range: number,
 *   chat_range: number, voice: import('./spatial.js').Curve, voice_moderation?: boolean, e2ee?: 'allowed'|'required'|'refused',
 *   zones?: import('./zones.js').Zone[]}} World
 *   e2ee: whether to join with a key; voice_moderation: what is said is transcribed and judged, which people must be told
 * @typedef {{distance: number, gain_db: number, level_db?: number, levelled_db?: number, score_db: number,
 *   packets: number, wall_db?: number, megaphone?: string}} Why wall_db: what of the gain walls took; megaphone: id of the zone that brings it
 * @typedef {{slot: number, mid: string, participant?: string, track?: string,
 *   source?: Source, why?: Why, bed?: Bed, leaving?: boolean}} Slot leaving: to be faded out
 * @typedef {{position: [number, number, number], radius: number, voices: number}} Bed metres; voices: how many are in it
 *
 * @typedef {{type: 'welcome', protocol: number, session: string, instance: string, alternates?: string[],
 *   you: Participant, spawn: Spawn, world: World, server_time: number,
 *   token_expires: string}} Welcome
 * @typedef {{type: 'joined', participants: Participant[]}} Joined
 * @typedef {{type: 'left', participant: string, reason: string}} Left
 * @typedef {{type: 'near', enter: string[], leave: string[]}} Near
 * @typedef {{type: 'slots', voice: Slot[], video: Slot[]}} Slots
 * @typedef {'slots'|'binaural'} AudioMode a line for each of the most audible, or one mix for two ears
 * @typedef {{type: 'audio', mode: AudioMode}} Audio
 * @typedef {{type: 'audible', participants: string[]}} Audible who is in the mix
 * @typedef {{type: 'speaking', start: string[], stop: string[]}} Speaking
 * @typedef {{type: 'muted', participant: string, muted: boolean, by: string}} Muted
 * @typedef {{type: 'renamed', participant: string, name: string}} Renamed
 * @typedef {{type: 'layers', source: 'camera'|'screen', rids: string[], spatial?: number, of?: number}} Layers of one's own video that anybody wants
 * @typedef {{type: 'published', participant: string, source: Source, active: boolean}} Published
 * @typedef {{type: 'chat', id: string, from: string, name: string, text: string, at: number,
 *   masked?: boolean, unverified?: boolean}} Chat words were covered; what should have judged it did not, yet
 * @typedef {{type: 'blocked', participant: string, blocked: boolean}} Blocked
 * @typedef {{type: 'gained', participant: string, gain_db: number}} Gained
 * @typedef {'idle'|'listening'|'thinking'|'speaking'} NpcState
 * @typedef {{type: 'caption', participant: string, id: string, to?: string, text: string,
 *   final: boolean, interrupted: boolean, source: 'model'|'script', degraded: string,
 *   reason: string, unverified?: boolean}} Caption
 * @typedef {{type: 'npc', participant: string, state: NpcState, speaks: 'model'|'script',
 *   reason: string}} Npc
 * @typedef {{type: 'act', participant: string, name: string, kind: string,
 *   args: Record<string, string|number|boolean>, to?: string}} Act
 * @typedef {{type: 'world', world: World}} WorldChanged
 * @typedef {{type: 'forgotten'}} Forgotten
 * @typedef {typeof REPORT_REASONS[number]} ReportReason
 * @typedef {{what: string, facts: string, automation: string, rule: string, redress: string}} Statement
 * @typedef {{action: string, until?: string}} Sanction until: RFC 3339; without: done at once, or until lifted
 * @typedef {{type: 'retract', id: string}} Retract
 * @typedef {{type: 'order', id: string, event?: string, sanctions: Sanction[], lifted: boolean,
 *   appeal: boolean, statement: Statement}} Order
 * @typedef {{type: 'reported', id: string, outcome?: string}} Reported outcome: upheld or not_upheld, what a moderator found; without: the answer to a report
 * @typedef {{type: 'appealed', order: string}} Appealed
 * @typedef {{type: 'recording', active: boolean, since?: string, participants: string[],
 *   sources: string[]}} Recording what is said, shown and done here is kept; lists: of those only
 * @typedef {{type: 'data', topic?: string, data: string}} Data data: base64
 * @typedef {{type: 'token', token: string, expires: string}} Token
 * @typedef {{type: 'pong', t: number, server_time: number, alternates?: string[]}} Pong
 * @typedef {{type: 'error', code: string, message: string, ref?: string}} ErrorMessage
 * @typedef {{type: 'bye', code: string, message: string, reconnect: boolean, url?: string, instance?: string}} Bye
 * @typedef {{type: 'invite', url: string, instance: string, handoff: string, within_ms: number}} Invite to a second connection, elsewhere; url may be empty: on this server
 * @typedef {Welcome|Joined|Left|Near|Slots|Audio|Audible|Speaking|Muted|Renamed|Published|Layers|Chat|Blocked|Gained
 *   |Caption|Npc|Act|WorldChanged|Forgotten|Retract|Order|Reported|Appealed|Recording|Data|Token|Pong|ErrorMessage|Bye|Invite} ServerMessage
 */

/**
 * What the server refused, or what went wrong on the way to it. `code` is one
 * of PROTOCOL.md section 5; the message says what to do.
 */
export class EarshotError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ref?: string, reconnect?: boolean, retryAfterMs?: number, location?: string, told?: boolean,
   *   queue?: import('./queue.js').Ticket|null, cause?: unknown}} [more]
   */
  constructor(code, message, more = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'EarshotError';
    this.code = code;
    this.ref = more.ref ?? '';
    /** Whether joining again makes sense. */
    this.reconnect = more.reconnect ?? false;
    /** How long the server asks to wait before trying again, in ms. */
    this.retryAfterMs = more.retryAfterMs ?? 0;
    /** Where to ask instead: another node has the instance. */
    this.location = more.location ?? '';
    /** Whether a server said so; without, none answered. */
    this.told = more.told ?? false;
    /** There is no room, and we have a place in the queue: see queue.js. */
    this.queue = more.queue ?? null;
  }

  /**
   * Whatever was thrown, as one of these.
   * @param {unknown} error
   */
  static from(error) {
    if (error instanceof EarshotError) return error;
    return new EarshotError('internal', error instanceof Error ? error.message : String(error), { cause: error });
  }

  /** Text for a log or a person: "code: message". */
  toString() { return `${this.code}: ${this.message}`; }
}

// Builders. Each throws an EarshotError('invalid_argument') for what the server
// would refuse, so that the mistake shows where it was made.

/** @param {string} token */
export function join(token) {
  limit('token', new TextEncoder().encode(token).length, 1, LIMITS.tokenBytes);
  return { type: 'join', token };
}

/**
 * @param {string[]} [blocks] participant ids
 * @param {boolean} [beds] whether voice slots may have beds of crowds
 */
export function ready(blocks = [], beds = false) {
  limit('blocks', blocks.length, 0, LIMITS.readyBlocks);
  return { type: 'ready', ...(blocks.length ? { blocks: blocks.map((id) => participantId(id)) } : {}), ...(beds ? { beds } : {}) };
}

/** @param {number} t any finite number; comes back in pong */
export function ping(t) { return { type: 'ping', t: finite('t', t) }; }

/** @param {boolean} muted */
export function mute(muted) { return { type: 'mute', muted }; }

/**
 * @param {'camera'|'screen'} source
 * @param {boolean} active
 */
export function publish(source, active) {
  if (source !== 'camera' && source !== 'screen') throw invalid(`source is ${source}: use camera or screen`);
  return { type: 'publish', source, active };
}

/** @param {string} text 1 to 500 characters */
export function chat(text) {
  prose('text', text, 1, LIMITS.chatCharacters);
  if (!text.trim()) throw invalid('text is blank: write something');
  return { type: 'chat', text };
}

/**
 * @param {string} participant
 * @param {boolean} blocked
 */
export function block(participant, blocked) {
  return { type: 'block', participant: participantId(participant), blocked };
}

/**
 * @param {string} participant
 * @param {number} gainDb -60 to 12
 */
export function gain(participant, gainDb) {
  limit('gain_db', finite('gain_db', gainDb), LIMITS.gainMinDb, LIMITS.gainMaxDb);
  return { type: 'gain', participant: participantId(participant), gain_db: gainDb };
}

export function renew() { return { type: 'renew' }; }

/** @param {number[]} heights of the pictures in the video slots as they are shown, in pixels; 0 is unknown */
export function view(heights) {
  limit('heights', heights.length, 0, LIMITS.videoSlots);
  return { type: 'view', heights: heights.map((h) => Math.round(Math.min(Math.max(h, 0), LIMITS.viewHeight))) };
}

/** @param {AudioMode} mode */
export function audio(mode) {
  if (mode !== 'slots' && mode !== 'binaural') throw invalid("mode must be 'slots' or 'binaural'");
  return { type: 'audio', mode };
}

/** @param {number} bitrate of poses, bit/s; 0 for none */
export function poses(bitrate) {
  limit('bitrate', finite('bitrate', bitrate), 0, LIMITS.poseBitrate);
  return { type: 'poses', bitrate: Math.round(bitrate) };
}

/** @param {boolean} stats */
export function watch(stats) { return { type: 'watch', stats }; }

/**
 * @param {'mute'|'unmute'|'kick'} action
 * @param {string} participant
 * @param {string} [reason]
 */
export function moderate(action, participant, reason = '') {
  if (!['mute', 'unmute', 'kick'].includes(action)) throw invalid(`action is ${action}: use mute, unmute or kick`);
  prose('reason', reason, 0, LIMITS.reasonCharacters);
  const message = { type: 'moderate', action, participant: participantId(participant) };
  return reason ? { ...message, reason } : message;
}

/**
 * @param {boolean} allowed whether an NPC may take one's place while one is away
 * @param {string} [text] what it should know, at most 500 characters
 */
export function standIn(allowed, text = '') {
  prose('text', text, 0, LIMITS.standInCharacters);
  return text ? { type: 'stand_in', allowed, text } : { type: 'stand_in', allowed };
}

export function forget() { return { type: 'forget' }; }

/**
 * Tells moderators of somebody.
 * @param {string} participant
 * @param {ReportReason} reason
 * @param {string} [text] in one's own words, at most 500 characters
 * @param {string} [event] the chat line it is about; without: the last half minute
 */
export function report(participant, reason, text = '', event = '') {
  if (!REPORT_REASONS.includes(reason)) throw invalid(`reason is ${reason}: use one of ${REPORT_REASONS.join(', ')}`);
  prose('text', text, 0, LIMITS.reportCharacters);
  if (event && !/^ev_[a-z0-9_-]{1,61}$/.test(event)) throw invalid(`${JSON.stringify(event)} is not the id of a chat line`);
  return { type: 'report', participant: participantId(participant), reason, ...text && { text }, ...event && { event } };
}

/**
 * Asks that another person looks at an order against oneself.
 * @param {string} order
 * @param {string} text why it is wrong, 1 to 1,000 characters
 */
export function appeal(order, text) {
  limit('order length', order.length, 1, LIMITS.orderBytes);
  prose('text', text, 1, LIMITS.appealCharacters);
  if (!text.trim()) throw invalid('text is blank: say why the decision is wrong');
  return { type: 'appeal', order, text };
}

export function leave() { return { type: 'leave' }; }

/**
 * Reads one message of the server. Returns null for a type this version does
 * not know, which a client must ignore; throws an
 * EarshotError('invalid_argument') for anything malformed.
 * @param {string} text
 * @returns {ServerMessage|null}
 */
export function parse(text) {
  /** @type {any} */
  let m;
  try {
    m = JSON.parse(text);
  } catch (cause) {
    throw new EarshotError('invalid_argument', 'the server sent something that is not JSON', { cause });
  }
  if (typeof m !== 'object' || m === null || Array.isArray(m) || !['string', 'undefined'].includes(typeof m.type)) {
    throw invalid('the server sent something that is not a message');
  }
  const read = Object.hasOwn(readers, m.type) ? readers[m.type] : undefined;
  if (!read) return null;
  return /** @type {ServerMessage} */ ({ ...m, ...read(m) });
}

/**
 * One reader a type: checks the members and fills in the lists that the server
 * leaves out when empty.
 * @type {Record<string, (m: any) => object>}
 */
const readers = {
  welcome: (m) => (need(m, { protocol: 'number', session: 'string', instance: 'string', server_time: 'number', token_expires: 'string' }),
    { you: participant(m.you), spawn: spawn(m.spawn), world: world(m.world) }),
  joined: (m) => ({ participants: list(m, 'participants', participant) }),
  left: (m) => need(m, { participant: 'string', reason: 'string' }),
  near: (m) => ({ enter: ids(m, 'enter'), leave: ids(m, 'leave') }),
  slots: (m) => ({ voice: list(m, 'voice', slot), video: list(m, 'video', slot) }),
  audio: (m) => need(m, { mode: 'string' }),
  audible: (m) => ({ participants: ids(m, 'participants') }),
  speaking: (m) => ({ start: ids(m, 'start'), stop: ids(m, 'stop') }),
  muted: (m) => need(m, { participant: 'string', muted: 'boolean', by: 'string' }),
  renamed: (m) => need(m, { participant: 'string', name: 'string' }),
  published: (m) => need(m, { participant: 'string', source: 'string', active: 'boolean' }),
  layers: (m) => (optional(need(m, { source: 'string' }), { spatial: 'number', of: 'number' }), { rids: ids(m, 'rids') }),
  chat: (m) => (optional(m, { masked: 'boolean', unverified: 'boolean' }), need(m, { id: 'string', from: 'string', name: 'string', text: 'string', at: 'number' })),
  blocked: (m) => need(m, { participant: 'string', blocked: 'boolean' }),
  gained: (m) => need(m, { participant: 'string', gain_db: 'number' }),
  caption: (m) => optional(need(m, { participant: 'string', id: 'string', text: 'string', final: 'boolean', interrupted: 'boolean', source: 'string', degraded: 'string', reason: 'string' }), { unverified: 'boolean' }),
  npc: (m) => need(m, { participant: 'string', state: 'string', speaks: 'string', reason: 'string' }),
  act: (m) => (need(m, { participant: 'string', name: 'string', kind: 'string' }), { args: scalars(m) }),
  world: (m) => ({ world: world(m.world) }),
  forgotten: () => ({}),
  retract: (m) => need(m, { id: 'string' }),
  order: (m) => (optional(need(m, { id: 'string', lifted: 'boolean', appeal: 'boolean' }), { event: 'string' }),
    { statement: statement(m.statement), sanctions: list(m, 'sanctions', (s) => optional(need(s, { action: 'string' }), { until: 'string' })) }),
  reported: (m) => optional(need(m, { id: 'string' }), { outcome: 'string' }),
  appealed: (m) => need(m, { order: 'string' }),
  recording: (m) => (optional(need(m, { active: 'boolean' }), { since: 'string' }), { participants: ids(m, 'participants'), sources: ids(m, 'sources') }),
  data: (m) => optional(need(m, { data: 'string' }), { topic: 'string' }),
  token: (m) => need(m, { token: 'string', expires: 'string' }),
  pong: (m) => (need(m, { t: 'number', server_time: 'number' }), m.alternates === undefined ? m : { alternates: ids(m, 'alternates') }),
  error: (m) => need(m, { code: 'string', message: 'string' }),
  invite: (m) => need(m, { url: 'string', instance: 'string', handoff: 'string', within_ms: 'number' }),
  bye: (m) => need(m, { code: 'string', message: 'string', reconnect: 'boolean' }),
};

/** @param {any} m */
function participant(m) {
  need(m, { id: 'string', index: 'number', name: 'string', kind: 'string', muted: 'boolean', moderated: 'boolean', camera: 'boolean', screen: 'boolean' });
  limit('index', m.index, 0, 4095);
  return optional(m, { encrypted: 'boolean', hushed: 'boolean', of: 'string' });
}

/** @param {any} m */
function spawn(m) {
  need(m, { yaw: 'number' });
  if (!Array.isArray(m.position) || m.position.length !== 3 || !m.position.every(Number.isFinite)) {
    throw invalid('the server sent a malformed position');
  }
  return m;
}

/** @param {any} m */
function zone(m) {
  need(m, { id: 'string', kind: 'string', fade: 'number' });
  need(m.shape, { form: 'string', floor: 'number', height: 'number' });
  optional(m.shape, { yaw: 'number', radius: 'number' });
  const flat = [m.shape.center, m.shape.size, ...m.shape.corners ?? []].filter((v) => v !== undefined);
  if (!flat.every((v) => Array.isArray(v) && v.length === 2 && v.every(Number.isFinite))) throw invalid('a zone has a place that is not two numbers');
  if (m.megaphone !== undefined) optional(need(m.megaphone, { gain: 'number' }), { to: 'string' });
  if (m.speak !== undefined) need(m.speak, { who: 'string' });
  return optional(m, { title: 'string', gain: 'number', isolation: 'number', sealed: 'boolean', occlusion: 'number', reverb: 'string' });
}

/** @param {any} m */
function world(m) {
  need(m, { name: 'string', title: 'string', scene: 'string', view_range: 'number', chat_range: 'number' });
  need(m.voice, { model: 'string', ref: 'number', max: 'number', rolloff: 'number', range: 'number', fade: 'number' });
  need(m.voice.cone, { inner: 'number', outer: 'number', outer_gain: 'number' });
  if (m.zones !== undefined) list(m, 'zones', zone);
  return optional(m, { voice_moderation: 'boolean', e2ee: 'string' });
}

/** @param {any} m */
function statement(m) {
  return need(m, { what: 'string', facts: 'string', automation: 'string', rule: 'string', redress: 'string' });
}

/** @param {any} m */
function slot(m) {
  need(m, { slot: 'number', mid: 'string' });
  if (m.bed !== undefined) bed(m);
  optional(m, { leaving: 'boolean' });
  if (m.participant !== undefined) need(m, { participant: 'string', track: 'string', source: 'string' });
  if (m.why !== undefined) need(m.why, { distance: 'number', gain_db: 'number', score_db: 'number', packets: 'number' });
  if (m.why !== undefined) optional(m.why, { wall_db: 'number', megaphone: 'string' });
  return m;
}

/** @param {any} m */
function bed(m) {
  need(m, { track: 'string', source: 'string' });
  need(m.bed, { radius: 'number', voices: 'number' });
  const { position } = m.bed;
  if (!Array.isArray(position) || position.length !== 3 || !position.every((v) => typeof v === 'number')) throw invalid(`${m.type}: position of a bed is not [x, y, z]`);
}

/** @param {any} m */
function scalars(m) {
  const args = m.args ?? {};
  if (typeof args !== 'object' || Array.isArray(args)) throw invalid(`${m.type}: args is not an object`);
  if (!Object.values(args).every((v) => ['string', 'number', 'boolean'].includes(typeof v))) {
    throw invalid(`${m.type}: args holds more than strings, numbers and booleans`);
  }
  return args;
}

/**
 * @template T
 * @param {any} m
 * @param {string} name
 * @param {(item: any) => T} read
 * @returns {T[]}
 */
function list(m, name, read) {
  const items = m[name] ?? [];
  if (!Array.isArray(items)) throw invalid(`${m.type}: ${name} is not a list`);
  return items.map(read);
}

/**
 * @param {any} m
 * @param {string} name
 */
function ids(m, name) {
  return list(m, name, (id) => {
    if (typeof id !== 'string') throw invalid(`${m.type}: ${name} holds something that is not an id`);
    return id;
  });
}

/**
 * @param {any} m
 * @param {Record<string, 'string'|'number'|'boolean'>} members
 */
function need(m, members) {
  if (typeof m !== 'object' || m === null) throw invalid('the server left a part of a message out');
  for (const [name, type] of Object.entries(members)) {
    if (typeof m[name] !== type) throw invalid(`${m.type ?? 'message'}: ${name} is not a ${type}`);
  }
  return m;
}

/**
 * Members that may be missing, but not of another type.
 * @param {any} m
 * @param {Record<string, 'string'|'number'|'boolean'>} members
 */
function optional(m, members) {
  for (const [name, type] of Object.entries(members)) if (m[name] !== undefined) need(m, { [name]: type });
  return m;
}

/** @param {string} id */
function participantId(id) {
  if (!/^pa_[a-z0-9_-]{1,61}$/.test(id)) throw invalid(`${JSON.stringify(id)} is not the id of a participant`);
  return id;
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} low
 * @param {number} high
 */
function prose(name, text, low, high) {
  limit(`${name} length`, [...text].length, low, high);
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text)) throw invalid(`${name} contains a control character: remove it`);
}

/**
 * @param {string} name
 * @param {number} value
 */
function finite(name, value) {
  if (!Number.isFinite(value)) throw invalid(`${name} is ${value}: use a finite number`);
  return value;
}

/**
 * @param {string} name
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function limit(name, value, low, high) {
  if (!(value >= low && value <= high)) throw invalid(`${name} is ${value}: use ${low} to ${high}`);
}

/** @param {string} message */
function invalid(message) { return new EarshotError('invalid_argument', message); }
