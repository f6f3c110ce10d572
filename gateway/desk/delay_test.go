package desk

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A packet counts as its youngest and as its oldest sound, and later by as much as
// its beat was late.
func TestDelay(t *testing.T) {
	r := prometheus.NewRegistry()
	mixes, _ := newDelays(r)
	var bed, mix ages
	due := time.Unix(100, 0)
	mixes.left(&mix, due, due) // nobody sounds
	bed.add(30*time.Millisecond, 30*time.Millisecond)
	bed.add(90*time.Millisecond, 90*time.Millisecond)
	mix.add(50*time.Millisecond, 50*time.Millisecond)
	mix.merge(&bed)
	mix.merge(&ages{})
	mixes.left(&mix, due, due.Add(10*time.Millisecond))
	families, err := r.Gather()
	check(t, err)
	sums := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		key := ""
		for _, l := range m.GetLabel() {
			key += l.GetName() + "=" + l.GetValue() + " "
		}
		sums[key] = m.GetHistogram().GetSampleSum()
		if n := m.GetHistogram().GetSampleCount(); n > 1 {
			t.Errorf("%s: %d packets, want 1", key, n)
		}
	}
	if young, old := sums["in=mix of=youngest "], sums["in=mix of=oldest "]; young != 0.04 || old != 0.1 {
		t.Errorf("the youngest is %v s old and the oldest %v, want 0.04 and 0.1: %v", young, old, sums)
	}
}
