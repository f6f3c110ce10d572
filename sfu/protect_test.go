package sfu

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtcp"
)

// talk has a publication say frames, each with its text and number.
type talk struct {
	t   *testing.T
	p   *Publication
	seq uint16
	now *time.Time
}

func (k *talk) say(text string, n int) {
	var packet forward.Packet
	for range n {
		k.seq++
		*k.now = k.now.Add(20 * time.Millisecond)
		b := testPacket(k.t, fmt.Appendf(nil, "%s %d", text, k.seq))
		next(b, k.seq, uint32(k.seq)*960)
		check(k.t, packet.Parse(b))
		k.p.receive(&packet, *k.now)
	}
}

// protectedSlot is a slot of a listener who takes redundancy and loses packets.
func protectedSlot(t *testing.T, depth int32) (p *Publication, s *slot, w *wire, now *time.Time) {
	p, _ = newFanOut(t, forward.Opus, 1)
	s = p.outlets.Load().slots[0]
	w = &wire{}
	s.writer, s.header.SSRC = w, 1000
	s.session.offer.Load().repairs.red = 63
	s.session.protection.depth.Store(depth)
	at := time.Now()
	return p, s, w, &at
}

// frames returns what each packet brings, the oldest first.
func frames(t *testing.T, a arrival) (list []string) {
	if a.PayloadType != 63 {
		return []string{a.payload}
	}
	var red forward.RED
	if !red.Parse([]byte(a.payload), 111) {
		t.Fatalf("%q is not redundant audio data", a.payload)
	}
	for _, e := range red.Earlier() {
		list = append(list, string(e.Payload))
	}
	return append(list, string(red.Primary))
}

// TestProtectedVoice: every packet brings those before it, and a listener who
// loses nothing gets plain Opus.
func TestProtectedVoice(t *testing.T) {
	p, s, w, now := protectedSlot(t, 2)
	a := &talk{t: t, p: p, now: now}
	a.say("a", 5)
	for i, packet := range w.packets[1000] {
		want := []string{"a 1", "a 2", "a 3", "a 4", "a 5"}[max(0, i-2) : i+1]
		if got := frames(t, packet); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("packet %d brings %q, want %q", i, got, want)
		}
	}
	s.session.protection.depth.Store(0)
	a.say("a", 1)
	if last := w.packets[1000][5]; last.PayloadType != 111 || last.payload != "a 6" {
		t.Errorf("%q with payload type %d, want plain Opus", last.payload, last.PayloadType)
	}
	s.session.protection.depth.Store(1)
	a.say("a", 1)
	if got := frames(t, w.packets[1000][6]); len(got) != 1 {
		t.Errorf("%q after redundancy began anew, want one frame", got)
	}
}

// TestRedundancyKeepsOrders: what was said before a mute, by one who was denied
// or gave the slot away, does not come as redundancy of what follows.
func TestRedundancyKeepsOrders(t *testing.T) {
	for name, change := range map[string]func(p *Publication, s *slot) *Publication{
		"muted": func(p *Publication, _ *slot) *Publication {
			p.SetMuted(true)
			p.SetMuted(false)
			return p
		},
		"assigned to another": func(p *Publication, s *slot) *Publication {
			other, _ := newFanOut(t, forward.Opus, 0)
			s.assign(other, new(atomic.Uint64))
			return other
		},
		"emptied and given back": func(p *Publication, s *slot) *Publication {
			s.assign(nil, nil)
			s.assign(p, new(atomic.Uint64))
			return p
		},
		"ended with silence": func(p *Publication, s *slot) *Publication {
			s.tail(time.Now().Add(time.Hour), new(egress.Burst))
			return p
		},
	} {
		p, s, w, now := protectedSlot(t, 2)
		k := &talk{t: t, p: p, now: now}
		k.say("secret", 4)
		k.p = change(p, s)
		before := len(w.packets[1000])
		k.say("public", 4)
		after := w.packets[1000][before:]
		if len(after) != 4 {
			t.Fatalf("%s: %d packets after it, want 4", name, len(after))
		}
		for i, packet := range after {
			if strings.Contains(packet.payload, "secret") {
				t.Errorf("%s: packet %d brings %q", name, i, frames(t, packet))
			}
		}
		if len(frames(t, after[3])) != 3 {
			t.Errorf("%s: %q in the fourth packet, want three frames", name, frames(t, after[3]))
		}
	}
}

