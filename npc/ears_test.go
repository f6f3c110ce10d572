package npc

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"earshot"

	"pgregory.net/rapid"
)

var earsEpoch = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// A ring gives back what was put in, in order and unharmed, for as long as it
// promises, whatever the sizes.
func TestRingKeepsTheNewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, now := &ring{}, earsEpoch
		type put struct {
			at  time.Time
			seq uint16
			b   []byte
		}
		var all []put
		big := rapid.IntRange(1, maxPacket).Draw(t, "big")
		for i := range rapid.IntRange(1, 2500).Draw(t, "packets") {
			now = now.Add(20 * time.Millisecond)
			b := bytes.Repeat([]byte{byte(i)}, 1+(i*7919)%big)
			r.put(now, uint16(i), uint32(i)*960, b)
			all = append(all, put{now, uint16(i), b})
		}
		got := r.clip(earsEpoch, now)
		if len(got) > maxRing || len(r.bytes) > maxRingBytes || len(got) == 0 {
			t.Fatalf("%d packets in %d bytes", len(got), len(r.bytes))
		}
		want := all[len(all)-len(got):]
		for i, p := range got {
			if p.Seq != want[i].seq || !bytes.Equal(p.Opus, want[i].b) {
				t.Fatalf("packet %d of %d is %d with %d bytes, want %d with %d", i, len(got), p.Seq, len(p.Opus), want[i].seq, len(want[i].b))
			}
		}
		if held := now.Sub(want[0].at); held > maxClip {
			t.Fatalf("holds %v", held)
		}
		if small := big <= 300; small && len(all) >= 1400 && len(got) < 1400 {
			t.Fatalf("holds only %d packets of at most %d bytes", len(got), big)
		}
	})
}

// Eight voices are kept; a ninth takes the place of one that fell silent, or
// is counted.
func TestEarsAreBounded(t *testing.T) {
	e, now := newEars(true), earsEpoch
	for i := range maxEars + 2 {
		e.put(now, earshot.ParticipantID(fmt.Sprint("pa_", i)), 0, 0, []byte{1})
	}
	if len(e.rings) != maxEars || e.dropped() != 2 {
		t.Errorf("%d voices, %d dropped; want %d and 2", len(e.rings), e.dropped(), maxEars)
	}
	now = now.Add(maxClip + time.Second)
	e.put(now, "pa_new", 0, 0, []byte{1})
	if len(e.clip("pa_new", earsEpoch, now)) != 1 {
		t.Errorf("a new voice is not kept though others are silent")
	}
	e.put(now, "pa_new", 0, 0, make([]byte, maxPacket+1))
	e.put(now, "pa_new", 0, 0, nil)
	if n := len(e.clip("pa_new", earsEpoch, now)); n != 1 {
		t.Errorf("%d packets, want the one with a sound length", n)
	}
	e.lose("pa_new")
	if e.clip("pa_new", earsEpoch, now) != nil {
		t.Errorf("a lost voice is kept")
	}
}

func TestListeningDoesNotAllocate(t *testing.T) {
	e, now, opus := newEars(true), earsEpoch, make([]byte, 120)
	put := func() {
		now = now.Add(20 * time.Millisecond)
		e.put(now, "pa_a", 1, 960, opus)
	}
	for range 4000 {
		put()
	}
	if n := testing.AllocsPerRun(1000, put); n != 0 {
		t.Errorf("%v allocations per packet, want 0", n)
	}
}
