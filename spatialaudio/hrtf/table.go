package hrtf

import (
	"math"

	"earshot"
)

// The limits of a table. With them a filter and its delays fit into the
// history that spatialaudio/binaural keeps of a source.
const (
	MinTaps = 8
	MaxTaps = 96
	// MaxDelay is the longest delay between the ears, in samples: 1 ms.
	MaxDelay = 48
	// Rate is the sampling rate of all tables, in Hz.
	Rate     = 48000
	maxRings = 181
	maxRing  = 720 // directions of one ring
)

// Measured is what a table holds of one direction: the taps of the left and
// the right ear and by how many samples the right ear hears later (negative:
// earlier).
type Measured struct {
	Taps  [2][]float32
	Delay float32
}

// Ring is the directions of one elevation, evenly spaced from azimuth 0 on,
// counter-clockwise.
type Ring struct {
	Elevation  float64 // radians
	Directions []Measured
}

// Table is a set of directions.
type Table struct {
	taps  int
	rings []Ring // by elevation
	// below and above are what is interpolated towards beyond the outermost
	// rings: means of those, at the poles.
	below, above Ring
	given        int // directions in rings
}

// New makes a table of rings, which must be sorted by elevation. Poles without
// a measurement become the mean of the nearest ring. Errors are *earshot.Error.
func New(taps int, rings []Ring) (*Table, error) {
	if taps < MinTaps || taps > MaxTaps {
		return nil, invalid("%d taps, want %d to %d", taps, MinTaps, MaxTaps)
	}
	if len(rings) == 0 || len(rings) > maxRings {
		return nil, invalid("%d rings, want 1 to %d", len(rings), maxRings)
	}
	t := &Table{taps: taps}
	below := math.Inf(-1)
	for i := range rings {
		r := &rings[i]
		if !(r.Elevation > below && math.Abs(r.Elevation) <= math.Pi/2+1e-9) {
			return nil, invalid("ring %d is at %.2f degrees: sort rings by elevation, from -90 to 90", i, degrees(r.Elevation))
		}
		below = r.Elevation
		if err := r.validate(taps); err != nil {
			return nil, err
		}
		t.given += len(r.Directions)
	}
	t.rings = rings
	t.below = rings[0].pole(-math.Pi/2, taps)
	t.above = rings[len(rings)-1].pole(math.Pi/2, taps)
	return t, nil
}

// Taps returns the length of every filter.
func (t *Table) Taps() int { return t.taps }

// Len returns how many directions were measured.
func (t *Table) Len() int { return t.given }

// Each calls f for every direction that was measured, ring by ring from below.
func (t *Table) Each(f func(azimuth, elevation float64, m *Measured)) {
	for i := range t.rings {
		r := &t.rings[i]
		for j := range r.Directions {
			f(2*math.Pi*float64(j)/float64(len(r.Directions)), r.Elevation, &r.Directions[j])
		}
	}
}

// Symmetric reports whether each direction is exactly its mirror image on the
// other side with the ears exchanged, so that half of them suffice.
func (t *Table) Symmetric() bool {
	for i := range t.rings {
		all := t.rings[i].Directions
		for j := range all {
			a, b := &all[j], &all[(len(all)-j)%len(all)]
			if a.Delay != -b.Delay {
				return false
			}
			for k := range a.Taps[0] {
				if a.Taps[0][k] != b.Taps[1][k] {
					return false
				}
			}
		}
	}
	return true
}

func (r *Ring) validate(taps int) error {
	if n := len(r.Directions); n == 0 || n > maxRing {
		return invalid("the ring at %.2f degrees has %d directions, want 1 to %d", degrees(r.Elevation), n, maxRing)
	}
	for i := range r.Directions {
		m := &r.Directions[i]
		if len(m.Taps[0]) != taps || len(m.Taps[1]) != taps {
			return invalid("a filter at %.2f degrees has %d and %d taps, want %d", degrees(r.Elevation), len(m.Taps[0]), len(m.Taps[1]), taps)
		}
		if !(math.Abs(float64(m.Delay)) <= MaxDelay) {
			return invalid("a delay at %.2f degrees of %.1f samples is more than %d", degrees(r.Elevation), m.Delay, MaxDelay)
		}
	}
	return nil
}

// pole returns the mean of r's directions as a ring at elevation.
func (r *Ring) pole(elevation float64, taps int) Ring {
	mean := Measured{Taps: [2][]float32{make([]float32, taps), make([]float32, taps)}}
	k := 1 / float32(len(r.Directions))
	for i := range r.Directions {
		mean.add(&r.Directions[i], k)
	}
	return Ring{Elevation: elevation, Directions: []Measured{mean}}
}

func (m *Measured) add(from *Measured, weight float32) {
	for ear := range m.Taps {
		for k, v := range from.Taps[ear] {
			m.Taps[ear][k] += weight * v
		}
	}
	m.Delay += weight * from.Delay
}

func degrees(radians float64) float64 { return radians * 180 / math.Pi }

func invalid(format string, args ...any) *earshot.Error {
	return earshot.Errorf(earshot.CodeInvalidArgument, "HRTF table: "+format, args...)
}
