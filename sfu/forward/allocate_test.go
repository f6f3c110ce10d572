package forward

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func camera(now int) Demand {
	return Demand{
		Rates: [MaxLayers]float64{150e3, 500e3, 1700e3}, Active: [MaxLayers]bool{true, true, true},
		Layers: 3, Most: 2, Now: now,
	}
}

func screenDemand(now int) Demand {
	return Demand{Rates: [MaxLayers]float64{800e3}, Active: [MaxLayers]bool{true}, Layers: 1, Now: now}
}

func TestShare(t *testing.T) {
	small := camera(0)
	small.Most = 1
	gone := camera(2)
	gone.Active[2] = false
	for name, c := range map[string]struct {
		rate    float64
		known   bool
		demands []Demand
		want    string
	}{
		"nothing known":            {0, false, []Demand{camera(0), screenDemand(0)}, "[2 0]"},
		"all fits":                 {5e6, true, []Demand{camera(0), camera(0)}, "[2 2]"},
		"lowest first":             {400e3, true, []Demand{camera(0), camera(0)}, "[0 0]"},
		"then the first":           {800e3, true, []Demand{camera(0), camera(0)}, "[1 0]"},
		"no room":                  {50e3, true, []Demand{camera(2), camera(2)}, "[0 -1]"},
		"a screen before":          {900e3, true, []Demand{screenDemand(0), camera(0)}, "[0 -1]"},
		"of use":                   {5e6, true, []Demand{small}, "[1]"},
		"a layer that is not sent": {5e6, true, []Demand{gone}, "[1]"},
		"kept without margin":      {505e3, true, []Demand{camera(1)}, "[1]"},
		"not raised without":       {505e3, true, []Demand{camera(0)}, "[0]"},
	} {
		var a Allocation
		a.Share(epoch, c.rate, c.known, time.Time{}, c.demands)
		var got []int
		for _, d := range c.demands {
			got = append(got, d.Layer)
		}
		if s := fmt.Sprint(got); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

// TestShareKeepsWithinTheRate holds for any demands: what is granted fits, but
// for the one that is always shown, and nobody is raised while another has nothing
// that would have fitted.
func TestShareKeepsWithinTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Allocation
		demands := make([]Demand, rapid.IntRange(1, 8).Draw(t, "videos"))
		for i := range demands {
			demands[i] = camera(rapid.IntRange(-1, 2).Draw(t, "now"))
			demands[i].Layers = rapid.IntRange(1, 3).Draw(t, "layers")
			demands[i].Most = demands[i].Layers - 1
		}
		rate := rapid.Float64Range(EstimateLeast, 1e7).Draw(t, "rate")
		a.Share(epoch, rate, true, time.Time{}, demands)
		sum, raised, none := 0.0, false, false
		for i := range demands {
			d := &demands[i]
			sum += d.rate(d.Layer)
			raised = raised || d.Layer > 0
			none = none || d.Layer == NoLayer
		}
		if first := demands[0].rate(0); sum > max(rate, first) {
			t.Fatalf("%.0f are granted of %.0f", sum, rate)
		}
		if raised && none && rate-sum > 150e3*raiseMargin {
			t.Fatalf("somebody is raised while another has nothing: %+v", demands)
		}
	})
}

func TestShareAllocatesNothing(t *testing.T) {
	var a Allocation
	var e Estimate
	demands := []Demand{camera(0), camera(1), screenDemand(0)}
	now := epoch
	if n := testing.AllocsPerRun(500, func() {
		now = now.Add(20 * time.Millisecond)
		e.Arrived(1200, now.Sub(epoch), now.Sub(epoch))
		e.Update(now)
		rate, known := e.Rate()
		a.Share(now, rate, known, e.Congested(), demands)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
