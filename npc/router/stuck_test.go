package router

import (
	"testing"
	"time"
)

// One request that hangs does not make its server look slow once later ones
// have been answered; a server that answers none of them does.
func TestStuckRequestIsNotAStuckServer(t *testing.T) {
	r := newRouter(t, DefaultConfig(), backend("a", 8))
	warm(r, time.Millisecond, 5*time.Millisecond)
	q := ask("w")
	q.Deadline = epoch.Add(time.Hour)
	ttft := func(now time.Time) time.Duration { return r.Estimates(nil, now)[0].TTFT }
	stuck := send(t, r, q, epoch)
	now := epoch.Add(5 * time.Second)
	if got := ttft(now); got < 4*time.Second {
		t.Errorf("the only request is unanswered after 5 s: predicted %v, want more than 4s", got)
	}
	later := send(t, r, q, now)
	now = now.Add(200 * time.Millisecond)
	r.FirstToken(later.Attempt, now)
	if got := ttft(now); got > 2*time.Second {
		t.Errorf("the later one was answered: predicted %v, want less than 2s", got)
	}
	last := send(t, r, q, now)
	now = now.Add(5 * time.Second)
	if got := ttft(now); got < 4*time.Second {
		t.Errorf("a third is unanswered after 5 s: predicted %v, want more than 4s", got)
	}
	r.FirstToken(stuck.Attempt, now) // says nothing of the third
	if got := ttft(now); got < 4*time.Second {
		t.Errorf("the first was answered after all: predicted %v, want more than 4s", got)
	}
	for _, a := range []Assignment{stuck, later, last} {
		r.Done(a.Attempt, Outcome{OutTokens: 1}, now)
	}
	checkIdle(t, r)
}

// A server that keeps hanging is left out for a moment, unless nobody else has
// its model in memory.
func TestHungServerIsLeftOut(t *testing.T) {
	for _, tc := range []struct {
		other bool
		want  State
	}{{true, Ejected}, {false, Ready}} {
		r := newRouter(t, DefaultConfig(), backend("a", 8, "here"), backend("b", 8), backend("c", 8))
		warm(r, time.Millisecond, 5*time.Millisecond)
		for _, id := range []BackendID{"b", "c"} {
			r.SetLoaded(id, "m", tc.other)
		}
		q := ask("w")
		q.Labels = []string{"here"}
		for range slowToEject {
			if a := send(t, r, q, epoch); a.Attempt != 0 {
				r.Done(a.Attempt, Outcome{Result: Late}, epoch)
			}
		}
		if got := r.Estimates(nil, epoch)[0].State; got != tc.want {
			t.Errorf("others have the model %v: the state after %d hangs is %v, want %v", tc.other, slowToEject, got, tc.want)
		}
		checkIdle(t, r)
	}
}

// What would be late even if the model were in memory is not sent to a server
// that would have to load it first, though nothing is known of that.
func TestHopelessLoadIsRefused(t *testing.T) {
	b := backend("a", 1)
	b.Models[0].Loaded = false
	r := newRouter(t, DefaultConfig(), b)
	q := ask("w")
	q.Deadline = epoch.Add(50 * time.Millisecond)
	if _, err := r.Submit(q, epoch); err == nil {
		t.Error("a request with 50 ms to go was accepted for a model that takes seconds to load")
	}
}
