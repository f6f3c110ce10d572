// Package directory owns one node's view of all others: which nodes and
// instances there are, who is in them and where, over all instances of the
// worlds that somebody here asks about.
//
// It follows the instances of those worlds over a store.Store: deltas as they
// come, and the whole again where one was lost, where nothing came for longer
// than an owner may be silent, and when a broken connection is back. While the
// store is away the view stays as it was, and Behind says for how long. From the
// view it answers who is near a place in any instance, where friends are, and how
// full each part of a world is.
//
// Blocks hold in all of it: neither of two, of whom one blocks the other, gets
// to know anything of the other here. Where it is not known whether somebody
// blocks the one who asks, they are left out. So is whom their owner does not
// show (Shown, Located), and who is in an instance that not everybody may enter,
// to those outside.
//
// It does not own who is where in this node's own instances (presence.Space),
// nor does it write members, leases or whereabouts: presence/cluster's machine
// does. Pace only says when a member's place is worth writing. What is near is
// decided by positions up to half a second old and right to 4 m.
//
// # Concurrency
//
// Every method may be called from any goroutine. Run owns all goroutines: one
// for the lists and two for each instance followed. One mutex guards the view; it
// is never held across a call of the store.
package directory
