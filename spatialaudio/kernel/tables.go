package kernel

import "math"

// twiddles are the constants of the transform, read only.
type twiddles struct {
	// first and second are, for each p of a radix-4 pass, w^p, w^2p, w^3p (real,
	// imaginary); third, of the radix-3 pass, w^p, w^2p.
	first  [columns / 4][6]float32
	second [columns / 16][6]float32
	third  [columns / 48][4]float32
	// last is, for each column k, the vector over n of w^(nk) of N: real,
	// imaginary.
	last [columns][2][Lanes]float32
}

// tables and fade are made once, before main, and never written again.
var (
	tables = newTwiddles()
	fade   = newFade()
)

func newTwiddles() *twiddles {
	t := new(twiddles)
	for p := range t.first {
		powers(t.first[p][:], p, columns)
	}
	for p := range t.second {
		powers(t.second[p][:], p, columns/4)
	}
	for p := range t.third {
		powers(t.third[p][:], p, columns/16)
	}
	for k := range t.last {
		for n := range Lanes {
			t.last[k][0][n], t.last[k][1][n] = unit(n*k, N)
		}
	}
	return t
}

func powers(to []float32, p, n int) {
	for i := 0; i < len(to); i += 2 {
		to[i], to[i+1] = unit(p*(i/2+1), n)
	}
}

// unit returns e^(-j2pi k/n).
func unit(k, n int) (re, im float32) {
	s, c := math.Sincos(-2 * math.Pi * float64(k%n) / float64(n))
	return float32(c), float32(s)
}

// newFade returns the part that what was has in a crossfade: cos^2 over the
// block. What is has the rest, so that a source that stays the same stays so.
func newFade() *[Block]float32 {
	f := new([Block]float32)
	for i := range f {
		c := math.Cos(math.Pi / 2 * (float64(i) + 0.5) / Block)
		f[i] = float32(c * c)
	}
	return f
}
