// Package netsim is a network between a client and a server, made in user
// space: delay, jitter, loss in bursts, reordering, duplicates, a bottleneck
// with a queue, and blackouts. It needs no privileges and no netem.
//
// It owns the model (Profile, Path, Link: pure, time comes in), its presets
// (Named), and three places to put it: around a socket (Wrap), around all UDP
// sockets of a pion client (NewNet), and between two processes (Listen, a UDP
// relay for browsers and other people's programs). It knows nothing of what is
// in the packets. Called by loadtest, which gives each bot a network of its
// own, and by scenarios, which name one.
//
// What a Link decides follows from its profile, its seed and the times and
// sizes of the packets alone; the jitter of a moment does not even depend on
// those. A shell then holds packets in a bounded line until they are due: as
// exactly as the machine wakes it, which Stats says.
//
// A Link is for one goroutine; all else is safe for concurrent use. A direction
// whose profile is zero costs nothing: no goroutine, no copy, no lock.
package netsim
