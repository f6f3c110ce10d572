package forward

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// camera is one in three sizes without temporal layers, of which now was shown.
func camera(now int) Demand {
	return Demand{
		Rates: flatRates(150e3, 500e3, 1700e3), Active: [MaxLayers]bool{true, true, true},
		Temporals: [MaxLayers]int{1, 1, 1}, Layers: 3, Most: 2, Now: size(now),
	}
}

func screenDemand(now int) Demand {
	return Demand{
		Rates: flatRates(800e3), Active: [MaxLayers]bool{true}, Temporals: [MaxLayers]int{1, 1, 1},
		Layers: 1, Detail: true, Now: size(now),
	}
}

// size returns the target of a size without temporal layers; -1 is none.
func size(layer int) Target {
	if layer < 0 {
		return NoTarget
	}
	return MakeTarget(layer, 0)
}

func flatRates(of ...float64) (rates [allTargets]float64) {
	for layer, rate := range of {
		for t := range MaxTemporal {
			rates[MakeTarget(layer, t)] = rate
		}
	}
	return rates
}

// layered is a demand with three frame rates, of 40, 60 and 100 % of the size's
// rate.
func layered(detail bool) Demand {
	d := camera(-1)
	d.Detail, d.Temporals = detail, [MaxLayers]int{3, 3, 3}
	for t := range Target(allTargets) {
		d.Rates[t] *= temporalGuess[t.Temporal()]
	}
	return d
}

// TestLadder says which way a video goes as there is more room: a camera keeps
// moving, a screen stays readable.
func TestLadder(t *testing.T) {
	two := layered(false)
	two.Temporals = [MaxLayers]int{2, 2, 2}
	gone := layered(false)
	gone.Active[1] = false
	small := layered(true)
	small.Most = 1
	still := layered(true)
	still.Active = [MaxLayers]bool{}
	for name, c := range map[string]struct {
		demand Demand
		want   string
	}{
		"camera":              {layered(false), "0.0 0.1 0.2 1.1 1.2 2.1 2.2"},
		"two frame rates":     {two, "0.0 0.1 1.0 1.1 2.0 2.1"},
		"the middle is gone":  {gone, "0.0 0.1 0.2 2.1 2.2"},
		"screen":              {layered(true), "0.0 1.0 2.0 2.1 2.2"},
		"screen, shown small": {small, "0.0 1.0 1.1 1.2"},
		"a screen that rests": {still, "0.0 0.1 0.2"},
		"no temporal layers":  {camera(0), "0.0 1.0 2.0"},
	} {
		c.demand.climb()
		got := ""
		for _, x := range c.demand.ladder.targets[:c.demand.ladder.steps] {
			got += fmt.Sprintf(" %d.%d", x.Layer(), x.Temporal())
		}
		if got != " "+c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestShareGivesWayInFrameRate has a little less than a video takes: a camera
// loses its highest frame rate, a screen too, and neither its size; a screen
// keeps its size down to the lowest frame rate.
func TestShareGivesWayInFrameRate(t *testing.T) {
	for _, c := range []struct {
		rate           float64
		camera, screen Target
	}{
		{1_750e3, MakeTarget(2, 2), MakeTarget(2, 2)},
		{1_600e3, MakeTarget(2, 1), MakeTarget(2, 1)},
		{1_000e3, MakeTarget(1, 2), MakeTarget(2, 0)},
		{400e3, MakeTarget(1, 1), MakeTarget(1, 0)},
		{200e3, MakeTarget(0, 2), MakeTarget(1, 0)},
		{50e3, MakeTarget(0, 0), MakeTarget(0, 0)},
	} {
		for detail, want := range map[bool]Target{false: c.camera, true: c.screen} {
			d := layered(detail)
			d.Now = MakeTarget(2, 2)
			var a Allocation
			demands := []Demand{d}
			a.Share(epoch, c.rate, true, time.Time{}, demands)
			if got := demands[0].Target; got != want {
				t.Errorf("%.0f bit/s, detail %v: %d.%d, want %d.%d", c.rate, detail, got.Layer(), got.Temporal(), want.Layer(), want.Temporal())
			}
		}
	}
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
			got = append(got, d.Target.Layer())
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
			sum += d.cost(d.step)
			raised = raised || d.step > 0
			none = none || d.Target == NoTarget
		}
		if first := demands[0].cost(0); sum > max(rate, first) {
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
