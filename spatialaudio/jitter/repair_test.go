package jitter

import (
	"math/rand/v2"
	"testing"
	"time"
)

// withRED packs the frame before along with each (RFC 2198).
func withRED(i int64, seq uint16, ts uint32) Packet {
	const pt = 111
	now, before := tonePacket(i, false), tonePacket(i-1, false)
	b := []byte{0x80 | pt, FrameSamples >> 6, byte(FrameSamples & 0x3f << 2), byte(len(before)), pt}
	b = append(append(b, before...), now...)
	return Packet{SSRC: 7, Sequence: seq, Timestamp: ts, Payload: b, RED: true}
}

func withFEC(i int64, seq uint16, ts uint32) Packet {
	return Packet{SSRC: 7, Sequence: seq, Timestamp: ts, Payload: tonePacket(i, true)}
}

// A loss is repaired by a redundant block before FEC, by FEC before concealment.
func TestOrderOfRepair(t *testing.T) {
	every := func(k int64) func(*rand.Rand, int64) bool {
		return func(_ *rand.Rand, i int64) bool { return i > 100 && i%k == 0 }
	}
	both := func(i int64, seq uint16, ts uint32) Packet {
		p := withRED(i, seq, ts)
		p.Payload[len(p.Payload)-5] = 0x40 // the second byte of the primary
		return p
	}
	for name, c := range map[string]struct {
		packet func(int64, uint16, uint32) Packet
		check  func(s Stats, d *tone) bool
	}{
		"plain":       {nil, func(s Stats, d *tone) bool { return s.Concealed > 80*FrameSamples && s.Redundant+s.Recovered == 0 }},
		"RED":         {withRED, func(s Stats, d *tone) bool { return s.Redundant > 80 && s.Concealed == 0 && d.plc == 0 }},
		"FEC":         {withFEC, func(s Stats, d *tone) bool { return s.Recovered > 80 && s.Concealed == 0 && d.plc == 0 }},
		"RED and FEC": {both, func(s Stats, d *tone) bool { return s.Redundant > 80 && s.Recovered == 0 && d.fec+d.plc == 0 }},
	} {
		n := network{packet: c.packet, lost: every(10), delay: func(*rand.Rand, int64) time.Duration { return 0 }}
		b, d := listening(t)
		// As if the network had had jitter: the packet after a lost one is there in time.
		b.delay.first, b.delay.target = 60*millisecond, 60*millisecond
		var ear clicks
		n.run(b, 1000, func(_ int, pcm []float32, _ bool) { ear.hear(pcm) })
		if s := b.Stats(); !c.check(s, d) {
			t.Errorf("%s: %+v, %d FEC, %d PLC", name, s, d.fec, d.plc)
		}
		if ear.count > 0 {
			t.Errorf("%s: %d clicks", name, ear.count)
		}
	}
}

// Where redundancy repairs a tenth of the packets, it is waited for.
func TestRedundancyIsWaitedFor(t *testing.T) {
	b, _ := listening(t)
	n := network{
		packet: withRED, delay: exponential(5 * time.Millisecond),
		lost: func(r *rand.Rand, i int64) bool { return r.IntN(10) == 0 },
	}
	const ticks = 3000
	n.run(b, ticks, nil)
	s := b.Stats()
	share := float64(s.Concealed) / FrameSamples / ticks
	t.Logf("a tenth lost, with RED: target %v, %d frames from later packets, %.2f %% concealed", b.Target(), s.Redundant, 100*share)
	if share > 0.02 || s.Redundant < 230 || b.Target() < 22*time.Millisecond {
		t.Errorf("target %v, %.2f %% concealed, %+v", b.Target(), 100*share, s)
	}
}

