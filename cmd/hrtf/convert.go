package main

import (
	"cmp"
	"math"
	"slices"

	"earshot"
	"earshot/spatialaudio/hrtf"
	"earshot/spatialaudio/quality"
	"earshot/spatialaudio/spectrum"
)

const (
	// grid is the length of the transform in which filters are made, at 48 kHz:
	// much longer than a filter, so that its cepstrum does not wrap.
	grid = 2048
	half = grid / 2
	// Below lowest Hz a loudspeaker says nothing: filters keep the magnitude
	// they have there. Above highest the equalisation stays what it is there.
	lowest, highest = 180, 16000
	// floor is the least magnitude against the largest, so that notches have a
	// logarithm.
	floor = 1e-3
	// fade is over how many taps a filter ends.
	fade = 8
)

// magnitudes are those of bins 0 to half of both ears.
type magnitudes [2][half + 1]float64

// convert makes a table of a measured set: magnitudes at 48 kHz, divided by what
// the set has in a diffuse field, as filters of minimum phase, and the delay
// between the ears that those lack.
func convert(s *set, taps int) (*hrtf.Table, error) {
	if taps < hrtf.MinTaps || taps > hrtf.MaxTaps {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "-taps %d, want %d to %d", taps, hrtf.MinTaps, hrtf.MaxTaps)
	}
	all := make([]magnitudes, len(s.directions))
	for i := range s.directions {
		all[i] = s.magnitudes(&s.directions[i])
	}
	field := diffuseField(s, all)
	measured := make([]hrtf.Measured, len(all))
	for i := range all {
		measured[i] = s.filter(&s.directions[i], &all[i], &field, taps)
	}
	rings, err := ringsOf(s, measured, taps)
	if err != nil {
		return nil, err
	}
	return hrtf.New(taps, rings)
}

// magnitudes returns what the measurement has at the bins of the grid. Above
// half of its own sampling rate it goes on as it ends.
func (s *set) magnitudes(d *direction) (m magnitudes) {
	low, high := lowest*grid/hrtf.Rate+1, int(0.49*s.rate*grid/hrtf.Rate)
	high = min(high, half)
	for ear := range m {
		for k := low; k <= high; k++ {
			omega := 2 * math.Pi * float64(k) * hrtf.Rate / grid / s.rate
			v := spectrum.At(d.ears[ear], omega)
			m[ear][k] = math.Hypot(real(v), imag(v))
		}
		for k := range low {
			m[ear][k] = m[ear][low]
		}
		for k := high + 1; k <= half; k++ {
			m[ear][k] = m[ear][high]
		}
	}
	return m
}

// diffuseField returns the magnitude of the mean power over all directions and
// both ears, each direction by its share of the sphere, smoothed to a third of
// an octave.
func diffuseField(s *set, all []magnitudes) (field [half + 1]float64) {
	var power [half + 1]float64
	var total float64
	for i := range all {
		w := s.share(i)
		total += w
		for k := range power {
			power[k] += w * (all[i][0][k]*all[i][0][k] + all[i][1][k]*all[i][1][k]) / 2
		}
	}
	edge := highest * grid / hrtf.Rate
	for k := range field {
		at := float64(min(k, edge))
		low, high := int(at/math.Pow(2, 1./6)), int(math.Ceil(at*math.Pow(2, 1./6)))
		var sum float64
		for j := low; j <= high; j++ {
			sum += power[j] / total
		}
		field[k] = math.Sqrt(sum / float64(high-low+1))
	}
	return field
}

// share returns how much of the sphere a direction stands for: a ring has what
// lies between it and its neighbours.
func (s *set) share(i int) float64 {
	el := s.directions[i].elevation
	below, above := -math.Pi/2, math.Pi/2
	count := 0
	for j := range s.directions {
		switch other := s.directions[j].elevation; {
		case math.Abs(other-el) < 1e-4:
			count++
		case other < el:
			below = max(below, (other+el)/2)
		default:
			above = min(above, (other+el)/2)
		}
	}
	return (math.Sin(above) - math.Sin(below)) / float64(count)
}

