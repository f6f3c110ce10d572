package cluster

import (
	"slices"
	"testing"
	"time"

	"earshot/loadtest"
)

// second is a moment of a test.
func second(s float64) time.Time {
	return time.Unix(0, 0).Add(time.Duration(s * float64(time.Second)).Round(time.Millisecond))
}

// voice is a line that spoke in some times, 20 ms apart.
func voice(times ...[2]float64) *line {
	l := &line{}
	for _, t := range times {
		for at := second(t[0]); !at.After(second(t[1])); at = at.Add(20 * time.Millisecond) {
			l.note(at)
		}
	}
	return l
}

// Somebody speaks, their node dies at second 5, and they are heard again at 8.4.
func TestLine(t *testing.T) {
	l := voice([2]float64{1, 5}, [2]float64{8.4, 12})
	if d, ok := l.again(second(5)); !ok || d != 3400*time.Millisecond {
		t.Errorf("heard again after %v, %v; want 3.4 s", d, ok)
	}
	if d, ok := l.again(second(3)); !ok || d != 0 {
		t.Errorf("a cut at 3 s, which they did not notice: %v, %v; want 0", d, ok)
	}
	if _, ok := l.again(second(12.5)); ok {
		t.Error("heard again though nothing came after")
	}
	for _, tc := range []struct{ from, to, want float64 }{{1, 4, 0}, {4, 6, 3.4}, {8.5, 12, 0}, {9, 15, 3}} {
		if got := l.silence(second(tc.from), second(tc.to)).length().Seconds(); got < tc.want-.001 || got > tc.want+.02 {
			t.Errorf("silence from %v to %v: %.3f s, want %v", tc.from, tc.to, got, tc.want)
		}
	}
	if got := (&line{}).silence(second(2), second(9)).length(); got != 7*time.Second {
		t.Errorf("who was never heard was silent for %v, want 7 s", got)
	}
	late := voice([2]float64{6, 7})
	if d, ok := late.again(second(5)); !ok || d != time.Second {
		t.Errorf("first heard a second after the cut: %v, %v", d, ok)
	}
}

// Packets of who is banned are leaks from the order on, not before.
func TestEars(t *testing.T) {
	var e ears
	e.ban(7, second(3))
	if !e.mayHear(1, second(4)) || e.mayHear(7, second(2)) || len(e.leaked()) != 0 {
		t.Errorf("leaks %v before the order was in force", e.leaked())
	}
	e.mayHear(7, second(3.5))
	if leaks := e.leaked(); len(leaks) != 1 || leaks[0].talker != 7 || leaks[0].after != 500*time.Millisecond {
		t.Errorf("leaks %v, want one of 7 after 500 ms", leaks)
	}
}

// Who admits, in which order, and whether two did at once.
func TestOwners(t *testing.T) {
	at := func(node int, sent, answered float64) knock {
		return knock{node: node, instance: "in_a", sent: second(sent), answered: second(answered), verdict: loadtest.Admits}
	}
	for _, tc := range []struct {
		name   string
		knocks []knock
		order  []int
		double bool
	}{
		{"one owner", []knock{at(0, 1, 1.1), at(0, 2, 2.1)}, []int{0}, false},
		{"handed over", []knock{at(0, 1, 1.1), at(1, 5, 5.1), at(1, 6, 6.1)}, []int{0, 1}, false},
		{"two at once", []knock{at(0, 1, 1.1), at(1, 5, 5.1), at(0, 5.2, 5.3)}, []int{0, 1, 0}, true},
		{"asked before", []knock{at(0, 1, 1.1), at(1, 5, 5.1), at(0, 5, 5.3)}, []int{0, 1}, false},
		{"three in turn", []knock{at(0, 1, 1.1), at(1, 5, 5.1), at(2, 9, 9.1)}, []int{0, 1, 2}, false},
	} {
		order, double := owners(tc.knocks, "in_a")
		if !slices.Equal(order, tc.order) || double != tc.double {
			t.Errorf("%s: %v, %v; want %v, %v", tc.name, order, double, tc.order, tc.double)
		}
	}
	if d, ok := firstAdmission([]knock{at(0, 6, 6.1), at(1, 8, 8.2)}, "in_a", second(5), 0); !ok || d != 3200*time.Millisecond {
		t.Errorf("first admission by another: %v, %v; want 3.2 s", d, ok)
	}
}

// Quantiles are samples, and a limit without samples is not kept.
func TestFigure(t *testing.T) {
	var samples []time.Duration
	for i := range 100 {
		samples = append(samples, time.Duration(100-i)*time.Millisecond)
	}
	f := newFigure("x", samples, &Limit{"p95", 95})
	if f.P50 != 50 || f.P95 != 95 || f.P99 != 99 || f.Max != 100 || !f.Kept() {
		t.Errorf("p50 %v, p95 %v, p99 %v, longest %v, kept %v", f.P50, f.P95, f.P99, f.Max, f.Kept())
	}
	if f.Limit.MS = 94; f.Kept() {
		t.Error("95 ms keep to 94 ms")
	}
	none := newFigure("x", nil, &Limit{"max", 1})
	if none.Kept() {
		t.Error("nothing was measured, and the limit was kept")
	}
	r := Result{Scenarios: []*Scenario{{Name: "kill", Figures: []Figure{f}, Faults: []string{"ada heard bea"}}}}
	if missed, all := r.Missed(); missed != 2 || all != 2 {
		t.Errorf("missed %d of %d, want 2 of 2", missed, all)
	}
}
