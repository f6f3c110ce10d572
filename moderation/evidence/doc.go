// Package evidence owns the sound that may prove what was said: the last half
// minute of every speaker, encrypted in memory, and what of that was written
// down because somebody flagged or reported it.
//
// It does not decide what is kept, nor why (moderation), and writes no
// incidents (moderation/journal, which has the ids of evidence). moderation
// feeds it and has it keep; gateway reads it for the console.
//
// # In memory
//
// A ring for each speaker holds Opus packets as they came, each encrypted with
// a key of the process that is replaced every window. A key is dropped with the
// last packet under it, so that what is left of old ones in memory cannot be
// read. Nothing is decoded. Limits are in Config.
//
// # Written down
//
// A file for each piece of evidence, encrypted with its own key, which is in
// another folder. The id is a SHA-256 sum of the file: who has the id, such as
// the journal, has a seal on the content. To delete is to overwrite the key,
// then to remove both. Reading calls Deps.Audit first, and fails if that does.
//
// # Concurrency
//
// Every method may be called from any goroutine. Put takes only the lock of
// its speaker but when one begins, and does not allocate then. The package
// starts no goroutine and reads no clock.
package evidence
