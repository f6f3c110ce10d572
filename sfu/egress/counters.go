package egress

import "sync/atomic"

// Counters are what a Sender did since it was made.
type Counters struct {
	Packets  uint64 // handed to the kernel
	Streamed uint64 // handed to another Way, over TCP
	Bytes    uint64 // of both as RTP, headers included
	Messages uint64 // that these were in
	Calls    uint64 // system calls that these took
	// Dropped, by reason.
	Unaddressed uint64 // the session had no address, or the packet was too large
	Refused     uint64 // its nonce was used, or is too old to know
	Failed      uint64 // the kernel did not take it
	// Singly are messages that the kernel refused, so that their packets went
	// one by one.
	Singly uint64
}

type counters struct {
	packets, streamed, bytes, messages, calls, unaddressed, refused, failed, singly atomic.Uint64
}

// Counters returns what was done until now.
func (s *Sender) Counters() Counters {
	c := &s.counters
	return Counters{
		Packets: c.packets.Load(), Streamed: c.streamed.Load(), Bytes: c.bytes.Load(), Messages: c.messages.Load(), Calls: c.calls.Load(),
		Unaddressed: c.unaddressed.Load(), Refused: c.refused.Load(), Failed: c.failed.Load(), Singly: c.singly.Load(),
	}
}
