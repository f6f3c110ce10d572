// Package node runs a node's part of a cluster: it drives one cluster.Node, which
// decides, over one store.Store, which remembers.
//
// It owns the goroutines, the clock, the wire form of messages between nodes,
// and who waits for which answer. It does not own what is decided
// (presence/cluster), what is kept (presence/store), nor sessions and media: its
// caller, the gateway, gets events and does what they say.
//
// # Concurrency
//
// Every method may be called from any goroutine. Those that take a context
// wait; the others do not. Events are handed to the Handler one at a time, in
// order, on a goroutine of their own, which may call every method but must not
// wait for an event to come.
package node
