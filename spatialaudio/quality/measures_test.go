package quality

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Cues of sounds whose cues are known.
func TestMeasure(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 20000)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	for _, samples := range []int{0, 5, 33, -20} {
		left, right := make([]float64, len(x)), make([]float64, len(x))
		for i := range x {
			if j := i - max(0, -samples); j >= 0 {
				left[i] = x[j]
			}
			if j := i - max(0, samples); j >= 0 {
				right[i] = x[j] / 2
			}
		}
		c := Measure(left, right, 48000)
		if want := float64(samples) / 48000; math.Abs(c.ITD-want) > 1e-6 {
			t.Errorf("ITD = %.1f us, want %.1f", c.ITD*1e6, want*1e6)
		}
		if math.Abs(c.Mid-6.02) > 0.05 || math.Abs(c.High-6.02) > 0.05 {
			t.Errorf("ILD = %.2f and %.2f dB, want 6.02", c.Mid, c.High)
		}
	}
}

func TestSNR(t *testing.T) {
	want := Convolve([]float64{1, 2, 0}, []float64{1, -1})
	if want[0] != 1 || want[1] != 1 || want[2] != -2 {
		t.Fatalf("Convolve = %v, want 1 1 -2", want)
	}
	if got := SNR([]float64{1, 1}, []float64{1.1, 0.9}); math.Abs(got-20) > 1e-9 {
		t.Errorf("SNR = %g, want 20", got)
	}
}

func TestConfused(t *testing.T) {
	const d = math.Pi / 180
	for _, tc := range []struct {
		a, b float64
		want bool
	}{{30, 150, true}, {-20, 200, true}, {30, 40, false}, {88, 92, false}, {170, -170, false}} {
		if got := Confused(tc.a*d, 0, tc.b*d, 0); got != tc.want {
			t.Errorf("Confused(%g, %g) = %t", tc.a, tc.b, got)
		}
	}
	if got := Angle(10*d, 0, -20*d, 0) / d; math.Abs(got-30) > 1e-9 {
		t.Errorf("Angle = %g, want 30", got)
	}
	if got := Angle(0, 60*d, math.Pi, 60*d) / d; math.Abs(got-60) > 1e-9 {
		t.Errorf("Angle over the top = %g, want 60", got)
	}
}
