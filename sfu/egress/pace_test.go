package egress

import (
	"testing"
	"time"
)

// An evening: quiet, a rush, then busy with something else, then quiet again.
func TestPace(t *testing.T) {
	const cores = 2
	p := Pace{Max: 5 * time.Millisecond}
	now := time.Unix(1000, 0)
	var cpu time.Duration
	var packets uint64
	live := func(d time.Duration, share float64, rate int) (gather time.Duration) {
		const step = 50 * time.Millisecond
		for range d / step {
			now = now.Add(step)
			cpu += time.Duration(float64(step) * share * cores)
			packets += uint64(rate) * uint64(step) / uint64(time.Second)
			gather = p.Observe(now, cpu, packets, cores)
		}
		return gather
	}
	for _, tc := range []struct {
		what  string
		d     time.Duration
		share float64
		rate  int
		want  time.Duration
	}{
		{"quiet", 5 * time.Second, 0.05, 1000, 0},
		{"half load", 10 * time.Second, 0.45, 40000, 0},
		{"a moment of high load", 200 * time.Millisecond, 0.9, 80000, 0},
		{"half load again", 10 * time.Second, 0.45, 40000, 0},
		{"many come at once", 2500 * time.Millisecond, 0.7, 60000, 0},
		{"and are in", 2 * time.Second, 0.45, 60000, 0},
		{"what they need goes on", 3500 * time.Millisecond, 0.6, 60000, time.Millisecond},
		{"some leave", 10 * time.Second, 0.2, 20000, 0},
		{"high load begins", 1200 * time.Millisecond, 0.9, 80000, time.Millisecond},
		{"high load goes on", 3 * time.Second, 0.9, 80000, 5 * time.Millisecond},
		{"gathering helped: it stays", 20 * time.Second, 0.35, 80000, 5 * time.Millisecond},
		{"less to do", 3 * time.Second, 0.2, 20000, 2 * time.Millisecond},
		{"quiet again", 10 * time.Second, 0.05, 1000, 0},
		{"busy with a model, not with sending", 10 * time.Second, 0.95, 30000, 0},
	} {
		if got := live(tc.d, tc.share, tc.rate); got != tc.want {
			t.Errorf("%s: gather %v, want %v", tc.what, got, tc.want)
		}
	}
}

func TestPaceLimits(t *testing.T) {
	p := Pace{Min: time.Millisecond, Max: 20 * time.Millisecond}
	now, cpu := time.Unix(1000, 0), time.Duration(0)
	if got := p.Observe(now, 0, 0, 1); got != time.Millisecond {
		t.Errorf("calm: gather %v, want Min", got)
	}
	for i := range 50 {
		now, cpu = now.Add(paceEvery), cpu+paceEvery*9/10
		p.Observe(now, cpu, uint64(5000*i), 1)
	}
	if got := p.Observe(now, cpu, 0, 1); got != 20*time.Millisecond {
		t.Errorf("busy: gather %v, want Max", got)
	}
}
