package jitter

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Over a day, clocks that differ by more than any two quartzes do cost no sound:
// nothing is concealed, the delay stays where it was.
func TestDayOfDrift(t *testing.T) {
	day := 24 * time.Hour
	if testing.Short() || race {
		day = 20 * time.Minute
	}
	for _, ppm := range []float64{-200, 200} {
		b, _ := listening(t)
		n := network{ppm: ppm}
		payload, out := tonePacket(0, false), make([]float32, FrameSamples)
		var most, least = time.Duration(0), time.Hour
		sent := int64(0)
		for tick := range int(day / (20 * time.Millisecond)) {
			now := epoch.Add(time.Duration(tick) * 20 * time.Millisecond)
			for at := n.sentAt(sent); !at.After(now); at = n.sentAt(sent) {
				b.Push(at, Packet{Sequence: uint16(sent), Timestamp: uint32(sent) * FrameSamples, Payload: payload})
				sent++
			}
			b.Tick(now, out)
			if tick > 500 {
				most, least = max(most, b.Delay()), min(least, b.Delay())
			}
		}
		s := b.Stats()
		off := day.Seconds() * ppm / 1e6 // by so much the clocks are apart
		moved := (float64(s.Removed) - float64(s.Inserted)) / 48000
		t.Logf("%+v ppm over %v: clocks %.2f s apart, corrected %.2f s, delay from %v to %v", ppm, day, off, moved, least, most)
		if s.Concealed > 0 || s.Late > 0 || s.Restarts > 0 || s.Paused > 0 {
			t.Errorf("%v ppm: %+v, want nothing concealed, late or begun anew", ppm, s)
		}
		if math.Abs(moved-off) > 0.05 || most > 60*time.Millisecond || least < 15*time.Millisecond {
			t.Errorf("%v ppm: %.2f s corrected of %.2f, delay from %v to %v", ppm, moved, off, least, most)
		}
	}
}

// A talker nobody hears is not decoded; who begins to listen hears what others
// hear, from the next tick on.
func TestUnheard(t *testing.T) {
	b, d := New(epoch), new(tone)
	twin, _ := listening(t)
	delay := exponential(3 * time.Millisecond)
	n, m := network{delay: delay}, network{delay: delay}
	var other [][FrameSamples]float32
	m.run(twin, 400, func(_ int, pcm []float32, _ bool) { other = append(other, [FrameSamples]float32(pcm)) })
	n.listener = func(b *Buffer, tick int) {
		switch tick {
		case 200, 300:
			if d.decodes > 0 && tick == 200 {
				t.Errorf("%d decodes before anybody listened", d.decodes)
			}
			b.Attach(d)
		case 250:
			if b.Detach() != Decoder(d) {
				t.Error("Detach() returns another decoder")
			}
			d.decodes = 0
		}
	}
	var ear clicks
	n.run(b, 400, func(tick int, pcm []float32, sound bool) {
		ear.hear(pcm)
		attached := tick >= 200 && tick < 250 || tick >= 300
		if sound != attached {
			t.Fatalf("tick %d: sound %v, want %v", tick, sound, attached)
		}
		if tick == 299 && d.decodes > 0 {
			t.Errorf("%d decodes while nobody listened", d.decodes)
		}
		if tick > 310 && lagOf(other[tick][:], pcm) > 1 {
			t.Fatalf("tick %d: not what another listener hears", tick)
		}
	})
	if ear.count > 2 { // where the decoder is taken away in the middle of a sound, the caller fades
		t.Errorf("%d clicks, the sharpest %.4f", ear.count, ear.sharpest)
	}
	if d.decodes > 110 {
		t.Errorf("%d decodes for 100 ticks", d.decodes)
	}
}

// lagOf compares two frames up to a whole number of periods, which is what the
// playhead is moved by.
func lagOf(a, b []float32) int {
	var diff float64
	for i := range a {
		diff = max(diff, math.Abs(float64(a[i]-b[i])))
	}
	if diff < 1e-3 {
		return 0
	}
	return math.MaxInt
}

