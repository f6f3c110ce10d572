package npc

import (
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// What the dispatcher adds to the first byte, everything included: through it
// minus direct, interleaved, with many answers open at once. It measures real
// time, so it runs alone: EARSHOT_BENCH_ROUTER=1.
func TestAddedLatency(t *testing.T) {
	if os.Getenv("EARSHOT_BENCH_ROUTER") == "" {
		t.Skip("measures real time: set EARSHOT_BENCH_ROUTER=1")
	}
	const streams, rounds = 500, 1000
	f := newFake(t, "openai", script{tokens: 200, first: 2 * time.Millisecond, between: 100 * time.Millisecond})
	cfg := f.config("a")
	cfg.Slots, cfg.Concurrency, cfg.Total = 1024, 1024, time.Minute
	in := started(t, func(c *Config) { c.Router.DialogueReserve, c.Router.ModerationReserve = 0, 0 }, cfg)
	direct := open(t, cfg)
	var open sync.WaitGroup
	for range streams {
		open.Go(func() {
			s, err := in.Chat(t.Context(), ask())
			if err != nil {
				t.Error(err)
				return
			}
			rest(s)
		})
	}
	var through, without []time.Duration
	for range rounds {
		begun := time.Now()
		s, err := in.Chat(t.Context(), ask())
		if err != nil {
			t.Fatal(err)
		}
		through = append(through, time.Since(begun))
		s.Close()
		begun = time.Now()
		a, err := direct.Chat(t.Context(), ChatRequest{Model: "m", Messages: hello(), MaxTokens: 32})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Next(); err != nil {
			t.Fatal(err)
		}
		without = append(without, time.Since(begun))
		a.Close()
	}
	slices.Sort(through)
	slices.Sort(without)
	for _, p := range []float64{.5, .9, .99} {
		i := int(p * rounds)
		t.Logf("p%g: through %v, direct %v, difference %v", p*100, through[i], without[i], through[i]-without[i])
	}
	open.Wait()
}
