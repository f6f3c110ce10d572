package binaural

import (
	"math"

	"earshot/spatialaudio/kernel"
)

// What walls do to the spectrum of a voice: the low-pass that clients apply, a
// biquad of Q 0.71 whose cutoff falls by an octave for every 6 dB that the walls
// take (spatialaudio/zone.Cutoff), in steps of a quarter of an octave.
const (
	wallStep    = 1.5 // dB
	wallClasses = 23  // the last at 400 Hz
	wallTaps    = 128 // of its impulse response, which is over by then but at the lowest cutoffs
	openHz      = 20_000
	deadHz      = 400
)

// walls is the spectra of the low-pass by class; that of class 0 is not used.
type walls [wallClasses + 1]kernel.Spectrum

// wallClass returns which low-pass walls are that take wallDB; 0 is none.
func wallClass(wallDB float32) uint8 {
	if !(wallDB > 0) {
		return 0
	}
	return uint8(min(math.Round(float64(wallDB)/wallStep), wallClasses))
}

// wallHertz is the cutoff of a class.
func wallHertz(class int) float64 {
	return max(openHz*math.Exp2(-float64(class)*wallStep/6), deadHz)
}

func newWalls() *walls {
	w := new(walls)
	var time, freq kernel.Complex
	for class := 1; class <= wallClasses; class++ {
		time = kernel.Complex{}
		lowPass(time.Re[:wallTaps], wallHertz(class))
		kernel.Transform(&freq, &time)
		w[class].Set(&freq)
	}
	return w
}

// lowPass sets taps to the impulse response of a Butterworth low-pass of second
// order, by the bilinear transform (R. Bristow-Johnson's cookbook, which Web
// Audio's biquads follow), faded out at the end.
func lowPass(taps []float32, hertz float64) {
	sin, cos := math.Sincos(2 * math.Pi * hertz / Rate)
	alpha := sin / math.Sqrt2
	b, a1, a2 := (1-cos)/2/(1+alpha), -2*cos/(1+alpha), (1-alpha)/(1+alpha)
	var x1, x2, y1, y2, sum float64
	out := make([]float64, len(taps))
	x := 1.
	for i := range out {
		y := b*(x+2*x1+x2) - a1*y1 - a2*y2
		x2, x1, x = x1, x, 0
		y2, y1 = y1, y
		if late := float64(2*i-len(out)) / float64(len(out)); late > 0 {
			y *= (1 + math.Cos(math.Pi*late)) / 2
		}
		out[i] = y
		sum += y
	}
	for i, y := range out { // what was cut off must not make it less loud
		taps[i] = float32(y / sum)
	}
}
