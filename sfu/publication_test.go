package sfu

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtp"
)

// sink takes packets as pion's sender does and counts them.
type sink struct{ packets int }

func (s *sink) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	s.packets++
	return h.MarshalSize() + len(payload), nil
}

func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// newFanOut returns a publication and so many listeners that hear it, without
// a network: what lies between a packet read and a packet written.
func newFanOut(t testing.TB, codec forward.Codec, listeners int) (*Publication, *sink) {
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	node := &SFU{cfg: DefaultConfig(), metrics: m, log: slog.New(slog.DiscardHandler)}
	l := line{kind: "audio", mid: "0", role: roleMicrophone, extensions: [extensions]uint8{extLevel: 1}}
	if codec != forward.Opus {
		l.kind, l.role = "video", roleCamera
	}
	l.pts[codec] = 111
	p := newPublication(&Session{sfu: node, participant: "pa_talker", log: node.log}, &l)
	p.SetActive(true)
	return p, listenTo(p, listeners)
}

// listenTo shows a publication in a slot of so many listeners.
func listenTo(p *Publication, listeners int) *sink {
	out := &sink{}
	node := &SFU{cfg: DefaultConfig(), metrics: p.metrics}
	lines := &offer{pts: [forward.Codecs]uint8{forward.Opus: 111, forward.VP8: 111, forward.VP9: 111, forward.AV1: 111}}
	for range listeners {
		session := listening(node, lines)
		s := newSlot(session, "1", p.kind, 0)
		session.lineup.Store(lineupOf(s))
		s.writer = out
		s.assign(p, new(atomic.Uint64))
	}
	return out
}

// lineupOf is that of a session with one slot.
func lineupOf(s *slot) *lineup {
	if s.kind == forward.Audio {
		return &lineup{voice: []*slot{s}}
	}
	return &lineup{video: []*slot{s}}
}

func testPacket(t testing.TB, payload []byte) []byte {
	packet := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 111, SSRC: 7}, Payload: payload}
	if err := packet.SetExtension(1, []byte{0x80 | 30}); err != nil {
		t.Fatal(err)
	}
	b, err := packet.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// next makes b the following packet of the same source.
func next(b []byte, seq uint16, ts uint32) {
	b[2], b[3] = byte(seq>>8), byte(seq)
	b[4], b[5], b[6], b[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
}

func TestForwardingDoesNotAllocate(t *testing.T) {
	for name, c := range map[string]struct {
		codec   forward.Codec
		payload []byte
		levels  bool
	}{
		"voice":                {forward.Opus, make([]byte, 80), true},
		"voice without levels": {forward.Opus, make([]byte, 80), false}, // WHIP
		"video":                {forward.VP8, append([]byte{0x10, 0x10}, make([]byte, 1000)...), true},
	} {
		p, out := newFanOut(t, c.codec, 20)
		if !c.levels {
			p.levelID = 0
			p.assume(Publisher)
		}
		b := testPacket(t, c.payload)
		var packet forward.Packet
		now, seq := time.Now(), uint16(0)
		send := func() {
			seq++
			now = now.Add(20 * time.Millisecond)
			next(b, seq, uint32(seq)*960)
			if packet.Parse(b) != nil {
				t.Fatal("malformed")
			}
			p.receive(&packet, now)
		}
		for range videoCache {
			send()
		}
		if n := testing.AllocsPerRun(500, send); n != 0 {
			t.Errorf("%s: %v allocations a packet, want 0", name, n)
		}
		if want := 20 * (videoCache + 501); out.packets != want {
			t.Errorf("%s: %d packets written, want %d", name, out.packets, want)
		}
	}
}

// BenchmarkFanOut is one packet of voice to 50 listeners, without SRTP and the
// network.
func BenchmarkFanOut(b *testing.B) {
	p, out := newFanOut(b, forward.Opus, 50)
	raw := testPacket(b, make([]byte, 80))
	var packet forward.Packet
	now, seq := time.Now(), uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		seq++
		now = now.Add(20 * time.Millisecond)
		next(raw, seq, uint32(seq)*960)
		if packet.Parse(raw) != nil {
			b.Fatal("malformed")
		}
		p.receive(&packet, now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(out.packets), "ns/packet")
}

// listening returns a session that takes what an offer says, for its slots.
func listening(node *SFU, o *offer) *Session {
	s := &Session{sfu: node, participant: "pa_listener"}
	s.offer.Store(o)
	return s
}
