package quality

import (
	"math"

	"earshot/spatialaudio/spectrum"
)

// Arrival returns by how many seconds an impulse arrives later at the right ear
// than at the left: when each response, below about 3 kHz, first rises to a
// tenth of its largest value (after Katz and Noisternig, A comparative study of
// interaural time delay estimation methods, 2014). It sees the onset where
// Cues.ITD sees the whole.
func Arrival(left, right []float64, rate float64) float64 {
	return onset(right, rate) - onset(left, rate)
}

// onset returns when x first rises to a tenth of its largest value, in seconds.
func onset(x []float64, rate float64) float64 {
	const finer, cutoff, threshold = 8, 3000, 0.1
	size := spectrum.Size(2 * len(x))
	bins := spectrum.Of(x, size)
	fine := make([]complex128, finer*size)
	for i := range bins {
		f := float64(i) * rate / float64(size) / cutoff
		bins[i] *= complex(math.Exp(-f*f/2), 0)
		fine[i] = bins[i]
		if i > 0 {
			fine[len(fine)-i] = complex(real(bins[i]), -imag(bins[i]))
		}
	}
	spectrum.Inverse(fine)
	var peak float64
	for _, v := range fine {
		peak = max(peak, math.Abs(real(v)))
	}
	before := 0.0
	for i, v := range fine {
		now := math.Abs(real(v))
		if now >= threshold*peak {
			part := (threshold*peak - before) / (now - before)
			return (float64(i-1) + part) / (rate * finer)
		}
		before = now
	}
	return 0
}
