package spectrum

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

func TestTransformAndInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 8, 64} {
		x, real64 := make([]complex128, n), make([]float64, n)
		for i := range x {
			real64[i] = rng.Float64()
			x[i] = complex(real64[i], rng.Float64())
		}
		y := append([]complex128(nil), x...)
		FFT(y)
		for k := range y {
			var want complex128
			for i, v := range x {
				want += v * cmplx.Rect(1, -2*math.Pi*float64(i*k)/float64(n))
			}
			if cmplx.Abs(y[k]-want) > 1e-12 {
				t.Fatalf("N = %d, bin %d: %v, want %v", n, k, y[k], want)
			}
		}
		Inverse(y)
		for i := range y {
			if cmplx.Abs(y[i]-x[i]) > 1e-12 {
				t.Fatalf("N = %d: the inverse of a transform is %v at %d, want %v", n, y[i], i, x[i])
			}
		}
		for k, v := range Of(real64, n) {
			if at := At(real64, 2*math.Pi*float64(k)/float64(n)); cmplx.Abs(at-v) > 1e-12 {
				t.Fatalf("N = %d, bin %d: At says %v, Of %v", n, k, at, v)
			}
		}
	}
}

// A response whose zeros are all inside the unit circle is of minimum phase
// already; with a zero outside, that zero is mirrored.
func TestMinimumPhase(t *testing.T) {
	for _, tc := range []struct{ in, want []float64 }{
		{[]float64{1, -0.5, 0.25, 0.1}, []float64{1, -0.5, 0.25, 0.1}},
		{[]float64{0.5, 1}, []float64{1, 0.5}},
		{[]float64{0, 0, 2}, []float64{2, 0, 0}},
	} {
		var magnitudes []float64
		for _, v := range Of(tc.in, 1024) {
			magnitudes = append(magnitudes, cmplx.Abs(v))
		}
		for i, got := range MinimumPhase(magnitudes, len(tc.want)) {
			if math.Abs(got-tc.want[i]) > 1e-6 {
				t.Errorf("of %v: tap %d is %.4f, want %.4f", tc.in, i, got, tc.want[i])
			}
		}
	}
}
