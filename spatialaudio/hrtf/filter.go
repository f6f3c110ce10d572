package hrtf

import "math"

// Filter is one direction ready to be rendered: it is made and reused by the
// caller.
type Filter struct {
	Measured
}

// NewFilter returns a filter with room for the taps of t.
func (t *Table) NewFilter() *Filter {
	return &Filter{Measured{Taps: [2][]float32{make([]float32, t.taps), make([]float32, t.taps)}}}
}

// At sets f to the direction, interpolated linearly between the four nearest.
// Filters of minimum phase have no delay in them, so that their mean has no
// comb in it; delays are interpolated apart. f must be of a table with as many
// taps.
func (t *Table) At(azimuth, elevation float64, f *Filter) {
	f.Clear()
	t.Add(azimuth, elevation, 1, f)
}

// Clear sets f to silence without a delay.
func (f *Filter) Clear() {
	clear(f.Taps[0])
	clear(f.Taps[1])
	f.Delay = 0
}

// Add adds the direction to f with a weight. Weights that sum to 1 make a mean
// of directions.
func (t *Table) Add(azimuth, elevation float64, weight float32, f *Filter) {
	low, high := &t.below, &t.above
	for i := range t.rings {
		if r := &t.rings[i]; r.Elevation <= elevation {
			low = r
		} else {
			high = r
			break
		}
	}
	x := 0.0
	if high.Elevation > low.Elevation {
		x = min(1, max(0, (elevation-low.Elevation)/(high.Elevation-low.Elevation)))
	}
	low.add(azimuth, weight*float32(1-x), f)
	high.add(azimuth, weight*float32(x), f)
}

func (r *Ring) add(azimuth float64, weight float32, f *Filter) {
	if weight == 0 {
		return
	}
	n := len(r.Directions)
	turn := azimuth / (2 * math.Pi)
	at := (turn - math.Floor(turn)) * float64(n)
	i := int(at)
	x := float32(at - float64(i))
	if 1-x > 0 {
		f.add(&r.Directions[i%n], weight*(1-x))
	}
	if x > 0 {
		f.add(&r.Directions[(i+1)%n], weight*x)
	}
}

// Length is how many samples Impulse returns: the taps, the longest delay and
// the ringing of a delay by a fraction of a sample.
func (t *Table) Length() int { return t.taps + MaxDelay + sincTaps }

// Latency is by how many samples a sound from ahead is delayed by Impulse.
const Latency = MaxDelay/2 + sincTaps/2 - 1

// sincTaps is the length of the interpolator of delays. With it and beta its
// error is below -80 dB up to 20 kHz.
const (
	sincTaps = 32
	beta     = 8
)

// Impulse writes the impulse response of one ear (0 left, 1 right) to out, which
// has Length samples: the taps, delayed by half of the delay between the ears
// less or more than Latency.
func (f *Filter) Impulse(ear int, out []float64) {
	clear(out)
	delay := float64(f.Delay) / 2
	if ear == 0 {
		delay = -delay
	}
	delay += MaxDelay / 2
	whole := math.Floor(delay)
	fraction := delay - whole
	var kernel [sincTaps]float64
	for i := range kernel {
		kernel[i] = windowedSinc(float64(i-(sincTaps/2-1)) - fraction)
	}
	for i, tap := range f.Taps[ear] {
		for j, k := range kernel {
			out[int(whole)+i+j] += float64(tap) * k
		}
	}
}

// windowedSinc is sin(pi x)/(pi x) in a Kaiser window (J. F. Kaiser, 1974) of
// sincTaps samples.
func windowedSinc(x float64) float64 {
	u := x / (sincTaps / 2)
	if u <= -1 || u >= 1 {
		return 0
	}
	window := bessel(beta*math.Sqrt(1-u*u)) / bessel(beta)
	if x == 0 {
		return window
	}
	return window * math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel is the modified Bessel function of order zero, by its series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-9; k++ {
		term *= x / 2 / k
		sum += term * term
	}
	return sum
}
