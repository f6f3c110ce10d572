// Package presence knows who is in an instance, where they stand, who is near
// whom, who wants nothing of whom, and which poses each of them should get
// now.
//
// Space is one instance's truth in RAM. It owns indices, poses, interest sets,
// blocks and personal gains. It does not own connections, names, rights or
// rate limits (gateway), nor what a voice sounds like (spatialaudio). Called
// by gateway: PoseUp for every datagram of a participant, Tick at 60 Hz,
// Neighbours for each listener whose voices are being chosen.
//
// The package is pure: time comes in as an argument, decisions go out as
// values. One mutex guards a Space and is never held across a call to another
// package's code other than the pure presence/pose and presence/interest, so
// that every method may be called from any goroutine.
package presence
