package anchor

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A source that stays where it is sounds like its convolution, delayed; while it
// moves, like a fade between two.
func TestRender(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var left, right [Taps]float32
	for i := range left {
		left[i], right[i] = rng.Float32()-0.5, rng.Float32()-0.5
	}
	p := new(Pair)
	p.Move(&left, &right, 3, 17)
	p.Move(&left, &right, 3, 17)
	var said []float32
	for range 3 {
		var in [Block]float32
		for i := range in {
			in[i] = rng.Float32() - 0.5
		}
		said = append(said, in[:]...)
		var out [2 * Block]float32
		p.Render(&out, &in, 2)
		for i := range Block {
			for ear, h := range []*[Taps]float32{&left, &right} {
				var want float64
				n := len(said) - Block + i - []int{3, 17}[ear]
				for k := 0; k < Taps && k <= n; k++ {
					want += 2 * float64(h[k]) * float64(said[n-k])
				}
				if got := float64(out[2*i+ear]); math.Abs(got-want) > 1e-5 {
					t.Fatalf("ear %d, sample %d: %g, want %g", ear, i, got, want)
				}
			}
		}
	}
}
