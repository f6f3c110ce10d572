package quality

import "math"

// SNR returns in dB how far the difference between got and want is below want;
// infinite where they are equal.
func SNR(want, got []float64) float64 {
	var signal, noise float64
	for i, w := range want {
		d := got[i] - w
		signal += w * w
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}

// Convolve returns the convolution of x with h, as long as x, the slow way.
func Convolve(x, h []float64) []float64 {
	out := make([]float64, len(x))
	for i := range out {
		var sum float64
		for k := 0; k < len(h) && k <= i; k++ {
			sum += h[k] * x[i-k]
		}
		out[i] = sum
	}
	return out
}
