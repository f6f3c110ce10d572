package sfu

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

// withoutRTX takes streams of repairs out of an offer.
func withoutRTX(offer string) string {
	lines := strings.SplitAfter(offer, "\r\n")
	gone := map[string]bool{}
	for _, l := range lines {
		var pt int
		if _, err := fmt.Sscanf(l, "a=rtpmap:%d rtx/", &pt); err == nil {
			gone[fmt.Sprint(pt)] = true
		}
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		_, value, _ := strings.Cut(strings.TrimRight(l, "\r\n"), ":")
		pt, _, _ := strings.Cut(value, " ")
		return gone[pt] && strings.HasPrefix(l, "a=") || strings.HasPrefix(l, "a=ssrc-group:FID")
	}), "")
}

func registerRED(t *testing.T, media *webrtc.MediaEngine) {
	check(t, media.RegisterCodec(webrtc.RTPCodecParameters{
		PayloadType: 63,
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: "audio/red", ClockRate: 48000, Channels: 2, SDPFmtpLine: "111/111",
		},
	}, webrtc.RTPCodecTypeAudio))
}

// TestRetransmission loses packets of a camera on the way to a viewer who takes
// repairs on a stream of their own, and asks for them again: those of the camera
// now in the slot come there, those of one that was taken away or denied
// meanwhile never do.
func TestRetransmission(t *testing.T) {
	for name, c := range map[string]struct {
		stop func(viewer, filming *Session)
		want bool
	}{
		"still shown": {func(_, _ *Session) {}, true},
		"denied":      {func(v, f *Session) { v.Deny(f.Participant(), true) }, false},
		"inactive":    {func(_, f *Session) { f.Video(SourceCamera).SetActive(false) }, false},
		"retired":     {func(v, _ *Session) { v.Retire() }, false},
		"shown again": {func(v, f *Session) {
			v.SetVideo(nil)
			v.SetVideo([]*Publication{f.Video(SourceCamera)})
		}, false},
	} {
		t.Run(name, func(t *testing.T) { inWorld(t, func(w *world) { testRetransmission(t, w, c.stop, c.want) }) })
	}
}

func testRetransmission(t *testing.T, w *world, stop func(viewer, filming *Session), want bool) {
	eye, a := w.join(shape{video: 1, repairs: true}), w.join(shape{video: 1})
	camera := a.session.Video(SourceCamera)
	camera.SetActive(true)
	eye.session.SetVideo([]*Publication{camera})
	film := &film{p: a}
	film.frames(5)
	viewer, count := eye.address(), 0
	var again atomic.Int64 // packets on a stream of repairs, as the network sees them
	rtx := eye.session.video[0].repairs.ssrc
	w.lose(func(c vnet.Chunk) bool {
		b := c.UserData()
		if len(b) <= 12 || b[0]&0xc0 != 0x80 || b[1]&0x7f < 96 || c.DestinationAddr().String() != viewer {
			return false
		}
		if binary.BigEndian.Uint32(b[8:]) == rtx {
			again.Add(1)
			return false
		}
		count++
		return count%3 == 1 && count < 40
	})
	film.frames(31)
	mid := eye.session.VideoMIDs()[0]
	got := eye.received(mid)
	lost := missing(got)
	if len(lost) < 10 {
		t.Fatalf("%d packets lost, want at least 10", len(lost))
	}
	stop(eye.session, a.session)
	sent := eye.session.Packets(camera.ID())
	eye.clear()
	eye.nack(got[0].SSRC, lost)
	if !want {
		if n := eye.session.Packets(camera.ID()); again.Load() != 0 || n != sent {
			t.Errorf("%d packets on the stream of repairs, %d counted, want 0", again.Load(), n-sent)
		}
		return
	}
	film.frames(10) // pion hands repairs out with the next packet
	var repaired []arrival
	for _, packet := range eye.received(mid) {
		if packet.again {
			repaired = append(repaired, packet)
		}
	}
	if len(repaired) != len(lost) {
		t.Fatalf("%d packets repaired, want %d", len(repaired), len(lost))
	}
	for i, packet := range repaired {
		if ts := got[0].Timestamp + 3000*uint32(lost[i]-got[0].SequenceNumber); packet.SequenceNumber != lost[i] ||
			packet.Timestamp != ts || !packet.Marker || packet.SSRC != got[0].SSRC || packet.PayloadType != got[0].PayloadType {
			t.Errorf("repaired %d at %d, want %d at %d with the marker", packet.SequenceNumber, packet.Timestamp, lost[i], ts)
		}
	}
}

// wire keeps what pion would send, by SSRC, in order.
type wire struct {
	mu      sync.Mutex
	packets map[uint32][]arrival
}

func (w *wire) Write(b []byte) (int, error) { return len(b), nil }

func (w *wire) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.packets == nil {
		w.packets = map[uint32][]arrival{}
	}
	w.packets[h.SSRC] = append(w.packets[h.SSRC], arrival{Header: *h, payload: string(payload)})
	return 12 + len(payload), nil
}

