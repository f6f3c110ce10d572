package spectrum

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// FFT replaces x, whose length must be a power of two, by its discrete Fourier
// transform (exponent -j2pi nk/N, not scaled).
func FFT(x []complex128) {
	n := len(x)
	if n&(n-1) != 0 {
		panic("spectrum: the length of a transform must be a power of two")
	}
	shift := bits.LeadingZeros64(uint64(n)) + 1
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); n > 1 && i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	w := make([]complex128, n/2)
	for k := range w {
		sin, cos := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
		w[k] = complex(cos, sin)
	}
	for half := 1; half < n; half *= 2 {
		for first := 0; first < n; first += 2 * half {
			low, high := x[first:first+half], x[first+half:first+2*half]
			for k, a := range low {
				t := w[k*(n/2/half)] * high[k]
				low[k], high[k] = a+t, a-t
			}
		}
	}
}

// Inverse replaces x, as long as for FFT, by its inverse transform, scaled by
// 1/N.
func Inverse(x []complex128) {
	scale := 1 / float64(len(x))
	for i, v := range x {
		x[i] = cmplx.Conj(v)
	}
	FFT(x)
	for i, v := range x {
		x[i] = complex(real(v)*scale, -imag(v)*scale)
	}
}

// Size returns the smallest power of two that is at least n.
func Size(n int) int { return 1 << bits.Len(uint(max(n, 1)-1)) }

// Of returns bins 0 to size/2 of the transform of x, padded with zeros to size,
// a power of two at least as long as x.
func Of(x []float64, size int) []complex128 {
	buf := make([]complex128, size)
	for i, v := range x {
		buf[i] = complex(v, 0)
	}
	FFT(buf)
	return buf[:size/2+1]
}

// At returns the response of the filter taps at a frequency in radians per
// sample, exactly.
func At(taps []float64, omega float64) complex128 {
	step := cmplx.Rect(1, -omega)
	var sum complex128
	for i := len(taps) - 1; i >= 0; i-- { // Horner
		sum = sum*step + complex(taps[i], 0)
	}
	return sum
}

// MinimumPhase returns the first taps samples of the minimum-phase response
// with the given magnitudes, which are those of bins 0 to N/2 of a transform
// whose length N is a power of two, all above 0. It folds the real cepstrum
// (Oppenheim and Schafer, Discrete-Time Signal Processing, chapter "Cepstrum
// Analysis"): N should be several times as long as the response.
func MinimumPhase(magnitudes []float64, taps int) []float64 {
	half := len(magnitudes) - 1
	x := make([]complex128, 2*half)
	for i, m := range magnitudes {
		x[i] = complex(math.Log(m), 0)
		if i > 0 && i < half {
			x[2*half-i] = x[i]
		}
	}
	Inverse(x)
	for i := 1; i < half; i++ {
		x[i] *= 2
		x[2*half-i] = 0
	}
	FFT(x)
	for i, v := range x {
		x[i] = cmplx.Exp(v)
	}
	Inverse(x)
	out := make([]float64, taps)
	for i := range out {
		out[i] = real(x[i])
	}
	return out
}
