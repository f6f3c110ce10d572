package sfu

import (
	"encoding/binary"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu/egress"

	"github.com/pion/transport/v4/packetio"
)

const (
	// laneTries is how many packets of a stream may fail to open before one does.
	// Then it is left to pion, which had that SSRC before and knows its turn of the
	// sequence number.
	laneTries = 8
	// laneLeast is the least packet that a lane looks at: an RTP header and a tag, or
	// an SRTCP packet without a report.
	laneLeast = egress.ReportLeast
	// laneMost is the longest, in bytes.
	laneMost = 2048
)

// lane is the short way of a session's RTP, and of what a listener reports
// (takeReports): from the socket it is opened straight
// into the buffers that pion reads (intake), past three of pion's goroutines and
// their queues. What reads those buffers, interceptors first, sees no difference.
// Everything else goes to pion: other RTCP, what comes from another address than ICE has
// selected, and the first packets of a stream, which make its buffer; and now and
// then one more, so that pion sees that the client is there and keeps up with the
// turns of the sequence number. Whichever way a packet comes, it gets into its
// buffer once.
type lane struct {
	every  time.Duration // at which pion is shown a packet
	strays *strays       // makes the buffers
	// hear takes what a listener reports; set before anything comes.
	hear func(compound []byte, now time.Time)

	// mu guards what follows. It is held across intake.Write.
	mu      sync.Mutex
	keys    *egress.Inbound // nil: not decided yet, by pion, or ended
	streams map[uint32]*laned
	reports egress.Reports
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
// then. scratch has its size. read, unless it is nil, is a stream that has a
// packet of which its reader was not told, as quiet asks for.
func (l *lane) take(packet, scratch []byte, now time.Time, quiet bool) (read *laned, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[binary.BigEndian.Uint32(packet[8:])]
	if s == nil || l.keys == nil {
		return nil, false
	}
	if l.due(packet, now) {
		// Whoever forges packets must not choose what pion sees.
		source := s.source
		if _, ok := source.Open(l.keys, scratch, packet); ok {
			l.shown = now
			return nil, false
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
		switch { // full or closed: it is lost, as with pion
		case !quiet:
			_, _ = s.intake.Write(plain)
		case s.leave(plain):
			read = s
		}
	case s.sure: // forged, or a second time
	default:
		if s.failed++; s.failed >= laneTries {
			delete(l.streams, s.ssrc)
		}
	}
	return read, s.sure
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

// stream returns what has the packets of an SSRC, nil where that is pion's alone.
func (l *lane) stream(ssrc uint32) *laned {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams[ssrc]
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

	// reading is held while packets are read.
	reading sync.Mutex
	step    func() bool // reads one, false at the end; nil before serve and after it
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

// serve reads the stream by step, a packet each time, until that returns false.
// Whoever brings a packet may do it as well: see through.
func (s *laned) serve(step func() bool) {
	s.reading.Lock()
	s.step = step
	s.reading.Unlock()
	for s.wait(); s.read(); s.wait() {
	}
}

// read reads what there is, and reports whether there may be more to come.
func (s *laned) read() bool {
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.drain()
}

// through reads what there is, unless somebody is at it.
func (s *laned) through() {
	if !s.reading.TryLock() {
		s.call()
		return
	}
	defer s.reading.Unlock()
	if s.step == nil {
		s.call()
		return
	}
	s.drain()
}

// drain is read with reading held.
func (s *laned) drain() bool {
	for s.step != nil && s.ready() {
		if !s.step() {
			s.step = nil
		}
	}
	return s.step != nil
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
	// through has whoever takes a packet forward it as well: see pump.
	through atomic.Bool

	mu sync.RWMutex
	at map[netip.AddrPort]*lane
}

func newLanes() *lanes { return &lanes{at: make(map[netip.AddrPort]*lane)} }

// take reports whether a datagram was dealt with, and spoils it then.
func (ls *lanes) take(packet []byte, from netip.AddrPort) bool {
	if len(packet) < laneLeast || len(packet) > laneMost || packet[0]>>6 != 2 { // 2 is the version of both
		return false
	}
	ls.mu.RLock()
	l := ls.at[from]
	ls.mu.RUnlock()
	if l == nil {
		return false
	}
	now, scratch := time.Now(), ls.scratch[:len(packet)]
	if !isReport(packet) {
		read, done := l.take(packet, scratch, now, ls.through.Load())
		if read != nil {
			read.through()
		}
		return done
	}
	compound, done := l.takeReports(packet, scratch, now)
	if compound != nil {
		l.hear(compound, now)
	}
	return done
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
