package jitter

import (
	"testing"
	"time"
)

// A caller that leaves out ticks, because the machine is too slow, does not make
// the talker later and later: after each gap the sound is as late as before.
func TestTicksLeftOut(t *testing.T) {
	b, d := listening(t)
	var n network
	out := make([]float32, FrameSamples)
	var ear clicks
	const frame = 20 * time.Millisecond
	sent, played, left := int64(0), 0, 0
	for tick := 0; tick < 3000; tick++ {
		now := epoch.Add(time.Duration(tick) * frame)
		for at := n.sentAt(sent); !at.After(now); at = n.sentAt(sent) {
			b.Push(at, Packet{Sequence: uint16(sent), Timestamp: uint32(sent) * FrameSamples, Payload: tonePacket(sent, false)})
			sent++
		}
		if tick > 200 && tick%20 < 6 { // three of ten
			left++
			continue
		}
		if sound := b.Tick(now, out); sound {
			played++
		}
		ear.hear(out)
		if late := b.Delay() - b.Target(); tick > 200 && late > frame+fallLen*time.Second/48000 {
			t.Fatalf("tick %d: played %v after the target, %v", tick, late, b.Delay())
		}
	}
	s := b.Stats()
	if s.Skipped < uint64(left)*9/10 || s.Skipped > uint64(left)*11/10 || s.Late > 0 || s.Overflowed > 0 {
		t.Errorf("%d ticks left out: %+v, want as many frames skipped", left, s)
	}
	if played+left < 2980 || d.decodes > played+20 {
		t.Errorf("%d ticks with sound, %d left out, %d decodes", played, left, d.decodes)
	}
	if ear.count > 0 {
		t.Errorf("%d clicks, the sharpest %.4f", ear.count, ear.sharpest)
	}
}
