// Package store owns where npc keeps what must outlive an answer: what NPCs
// remember of players, and the versions of personas. It is a small
// compare-and-set key-value store with three implementations: the process's
// memory, one file (bbolt), and a Valkey or Redis server.
//
// It knows nothing of what the values mean. npc.Memories and npc/library are
// the callers; cmd/earshot opens one Store for both.
//
// # Concurrency
//
// Every method may be called from any goroutine. Put is atomic against every
// other method, also from other processes where the server is shared. No
// implementation starts goroutines of its own, but for the connections of the
// Valkey client; Close ends those.
package store
