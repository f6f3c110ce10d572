// Package docket owns the rules of a docket: entries that several nodes write
// down for one another in one order, and a node's part in it.
//
// A store keeps the entries (presence/store). It numbers them, and each number
// comes with a sum over all ids up to there, so that a node's place in the
// docket, a Head, says what it has read, not only how much. News of entries are
// published and may be lost, doubled or late; whoever misses one finds its sum
// wrong and reads on from its Head. A store that was emptied, or that failed over
// to before an entry, does not know the Head: then the whole is read again, and
// what it lacks is said again by all who know it. An entry has an id and is
// written once however often it is said, so all of that does no harm.
//
// It does not own what entries mean, nor their secrecy: they are sealed bytes.
// gateway writes down there what moderation decides, and drives the machine.
//
// The package is pure: Docket is a state machine without clock, network or lock.
// Its owner does what Next asks for, one operation at a time, and says how it
// went.
package docket
