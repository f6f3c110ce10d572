package jitter

import "math"

// How the playhead is moved within speech: by a lag at which the sound repeats
// itself, as WSOLA does (Verhelst and Roelands, 1993).
const (
	shortestLag = 120  // 2.5 ms, 400 Hz
	longestLag  = 720  // 15 ms, 67 Hz
	overlap     = 480  // samples compared, and crossfaded
	coarse      = 4    // the search is over every fourth sample first
	silent      = 3e-6 // mean square, -55 dBFS: any lag will do
)

// The similarity that two places must have: their correlation, normalised.
const (
	similar     = 0.7
	similarFast = 0.3 // in a hurry
	similarNot  = -1  // in a great hurry
)

// stretch moves the playhead forwards (sign 1) or back (-1), by shortestLag to
// most samples, and returns by how many, 0 where no place was similar enough.
// There must be pending overlap samples, and to move forwards longestLag more.
func (s *sound) stretch(sign, most int, likeness float32) int {
	most = min(most, longestLag)
	if sign < 0 {
		most = min(most, s.r)
	}
	if most < shortestLag {
		return 0
	}
	lag := most
	if s.power() > silent {
		var found float32
		if lag, found = s.search(sign, most); found < likeness {
			return 0
		}
	}
	s.jump(sign * lag)
	return lag
}

// jump moves the playhead, with a crossfade over where it was going.
func (s *sound) jump(by int) {
	from, to := s.buf[s.r:s.r+overlap], s.buf[s.r+by:s.r+by+overlap]
	const step = 1.0 / overlap
	for n := range overlap {
		i := n // the two overlap: to is written where from was read already
		if by > 0 {
			i = overlap - 1 - n
		}
		w := (float32(i) + 0.5) * step
		to[i] = from[i]*(1-w) + to[i]*w
	}
	s.r += by
}

// power returns the mean square of what is next.
func (s *sound) power() float32 {
	var sum float32
	for _, x := range s.buf[s.r : s.r+overlap] {
		sum += x * x
	}
	return sum / overlap
}

// search returns the lag up to most at which the sound is most like itself.
func (s *sound) search(sign, most int) (lag int, likeness float32) {
	centre := s.roughly(sign, most)
	lag, likeness = centre, -1
	for l := max(centre-coarse+1, shortestLag); l <= min(centre+coarse-1, most); l++ {
		if c := s.likeness(sign * l); c > likeness {
			lag, likeness = l, c
		}
	}
	return lag, likeness
}

// roughly is search over every coarse-th sample.
func (s *sound) roughly(sign, most int) (lag int) {
	const n, first, last = overlap / coarse, shortestLag / coarse, longestLag / coarse
	var thin [n + last]float32 // what is next and what is after it, or was before
	start := s.r
	if sign < 0 {
		start -= most / coarse * coarse
	}
	count := n + most/coarse
	for i := range count {
		thin[i] = s.buf[start+i*coarse]
	}
	here := thin[:n]
	if sign < 0 {
		here = thin[count-n : count]
	}
	best := float32(-1)
	lag = shortestLag
	for k := first; k <= most/coarse; k++ {
		there := thin[k : k+n]
		if sign < 0 {
			there = thin[count-n-k : count-k]
		}
		if c := correlate(here, there); c > best {
			best, lag = c, k*coarse
		}
	}
	return lag
}

// likeness correlates what is next with what is by samples away.
func (s *sound) likeness(by int) float32 {
	return correlate(s.buf[s.r:s.r+overlap], s.buf[s.r+by:s.r+by+overlap])
}

// correlate returns the correlation of two pieces of the same length, normalised:
// 1 where they are alike but for their level.
func correlate(a, b []float32) float32 {
	var ab, aa, bb float32
	b = b[:len(a)]
	for i, x := range a {
		y := b[i]
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / float32(math.Sqrt(float64(aa)*float64(bb)))
}