// After Flush nothing that was said before is played, from whatever part of a
// packet, though it is the first that comes afterwards.
func TestFlushLeavesNothing(t *testing.T) {
	secret := func(p []byte) bool { return bytes.Contains(p, []byte("secret")) }
	d := &listenerOf{secret: secret}
	b := New(epoch)
	b.Attach(d)
	now := epoch
	out := make([]float32, FrameSamples)
	push := func(i int, payload string, red string) {
		p := Packet{SSRC: 1, Sequence: uint16(i), Timestamp: uint32(i) * FrameSamples, Payload: append([]byte{9 << 3, 0x40}, payload...)}
		if red != "" {
			before := append([]byte{9 << 3, 0}, red...)
			b := []byte{0x80 | 111, FrameSamples >> 6, byte(FrameSamples & 0x3f << 2), byte(len(before)), 111}
			p.Payload, p.RED = append(append(b, before...), p.Payload...), true
		}
		b.Push(now, p)
	}
	for i := range 50 {
		now = now.Add(20 * time.Millisecond)
		push(i, "secret", "secret")
		b.Tick(now, out)
	}
	push(50, "secret", "")
	push(51, "secret", "")
	if d.heard == 0 {
		t.Fatal("nothing was heard before the order")
	}
	last := out[FrameSamples-1]
	b.Flush()
	b.Flush() // once more changes nothing
	d.heard, d.flushed = 0, true
	for i := 60; i < 100; i++ {
		now = now.Add(20 * time.Millisecond)
		red := ""
		if i == 60 {
			red = "secret" // said before the order was lifted
		} else {
			push(i-30, "secret", "") // late
		}
		push(i, "open", red)
		b.Tick(now, out)
		if i == 60 {
			for k, x := range out[:fadeLen] {
				if want := last * (1 - float32(k+1)/fadeLen); math.Abs(float64(x-want)) > 1e-6 {
					t.Fatalf("sample %d after Flush is %v, want %v", k, x, want)
				}
			}
			for _, x := range out[fadeLen:] {
				if x != 0 {
					t.Fatal("sound after Flush and its ramp")
				}
			}
		}
	}
	if d.heard > 0 || d.fec > 0 || d.opened < 30 {
		t.Errorf("%d frames of before and %d recovered, %d of after, want 0, 0 and most", d.heard, d.fec, d.opened)
	}
}

// listenerOf decodes to a constant and counts what it is given.
type listenerOf struct {
	tone
	secret  func([]byte) bool
	flushed bool
	heard   int
	opened  int
}

func (d *listenerOf) Decode(packet []byte, pcm []float32) (int, error) {
	if d.secret(packet) {
		d.heard++
	} else {
		d.opened++
	}
	for i := range FrameSamples {
		pcm[i] = 0.5
	}
	return FrameSamples, nil
}

func (d *listenerOf) Recover([]byte, []float32) (int, error) {
	if d.flushed {
		d.fec++
	}
	return 0, errRefused
}

// Another SSRC, numbers that jump, a break of a minute: the stream begins anew
// without a click, and strays of the former one do not disturb it.
func TestStreamsBeginAnew(t *testing.T) {
	for name, packet := range map[string]func(i int64, seq uint16, ts uint32) Packet{
		"SSRC": func(i int64, seq uint16, ts uint32) Packet {
			p := Packet{SSRC: 1, Sequence: seq, Timestamp: ts, Payload: tonePacket(i, false)}
			if i > 100 && i != 103 { // which comes late from the former stream
				p.SSRC, p.Sequence, p.Timestamp = 2, seq+30000, ts+1<<31
			}
			return p
		},
		"numbers": func(i int64, seq uint16, ts uint32) Packet {
			if i > 100 {
				seq, ts = seq*3+7, ts+9e8
			}
			if i > 100 {
				seq = uint16(i) + 7
			}
			return Packet{SSRC: 1, Sequence: seq, Timestamp: ts, Payload: tonePacket(i, false)}
		},
		"timestamps that stood still": func(i int64, seq uint16, ts uint32) Packet {
			if i > 300 {
				ts -= 190 * FrameSamples
			}
			return Packet{SSRC: 1, Sequence: uint16(i), Timestamp: ts, Payload: tonePacket(i, false)}
		},
	} {
		b, _ := listening(t)
		n := network{packet: packet, sends: func(i int64) bool { return name[0] != 't' || i < 100 || i > 300 }}
		var ear clicks
		sounding := 0
		n.run(b, 600, func(tick int, pcm []float32, sound bool) {
			ear.hear(pcm)
			if sound && tick >= 400 {
				sounding++
			}
		})
		if s := b.Stats(); s.Restarts != 1 || sounding < 200 || s.Concealed > 5*FrameSamples {
			t.Errorf("%s: %+v, %d of the last 200 ticks sounded", name, s, sounding)
		}
		if ear.count > 0 {
			t.Errorf("%s: %d clicks, the sharpest %.4f", name, ear.count, ear.sharpest)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	b, _ := listening(t)
	n := network{delay: exponential(20 * time.Millisecond), rand: rand.New(rand.NewPCG(1, 1))}
	n.run(b, 500, nil)
	out, now, i := make([]float32, FrameSamples), epoch.Add(10*time.Second), int64(10000)
	payload := tonePacket(0, false)
	got := testing.AllocsPerRun(1000, func() {
		i++
		now = now.Add(20 * time.Millisecond)
		if i%7 != 0 {
			b.Push(now, Packet{SSRC: 7, Sequence: uint16(i), Timestamp: uint32(i) * FrameSamples, Payload: payload})
		}
		b.Tick(now, out)
	})
	if got > 0 {
		t.Errorf("%v allocations a tick, want 0", got)
	}
}
