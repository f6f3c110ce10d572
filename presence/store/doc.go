// Package store owns where nodes keep what they share: it does the operations
// of presence/cluster, brings deltas of instances to who follows them and
// messages from node to node, and keeps friendships and dockets.
//
// There are two stores. Memory is the reference, presence/cluster/reference,
// behind a lock: the default of a single node. Valkey is any Valkey or Redis
// server from version 7 on, alone, behind Sentinels or as a cluster, with one
// Lua script for each operation (lua/*.lua). Both are held to the same suite of
// tests, and the scripts to the reference, operation by operation.
//
// It does not own what operations mean (presence/cluster), nor when they are
// asked: presence/directory keeps a node's view of the others over a Store,
// gateway runs the machines. Poses never come here.
//
// # Concurrency
//
// Every method of a Store may be called from any goroutine. Do is atomic
// against every other Do, also of other processes, but for Survey in a cluster
// of servers. A call ends within the patience of the Config where the server
// does not answer. Nothing here starts goroutines but the Valkey client for its
// connections, which Close ends.
package store
