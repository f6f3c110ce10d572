// Package reference is the store of package cluster as a value: what each
// cluster.Op does, executed on maps.
//
// It is the reference: the in-memory store is a lock around it, the scripts of
// Valkey are held to it, and the simulation runs against it. It owns records,
// leases, reservations and their expiry, by the time its caller gives it. It
// does not own transport, delivery of deltas, or persistence. Called by one
// goroutine at a time. Pure: no clock, no randomness.
package reference
