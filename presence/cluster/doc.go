// Package cluster is the protocol by which several nodes run the instances of a
// world together: who owns an instance, where a participant is, what is in
// force on them, and how all that moves from node to node.
//
// The owner's memory is the truth about an instance. The store is a directory
// of owners, whereabouts, orders and snapshots, and a bus; it is asked by Op
// values, each of which is one atomic step under one hash tag. What each does
// is said in op.go, and package cluster/reference does it on maps: stores are
// held to that.
//
// Node is one node's part: it takes inputs (an answer of the store, a message
// of another node, what the gateway wants, the passing of time) and returns
// what is to be done as values. It owns leases, seats, handoffs, drains, and
// the orders on those who are here. It does not own sockets, media, tokens, or
// the choice of an instance (presence/placement).
//
// Three numbers keep it right, whatever is lost, late, twice, or asleep:
//
//   - The epoch of an instance grows with each owner. Every write of an owner
//     names it, and a store that has seen a later one refuses: Fenced.
//   - The epoch of a participant grows with each change of place, by
//     compare-and-set. Of two who both think they have somebody, one is told.
//   - A lease is counted from before it was asked for, on the owner's own
//     monotonic clock, less a margin for clocks that run apart. An owner whose
//     lease is over by that count lets nobody in; media go on.
//
// The package is pure: no clock, randomness, lock or goroutine. Nothing here
// may be used from two goroutines at once. docs/cluster.md draws it; the
// simulation in simulation_test.go is what it is held to.
package cluster
