package binaural

import "math"

// around is how many directions a cone is made of, besides its centre.
const around = 48

// cone sets b.filter to a sound that comes from everywhere within a half angle
// of a direction, evenly: the mean of those filters, whose minimum phase lets
// them be added, and of their delays, with the energy they have on average. A
// cone all around has no direction left.
func (b *builder) cone(azimuth, elevation, spread float64) {
	if spread == 0 {
		b.table.At(azimuth, elevation, b.filter)
		return
	}
	b.filter.Clear()
	const weight = 1. / (around + 1)
	energy := b.include(azimuth, elevation, weight)
	// Even on the cap: the cosine of the angle from the centre falls evenly, and
	// turns by the golden angle; in twos, left and right, so that a cone ahead
	// stays in the middle.
	golden := math.Pi * (3 - math.Sqrt(5))
	for i := range around / 2 {
		off := math.Acos(1 - (1-math.Cos(spread))*(float64(i)+0.5)/(around/2))
		for _, side := range [...]float64{1, -1} {
			az, el := aside(azimuth, elevation, off, side*golden*float64(i))
			energy += b.include(az, el, weight)
		}
	}
	var has float64
	for ear := range b.filter.Taps {
		for _, v := range b.filter.Taps[ear] {
			has += float64(v) * float64(v)
		}
	}
	k := float32(math.Sqrt(energy / has))
	for ear := range b.filter.Taps {
		for i := range b.filter.Taps[ear] {
			b.filter.Taps[ear][i] *= k
		}
	}
}

// include adds one direction and returns its share of the energy.
func (b *builder) include(azimuth, elevation, weight float64) (energy float64) {
	b.table.At(azimuth, elevation, b.one)
	b.table.Add(azimuth, elevation, float32(weight), b.filter)
	for ear := range b.one.Taps {
		for _, v := range b.one.Taps[ear] {
			energy += weight * float64(v) * float64(v)
		}
	}
	return energy
}

// aside returns the direction at an angle off another, turned about it from
// above to the left.
func aside(azimuth, elevation, off, turn float64) (az, el float64) {
	// The centre ahead: then turned up, then to its azimuth.
	s, c := math.Sincos(off)
	up, left := s*math.Cos(turn), s*math.Sin(turn)
	se, ce := math.Sincos(elevation)
	ahead, up := c*ce-up*se, c*se+up*ce
	return azimuth + math.Atan2(left, ahead), math.Asin(max(-1, min(1, up)))
}
