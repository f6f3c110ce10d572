package voice

import (
	"math"
	"sync"
)

// The kernel: a sinc windowed by Kaiser, sampled at so many phases between two
// input samples and interpolated in between. Input is only ever made faster, so
// one kernel, relative to the input's rate, serves all rates.
const (
	taps   = 48
	phases = 512
	cutoff = 0.95 // of half the input's rate, in the middle of the slope
	beta   = 8.0  // 80 dB of attenuation
)

// kernel returns the taps of each phase, and one phase more to interpolate to.
var kernel = sync.OnceValue(func() *[phases + 1][taps]float32 {
	k := new([phases + 1][taps]float32)
	for phase := range k {
		var row [taps]float64
		sum := 0.0
		for tap := range row {
			x := float64(tap-taps/2+1) - float64(phase)/phases
			row[tap] = sinc(cutoff*x) * kaiser(2*x/taps)
			sum += row[tap]
		}
		for tap, v := range row { // each phase passes 0 Hz unchanged
			k[phase][tap] = float32(v / sum)
		}
	}
	return k
})

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the window of Kaiser (1966) for x from -1 to 1.
func kaiser(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return bessel0(beta*math.Sqrt(1-x*x)) / bessel0(beta)
}

// bessel0 is the modified Bessel function of the first kind and order 0.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x / (2 * k) * x / (2 * k)
		sum += term
	}
	return sum
}

// resampler brings samples of 8 to 48 kHz to 48 kHz, without delay: the first
// that comes out belongs to the first that goes in.
type resampler struct {
	rate int
	in   []float32 // what is still needed, the oldest first
	at   int       // position of the next output between in[0] and in[1], in 1/48000
}

func newResampler(rate int) *resampler {
	return &resampler{rate: rate, in: make([]float32, taps/2-1, 4*taps)}
}

// write appends to dst what the input so far decides.
func (r *resampler) write(dst, pcm []float32) []float32 {
	if r.rate == Rate {
		return append(dst, pcm...)
	}
	r.in = append(r.in, pcm...)
	k, used := kernel(), 0
	for used+taps <= len(r.in) {
		dst = append(dst, r.interpolate(k, r.in[used:used+taps]))
		r.at += r.rate
		if r.at >= Rate {
			r.at -= Rate
			used++
		}
	}
	r.in = r.in[:copy(r.in, r.in[used:])]
	return dst
}

// flush appends the rest: the input is followed by silence.
func (r *resampler) flush(dst []float32) []float32 {
	if r.rate == Rate {
		return dst
	}
	var silence [taps / 2]float32
	return r.write(dst, silence[:])
}

func (r *resampler) interpolate(k *[phases + 1][taps]float32, in []float32) float32 {
	position := r.at * phases
	phase, between := position/Rate, float32(position%Rate)/Rate
	a, b := &k[phase], &k[phase+1]
	var x, y float32
	for i, s := range in[:taps] {
		x += s * a[i]
		y += s * b[i]
	}
	return x + (y-x)*between
}
