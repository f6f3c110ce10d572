// Package library owns the versions of personas: what designers publish, its
// history, differences, rolling back, and telling those who run the NPCs that
// there is a new one. The texts are in an npc/store.
//
// It does not run NPCs and knows nothing of where they stand: a version's
// place is JSON that the caller gives and gets back. gateway is its only
// caller.
//
// # Concurrency
//
// Every method may be called from any goroutine and from several processes
// that share a store. A version becomes the newest by one compare-and-set of
// the NPC's head; its text is written before that under a name of its own, so
// nobody ever reads half of one. Watch runs on its caller's goroutine.
package library
