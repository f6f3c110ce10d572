package forward

import (
	"math/rand/v2"
	"testing"
)

// TestWindow adds numbers with gaps and out of order, across the wrap, and
// compares with a plain set.
func TestWindow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var w Window
	seen := map[int]bool{}
	newest := 65000
	add := func(n int) {
		known := n > newest-windowSize
		fresh := known && !seen[n]
		if got := w.Add(uint16(n)); got != fresh {
			t.Fatalf("Add(%d) = %v, want %v with %d as the newest", n, got, fresh, newest)
		}
		if known {
			seen[n] = true
		}
		newest = max(newest, n)
	}
	add(newest)
	for range 20000 {
		switch rng.IntN(20) {
		case 0:
			add(newest - rng.IntN(windowSize+50))
		case 1:
			add(newest + 1 + rng.IntN(5))
		case 2:
			if rng.IntN(200) == 0 {
				add(newest + windowSize + rng.IntN(100))
			}
		case 3:
			if rng.IntN(100) == 0 { // nothing is missing for long
				for range rng.IntN(2 * windowSize) {
					add(newest + 1)
				}
			}
		default:
			add(newest + 1)
		}
		back := rng.IntN(windowSize - 1)
		from := newest - back
		want := 0
		for n := from + 1; n <= newest; n++ {
			if !seen[n] {
				want++
			}
		}
		if n, ok := w.Missing(uint16(from), uint16(newest)); !ok || n != want {
			t.Fatalf("Missing(%d, %d) = %d, %v, want %d", from, newest, n, ok, want)
		}
	}
	if _, ok := w.Missing(uint16(newest-windowSize-1), uint16(newest)); ok {
		t.Error("Missing knows what is forgotten")
	}
	if _, ok := w.Missing(uint16(newest), uint16(newest+1)); ok {
		t.Error("Missing knows what was not sent")
	}
	if (&Window{}).Has(7) {
		t.Error("the zero Window has 7")
	}
}
