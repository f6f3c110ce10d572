// Package peer puts the same load on Earshot, LiveKit and Janus and measures
// what each makes of it: the same frames at the same cadence from the same
// clients, one server after the other in rotated order, with the CPU time of
// the server's own process.
//
// It owns the drivers (Earshot, LiveKit, Janus: how one joins a room of that
// server to send or to receive), the clients they share (Client: plain pion
// PeerConnections, so that receiving costs the generator the same whoever
// sends), the starting of servers in processes of their own, and the Bench
// that runs cells in rounds and writes the table. It does not own Earshot's
// bots, scenarios or reports, and never looks into a server: what it knows of
// one comes over the wire and from /proc.
//
// cmd/earshot calls Bench.Run. A Bench runs one server at a time; the methods
// of a Room may be called concurrently. What a server sends is not trusted:
// its messages are bounded, and their decoders fuzzed.
package peer