// filter returns a direction's taps and the delay they need.
func (s *set) filter(d *direction, m *magnitudes, field *[half + 1]float64, taps int) hrtf.Measured {
	var out hrtf.Measured
	var short [2][]float64
	for ear := range m {
		equalised := make([]float64, half+1)
		for k := range equalised {
			equalised[k] = m[ear][k] / field[k]
		}
		least := slices.Max(equalised) * floor
		for k := range equalised {
			equalised[k] = max(equalised[k], least)
		}
		short[ear] = spectrum.MinimumPhase(equalised, taps)
		out.Taps[ear] = make([]float32, taps)
		for k, v := range short[ear] {
			if left := taps - k; left <= fade {
				v *= square(math.Sin(math.Pi / 2 * float64(left) / (fade + 1)))
			}
			short[ear][k] = v
			out.Taps[ear][k] = float32(v)
		}
	}
	// What the measured ears differ by, less what the filters alone already do.
	want := quality.Measure(d.ears[0], d.ears[1], s.rate).ITD
	has := quality.Measure(short[0], short[1], hrtf.Rate).ITD
	delay := (want - has) * hrtf.Rate
	out.Delay = float32(max(-hrtf.MaxDelay, min(hrtf.MaxDelay, delay)))
	return out
}

func square(x float64) float64 { return x * x }

// ringsOf sorts directions into rings, or resamples where they are none.
func ringsOf(s *set, measured []hrtf.Measured, taps int) ([]hrtf.Ring, error) {
	order := make([]int, len(measured))
	for i := range order {
		order[i] = i
	}
	az := func(i int) float64 {
		turn := s.directions[i].azimuth / (2 * math.Pi)
		return math.Mod(turn-math.Floor(turn+1e-6)+1, 1)
	}
	slices.SortFunc(order, func(a, b int) int {
		if e := s.directions[a].elevation - s.directions[b].elevation; math.Abs(e) > 1e-4 {
			return cmp.Compare(e, 0)
		}
		return cmp.Compare(az(a), az(b))
	})
	var rings []hrtf.Ring
	for _, i := range order {
		el := s.directions[i].elevation
		if n := len(rings); n == 0 || math.Abs(rings[n-1].Elevation-el) > 1e-4 {
			rings = append(rings, hrtf.Ring{Elevation: el})
		}
		r := &rings[len(rings)-1]
		r.Directions = append(r.Directions, measured[i])
	}
	at := 0
	for _, r := range rings {
		for j := range r.Directions {
			if math.Abs(az(order[at])-float64(j)/float64(len(r.Directions))) > 0.5/360 {
				return resample(s, measured, taps), nil
			}
			at++
		}
	}
	return rings, nil
}

// resample makes rings of 5 by 10 degrees from directions anywhere: each is the
// mean of the three nearest measurements, weighted by nearness.
func resample(s *set, measured []hrtf.Measured, taps int) []hrtf.Ring {
	var rings []hrtf.Ring
	for el := -90; el <= 90; el += 10 {
		elevation := float64(el) * math.Pi / 180
		r := hrtf.Ring{Elevation: elevation, Directions: make([]hrtf.Measured, max(1, int(math.Round(72*math.Cos(elevation)))))}
		for j := range r.Directions {
			r.Directions[j] = s.nearest(2*math.Pi*float64(j)/float64(len(r.Directions)), elevation, measured, taps)
		}
		rings = append(rings, r)
	}
	return rings
}

func (s *set) nearest(azimuth, elevation float64, measured []hrtf.Measured, taps int) hrtf.Measured {
	type near struct {
		angle float64
		i     int
	}
	all := make([]near, len(measured))
	for i := range all {
		d := &s.directions[i]
		all[i] = near{quality.Angle(azimuth, elevation, d.azimuth, d.elevation) + 1e-3, i}
	}
	slices.SortFunc(all, func(a, b near) int { return cmp.Compare(a.angle, b.angle) })
	all = all[:min(3, len(all))]
	var total float64
	for _, n := range all {
		total += 1 / n.angle
	}
	out := hrtf.Measured{Taps: [2][]float32{make([]float32, taps), make([]float32, taps)}}
	for _, n := range all {
		w := float32(1 / n.angle / total)
		for ear := range out.Taps {
			for k, v := range measured[n.i].Taps[ear] {
				out.Taps[ear][k] += w * v
			}
		}
		out.Delay += w * measured[n.i].Delay
	}
	return out
}
