package netsim

import (
	"net"
	"net/netip"
	"time"
)

// Bounds of what one direction holds.
const (
	maxHeld   = 4096 // packets on the way
	maxPacket = 9216 // bytes of one: a jumbo frame; more is cut, as by a short read
	maxSpare  = 64   // buffers kept for reuse
)

// peer is the other end of a packet: ap, or other where that is no UDP address.
type peer struct {
	ap    netip.AddrPort
	other net.Addr
}

// peerOf copies a, whose owner may change it.
func peerOf(a net.Addr) peer {
	if u, ok := a.(*net.UDPAddr); ok && u != nil {
		return peer{ap: unmapped(u.AddrPort())}
	}
	return peer{other: a}
}

// addr returns a new address.
func (p *peer) addr() net.Addr {
	if p.other != nil {
		return p.other
	}
	return net.UDPAddrFromAddrPort(p.ap)
}

// unmapped turns an IPv4 address in IPv6 clothes, as dual-stack sockets give
// them, into what both kinds of socket take.
func unmapped(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// packet is on its way.
type packet struct {
	due  time.Duration
	data []byte
	peer peer
}

// line holds packets in the order in which they are due, in a ring, with the
// buffers of those that have gone.
type line struct {
	ring    []packet
	head, n int
	spare   [][]byte
}

// insert puts a packet in its place, which is the end but for a reordered one.
func (l *line) insert(p packet) {
	if l.n == len(l.ring) {
		l.grow()
	}
	i := l.n
	for ; i > 0 && l.at(i-1).due > p.due; i-- {
		*l.at(i) = *l.at(i - 1)
	}
	*l.at(i) = p
	l.n++
}

func (l *line) grow() {
	ring := make([]packet, max(16, 2*len(l.ring)))
	for i := range l.n {
		ring[i] = *l.at(i)
	}
	l.ring, l.head = ring, 0
}

func (l *line) at(i int) *packet { return &l.ring[(l.head+i)%len(l.ring)] }

func (l *line) pop() packet {
	first := l.at(0)
	p := *first
	*first = packet{}
	l.head = (l.head + 1) % len(l.ring)
	l.n--
	return p
}

// keep copies data into a buffer that recycle gets back.
func (l *line) keep(data []byte) []byte {
	var b []byte
	if last := len(l.spare) - 1; last >= 0 {
		b, l.spare = l.spare[last], l.spare[:last]
	}
	if cap(b) < len(data) {
		b = make([]byte, 0, (len(data)+255)/256*256)
	}
	return append(b[:0], data...)
}

func (l *line) recycle(b []byte) {
	if len(l.spare) < maxSpare {
		l.spare = append(l.spare, b)
	}
}
