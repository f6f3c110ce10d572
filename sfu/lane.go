package sfu

import (
	"encoding/binary"
	"io"
	"net/netip"
	"sync"
	"time"

	"earshot/sfu/egress"

	"github.com/pion/transport/v4/packetio"
)

const (
	// laneTries is how many packets of a stream may fail to open before one does.
	// Then it is left to pion, which had that SSRC before and knows its turn of the
	// sequence number.
	laneTries = 8
	// laneLeast is the least packet that a lane looks at: header and tag.
	laneLeast = 12 + 16
	// laneMost is the longest, in bytes.
	laneMost = 2048
)

// lane is the short way of a session's RTP: from the socket it is opened straight
// into the buffers that pion reads (intake), past three of pion's goroutines and
// their queues. What reads those buffers, interceptors first, sees no difference.
// Everything else goes to pion: RTCP, what comes from another address than ICE has
// selected, and the first packets of a stream, which make its buffer; and now and
// then one more, so that pion sees that the client is there and keeps up with the
// turns of the sequence number. Whichever way a packet comes, it gets into its
// buffer once.
type lane struct {
	every  time.Duration // at which pion is shown a packet
	strays *strays       // makes the buffers

	// mu guards what follows. It is held across intake.Write.
	mu      sync.Mutex
	keys    *egress.Inbound // nil: not decided yet, by pion, or ended
	streams map[uint32]*laned
	shown   time.Time // when pion last got a packet
}

// newLane returns the lane of a session that counts as interrupted when pion has
// seen nothing of it for so long.
func newLane(interrupted time.Duration, s *strays) *lane {
	return &lane{every: interrupted / 4, strays: s, streams: make(map[uint32]*laned)}
}

// open begins to take packets.
func (l *lane) open(keys *egress.Inbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = keys
}

// close wipes the keys: nothing is taken any more.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys != nil {
		l.keys.Close()
		l.keys = nil
	}
}

// take reports whether a datagram from the client was dealt with, and spoils it
// then. scratch has its size.
func (l *lane) take(packet, scratch []byte, now time.Time) bool {
	// RTP has 2 as its version, and where RTCP has its type, none of those: RFC
	// 5761, section 4.
	if len(packet) < laneLeast || packet[0]>>6 != 2 || packet[1] >= 192 && packet[1] <= 223 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[binary.BigEndian.Uint32(packet[8:])]
	if s == nil || l.keys == nil {
		return false
	}
	if l.due(packet, now) {
		// Whoever forges packets must not choose what pion sees.
		source := s.source
		if _, ok := source.Open(l.keys, scratch, packet); ok {
			l.shown = now
			return false
		}
	}
	if s.sure {
		scratch = packet
	}
	plain, ok := s.source.Open(l.keys, scratch, packet)
	switch {
	case ok:
		s.sure = true
		l.strays.limits.metrics.packetsLane.Inc()
		_, _ = s.intake.Write(plain) // full or closed: it is lost, as with pion
	case s.sure: // forged, or a second time
	default:
		if s.failed++; s.failed >= laneTries {
			delete(l.streams, s.ssrc)
		}
	}
	return s.sure
}

// due reports whether to show pion this packet. It takes longer than others, so
// it is the last of a frame, where there is one in time. mu is held.
func (l *lane) due(packet []byte, now time.Time) bool {
	ago := now.Sub(l.shown)
	return ago >= 2*l.every || ago >= l.every && packet[1]&0x80 != 0
}

// buffer makes what pion puts the packets of an SSRC into, and takes those of RTP
// from then on. Settings name it as BufferFactory.
func (l *lane) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	b := l.strays.buffer(kind, ssrc)
	in, ok := b.(*intake)
	if !ok || kind != packetio.RTPBufferPacket {
		return b
	}
	s := &laned{intake: in, lane: l, ssrc: ssrc, source: egress.NewSource(ssrc)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[ssrc] = s
	return s
}

// laned is an intake that pion and a lane write to.
type laned struct {
	*intake
	lane *lane
	ssrc uint32

	// The lane's mu guards these.
	source egress.Source
	sure   bool // a packet was opened
	failed int  // before
}

// Write takes a packet that pion has opened, or drops it.
func (s *laned) Write(packet []byte) (int, error) {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	if s.lane.streams[s.ssrc] == s && len(packet) >= 12 && !s.source.Take(binary.BigEndian.Uint16(packet[2:])) {
		return len(packet), nil
	}
	return s.intake.Write(packet)
}

// Close implements io.ReadWriteCloser.
func (s *laned) Close() error {
	s.lane.mu.Lock()
	if s.lane.streams[s.ssrc] == s {
		delete(s.lane.streams, s.ssrc)
	}
	s.lane.mu.Unlock()
	return s.intake.Close()
}

// lanes are those of all sessions, by the address that ICE has selected. One
// goroutine at a time may take.
type lanes struct {
	scratch [laneMost]byte

	mu sync.RWMutex
	at map[netip.AddrPort]*lane
}

func newLanes() *lanes { return &lanes{at: make(map[netip.AddrPort]*lane)} }

// take reports whether a datagram was dealt with, and spoils it then.
func (ls *lanes) take(packet []byte, from netip.AddrPort) bool {
	ls.mu.RLock()
	l := ls.at[from]
	ls.mu.RUnlock()
	return l != nil && len(packet) <= laneMost && l.take(packet, ls.scratch[:len(packet)], time.Now())
}

// move takes what comes from an address to a lane from now on, and not what comes
// from its former one. The zero AddrPort is none.
func (ls *lanes) move(l *lane, from, to netip.AddrPort) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.at[from] == l {
		delete(ls.at, from)
	}
	if to.IsValid() {
		ls.at[to] = l
	}
}
