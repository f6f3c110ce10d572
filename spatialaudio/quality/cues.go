package quality

import (
	"math"

	"earshot/spatialaudio/spectrum"
)

// Bands is the number of third-octave bands of Cues.
const Bands = 20

// lowestBand is the centre of the first band, in Hz; the last is at 16 kHz.
const lowestBand = 200

// The range in which ears compare times, in Hz: above it phase is ambiguous.
const itdLow, itdHigh = 100, 1500

// maxITD bounds the search for a delay between the ears, in seconds.
const maxITD = 1e-3

// Cues is what two ears tell a listener of the direction of a sound.
type Cues struct {
	// ITD is by how many seconds the right ear hears later than the left, from
	// the correlation of the ears between 100 and 1500 Hz.
	ITD float64
	// Level is the energy of each third-octave band in dB, left and right.
	Level [2][Bands]float64
	// Mid and High are the level of the left ear less that of the right, in dB:
	// the mean over the bands from 1.6 to 4 kHz and over those from 5 to 12.7.
	// Bands count alike, so that an equalisation common to both ears leaves them
	// as they are.
	Mid, High float64
}

// Measure returns the cues of a sound at two ears, or of a pair of impulse
// responses, sampled at rate Hz.
func Measure(left, right []float64, rate float64) Cues {
	size := spectrum.Size(max(len(left), len(right), 8192))
	l, r := spectrum.Of(left, size), spectrum.Of(right, size)
	hz := rate / float64(size)
	var c Cues
	c.ITD = delay(l, r, hz)
	for b := range Bands {
		centre := lowestBand * math.Pow(2, float64(b)/3)
		low, high := centre/math.Pow(2, 1./6), centre*math.Pow(2, 1./6)
		c.Level[0][b], c.Level[1][b] = level(l, hz, low, high), level(r, hz, low, high)
	}
	c.Mid, c.High = c.between(9, 13), c.between(14, 18)
	return c
}

// between returns the mean difference of the ears over bands first to last.
func (c *Cues) between(first, last int) (sum float64) {
	for b := first; b <= last; b++ {
		sum += (c.Level[0][b] - c.Level[1][b]) / float64(last-first+1)
	}
	return sum
}

// level returns the energy of the bins of x, hz apart, from low to high, in dB.
func level(x []complex128, hz, low, high float64) float64 {
	sum := 1e-30
	for i := int(math.Ceil(low / hz)); i < int(math.Ceil(high/hz)) && i < len(x); i++ {
		sum += real(x[i])*real(x[i]) + imag(x[i])*imag(x[i])
	}
	return 10 * math.Log10(sum)
}

// delay returns by how many seconds r is later than l: where their correlation
// in the band is highest.
func delay(l, r []complex128, hz float64) float64 {
	first, last := int(math.Ceil(itdLow/hz)), int(itdHigh/hz)
	correlation := func(tau float64) (sum float64) {
		for i := first; i <= last && i < len(l); i++ {
			s, c := math.Sincos(2 * math.Pi * float64(i) * hz * tau)
			a, b := l[i], r[i]
			// The real part of conj(l) r e^(jwt).
			re, im := real(a)*real(b)+imag(a)*imag(b), real(a)*imag(b)-imag(a)*real(b)
			sum += re*c - im*s
		}
		return sum
	}
	best, most := 0.0, math.Inf(-1)
	const step = 20e-6
	for tau := -maxITD; tau <= maxITD; tau += step {
		if v := correlation(tau); v > most {
			best, most = tau, v
		}
	}
	low, high := best-step, best+step
	for high-low > 1e-8 {
		a, b := low+(high-low)/3, high-(high-low)/3
		if correlation(a) < correlation(b) {
			low = a
		} else {
			high = b
		}
	}
	return (low + high) / 2
}

// Distortion returns the root mean square difference of the band levels of one
// ear (0 left, 1 right), in dB, after an equalisation has been added to the
// levels of got.
func Distortion(want, got *Cues, ear int, equalisation *[Bands]float64) float64 {
	var sum float64
	for b := range Bands {
		d := got.Level[ear][b] + equalisation[b] - want.Level[ear][b]
		sum += d * d
	}
	return math.Sqrt(sum / Bands)
}

// Equalisation returns what has to be added to the levels of got so that, over
// all directions and both ears, they are those of want on average: what a
// colour common to all directions amounts to, such as that of a loudspeaker or
// of equalising for a diffuse field.
func Equalisation(want, got []Cues) (eq [Bands]float64) {
	for i := range want {
		for ear := range 2 {
			for b := range Bands {
				eq[b] += (want[i].Level[ear][b] - got[i].Level[ear][b]) / float64(2*len(want))
			}
		}
	}
	return eq
}

// Less takes the band levels of what the source said off those of both ears, so
// that what is left is what the head did to it.
func (c *Cues) Less(source *[Bands]float64) {
	for ear := range c.Level {
		for b := range c.Level[ear] {
			c.Level[ear][b] -= source[b]
		}
	}
}
