package npc

import (
	"context"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// reply is an answer that has begun.
type reply interface {
	Next() (string, error)
	Close()
}

// policy sends turns somewhere. ask returns at the first token.
type policy interface {
	ask(ctx context.Context, t *turn) (reply, error)
}

// seat is a machine as a baseline knows it.
type seat struct {
	BackendConfig
	server   backend
	machine  *contestant // only the blend looks at it, for its gauges
	place    int
	inflight int
	errors   int       // in a row
	out      time.Time // until when it is left out
	mind     map[string]*learnt
}

// learnt is what a baseline has measured of one model on a seat.
type learnt struct {
	latencies []float64 // the last ten, s
	ewma      float64   // s
	seen      time.Time
}

func (s *seat) of(model string) *learnt {
	if s.mind[model] == nil {
		s.mind[model] = &learnt{}
	}
	return s.mind[model]
}

// baseline is what all policies but ours have in common, and are given as
// ours has it: exact counts of what is in flight, the same clients, up to
// eight attempts on different backends before the first token, half of the
// patience that is left for each, and Envoy's passive ejection (five errors in
// a row, 30 s; at once where nobody listens).
type baseline struct {
	// choose returns one of seats, of which there is at least one. It is
	// called with mu held.
	choose func(b *baseline, t *turn, seats []*seat, now time.Time) *seat

	mu    sync.Mutex
	seats []*seat
	rand  *rand.Rand
	next  map[string]int // of round robin, by model
	seed  maphash.Seed
	cache map[*seat]*blockCache // of the blend
}

func newBaseline(t testing.TB, f field, seed uint64, choose func(*baseline, *turn, []*seat, time.Time) *seat) *baseline {
	b := &baseline{choose: choose, rand: rand.New(rand.NewPCG(seed, 99)), seed: maphash.MakeSeed(), next: map[string]int{}, cache: map[*seat]*blockCache{}}
	for i, cfg := range f.configs() {
		cfg = cfg.withDefaults()
		server, client, err := cfg.open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.close)
		b.seats = append(b.seats, &seat{BackendConfig: cfg, server: server, machine: f[i], place: i, mind: map[string]*learnt{}})
	}
	return b
}

func (s *seat) has(model string) bool {
	return slices.ContainsFunc(s.Models, func(m ModelConfig) bool { return m.Name == model })
}

// pick chooses among those that have the model, were not tried and are not
// ejected; among all of them if that leaves none.
func (b *baseline) pick(t *turn, tried []*seat) *seat {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	var all, well []*seat
	for _, s := range b.seats {
		if s.has(t.model()) && !slices.Contains(tried, s) {
			all = append(all, s)
			if now.After(s.out) {
				well = append(well, s)
			}
		}
	}
	if len(well) == 0 {
		well = all
	}
	if len(well) == 0 {
		return nil
	}
	s := b.choose(b, t, well, now)
	s.inflight++
	return s
}

func (b *baseline) ask(ctx context.Context, t *turn) (reply, error) {
	deadline := time.Now().Add(t.patience())
	var tried []*seat
	var last error
	for len(tried) < 8 && time.Until(deadline) > 0 {
		s := b.pick(t, tried)
		if s == nil {
			break
		}
		tried = append(tried, s)
		begun := time.Now()
		r, err := s.try(ctx, b, t, max(time.Until(deadline)/2, 50*time.Millisecond))
		b.told(s, t.model(), time.Since(begun), err)
		if err == nil {
			return r, nil
		}
		last = err
	}
	if last == nil {
		last = errOver
	}
	return nil, last
}

// told takes in how an attempt came to its first token.
func (b *baseline) told(s *seat, model string, took time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if err != nil {
		s.inflight--
		f, _ := err.(*Failure)
		if s.errors++; s.errors >= 5 || f != nil && f.Kind == FailedConnect {
			s.errors, s.out = 0, now.Add(30*time.Second)
		}
	} else {
		s.errors = 0
	}
	l := s.of(model)
	l.latencies = append(l.latencies, took.Seconds())
	l.latencies = l.latencies[max(0, len(l.latencies)-10):]
	l.observe(took.Seconds(), now)
}

// baselineReply ends an attempt when it is closed or read to its end.
type baselineReply struct {
	answer
	first string
	done  func()
}

func (r *baselineReply) Next() (string, error) {
	if r.first != "" {
		text := r.first
		r.first = ""
		return text, nil
	}
	text, err := r.answer.Next()
	if err != nil {
		r.done()
	}
	return text, err
}

func (r *baselineReply) Close() {
	r.answer.Close()
	r.done()
}

// try sends the turn to s and waits for the first token.
func (s *seat) try(ctx context.Context, b *baseline, t *turn, patience time.Duration) (reply, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	limit := time.AfterFunc(patience, func() { cancel(errHung) })
	a, err := s.server.Chat(ctx, ChatRequest{Model: t.model(), Messages: t.messages, MaxTokens: t.answer})
	var first string
	if err == nil {
		first, err = a.Next()
	}
	limit.Stop()
	if err == io.EOF {
		err = &Failure{Kind: FailedGarbage, Backend: s.ID}
	}
	if err != nil {
		cancel(err)
		return nil, err
	}
	var once sync.Once
	return &baselineReply{answer: a, first: first, done: func() {
		once.Do(func() {
			cancel(context.Canceled)
			b.mu.Lock()
			defer b.mu.Unlock()
			s.inflight--
		})
	}}, nil
}