// Concealment lasts 60 ms at full level, is silent 20 ms later, and what comes
// then begins without a click.
func TestConcealmentEnds(t *testing.T) {
	b, d := listening(t)
	n := network{lost: func(_ *rand.Rand, i int64) bool { return i >= 50 && i < 70 }}
	var ear clicks
	var silence, faded int
	n.run(b, 120, func(tick int, pcm []float32, sound bool) {
		ear.hear(pcm)
		peak := float32(0)
		for _, x := range pcm {
			peak = max(peak, x, -x)
		}
		if tick > 20 && !sound {
			silence++
		}
		if tick > 20 && sound && peak < loud*0.99 {
			faded++
		}
	})
	s := b.Stats()
	if s.Concealed != concealFor+fadeFor || d.plc != 4 || s.Paused != 1 {
		t.Errorf("%+v, %d times concealed, want %d samples and 4 times", s, d.plc, concealFor+fadeFor)
	}
	if silence < 15 || silence > 17 || faded > 2 {
		t.Errorf("%d silent and %d fading ticks of 20 lost, want 16 and at most 2", silence, faded)
	}
	if ear.count > 0 {
		t.Errorf("%d clicks, the sharpest %.4f", ear.count, ear.sharpest)
	}
}

// Reordered packets are put in order, doubled ones count once.
func TestOrderAndDuplicates(t *testing.T) {
	b, d := listening(t)
	n := network{
		delay: func(_ *rand.Rand, i int64) time.Duration { return time.Duration(30+i%3*25) * time.Millisecond },
		twice: func(_ *rand.Rand, i int64) bool { return i%2 == 0 },
	}
	n.run(b, 1000, nil)
	s := b.Stats()
	if d.decodes > 1000 || s.Late+s.Duplicate < 400 || s.Concealed > 10*FrameSamples {
		t.Errorf("%+v, %d decodes", s, d.decodes)
	}
	if b.Target() < 50*time.Millisecond {
		t.Errorf("Target() = %v where a third of the packets is 50 ms late", b.Target())
	}
}

// A pause, in which timestamps go on and sequence numbers do not, is silence: it
// is neither concealed nor lost, whether it is announced or not.
func TestPausesAreNotLosses(t *testing.T) {
	for _, announced := range []bool{true, false} {
		talks := func(i int64) bool { return i%100 < 50 }
		b, d := listening(t)
		n := network{sends: func(i int64) bool { return talks(i) || announced && i%100 == 50 || announced && i%20 == 10 }}
		n.packet = func(i int64, seq uint16, ts uint32) Packet {
			p := Packet{SSRC: 7, Sequence: seq, Timestamp: ts, Payload: tonePacket(i, false)}
			if !talks(i) {
				p.Payload = p.Payload[:1]
			}
			return p
		}
		var ear clicks
		sounding := 0
		n.run(b, 2000, func(_ int, pcm []float32, sound bool) {
			ear.hear(pcm)
			if sound {
				sounding++
			}
		})
		s := b.Stats()
		concealed := s.Concealed / FrameSamples
		if announced && concealed > 0 || concealed > 4*20 || s.Late > 0 || s.Restarts > 0 {
			t.Errorf("announced %v: %+v, want nothing late, restarted or lost", announced, s)
		}
		if sounding < 980 || sounding > 1140 || d.decodes > 1040 || s.Paused != 20 {
			t.Errorf("announced %v: %d ticks of 1000 sounded, %d decodes, %d pauses", announced, sounding, d.decodes, s.Paused)
		}
		if ear.count > 0 {
			t.Errorf("announced %v: %d clicks, the sharpest %.4f", announced, ear.count, ear.sharpest)
		}
	}
}

func TestBrokenFrames(t *testing.T) {
	b, d := listening(t)
	n := network{listener: func(_ *Buffer, tick int) { d.refuse = tick%7 == 0 }}
	n.run(b, 500, nil)
	if s := b.Stats(); s.Broken < 60 || s.Concealed < 50*FrameSamples || s.Decoded < 400 {
		t.Errorf("%+v", s)
	}
	b.Push(epoch.Add(time.Minute), Packet{Payload: []byte{3}})
	b.Push(epoch.Add(time.Minute), Packet{Payload: nil})
	b.Push(epoch.Add(time.Minute), Packet{Payload: []byte{0xff, 1}, RED: true})
	b.Push(epoch.Add(time.Minute), Packet{Payload: make([]byte, 1300)})
	if s := b.Stats(); s.Malformed != 4 {
		t.Errorf("Malformed = %d, want 4", s.Malformed)
	}
}
