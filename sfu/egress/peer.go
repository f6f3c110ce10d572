package egress

import (
	"net/netip"
	"sync/atomic"
)

// Way takes sealed packets instead of the socket: a connection over TCP.
type Way interface {
	// WritePacket takes one packet, of which it keeps no reference. It does not
	// wait; what it has no room for it drops. What it took counts as sent.
	WritePacket(packet []byte)
}

// Peer is where the packets of one session go. The zero Peer has no address:
// packets for it are dropped.
type Peer struct {
	address atomic.Uint64       // IPv4 << 16 | port
	way     atomic.Pointer[Way] // instead of it, unless nil

	// of the packets that are being sent, guarded by Sender.sending
	mark        uint64 // the last gathering this peer was in
	first, last int32
}

// Move changes where the packets go. An address that is not IPv4 is none.
func (p *Peer) Move(to netip.AddrPort) {
	defer p.way.Store(nil)
	ip := to.Addr().Unmap()
	if !ip.Is4() {
		p.address.Store(0)
		return
	}
	b := ip.As4()
	p.address.Store(uint64(b[0])<<40 | uint64(b[1])<<32 | uint64(b[2])<<24 | uint64(b[3])<<16 | uint64(to.Port()))
}

// MoveTo makes the packets go another way than the socket, until the next Move.
func (p *Peer) MoveTo(w Way) {
	p.way.Store(&w)
	p.address.Store(0)
}

// Address returns where the packets go, the zero AddrPort for nowhere.
func (p *Peer) Address() netip.AddrPort {
	if a := p.address.Load(); a != 0 {
		return unpack(a)
	}
	return netip.AddrPort{}
}

func unpack(a uint64) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(a >> 40), byte(a >> 32), byte(a >> 24), byte(a >> 16)}), uint16(a))
}
