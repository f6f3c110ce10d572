package truth

import (
	"testing"
	"time"

	"earshot"
	"earshot/spatialaudio"
)

// Three talk beside a listener whose one slot has a mix of them.
func TestMixed(t *testing.T) {
	for _, c := range []struct {
		name      string
		packets   bool // of the mix come
		said      bool // the server says who is in it
		ban       bool
		audible   float64
		forbidden bool
	}{
		{name: "a mix of all three", packets: true, said: true, audible: 1},
		{name: "a mix of nobody knows whom", packets: true},
		{name: "a mix that does not come", said: true},
		{name: "a mix with one who is blocked", packets: true, said: true, ban: true, audible: 1, forbidden: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, l := New(Config{Curve: spatialaudio.DefaultCurve()}), NewLedger(0, 3)
			people := []Person{{ID: 0, Level: -127}}
			for id := uint32(1); id <= 3; id++ {
				people = append(people, Person{ID: id, Level: -26, Speaking: true, Head: earshot.Transform{
					Position: earshot.Vec3{X: float32(id)}, Rotation: earshot.Identity,
				}})
			}
			people[0].Head.Rotation = earshot.Identity
			if c.ban {
				l.Ban(3, start)
			}
			l.Mix(0, true)
			for n := range 500 {
				now := start.Add(time.Duration(n+1) * frame)
				if c.packets {
					l.Heard(&Packet{At: now, Seq: uint16(n), Timestamp: uint32(n) * 960})
				}
				if c.said && n%50 == 0 {
					l.Hears(0, now, now.Add(1500*time.Millisecond), []uint32{1, 2, 3})
				}
				if n == 200 { // what it took to begin
					l.Reset()
				}
				if n%5 == 0 {
					w.Step(now, people)
					l.Judge(w)
				}
			}
			f := l.Figures()
			share, ok := f.AudibleShare()
			if !ok || share < c.audible-0.01 || share > c.audible+0.01 {
				t.Errorf("heard %v of what is due (%v), want %v", share, ok, c.audible)
			}
			if (f.Forbidden > 0) != c.forbidden {
				t.Errorf("%d forbidden, want some: %v", f.Forbidden, c.forbidden)
			}
			if c.packets {
				missing, known := f.missing()
				if hold := f.Hold.Quantile(0.95); !known || missing > 0.01 || hold != leastHold {
					t.Errorf("%v missing (%v), hold %v ms, want none and %v", missing, known, hold, leastHold)
				}
			}
		})
	}
}

// A mix of which every other packet is not made lacks half.
func TestMissingPackets(t *testing.T) {
	l := NewLedger(0, 3)
	l.Mix(2, true)
	for n := range 200 {
		l.Heard(&Packet{Slot: 2, At: start.Add(time.Duration(2*n) * frame), Seq: uint16(n), Timestamp: uint32(2*n) * 960})
	}
	if missing, ok := l.Figures().missing(); !ok || missing < 0.49 || missing > 0.51 {
		t.Errorf("missing %v (%v), want a half", missing, ok)
	}
}
