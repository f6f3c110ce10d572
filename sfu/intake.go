package sfu

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/transport/v4/packetio"
)

// How many streams pion may open for a session, and what may wait in one. It
// opens one for each SSRC that RTP comes with and for each that RTCP speaks of,
// as often as a client likes to invent one; each costs memory until the end.
const (
	mostSources   = 24        // a microphone, a camera in three layers, a screen, their repairs, and changes of them
	mostReporters = 64        // beside two for each media line
	intakeBytes   = 256 << 10 // in a stream; a packet that finds no room is dropped
)

// intake is where pion puts the decrypted packets of one SSRC until they are
// read. It refuses what is above the limits of the session before anything
// reads it.
type intake struct {
	*inbox
	limits *limits
	rtcp   bool
	closed atomic.Bool
}

// Close ends the stream, which makes room for another: a LiveKit client that
// stops a line and uses it again has new sources then.
func (i *intake) Close() error {
	if !i.closed.Swap(true) {
		i.limits.closed(i.rtcp)
	}
	return i.inbox.Close()
}

// buffer makes what pion puts the packets of an SSRC into: settings name it as
// BufferFactory.
func (l *limits) buffer(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
	rtcp := kind == packetio.RTCPBufferPacket
	which := 0
	if rtcp {
		which = 1
	}
	l.mu.Lock()
	l.opened[which]++
	over := l.opened[which] > l.most[which]
	l.mu.Unlock()
	if over {
		l.refuse(forward.OffenceSources)
		return &discard{closed: make(chan struct{})}
	}
	return &intake{inbox: newInbox(intakeBytes), limits: l, rtcp: rtcp}
}

// fit lets pion have as many streams open at once as the lines of a LiveKit
// client need: for so many sources that it publishes beside those of any session,
// and so many lines.
func (l *limits) fit(sources, lines int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = [2]int{mostSources + sources, mostReporters + sources + 2*lines}
}

// closed forgets a stream.
func (l *limits) closed(rtcp bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rtcp {
		l.opened[1]--
	} else {
		l.opened[0]--
	}
}

// Write takes a packet, or drops it.
func (i *intake) Write(packet []byte) (int, error) {
	if !i.admit(packet, time.Now()) {
		return len(packet), nil
	}
	return i.inbox.Write(packet)
}

// leave is Write without waking the reader, and reports whether there is something
// for it.
func (i *intake) leave(packet []byte) bool {
	if !i.admit(packet, time.Now()) {
		return false
	}
	_, err := i.put(packet)
	return err == nil
}

func (i *intake) admit(packet []byte, now time.Time) bool {
	if i.rtcp {
		return i.limits.take(forward.OffenceReports, 1, now)
	}
	if !i.limits.take(forward.OffencePackets, 1, now) {
		return false
	}
	if headerSize(packet) > forward.MaxHeader {
		i.limits.refuse(forward.OffenceHeaders)
		return false
	}
	return true
}

// headerSize returns the bytes of an RTP header with its CSRCs and extensions,
// as it claims them.
func headerSize(b []byte) int {
	if len(b) < 1 {
		return 0
	}
	n := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 && len(b) >= n+4 {
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	return n
}

// discard is the stream of an SSRC too many: it takes nothing and gives nothing.
type discard struct {
	once   sync.Once
	closed chan struct{}
}

func (*discard) Write(packet []byte) (int, error) { return len(packet), nil }

// Read waits for the end of the session.
func (d *discard) Read([]byte) (int, error) {
	<-d.closed
	return 0, io.EOF
}

// Close ends the waiting. It may be called more than once.
func (d *discard) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}
