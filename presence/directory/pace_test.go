package directory

import (
	"math"
	"testing"
	"time"

	"earshot"
)

func TestPace(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var p Pace
	for _, step := range []struct {
		after time.Duration
		x     float32
		flags uint8
		due   bool
		why   string
	}{
		{0, 0, 0, true, "the first"},
		{time.Second, 3.9, 0, false, "less than 4 m"},
		{time.Second, 4, 0, true, "4 m"},
		{time.Second, 4, 1, true, "began to speak"},
		{time.Second, 4, 1, false, "nothing changed"},
		{time.Minute, -0.1, 1, true, "another cell"},
		{0, 10, 1, true, "the second at once"},
		{0, 20, 1, true, "the third"},
		{0, 30, 1, true, "the fourth"},
		{0, 40, 1, false, "the fifth"},
		{999 * time.Millisecond, 41, 1, false, "before the second is over"},
		{time.Millisecond, 41, 1, true, "a second later"},
	} {
		now = now.Add(step.after)
		if due := p.Due(earshot.Vec3{X: step.x}, step.flags, now); due != step.due {
			t.Errorf("%s: due %t, want %t", step.why, due, step.due)
		}
	}
}

// Whoever runs about and stammers is written once a second, in the long run.
func TestPaceHolds(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var p Pace
	written := 0
	for i := range 60 * 60 { // a minute at 60 Hz
		now = now.Add(time.Second / 60)
		if p.Due(earshot.Vec3{X: float32(i * 5)}, uint8(i), now) {
			written++
		}
	}
	if written > 60+paceBurst {
		t.Errorf("%d writes in a minute, want at most %d", written, 60+paceBurst)
	}
}

func TestCellOf(t *testing.T) {
	nan := float32(math.NaN())
	for _, tc := range []struct {
		x, z float32
		want [2]int16
	}{
		{0, 31.9, [2]int16{0, 0}}, {-0.1, 32, [2]int16{-1, 1}}, {1e9, -1e9, [2]int16{math.MaxInt16, math.MinInt16}}, {nan, nan, [2]int16{math.MinInt16, math.MinInt16}},
	} {
		if got := CellOf(earshot.Vec3{X: tc.x, Z: tc.z}); got != tc.want {
			t.Errorf("CellOf(%v, %v) = %v, want %v", tc.x, tc.z, got, tc.want)
		}
	}
}
