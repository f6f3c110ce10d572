package sfu

import (
	"hash/maphash"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/ice/v4"
)

// gate is the media socket as pion's mux reads it: what an address sends above
// any honest session is dropped here, before anything looks into it, and so is
// a connection check that was copied from another address. One goroutine reads.
//
// What passes and is RTP goes on by the lane of its session, where there is one.
//
// Whose packets these are is not known here, and an address can be forged: a
// gate only drops and counts. Who sends too much under the keys of a session is
// seen by limits, and has to go.
type gate struct {
	net.PacketConn
	metrics *metrics
	lanes   *lanes
	sources *forward.Sources
	checks  *forward.Checks
	seed    maphash.Seed
	began   time.Time
}

// newGate returns the socket with its limits. Where the socket can read
// without allocating, so can the result.
func newGate(socket net.PacketConn, ls *lanes, m *metrics) net.PacketConn {
	g := gate{
		PacketConn: socket, metrics: m, lanes: ls, sources: forward.NewSources(rand.Uint64()),
		checks: forward.NewChecks(rand.Uint64()), seed: maphash.MakeSeed(), began: time.Now(),
	}
	switch socket := socket.(type) {
	case pumpable:
		p := &addressedGate{gate: g, socket: socket}
		p.pump = newPump(p, socket)
		return p
	case ice.AddrPortReaderWriter:
		return &addressedGate{gate: g, socket: socket}
	case *net.UDPConn:
		return &addressedGate{gate: g, socket: addressed{socket}}
	}
	return &g
}

// admit reports whether a datagram may pass.
func (g *gate) admit(b []byte, from netip.AddrPort) bool {
	kind, key := forward.TrafficOf(b), g.key(from)
	if !g.sources.Admit(key, kind, int64(time.Since(g.began))) {
		g.metrics.gated[kind].Inc()
		return false
	}
	if kind == forward.TrafficSTUN && !g.checks.Fresh(b, key) {
		g.metrics.replayed.Inc()
		return false
	}
	return true
}

// key makes a number of an address.
func (g *gate) key(a netip.AddrPort) uint64 {
	ip := a.Addr().Unmap()
	if ip.Is4() {
		b := ip.As4()
		return uint64(b[0])<<40 | uint64(b[1])<<32 | uint64(b[2])<<24 | uint64(b[3])<<16 | uint64(a.Port()) | 1<<48
	}
	return maphash.Comparable(g.seed, a) | 1<<63
}

// ReadFrom implements net.PacketConn.
func (g *gate) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := g.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if udp, ok := from.(*net.UDPAddr); !ok || g.admit(b[:n], udp.AddrPort()) {
			return n, from, nil
		}
	}
}

// addressedGate is a gate that reads and writes without allocating.
type addressedGate struct {
	gate
	socket ice.AddrPortReaderWriter
	pump   *pump // nil where the socket cannot be pumped
}

var _ ice.AddrPortReaderWriter = (*addressedGate)(nil)

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (g *addressedGate) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		if n, from, ok := g.pump.next(b); ok {
			return n, from, nil
		}
		n, from, err := g.socket.ReadFromAddrPort(b)
		if err != nil && g.pump.calls() {
			continue
		}
		if err != nil || g.admit(b[:n], from) && !g.lanes.take(b[:n], from) {
			return n, from, err
		}
	}
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (g *addressedGate) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return g.socket.WriteToAddrPort(b, to)
}

// addressed gives a plain socket the methods that pion's mux would use of it.
type addressed struct{ *net.UDPConn }

func (a addressed) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return a.ReadFromUDPAddrPort(b)
}

func (a addressed) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return a.WriteToUDPAddrPort(b, to)
}