// TestRescue: after a surge of the downlink a packet brings all that may have
// been lost, of one who may be heard all that time and of nobody else.
func TestRescue(t *testing.T) {
	p, s, w, now := protectedSlot(t, 0)
	k := &talk{t: t, p: p, now: now}
	k.say("before feedback", 3)
	s.session.protection.fed.Store(true)
	k.say("voice", 15)
	s.session.protection.surges.Add(1)
	k.say("voice", 12)
	var counts []int
	for _, packet := range w.packets[1000] {
		counts = append(counts, len(frames(t, packet))-1)
	}
	if want := "[0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 13 0 0 0 13 0 0 0 6 0 0]"; fmt.Sprint(counts) != want {
		t.Errorf("earlier frames in each packet %v, want %s", counts, want)
	}
	p.SetMuted(true)
	p.SetMuted(false)
	s.session.protection.surges.Add(1)
	k.say("public", 3)
	for _, packet := range w.packets[1000][len(counts):] {
		if strings.Contains(packet.payload, "voice") {
			t.Errorf("%q after a mute", frames(t, packet))
		}
	}
}

// TestDeniedIsForgotten: with Deny done, nothing of the denied is in the memory
// of a slot.
func TestDeniedIsForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, a, b := w.join(shape{voice: 1, repairs: true}), w.join(shape{}), w.join(shape{})
		ear.session.protection.depth.Store(2)
		ear.hear(a)
		a.say("secret", 5, -30)
		got := ear.received(ear.session.VoiceMIDs()[0])
		if last := got[len(got)-1]; last.PayloadType != 63 || len(frames(t, last)) != 3 {
			t.Fatalf("%q with payload type %d, want three frames", last.payload, last.PayloadType)
		}
		ear.session.Deny(a.id, true)
		ear.clear()
		ear.hear(a, b)
		a.say("secret", 3, -30)
		b.say("public", 5, -30)
		got = ear.received(ear.session.VoiceMIDs()[0])
		for _, packet := range got {
			if strings.Contains(packet.payload, "secret") {
				t.Errorf("%q after Deny", packet.payload)
			}
		}
		if len(got) < 5 {
			t.Errorf("%d packets of the other, want 5", len(got))
		}
	})
}

// TestLossAsksForRedundancy has a listener report loss: voice is protected from
// then on, where they take it; loss on the way of the talker asks for nothing.
func TestLossAsksForRedundancy(t *testing.T) {
	inWorld(t, func(w *world) {
		ear, plain, a := w.join(shape{voice: 1, repairs: true}), w.join(shape{voice: 1}), w.join(shape{})
		for _, p := range []*person{ear, plain} {
			p.hear(a)
		}
		report := func(p *person, share float64) {
			got := p.received(p.session.VoiceMIDs()[0])
			first, last := got[0].SequenceNumber, got[len(got)-1]
			check(t, p.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{
				SSRC: last.SSRC, LastSequenceNumber: 1<<16 | uint32(last.SequenceNumber),
				TotalLost: uint32(share * float64(last.SequenceNumber-first)), Jitter: 480,
			}}}}))
			time.Sleep(50 * time.Millisecond)
		}
		for range 4 {
			a.micSeq += 20 // lost on the way here
			a.say("voice", 100, -30)
			report(ear, 0.16)
			report(plain, 0.16)
		}
		if d := ear.session.protection.depth.Load(); d != 0 {
			t.Errorf("depth %d for loss on the talker's way, want 0", d)
		}
		for range 3 {
			a.say("voice", 100, -30)
			report(ear, 0.3)
			report(plain, 0.3)
		}
		for _, p := range []*person{ear, plain} {
			p.clear()
		}
		a.say("voice", 20, -30)
		for p, want := range map[*person]int{ear: 20, plain: 0} {
			got, red := p.received(p.session.VoiceMIDs()[0]), 0
			for _, packet := range got {
				if packet.PayloadType == 63 {
					red++
				}
			}
			if len(got) != 20 || red != want {
				t.Errorf("%d packets, %d with redundancy, want 20, %d", len(got), red, want)
			}
		}
		state := ear.session.Voice(nil)[0].Reception
		if state.Loss < 0.2 || state.Jitter != 10*time.Millisecond || state.At.IsZero() {
			t.Errorf("reception %+v, want a loss above 0.2 and 10ms of jitter", state)
		}
	})
}

