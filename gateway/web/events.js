/**
 * What an Earshot tells: by addEventListener with event.detail, or by on() with
 * the detail alone. The messages are those of gateway/protocol/PROTOCOL.md.
 *
 *     'state'     {state: 'connecting'|'connected'|'reconnecting'|'closed', error?: EarshotError}
 *     'welcome'   the message; 'ready' is sent when the listeners have returned
 *     'joined'    {participants}             'left'  {participant, reason}
 *     'near'      {enter, leave}             'slots' {voice, video}
 *     'audio'     {mode}: 'slots' or 'binaural', how voices come from now on
 *     'audible'   {participants}: who is in the binaural mix
 *     'speaking'  {start, stop}              'chat'  {id, from, name, text, at, masked?, unverified?}
 *     'muted'     {participant, muted, by}   'published' {participant, source, active}
 *     'renamed'   {participant, name}: somebody, or you, has another name; the roster has it already
 *     'blocked'   {participant, blocked}     'gained' {participant, gain_db}
 *     'npc'       {participant, state, speaks, reason}: how an NPC is
 *     'caption'   {participant, id, to?, text, final, interrupted, source, degraded, reason, unverified?}: what it says so far
 *     'act'       {participant, name, kind, args, to?}: what it does
 *     'world'     {world}: a designer changed the rules; session.world has them already
 *     'retract'   {id}: a chat line, or what an NPC said, is taken back: remove it
 *     'order'     {id, event?, sanctions, lifted, appeal, statement}: moderation decided against us;
 *                 session.orders has it already, or no longer where it is lifted
 *     'e2ee'      {participant, trouble}: why somebody who encrypts cannot be heard; '' for can again (e2ee.js)
 *     'reported'  {id, outcome}: what became of a report of ours: upheld or not_upheld
 *     'recording' {active, since?, participants, sources}: the instance is recorded from now on, or no
 *                 longer; session.recording has it already. Show it for as long as it lasts
 *     'data'      {topic?, data}: an application's server says something; data is base64
 *     'error'     EarshotError: a message was refused, the session goes on
 *     'handoff'   {phase}: begun, when we have gone over to another node and hear by both connections;
 *                 slots, when what is heard by the old one changed; over, when the old one has ended
 *     'bye'       {code, message, reconnect}: the server ended it; 'state' closed follows
 * @module
 */

/**
 * @import * as signal from './signal.js'
 * @typedef {'connecting'|'connected'|'reconnecting'|'closed'} State
 * @typedef {{state: {state: State, error?: signal.EarshotError},
 *   welcome: signal.Welcome, joined: signal.Joined, left: signal.Left, near: signal.Near,
 *   slots: signal.Slots, audio: signal.Audio, audible: signal.Audible, speaking: signal.Speaking, muted: signal.Muted,
 *   renamed: signal.Renamed, published: signal.Published, chat: signal.Chat, blocked: signal.Blocked,
 *   gained: signal.Gained, caption: signal.Caption, npc: signal.Npc, act: signal.Act,
 *   world: signal.WorldChanged, e2ee: {participant: string, trouble: import('./e2ee.js').Trouble}, retract: signal.Retract, order: signal.Order, reported: signal.Reported, recording: signal.Recording, data: signal.Data,
 *   handoff: {phase: 'begun'|'slots'|'over'},
 *   error: signal.EarshotError, bye: signal.Bye}} Events
 */

export {};
