// Package moderation owns what happens between an event - a chat line, a name,
// a stretch of voice, a report - and its consequence: which tier judges it and
// how long it may take, what policy.Decide says, the record of it in the
// journal, the order to whoever enforces, its end, its undoing, its appeal.
//
// It does not own what is allowed (moderation/policy), how a text is scored
// (moderation/text), how incidents and evidence are stored
// (moderation/journal, moderation/evidence), nor the media: gateway carries
// out an Order at the SFU, delivers notices, and asks model servers for the
// Guards and the Transcriber. It knows no persona and no Inference: engines
// never import one another.
//
// gateway calls it: Text for each chat line and name, Say for what an NPC says
// and Describe for what it is, an Ear for each speaker, Report, Appeal, and the
// acts of moderators. Every method may be called from any goroutine between New
// and the end of Run. Text and Say answer within Config.Hold; Ear.Put never
// waits; the others wait for the journal.
//
// Order of a verdict: it is decided in memory, written to the journal with the
// orders it means (the intent), enforced, and written again as done. After a
// crash New finds intents that were not done, and Run finishes them.
//
// Nothing that anybody wrote or said goes to the log.
package moderation
