package router

import (
	"testing"
	"time"
)

// send submits a request and returns where it went; "" when it was refused or
// has to wait.
func send(t testing.TB, r *Router, q Request, now time.Time) Assignment {
	t.Helper()
	ticket, err := r.Submit(q, now)
	if err != nil {
		return Assignment{}
	}
	a, ok := r.Next(now)
	if !ok {
		r.Cancel(ticket, now)
	}
	return a
}

func names(n int) (backends []Backend) {
	for i := range n {
		backends = append(backends, backend(string(rune('a'+i)), 8))
	}
	return backends
}

// Of four backends that all fail, at most half are left out: the others go on
// being tried, since an error may be the request's own fault.
func TestNeverTooManyAreEjected(t *testing.T) {
	for _, tc := range []struct {
		result Result
		want   int
	}{{Failed, 2}, {Unreachable, 4}} {
		r := newRouter(t, DefaultConfig(), names(4)...)
		warm(r, time.Millisecond, 5*time.Millisecond)
		for range 200 {
			if a := send(t, r, ask("w"), epoch); a.Attempt != 0 {
				after := r.Done(a.Attempt, Outcome{Result: tc.result}, epoch)
				for after == Queued {
					a, _ := r.Next(epoch)
					after = r.Done(a.Attempt, Outcome{Result: tc.result}, epoch)
				}
			}
		}
		out := 0
		for _, e := range r.Estimates(nil, epoch) {
			if e.State == Ejected {
				out++
			}
		}
		if out != tc.want {
			t.Errorf("result %d: %d of 4 are ejected, want %d", tc.result, out, tc.want)
		}
		checkIdle(t, r)
	}
}

// Five first tokens in a row that take four times as long as predicted, or
// longer, are too many; what nobody minds does not count.
func TestSlownessEjects(t *testing.T) {
	h := health{}
	for i := range slowToEject {
		if got, want := h.late(0.5, 0.1), i == slowToEject-1; got != want {
			t.Errorf("late first token %d: eject %v, want %v", i+1, got, want)
		}
	}
	h.late(0.2, 0.1)
	if h.slow != 0 {
		t.Errorf("a first token in time leaves a row of %d late ones, want 0", h.slow)
	}
	if h.late(0.04, 0.001); h.slow != 0 {
		t.Error("40 ms count as slow, but nobody minds them")
	}
}

func TestEjectionGrowsAndIsForgotten(t *testing.T) {
	r := newRouter(t, DefaultConfig(), backend("a", 1))
	h := &r.members[0].health
	for i, want := range []time.Duration{30, 60, 90} {
		r.eject(r.members[0], epoch)
		if got := h.until.Sub(epoch); got != want*time.Second {
			t.Errorf("ejection %d lasts %v, want %v s", i+1, got, int(want))
		}
	}
	h.well(true, epoch, 30*time.Second)
	h.well(false, epoch.Add(31*time.Second), 30*time.Second)
	if r.eject(r.members[0], epoch); h.until.Sub(epoch) != 30*time.Second {
		t.Errorf("after it was well for 30 s the next ejection lasts %v, want 30 s", h.until.Sub(epoch))
	}
}

// A backend that is described anew keeps what was learnt of it; one that is
// removed takes nothing new, and its attempts end as usual.
func TestCatalogueChanges(t *testing.T) {
	r := newRouter(t, DefaultConfig(), backend("a", 2), backend("b", 2))
	warm(r, time.Millisecond, 5*time.Millisecond)
	a := send(t, r, ask("w"), epoch)
	changed := backend(string(a.Backend), 4)
	changed.Models = append(changed.Models, Model{Name: "new", Capabilities: Chat})
	if err := r.SetBackend(changed); err != nil {
		t.Fatal(err)
	}
	e := r.Estimates(nil, epoch)[0]
	if !e.Known || e.InFlight != 1 || e.QueuedIn != 100 || e.Concurrency != 4 {
		t.Errorf("after SetBackend: %+v, want known, 1 of 4 in flight, 100 tokens queued", e)
	}
	if !r.RemoveBackend(a.Backend) || r.RemoveBackend(a.Backend) {
		t.Error("RemoveBackend() twice, want true, then false")
	}
	for range 5 {
		if n := send(t, r, ask("w"), epoch); n.Backend == a.Backend {
			t.Errorf("request was sent to %s, which is gone", n.Backend)
		}
	}
	if _, won := r.FirstToken(a.Attempt, epoch.Add(time.Second)); !won {
		t.Error("the attempt on the removed backend did not win")
	}
	if after := r.Done(a.Attempt, Outcome{OutTokens: 5}, epoch.Add(2*time.Second)); after != Ended {
		t.Errorf("Done() = %v, want Ended", after)
	}
}

// Labels that a backend loses count for what is queued already.
func TestLabelsAreCheckedWhenSent(t *testing.T) {
	r := newRouter(t, DefaultConfig(), backend("a", 1, "eu"))
	q := ask("w")
	q.Labels = []string{"eu"}
	first := send(t, r, q, epoch)
	ticket, err := r.Submit(q, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetBackend(backend("a", 1)); err != nil {
		t.Fatal(err)
	}
	r.Done(first.Attempt, Outcome{}, epoch)
	if a, ok := r.Next(epoch); !ok || a.Ticket != ticket || a.Err == nil || a.Err.Filter != ByLocality || a.Err.Retriable() {
		t.Errorf("Next() = %+v, %v, want ticket %d refused by locality", a, ok, ticket)
	}
	checkIdle(t, r)
}

// One request in a hundred goes to one that is not predicted to be best.
func TestExploration(t *testing.T) {
	cfg := DefaultConfig()
	r := newRouter(t, cfg, names(2)...)
	warm(r, time.Millisecond, 5*time.Millisecond)
	r.SetRTT("b", 300*time.Millisecond)
	probes, there := 0, 0
	for i := range 20_000 {
		now := epoch.Add(time.Duration(i) * time.Millisecond)
		a := send(t, r, ask("w"), now)
		if a.Probe {
			probes++
		}
		if a.Backend == "b" {
			there++
		}
		r.FirstToken(a.Attempt, now.Add(a.TTFT))
		r.Done(a.Attempt, Outcome{OutTokens: 1}, now.Add(a.TTFT))
	}
	if probes < 150 || probes > 250 || there < 60 || there > 140 {
		t.Errorf("%d of 20000 explored, %d of them at b: want about 200 and 100", probes, there)
	}
}
