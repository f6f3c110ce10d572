// Package lww owns a map of last-writer-wins registers: what lets nodes that
// cannot wait for each other agree on who is where.
//
// Each write has a cluster.Stamp of (epoch, clock, node), and the highest wins.
// Merging is commutative, associative and idempotent: messages may come twice,
// late and in any order, and everybody who has seen the same ones has the same
// map. What was deleted leaves a tombstone for a minute, which is longer than
// any message is on its way.
//
// It does not own clocks and epochs (presence/cluster), nor what the values
// mean. presence/directory keeps a node's view of the others in such maps. The
// package is pure, and nothing in it locks: the owner of a Map does.
package lww
