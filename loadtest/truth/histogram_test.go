package truth

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Quantiles are off by less than a hundredth, whatever the distribution.
func TestQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"uniform": func() float64 { return 100 * rng.Float64() },
		"tail":    func() float64 { return math.Exp(3 * rng.NormFloat64()) },
		"narrow":  func() float64 { return 1e6 + rng.Float64() },
		"small":   func() float64 { return 0.002 + 0.1*rng.Float64() },
	} {
		var h Histogram
		var all []float64
		for range 20_000 {
			v := draw()
			h.Add(v)
			all = append(all, v)
		}
		slices.Sort(all)
		for _, q := range []float64{0, 0.001, 0.05, 0.5, 0.9, 0.99, 0.999, 1} {
			want := all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
			if got := h.Quantile(q); math.Abs(got-want) > 0.01*want {
				if want >= 1.0/1024 || got != h.Min() {
					t.Errorf("%s: Quantile(%v) = %v, want %v", name, q, got, want)
				}
			}
		}
		if h.Min() != all[0] || h.Max() != all[len(all)-1] || h.Count() != 20_000 {
			t.Errorf("%s: %d values from %v to %v, want 20000 from %v to %v", name, h.Count(), h.Min(), h.Max(), all[0], all[len(all)-1])
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	var h Histogram
	if !math.IsNaN(h.Quantile(0.5)) || !math.IsNaN(h.Mean()) || !math.IsNaN(h.Min()) || !math.IsNaN(h.Max()) {
		t.Error("an empty histogram has figures")
	}
	h.Add(math.NaN())
	for _, v := range []float64{0, -5, 1e-9, math.Inf(1), 1e300, 1} {
		h.Add(v)
	}
	if h.Count() != 6 || h.Min() != -5 || !math.IsInf(h.Max(), 1) || !math.IsInf(h.Quantile(1), 1) {
		t.Errorf("count %d min %v max %v", h.Count(), h.Min(), h.Max())
	}
	var n uint64
	last := -1.0
	h.Each(func(le float64, k uint64) {
		if le <= last {
			t.Errorf("Each goes from %v to %v", last, le)
		}
		last = le
		n += k
	})
	if n != 6 {
		t.Errorf("Each has %d values, want 6", n)
	}
	h.Reset()
	if h.Count() != 0 || !math.IsNaN(h.Quantile(0.5)) {
		t.Error("Reset leaves something")
	}
	var one Histogram
	one.Add(7)
	if one.Quantile(0.5) != 7 || one.Mean() != 7 {
		t.Errorf("the median of 7 is %v, mean %v", one.Quantile(0.5), one.Mean())
	}
}

// Two histograms merged are the histogram of both.
func TestMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var a, b, both Histogram
	for i := range 10_000 {
		v := math.Exp(2*rng.NormFloat64()) - 0.01
		both.Add(v)
		if i%3 == 0 {
			a.Add(v)
		} else {
			b.Add(v)
		}
	}
	var sum Histogram
	sum.Merge(&a)
	sum.Merge(&b)
	sum.Merge(&Histogram{})
	for _, q := range []float64{0, 0.01, 0.5, 0.99, 1} {
		if sum.Quantile(q) != both.Quantile(q) {
			t.Errorf("Quantile(%v) = %v merged, %v at once", q, sum.Quantile(q), both.Quantile(q))
		}
	}
	if sum.Count() != both.Count() || math.Abs(sum.Sum()-both.Sum()) > 1e-6 || sum.Min() != both.Min() || sum.Max() != both.Max() {
		t.Errorf("merged %d %v, at once %d %v", sum.Count(), sum.Sum(), both.Count(), both.Sum())
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	var h Histogram
	v := 1.0
	h.Add(v)
	if n := testing.AllocsPerRun(1000, func() {
		v = 1 + math.Mod(v*1.3, 1)
		h.Add(v)
	}); n != 0 {
		t.Errorf("Add allocates %v times, want 0", n)
	}
}
