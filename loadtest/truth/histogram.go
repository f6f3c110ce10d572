package truth

import "math"

// Bounds of a Histogram: what is smaller counts as zero, what is larger as the
// largest.
const (
	minExponent = -10 // 2^-10, a thousandth
	maxExponent = 30  // 2^30, a billion
	octaves     = maxExponent - minExponent
	parts       = 64 // of an octave: a part is at most 1/64 of its value wide
)

// Histogram counts values from a thousandth to a billion, of whatever unit, so
// that quantiles are off by less than 1 %: an octave in 64 equal parts, each
// stood for by its middle. Count, sum, least and greatest are exact. The zero
// Histogram is empty. Adding allocates only for the first value of an octave
// (512 bytes). Not safe for concurrent use.
type Histogram struct {
	octaves  [octaves]*[parts]uint64
	zeros    uint64 // below the smallest part, zero and negative values included
	count    uint64
	sum      float64
	min, max float64
}

// Add counts a value. NaN is left out.
func (h *Histogram) Add(v float64) {
	if v != v {
		return
	}
	if h.count == 0 || v < h.min {
		h.min = v
	}
	if h.count == 0 || v > h.max {
		h.max = v
	}
	h.count++
	h.sum += v
	octave, part, ok := place(v)
	if !ok {
		h.zeros++
		return
	}
	if h.octaves[octave] == nil {
		h.octaves[octave] = new([parts]uint64)
	}
	h.octaves[octave][part]++
}

// place returns the part that v belongs to: the exponent and the first six
// bits of the mantissa.
func place(v float64) (octave, part int, ok bool) {
	if v < 1.0/(1<<-minExponent) {
		return 0, 0, false
	}
	bits := math.Float64bits(v)
	octave = int(bits>>52) - 1023 - minExponent
	if octave >= octaves {
		return octaves - 1, parts - 1, true
	}
	return octave, int(bits >> 46 & (parts - 1)), true
}

// upper returns the upper end of a part.
func upper(octave, part int) float64 {
	return math.Ldexp(1+float64(part+1)/parts, octave+minExponent)
}

// Count returns how many values there are.
func (h *Histogram) Count() uint64 { return h.count }

// Sum returns the sum of all values.
func (h *Histogram) Sum() float64 { return h.sum }

// Mean returns the mean, or NaN of none.
func (h *Histogram) Mean() float64 { return h.sum / float64(h.count) }

// Min returns the least value, or NaN of none.
func (h *Histogram) Min() float64 { return h.unlessEmpty(h.min) }

// Max returns the greatest value, or NaN of none.
func (h *Histogram) Max() float64 { return h.unlessEmpty(h.max) }

func (h *Histogram) unlessEmpty(v float64) float64 {
	if h.count == 0 {
		return math.NaN()
	}
	return v
}

// Quantile returns the value that a share q of all values does not exceed, 0
// to 1, off by less than 1 %; NaN of none.
func (h *Histogram) Quantile(q float64) float64 {
	if h.count == 0 {
		return math.NaN()
	}
	rank := uint64(max(1, math.Ceil(min(1, max(0, q))*float64(h.count))))
	if rank >= h.count {
		return h.max
	}
	seen := h.zeros
	if rank <= seen {
		return min(max(0, h.min), h.max)
	}
	for o, counts := range h.octaves {
		if counts == nil {
			continue
		}
		for p, n := range counts {
			if seen += n; rank <= seen {
				middle := upper(o, p) - math.Ldexp(0.5/parts, o+minExponent)
				return min(max(middle, h.min), h.max)
			}
		}
	}
	return h.max
}

// Merge adds all values of o.
func (h *Histogram) Merge(o *Histogram) {
	if o.count == 0 {
		return
	}
	if h.count == 0 || o.min < h.min {
		h.min = o.min
	}
	if h.count == 0 || o.max > h.max {
		h.max = o.max
	}
	h.count += o.count
	h.sum += o.sum
	h.zeros += o.zeros
	for i, counts := range o.octaves {
		if counts == nil {
			continue
		}
		if h.octaves[i] == nil {
			h.octaves[i] = new([parts]uint64)
		}
		for p, n := range counts {
			h.octaves[i][p] += n
		}
	}
}

// Reset empties the histogram and keeps its memory.
func (h *Histogram) Reset() {
	for _, counts := range h.octaves {
		if counts != nil {
			*counts = [parts]uint64{}
		}
	}
	h.zeros, h.count, h.sum, h.min, h.max = 0, 0, 0, 0, 0
}

// Each calls f for every part that holds values, in order: n values above the
// part before and at most le.
func (h *Histogram) Each(f func(le float64, n uint64)) {
	if h.zeros > 0 {
		f(0, h.zeros)
	}
	for o, counts := range h.octaves {
		if counts == nil {
			continue
		}
		for p, n := range counts {
			if n > 0 {
				f(upper(o, p), n)
			}
		}
	}
}
