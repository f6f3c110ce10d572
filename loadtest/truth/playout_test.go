package truth

import "testing"

// One who talks on without a pause is not heard as late for ever as when the
// network was at its worst; and what comes late after that is concealed.
func TestPlayoutHurries(t *testing.T) {
	var q playout
	var e estimate
	f := new(Figures)
	delay := func(i int) float64 {
		if i < 100 {
			return 200
		}
		return 5
	}
	var first, last float64
	for i := range 1000 {
		p := Packet{Tick: uint32(i), Into: uint16(1 + i)}
		r := q.frame(&p, delay(i), true, &e, f)
		switch i {
		case 100:
			first = r.delay
		case 999:
			last = r.delay
		}
	}
	if first < 100 || last > 5+leastHold+1 {
		t.Errorf("played %.0f ms late after the worst, %.0f ms in the end", first, last)
	}
	concealed := f.Concealed
	p := Packet{Tick: 1000, Into: 1001}
	if q.frame(&p, 150, true, &e, f); f.Concealed != concealed+1 {
		t.Errorf("a frame that took 150 ms is played")
	}
}
