package turn

import (
	"net"
	"sync/atomic"
)

// Counters are what a Server did since it was opened, and how it is.
type Counters struct {
	Allocations int // open
	Connections int // over TCP and TLS, open
	// Packets of clients to media, and back.
	Up, Down uint64
	// Dropped and refused, by reason.
	Limited            uint64 // packets above the bitrate of their allocation
	Misdirected        uint64 // packets to another address than media's
	RefusedPeers       uint64 // permissions for other addresses
	RefusedAllocations uint64 // for the limits
	RefusedConnections uint64 // for the limits, or late
	RefusedRequests    uint64 // signed with a wrong password
}

type counters struct {
	up, down, limited, misdirected, refusedPeers, refusedAllocations, refusedRequests atomic.Uint64
}

// Counters returns what was done until now.
func (s *Server) Counters() Counters {
	c := &s.counters
	all := Counters{
		Allocations: s.relays.count(),
		Up:          c.up.Load(), Down: c.down.Load(), Limited: c.limited.Load(), Misdirected: c.misdirected.Load(),
		RefusedPeers: c.refusedPeers.Load(), RefusedAllocations: c.refusedAllocations.Load(), RefusedRequests: c.refusedRequests.Load(),
	}
	for _, g := range s.gates {
		all.Connections += g.Open()
		all.RefusedConnections += g.Refused()
	}
	return all
}

// auth is told of each signature that was checked.
func (c *counters) auth(_, _ net.Addr, _, _, _, _ string, ok bool) {
	if !ok {
		c.refusedRequests.Add(1)
	}
}