// redPacket is a packet of a publisher who sends earlier frames along.
func redPacket(t *testing.T, seq uint16, depth int) []byte {
	var payload []byte
	text := func(seq uint16) string { return fmt.Sprintf("frame %d", seq) }
	for back := uint16(depth); back > 0; back-- {
		offset, size := uint32(back)*960, len(text(seq-back))
		payload = append(payload, 0x80|111, byte(offset>>6), byte(offset<<2)|byte(size>>8), byte(size))
	}
	payload = append(payload, 111)
	for back := uint16(depth); back > 0; back-- {
		payload = append(payload, text(seq-back)...)
	}
	b := testPacket(t, append(payload, text(seq)...))
	b[1] = b[1]&0x80 | 63
	next(b, seq, uint32(seq)*960)
	return b
}

// TestUplinkLossIsFilled loses packets of a publisher who sends earlier frames
// along: listeners get all of them, in order, once, as plain Opus.
func TestUplinkLossIsFilled(t *testing.T) {
	p, _ := newFanOut(t, forward.Opus, 1)
	p.voice.red, p.codecs[63] = 63, forward.Opus
	s := p.outlets.Load().slots[0]
	w := &wire{}
	s.writer, s.header.SSRC = w, 1000
	now := time.Now()
	var packet forward.Packet
	receive := func(b []byte) {
		now = now.Add(20 * time.Millisecond)
		check(t, packet.Parse(b))
		p.receive(&packet, now)
	}
	const base = uint16(30)
	for i := range uint16(40) {
		seq := base + i
		switch i {
		case 3, 8, 9, 21:
			continue // lost
		case 19:
			continue // comes after the next
		}
		if i >= 30 { // the publisher goes back to plain Opus
			b := testPacket(t, fmt.Appendf(nil, "frame %d", seq))
			next(b, seq, uint32(seq)*960)
			receive(b)
			continue
		}
		receive(redPacket(t, seq, 2))
		if i == 20 {
			receive(redPacket(t, seq-1, 2))
		}
	}
	got := w.packets[1000]
	if len(got) != 40 {
		t.Errorf("%d packets, want 40", len(got))
	}
	for i, a := range got {
		if want := fmt.Sprintf("frame %d", base+uint16(i)); a.payload != want || a.PayloadType != 111 ||
			i > 0 && a.SequenceNumber != got[i-1].SequenceNumber+1 {
			t.Errorf("packet %d is %q with number %d, want %q", i, a.payload, a.SequenceNumber, want)
		}
	}
	p.SetMuted(true)
	receive(redPacket(t, 100, 2))
	if len(w.packets[1000]) != len(got) {
		t.Error("something is sent of one who is muted")
	}
	p.SetMuted(false)
	receive(redPacket(t, 102, 2)) // 100 and 101 were said while they were muted
	receive(redPacket(t, 103, 2))
	receive(redPacket(t, 105, 1)) // 104 was not
	want := []string{"frame 102", "frame 103", "frame 104", "frame 105"}
	for i, a := range w.packets[1000][len(got):] {
		if i >= len(want) || a.payload != want[i] {
			t.Errorf("%q as packet %d after a mute, want %q", a.payload, i, want)
		}
	}
}

// TestProtectingDoesNotAllocate has a publisher who sends earlier frames and
// listeners who get them.
func TestProtectingDoesNotAllocate(t *testing.T) {
	p, out := newFanOut(t, forward.Opus, 20)
	p.voice.red, p.codecs[63] = 63, forward.Opus
	for _, s := range p.outlets.Load().slots {
		s.session.offer.Load().repairs.red = 63
		s.session.protection.depth.Store(2)
	}
	b := redPacket(t, 1, 2)
	var packet forward.Packet
	now, seq := time.Now(), uint16(0)
	send := func() {
		seq++
		if seq%10 == 0 {
			seq++ // one is lost
		}
		now = now.Add(20 * time.Millisecond)
		next(b, seq, uint32(seq)*960)
		check(t, packet.Parse(b))
		p.receive(&packet, now)
	}
	send()
	if n := testing.AllocsPerRun(500, send); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
	if out.packets < 20*540 {
		t.Errorf("%d packets written", out.packets)
	}
}
