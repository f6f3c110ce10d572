// Package interest decides who gets whose poses, and how often: the exact k
// nearest within a radius, sets with hysteresis so that nobody flickers at an
// edge, rates by distance, and a priority accumulator that shares a byte
// budget without starving anyone.
//
// It owns no participants, names or bytes: entities are small integers with a
// position, given in structure-of-arrays form. It does not know blocks either;
// it is told which ids to leave out. Called by presence. It is pure: positions
// and time come in, sets and picks come out, and in steady state nothing is
// allocated. Nothing here may be used from two goroutines at once.
package interest
