package router

import (
	"fmt"
	"testing"
	"time"
)

// pool is a router with n backends in two regions, three models each, known
// and half busy, whose mirrors hold the prefix.
func pool(t testing.TB, n int, prefix []uint64) *Router {
	cfg := DefaultConfig()
	cfg.Explore = 0
	r := newRouter(t, cfg)
	for i := range n {
		b := Backend{
			ID: BackendID(fmt.Sprintf("backend-%03d", i)), Region: []string{"eu", "us"}[i%2], Slots: 8,
			Price: float64(i % 7), Labels: []string{"owned", "health", []string{"eu", "us"}[i%2]},
		}
		for _, name := range []string{"llama-3.1-70b", "llama-3.1-8b", "llama-guard-3"} {
			b.Models = append(b.Models, Model{Name: name, Context: 32768, Capabilities: Chat | Tools, Loaded: true})
		}
		if err := r.SetBackend(b); err != nil {
			t.Fatal(err)
		}
	}
	warm(r, 200*time.Microsecond, 10*time.Millisecond)
	for i, m := range r.members {
		m.rtt = 0.001 * float64(i%30)
		for _, s := range m.models {
			m.cache.touch(s.salt, prefix[:len(prefix)*(i%4)/3])
		}
	}
	return r
}

func conversation() []uint64 {
	prefix := make([]uint64, 48)
	for i := range prefix {
		prefix[i] = mix(uint64(i) + 1)
	}
	return prefix
}

var (
	questionModels = []string{"llama-3.1-8b", "llama-guard-3"}
	questionLabels = []string{"owned", "health"}
)

func question(prefix []uint64) Request {
	return Request{
		World: "w", Models: questionModels, Capability: Chat | Tools, Region: "eu",
		Labels: questionLabels, PromptTokens: 3200, Prefix: prefix, MaxOutput: 200,
	}
}

// BenchmarkDecide is the choice of one of 100 backends that all pass.
func BenchmarkDecide(b *testing.B) {
	prefix := conversation()
	r := pool(b, 100, prefix)
	w := r.world("w")
	t := &ticket{req: question(prefix), world: w, deadline: epoch.Add(time.Minute)}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := r.decide(t, epoch); !ok {
			b.Fatal("no backend")
		}
	}
}

// BenchmarkRequest is all of a request's life at 100 backends.
func BenchmarkRequest(b *testing.B) {
	prefix := conversation()
	r := pool(b, 100, prefix)
	now := epoch
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		life(b, r, question(prefix), now)
	}
}

func life(t testing.TB, r *Router, q Request, now time.Time) {
	if _, err := r.Submit(q, now); err != nil {
		t.Fatal(err)
	}
	a, ok := r.Next(now)
	if !ok {
		t.Fatal("Next() gave nothing")
	}
	r.FirstToken(a.Attempt, now.Add(50*time.Millisecond))
	r.Done(a.Attempt, Outcome{OutTokens: 50}, now.Add(time.Second))
}

func TestNothingIsAllocated(t *testing.T) {
	prefix := conversation()
	r := pool(t, 100, prefix)
	now := epoch
	request := func() {
		now = now.Add(time.Millisecond)
		life(t, r, question(prefix), now)
		r.Hedge(now)
	}
	if n := testing.AllocsPerRun(200, request); n != 0 {
		t.Errorf("a request allocates %v times, want 0", n)
	}
	saturate(t, r, prefix, now)
	full := func() {
		now = now.Add(time.Millisecond)
		r.Next(now)
	}
	if n := testing.AllocsPerRun(100, full); n != 0 {
		t.Errorf("Next on a full pool allocates %v times, want 0", n)
	}
	estimates := r.Estimates(nil, now)
	if n := testing.AllocsPerRun(100, func() { estimates = r.Estimates(estimates[:0], now) }); n != 0 {
		t.Errorf("Estimates allocates %v times, want 0", n)
	}
}

// saturate fills the pool and queues 20 requests for each of 50 worlds.
func saturate(t testing.TB, r *Router, prefix []uint64, now time.Time) {
	q := question(prefix)
	q.Deadline = now.Add(time.Hour)
	for i := range 100*8 + 1000 {
		q.World = fmt.Sprint("w", i%50)
		if _, err := r.Submit(q, now); err != nil {
			t.Fatal(err)
		}
		r.Next(now)
	}
	if r.Queued(Dialogue) < 1000 {
		t.Fatalf("%d queued, want 1000 or more", r.Queued(Dialogue))
	}
}

// BenchmarkFull is what a Next costs that finds no room, with 1,000 requests
// of 50 worlds queued, each a millisecond after the
// last, when something has changed on one backend.
func BenchmarkFull(b *testing.B) {
	prefix := conversation()
	r := pool(b, 100, prefix)
	saturate(b, r, prefix, epoch)
	i, now := 0, epoch
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		r.members[i%100].changes++
		r.changes++
		i++
		r.Next(now)
	}
}