// repairedSlot is a slot that shows a camera and has a stream of repairs.
func repairedSlot(t *testing.T) (p *Publication, s *slot, w *wire, send func(n int)) {
	p, _ = newFanOut(t, forward.VP8, 1)
	s = p.outlets.Load().slots[0]
	w = &wire{}
	s.writer, s.twccID, s.header.SSRC = w, 3, 1000
	s.session.offer.Load().repairs.rtx[forward.VP8] = 97
	s.session.strays = &strays{}
	check(t, s.header.SetExtension(3, s.number[:]))
	check(t, s.openRepairs(2000, &s.number))
	b := testPacket(t, append([]byte{0x90, 0xf0, 0x81, 2, 3, 4, 0x00}, make([]byte, 1000)...))
	var packet forward.Packet
	now, seq := time.Now(), uint16(0)
	return p, s, w, func(n int) {
		for range n {
			seq++
			now = now.Add(20 * time.Millisecond)
			next(b, seq, uint32(seq)*1800)
			check(t, packet.Parse(b))
			p.receive(&packet, now)
		}
	}
}

// TestRepairsAreNewPackets: on a stream of their own each repair has a number of
// its own on the downlink, and the packet's behind the original number.
func TestRepairsAreNewPackets(t *testing.T) {
	_, s, w, send := repairedSlot(t)
	send(20)
	first := w.packets[1000][0]
	for _, out := range []uint16{first.SequenceNumber + 3, first.SequenceNumber + 7, first.SequenceNumber + 3} {
		if !s.resend(out, new(egress.Burst)) {
			t.Fatalf("packet %d cannot be repaired", out)
		}
	}
	if len(w.packets[1000]) != 20 || len(w.packets[2000]) != 3 {
		t.Fatalf("%d packets and %d repairs, want 20 and 3", len(w.packets[1000]), len(w.packets[2000]))
	}
	for i, r := range w.packets[2000] {
		was := w.packets[1000][[]int{3, 7, 3}[i]]
		if r.payload != string(binary.BigEndian.AppendUint16(nil, was.SequenceNumber))+was.payload || r.Timestamp != was.Timestamp || r.PayloadType != 97 {
			t.Errorf("repair %d is not of packet %d", i, was.SequenceNumber)
		}
		if i > 0 && r.SequenceNumber != w.packets[2000][i-1].SequenceNumber+1 {
			t.Errorf("repair %d has number %d", i, r.SequenceNumber)
		}
	}
	if s.session.downlink.seq != 23 {
		t.Errorf("%d packets are numbered on the downlink, want 23", s.session.downlink.seq)
	}
}

// TestProbe sends what was sent before and nothing that may not be seen any
// more.
func TestProbe(t *testing.T) {
	p, s, w, send := repairedSlot(t)
	probe := func(size int) int {
		before := len(w.packets[2000])
		s.probe(size, new(egress.Burst))
		return len(w.packets[2000]) - before
	}
	if n := probe(5000); n != 0 {
		t.Errorf("%d packets before the first", n)
	}
	send(3)
	if n := probe(9000); n != 9 {
		t.Errorf("%d packets, want 9 of three that are kept", n)
	}
	send(40)
	if n := probe(1e6); n != maxProbe {
		t.Errorf("%d packets, want %d at most", n, maxProbe)
	}
	for _, c := range []struct {
		name string
		stop func()
	}{ // one after the other
		{"inactive", func() { p.SetActive(false) }},
		{"active again", func() { p.SetActive(true) }},
		{"emptied", func() { s.assign(nil, nil) }},
	} {
		c.stop()
		if n := probe(5000); n != 0 {
			t.Errorf("%s: %d packets of what was shown before", c.name, n)
		}
	}
}

func TestRepairingDoesNotAllocate(t *testing.T) {
	_, s, w, send := repairedSlot(t)
	send(videoCache)
	newest, _ := s.newest()
	out := &sink{}
	s.writer = out
	if n := testing.AllocsPerRun(200, func() {
		s.resend(newest-5, new(egress.Burst))
		s.probe(5000, new(egress.Burst))
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	if out.packets < 200*6 || len(w.packets[2000]) != 0 {
		t.Errorf("%d packets", out.packets)
	}
}

// TestStraysAreRead gives a session feedback that names the SSRC of repairs, for
// which pion has no reader.
func TestStraysAreRead(t *testing.T) {
	told := 0
	m, err := newMetrics(nil)
	check(t, err)
	s := &strays{limits: newLimits(m, 4), feedback: func(f *rtcp.TransportLayerCC, _ time.Time) { told += int(f.PacketStatusCount) }}
	s.add(2000)
	b := []byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 7, 208, 0, 1, 0, 2, 0, 0, 1, 0, 0x20, 2, 40, 40} // two packets came
	r := s.buffer(packetio.RTCPBufferPacket, 2000)
	for _, text := range [][]byte{b, {1, 2, 3}, b} {
		if n, err := r.Write(text); n != len(text) || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
	}
	if told != 4 {
		t.Errorf("feedback on %d packets, want 4", told)
	}
	check(t, r.Close())
	check(t, r.Close())
	if n, err := r.Read(make([]byte, 10)); n != 0 || err == nil {
		t.Errorf("Read = %d, %v after Close", n, err)
	}
	for _, kind := range []packetio.BufferPacketType{packetio.RTPBufferPacket, packetio.RTCPBufferPacket} {
		if _, plain := s.buffer(kind, 1000).(*intake); !plain {
			t.Error("another stream has not the buffer of the limits")
		}
	}
}
