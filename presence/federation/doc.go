// Package federation owns what one operator of Earshot tells another about who is
// in its worlds, and in what words: capability tokens, pages of presence, what a
// peer has been told (Ledger), and what a peer has said (View). docs/federation.md
// is the specification; Version is its version.
//
// It does not own who may be told of whom: the caller leaves out whoever is
// hidden, isolated or has blocked somebody of that peer before anything comes
// here. It has no sockets either: gateway answers and asks, conformance tests any
// implementation from outside.
//
// What comes from a peer is that of a stranger: every length is bounded, and
// nothing is passed on to a third operator.
//
// # Concurrency
//
// The package is pure. Values are immutable but for Ledger, Replays and View,
// whose owner locks.
package federation

// Version is that of the protocol, in the path and in every page.
const Version = 1

// Path is where presence is asked for, below a peer's origin.
const Path = "/v1/federation/presence"
