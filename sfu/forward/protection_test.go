package forward

import (
	"testing"
	"time"
)

// TestProtection plays an hour of reports: loss asks for earlier frames, more
// loss for more, and they stay for a while after it.
func TestProtection(t *testing.T) {
	var p Protection
	now, never := epoch, time.Time{}
	play := func(d time.Duration, loss float64, congested time.Time) int {
		depth := 0
		for end := now.Add(d); now.Before(end); now = now.Add(time.Second) {
			p.Observe(200, int(200*loss), now)
			depth = p.Depth(now, congested)
		}
		return depth
	}
	for i, step := range []struct {
		d         time.Duration
		loss      float64
		congested time.Time
		want      int
	}{
		{time.Minute, 0, never, 0},
		{10 * time.Second, 0.02, never, 1},
		{15 * time.Second, 0.05, never, 2},
		{10 * time.Second, 0, never, 2}, // held
		{2 * time.Minute, 0, never, 0},
		{time.Minute, 0.005, never, 0}, // not enough to begin
		{20 * time.Second, 0.015, never, 1},
		{2 * time.Minute, 0.006, never, 1}, // enough to stay
		{2 * time.Minute, 0, never, 0},
		{3 * time.Second, 0.1, now.Add(11 * time.Minute), 0}, // of congestion
	} {
		if i == 9 {
			step.congested = now.Add(2 * time.Second)
		}
		if got := play(step.d, step.loss, step.congested); got != step.want {
			t.Errorf("step %d: depth %d at a loss of %.3f, want %d", i, got, p.Loss(), step.want)
		}
	}
}

// TestProtectionNeedsPackets: one packet of five lost says nothing yet.
func TestProtectionNeedsPackets(t *testing.T) {
	var p Protection
	p.Observe(5, 1, epoch)
	p.Observe(-3, 1, epoch)
	if d := p.Depth(epoch, time.Time{}); d != 0 {
		t.Errorf("depth %d after five packets, want 0", d)
	}
}
