package forward

import (
	"testing"
	"time"
)

// A camera of three layers: the best is taken from its first key frame on; it
// stops, and the one below takes over at a key frame; it comes back.
func TestHighestFollowsTheBestThatComes(t *testing.T) {
	var h Highest
	now := time.Unix(0, 0)
	step := func(at time.Duration, layer int, starts, take bool, want int) {
		t.Helper()
		if gotTake, gotWant := h.Take(layer, starts, now.Add(at)); gotTake != take || gotWant != want {
			t.Errorf("at %v layer %d, key %v: Take = %v, %d, want %v, %d", at, layer, starts, gotTake, gotWant, take, want)
		}
	}
	ms := time.Millisecond
	if h.Current() != -1 {
		t.Errorf("Current() = %d, want -1", h.Current())
	}
	step(0, 0, false, false, 0)
	step(10*ms, 0, true, true, -1) // there is nothing better yet
	step(20*ms, 2, false, false, 2)
	step(30*ms, 0, false, true, 2) // and goes on until that has its key frame
	step(40*ms, 2, true, true, -1)
	step(50*ms, 0, true, false, -1)
	step(60*ms, 1, true, false, -1)
	step(1100*ms, 1, false, false, 1) // the best has stopped
	step(1110*ms, 1, true, true, -1)
	step(1120*ms, 2, false, false, 2)
	step(1130*ms, 2, true, true, -1)
	step(1140*ms, MaxLayers, true, false, -1)
	if h.Current() != 2 {
		t.Errorf("Current() = %d, want 2", h.Current())
	}
}
