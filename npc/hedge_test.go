package npc

import (
	"testing"
	"time"
)

// A backend that is late now and was not before is hedged, and the loser closed.
// On a busy machine it may have been late before: there are three tries.
func TestHedge(t *testing.T) {
	const tries = 3
	for try := 1; ; try++ {
		p := hedge(t)
		if p.Hedged && p.Backend == "fast" && p.Attempts == 2 {
			return
		}
		if try == tries {
			t.Fatalf("placement %+v, want fast by a hedge", p)
		}
		t.Logf("placement %+v: trying again", p)
	}
}

// hedge returns who answered instead of one that hangs.
func hedge(t *testing.T) Placement {
	slow, fast := newFake(t, "ollama", script{tokens: 1}), newFake(t, "ollama", script{tokens: 1, first: 5 * time.Millisecond})
	first, second := slow.config("slow"), fast.config("fast")
	first.Labels, second.Labels, second.Region = []string{"one"}, []string{"two"}, "south"
	in := started(t, func(c *Config) {
		c.Router.RegionCost = 5
		c.Router.HedgeBudget = 1
	}, first, second)
	loaded(in, "slow", "fast")
	for _, label := range []string{"one", "two"} { // until both are known
		for range 30 {
			req := ask()
			req.Labels = []string{label}
			s, err := in.Chat(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			rest(s)
		}
	}
	slow.set(script{hang: true})
	s, err := in.Chat(t.Context(), ask())
	if err != nil {
		t.Fatal(err)
	}
	rest(s)
	if s.Placement().Attempts > 1 {
		noticed(t, slow)
	}
	return s.Placement()
}
