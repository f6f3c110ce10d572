package sfu

import (
	"io"
	"sync"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v4/packetio"
)

// strays are the reports of a client that name the SSRC of a stream of repairs.
// pion has no reader for those and would drop them, but a browser's
// transport-wide feedback carries the SSRC of whatever packet came last, so one
// part of it, and after a probe just the part that matters, is among them.
type strays struct {
	// feedback takes what was said. It must not block.
	feedback func(*rtcp.TransportLayerCC, time.Time)
	limits   *limits // make the buffers of all else

	mu    sync.Mutex
	ssrcs map[uint32]struct{}
}

func (s *strays) add(ssrc uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ssrcs == nil {
		s.ssrcs = make(map[uint32]struct{})
	}
	s.ssrcs[ssrc] = struct{}{}
}

// buffer is a webrtc.SettingEngine's BufferFactory: that of the limits, but for
// the SSRCs of repairs.
func (s *strays) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	if kind == packetio.RTCPBufferPacket && s.has(ssrc) {
		return &strayReports{strays: s, closed: make(chan struct{})}
	}
	return s.limits.buffer(kind, ssrc)
}

func (s *strays) has(ssrc uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.ssrcs[ssrc]
	return ok
}

// strayReports takes the reports that name one SSRC as pion decrypts them.
type strayReports struct {
	strays *strays
	once   sync.Once
	closed chan struct{}
}

var _ io.ReadWriteCloser = (*strayReports)(nil)

// Write takes a compound packet.
func (r *strayReports) Write(b []byte) (int, error) {
	now := time.Now()
	packets, err := rtcp.Unmarshal(b)
	if err != nil || !r.strays.limits.take(forward.OffenceReports, 1, now) { // pion has read it before
		return len(b), nil
	}
	for _, p := range packets {
		if cc, ok := p.(*rtcp.TransportLayerCC); ok {
			r.strays.feedback(cc, now)
		}
	}
	return len(b), nil
}

// Read waits for the end: nobody reads here.
func (r *strayReports) Read([]byte) (int, error) {
	<-r.closed
	return 0, io.EOF
}

// Close implements io.ReadWriteCloser.
func (r *strayReports) Close() error {
	r.once.Do(func() { close(r.closed) })
	return nil
}
