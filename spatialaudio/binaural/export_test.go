package binaural

import (
	"math"

	"earshot/spatialaudio/kernel"
)

// direction returns for which direction a filter of the grid was made.
func (s *sphere) direction(f *kernel.Pair) (azimuth, elevation float64, ok bool) {
	for i := range s.rows {
		r := &s.rows[i]
		for j := range r.filters {
			if &r.filters[j] == f {
				return 2 * math.Pi * float64(j) / float64(r.turn), float64(i)*s.step - math.Pi/2, true
			}
		}
	}
	return 0, 0, false
}
