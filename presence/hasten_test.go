package presence

import (
	"slices"
	"testing"
	"time"

	"earshot"
)

// Whoever is hastened to is in the next tick's sets, whenever that is.
func TestHasten(t *testing.T) {
	const frame = time.Second / 60
	for ticks := range 24 {
		s := newSpace(t, 10)
		join(t, s, "pa_a", 0)
		join(t, s, "pa_far", 900)
		var out Tick
		now := epoch
		for range ticks {
			now = now.Add(frame)
			s.Tick(now, &out)
		}
		if _, err := s.Join("pa_b", earshot.Standing(earshot.Vec3{X: 3}, 0), now); err != nil {
			t.Fatal(err)
		}
		s.Ready("pa_b")
		s.Hasten("pa_b")
		s.Hasten("pa_nobody")
		s.Tick(now.Add(frame), &out)
		if !slices.ContainsFunc(out.Changes, func(c Change) bool { return c.Of == "pa_a" && slices.Contains(c.Enter, "pa_b") }) {
			t.Errorf("after %d ticks: the next one tells of %+v, not that pa_b is near pa_a", ticks, out.Changes)
		}
	}
}
