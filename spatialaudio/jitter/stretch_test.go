package jitter

import (
	"math"
	"math/rand/v2"
	"testing"
)

// voiced is a vowel of a fundamental frequency, with a little noise.
func voiced(hz float64, at int) *sound {
	s := &sound{buf: make([]float32, soundSize)}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range s.buf {
		phase := 2 * math.Pi * hz * float64(i) / 48000
		s.buf[i] = float32(0.2*math.Sin(phase)+0.1*math.Sin(2*phase+1)+0.05*math.Sin(5*phase+2)) + float32(r.NormFloat64())*0.002
	}
	s.r, s.w = at, at+2*FrameSamples
	return s
}

// The lag that is found is a whole number of periods, both ways, from the deepest
// voice to a child's.
func TestLagIsPeriods(t *testing.T) {
	for _, hz := range []float64{70, 83, 110, 163, 220, 331, 390} {
		for _, sign := range []int{1, -1} {
			s := voiced(hz, 2000)
			lag, likeness := s.search(sign, longestLag)
			periods := float64(lag) * hz / 48000
			if off := math.Abs(periods - math.Round(periods)); off > 0.03 || periods < 0.9 || likeness < 0.98 {
				t.Errorf("%v Hz, sign %d: lag %d is %.3f periods, alike %.3f", hz, sign, lag, periods, likeness)
			}
		}
	}
}

// A lag found with few multiplications is as good as the best of all.
func TestSearchFindsTheBest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 50 {
		s := voiced(60+r.Float64()*340, 2000+r.IntN(500))
		most := 200 + r.IntN(longestLag-200)
		for _, sign := range []int{1, -1} {
			_, got := s.search(sign, most)
			best := float32(-1)
			for l := shortestLag; l <= most; l++ {
				best = max(best, s.likeness(sign*l))
			}
			if got < best-0.01 {
				t.Fatalf("sign %d, at most %d: likeness %.4f, the best is %.4f", sign, most, got, best)
			}
		}
	}
}

func BenchmarkStretch(b *testing.B) {
	s := voiced(110, 2000)
	b.ReportAllocs()
	for b.Loop() {
		s.r = 2000
		s.stretch(1, longestLag, similar)
	}
}
