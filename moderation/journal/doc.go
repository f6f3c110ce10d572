// Package journal owns the durable truth of moderation: what was found and
// decided, which orders were given and carried out, reports, appeals, what
// moderators judged, who looked at which evidence, and what was erased. From
// it come open orders, the record of a person, the queue, histories, figures.
//
// It decides nothing, enforces nothing and keeps no sound (moderation/evidence
// does). moderation is its caller; gateway reads it for the console.
//
// # What is on the disk
//
// Append-only files of lines. A line is a SHA-256 sum over the sum of the line
// before and over its own JSON, so a line cannot be changed, left out or put
// elsewhere unseen; cutting the end off is seen by a Head kept elsewhere. A
// line is on the disk before the call that caused it returns; callers that
// come together share one line and one fsync. A line that a crash left torn is
// cut at the next Open; anything else that is broken is refused, with file and
// offset.
//
// # Two phases
//
// An order is written with the decision it comes from, then carried out, then
// written as applied. After a crash in between it is among OpenOrders: carry
// it out again. Orders have ids, so that an enforcer does each once.
//
// # People
//
// Lines name people by random aliases, and what people said and are called is
// encrypted with a key for each incident and person. Aliases and keys are in a
// key file apart. Erase and Sweep overwrite keys there: what was encrypted is
// gone, in copies of the lines too, and the chain still verifies. Keep the key
// file out of backups that outlive the retention.
//
// # Concurrency
//
// Every method may be called from any goroutine. The package starts none and
// reads no clock: times come with the calls.
//
// # Several nodes
//
// Each node has a journal of its own. Share says what others need of it, without
// anybody's words; Hear takes in what others wrote, as lines of this chain that
// say whose they are. What an incident counts is computed from all that was
// written about it, whatever the order in which that came (fold.go), so that all
// nodes come to the same. The words stay with the node that wrote them.
//
// NewMemory is the twin for tests and for nodes that keep nothing.
package journal
