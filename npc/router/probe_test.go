package router

import (
	"testing"
	"time"
)

// Who is sent to an unknown server to learn is asked for elsewhere when the
// known one would have answered, whatever the budget says; and the unknown one
// gets samples even if it loses every time.
func TestNobodyWaitsForAProbe(t *testing.T) {
	cfg := DefaultConfig()
	cfg.HedgeBudget, cfg.Explore = 0, 0
	r := newRouter(t, cfg, backend("known", 8), backend("unknown", 8))
	known := r.byID["known"].models[0]
	for range warmSamples {
		known.firstToken(0.1, 0, 100, true, epoch)
	}
	now, probes := epoch, 0
	for range 2000 {
		now = now.Add(time.Second)
		a := send(t, r, ask("w"), now)
		if a.Backend == "known" {
			r.FirstToken(a.Attempt, now.Add(a.TTFT))
			r.Done(a.Attempt, Outcome{OutTokens: 1}, now.Add(a.TTFT))
			continue
		}
		probes++
		late := now.Add(seconds(r.attempts.get(uint64(a.Attempt)).instead) + hedgeLeast)
		if h, ok := r.Hedge(late.Add(-time.Millisecond)); ok {
			t.Fatalf("Hedge before the known one would have answered = %v", h)
		}
		h, ok := r.Hedge(late)
		if !ok || h.Backend != "known" {
			t.Fatalf("Hedge when the known one would have answered = %v, %v, want one to it", h, ok)
		}
		now = late.Add(h.TTFT)
		if loser, won := r.FirstToken(h.Attempt, now); !won || loser != a.Attempt {
			t.Fatalf("FirstToken = %v, %v, want the probe to close", loser, won)
		}
		r.Done(a.Attempt, Outcome{Result: Cancelled}, now)
		r.Done(h.Attempt, Outcome{OutTokens: 1}, now)
	}
	unknown := r.byID["unknown"].models[0]
	if probes < warmSamples || !unknown.warm() {
		t.Errorf("%d probes gave %d samples, want %d or more", probes, unknown.samples, warmSamples)
	}
	if unknown.costPerToken() < known.costPerToken() {
		t.Errorf("it is believed to take %v s a token, less than the one it always lost to, %v", unknown.costPerToken(), known.costPerToken())
	}
	checkIdle(t, r)
}
