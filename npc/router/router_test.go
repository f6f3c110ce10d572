package router

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"earshot"
)

// epoch is where the time of tests begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newRouter(t testing.TB, cfg Config, backends ...Backend) *Router {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range backends {
		if err := r.SetBackend(b); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func backend(id string, slots int, labels ...string) Backend {
	return Backend{
		ID: BackendID(id), Region: "eu", Slots: slots, Labels: labels,
		Models: []Model{{Name: "m", Context: 8192, Capabilities: Chat, Loaded: true}},
	}
}

func ask(world string) Request {
	return Request{World: world, Models: []string{"m"}, Capability: Chat, PromptTokens: 100, MaxOutput: 100}
}

// warm gives every model of every backend enough first tokens to be known:
// perToken for each prompt token, tpot for each of the answer.
func warm(r *Router, perToken, tpot time.Duration) {
	for _, m := range r.members {
		for _, s := range m.models {
			for range warmSamples {
				s.firstToken(100*perToken.Seconds(), 0, 100, true, epoch)
				s.answer(11, 10*tpot, 1)
			}
		}
	}
}

func TestOneRequest(t *testing.T) {
	r := newRouter(t, DefaultConfig(), backend("a", 1))
	ticket, err := r.Submit(ask("w"), epoch)
	if err != nil {
		t.Fatal(err)
	}
	a, ok := r.Next(epoch)
	if !ok || a.Ticket != ticket || a.Backend != "a" || a.Model != "m" || a.Degraded != NotDegraded {
		t.Fatalf("Next() = %+v, %v, want ticket %d at a", a, ok, ticket)
	}
	if _, ok := r.Next(epoch); ok {
		t.Error("Next() gave a second assignment for one request")
	}
	if loser, won := r.FirstToken(a.Attempt, epoch.Add(50*time.Millisecond)); loser != 0 || !won {
		t.Errorf("FirstToken() = %d, %v, want 0, true", loser, won)
	}
	if after := r.Done(a.Attempt, Outcome{OutTokens: 10}, epoch.Add(time.Second)); after != Ended {
		t.Errorf("Done() = %v, want Ended", after)
	}
	if after := r.Done(a.Attempt, Outcome{}, epoch.Add(time.Second)); after != Ended {
		t.Errorf("Done() twice = %v, want Ended", after)
	}
	checkIdle(t, r)
}

// checkIdle fails when the router holds on to anything.
func checkIdle(t testing.TB, r *Router) {
	t.Helper()
	if n := len(r.tickets.items) - len(r.tickets.free); n != 0 {
		t.Errorf("%d tickets are left", n)
	}
	if n := len(r.attempts.items) - len(r.attempts.free); n != 0 {
		t.Errorf("%d attempts are left", n)
	}
	for _, m := range r.members {
		if m.inflight != 0 || m.byClass != [classes]int{} || m.held != 0 || m.oldest != nil || m.newest != nil {
			t.Errorf("%s: in flight %d %v, held %d, awaited %v: want nothing", m.ID, m.inflight, m.byClass, m.held, m.oldest)
		}
		for _, s := range m.models {
			if s.queued != 0 {
				t.Errorf("%s: %d uncached tokens are left", m.ID, s.queued)
			}
		}
	}
	for name, w := range r.worlds {
		if w.tickets != 0 || len(w.queues[Dialogue])+len(w.queues[Moderation]) != 0 {
			t.Errorf("world %q has %d tickets", name, w.tickets)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(r *Router, q *Request)
		filter Filter
		code   earshot.Code
	}{
		{"label", func(_ *Router, q *Request) { q.Labels = []string{"us"} }, ByLocality, earshot.CodeFailedPrecondition},
		{"model", func(_ *Router, q *Request) { q.Models = []string{"x"} }, ByCapability, earshot.CodeFailedPrecondition},
		{"capability", func(_ *Router, q *Request) { q.Capability = Speech }, ByCapability, earshot.CodeFailedPrecondition},
		{"context", func(_ *Router, q *Request) { q.PromptTokens = 8100 }, ByCapability, earshot.CodeFailedPrecondition},
		{"ejected", func(r *Router, _ *Request) { r.members[0].health.eject(epoch.Add(time.Second)) }, ByHealth, earshot.CodeUnavailable},
		{"deadline", func(r *Router, q *Request) {
			warm(r, 10*time.Millisecond, 0)
			q.Deadline = epoch.Add(900 * time.Millisecond)
		}, ByDeadline, earshot.CodeDeadlineExceeded},
		{"load", func(r *Router, q *Request) {
			r.SetLoaded("a", "m", false)
			q.Deadline = epoch.Add(4 * time.Second)
		}, ByLoad, earshot.CodeDeadlineExceeded},
		{"no backend", func(r *Router, _ *Request) { r.RemoveBackend("a") }, ByCapability, earshot.CodeFailedPrecondition},
	} {
		r, q := newRouter(t, DefaultConfig(), backend("a", 1, "eu", "owned")), ask("w")
		q.Labels = []string{"eu"}
		if tc.name == "no backend" {
			q.Labels = nil
		}
		tc.change(r, &q)
		_, err := r.Submit(q, epoch)
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Filter != tc.filter || earshot.CodeOf(err) != tc.code {
			t.Errorf("%s: Submit() = %v, want filter %v and %s", tc.name, err, tc.filter, tc.code)
		}
		checkIdle(t, r)
	}
}

func TestQueueBounds(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxQueued, cfg.MaxRequests, cfg.MaxWorlds = 2, 3, 2
	r := newRouter(t, cfg, backend("a", 1))
	for i, tc := range []struct {
		world string
		code  earshot.Code
	}{
		{"one", ""}, {"one", ""}, {"one", earshot.CodeResourceExhausted},
		{"two", ""}, {"two", earshot.CodeResourceExhausted}, {"three", earshot.CodeResourceExhausted},
	} {
		if _, err := r.Submit(ask(tc.world), epoch); earshot.CodeOf(err) != tc.code {
			t.Errorf("Submit %d for %s = %v, want %q", i, tc.world, err, tc.code)
		}
	}
	if n := r.Queued(Dialogue); n != 3 {
		t.Errorf("Queued() = %d, want 3", n)
	}
}

func TestHandlesAreNeverReused(t *testing.T) {
	r := newRouter(t, DefaultConfig(), backend("a", 1))
	seen := map[Attempt]bool{}
	for i := range 100 {
		now := epoch.Add(time.Duration(i) * time.Second)
		r.Submit(ask("w"), now)
		a, _ := r.Next(now)
		if seen[a.Attempt] {
			t.Fatalf("attempt %d was given twice", a.Attempt)
		}
		seen[a.Attempt] = true
		r.Done(a.Attempt, Outcome{Result: Result(i % 2)}, now)
	}
}

func TestConfig(t *testing.T) {
	cfg := DefaultConfig()
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	cfg.HedgeBudget = 2
	if err := cfg.Validate(); fmt.Sprint(err) != "invalid_argument: router.hedge_budget is 2, want a share from 0 to 1" {
		t.Errorf("Validate() = %v", err)
	}
}
