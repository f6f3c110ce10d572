package moderation

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
	"earshot/moderation/text"
)

// What tier 0 and the default policy make of these is checked by TestSamples.
const (
	clean     = "hmm that was pretty dumb" // not even uncertain
	uncertain = "you people are disgusting"
	rude      = "you are such a moron" // a strike of half a weight
	severe    = "kys"                  // a strike of one, or two
)

var tier0 = sync.OnceValue(text.Default)

// bench is a Pipeline with hand-written neighbours.
type bench struct {
	t       *testing.T
	p       *Pipeline
	journal *journal.Journal
	log     *syncBuffer
	metrics *prometheus.Registry
	stop    func()

	mu        sync.Mutex
	orders    []Order
	refuse    error // of the enforcer
	notices   []Notice
	retracted []Retraction
	released  []Release
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Enforce implements Enforcer.
func (b *bench) Enforce(ctx context.Context, o Order) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return b.refuse
	}
	b.orders = append(b.orders, o)
	return nil
}

// newBench starts a pipeline. with may change config and dependencies. j nil is
// a journal in memory.
func newBench(t *testing.T, j *journal.Journal, with func(*Config, *Deps)) *bench {
	t.Helper()
	b := &bench{t: t, log: &syncBuffer{}, metrics: prometheus.NewRegistry()}
	cfg := Config{}
	deps := Deps{
		Enforcer: b, Journal: j, Tier0: tier0(), Metrics: b.metrics,
		Log:     slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Retract: func(r Retraction) { b.mu.Lock(); b.retracted = append(b.retracted, r); b.mu.Unlock() },
		Release: func(r Release) { b.mu.Lock(); b.released = append(b.released, r); b.mu.Unlock() },
		Notify:  func(n Notice) { b.mu.Lock(); b.notices = append(b.notices, n); b.mu.Unlock() },
	}
	if with != nil {
		with(&cfg, &deps)
	}
	p, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	b.p, b.journal = p, p.journal
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	b.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	return b
}

func (b *bench) say(who earshot.ParticipantID, text string) Verdict {
	b.t.Helper()
	return b.event(Event{Kind: policy.Chat, World: "w", Instance: "in_w", Who: who, Name: "Ann", Text: text, At: time.Now()})
}

func (b *bench) event(e Event) Verdict {
	b.t.Helper()
	v, err := b.p.Text(b.t.Context(), e)
	if err != nil {
		b.t.Fatalf("Text(%s) = %v", e.Kind, err)
	}
	return v
}

// last returns the newest order.
func (b *bench) last() Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.orders) == 0 {
		return Order{}
	}
	return b.orders[len(b.orders)-1]
}

func (b *bench) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.orders)
}

// seen are copies of what came until now.
type seen struct {
	orders    []Order
	notices   []Notice
	retracted []Retraction
	released  []Release
}

func (b *bench) seen() seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return seen{slices.Clone(b.orders), slices.Clone(b.notices), slices.Clone(b.retracted), slices.Clone(b.released)}
}

func (b *bench) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = err
}

// untilMuted has somebody say severe things until the ladder mutes them.
func (b *bench) untilMuted(who earshot.ParticipantID) Order {
	b.t.Helper()
	for range 12 {
		b.say(who, severe)
		synctest.Wait()
		if o := b.last(); o.Who == who {
			if _, ok := o.Sanctioned(policy.Mute, time.Now()); ok {
				return o
			}
		}
	}
	b.t.Fatalf("12 severe lines did not mute %s: last order %+v", who, b.last())
	return Order{}
}

// value is that of a counter.
func (b *bench) value(name string, labels ...string) float64 {
	b.t.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "earshot_moderation_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if strings.Join(have, " ") == strings.Join(labels, " ") {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// guardFunc is a Guard.
type guardFunc func(ctx context.Context, batch []Event) ([]policy.Scores, error)

func (f guardFunc) Judge(ctx context.Context, _ string, batch []Event) ([]policy.Scores, error) {
	return f(ctx, batch)
}

// answers is a guard that takes some time and then gives all the same scores.
func answers(after time.Duration, s policy.Scores) guardFunc {
	return func(ctx context.Context, batch []Event) ([]policy.Scores, error) {
		if !wait(ctx, after) {
			return nil, ctx.Err()
		}
		out := make([]policy.Scores, len(batch))
		for i := range out {
			out[i] = s
		}
		return out, nil
	}
}

// hangs is a guard that never answers.
func hangs() guardFunc {
	return func(ctx context.Context, _ []Event) ([]policy.Scores, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

var (
	found   = policy.Scores{policy.Hate: 0.97}
	nothing = policy.Scores{policy.Hate: 0.01}
	errDown = errors.New("connection refused")
)

func TestSamples(t *testing.T) {
	r, pol := newReader(tier0()), policy.Default()
	for _, tc := range []struct {
		text      string
		uncertain bool
		mask      bool
		strike    bool
	}{{clean, false, false, false}, {uncertain, true, false, false}, {rude, true, true, true}, {severe, true, true, true}} {
		read := r.read(tc.text)
		d := pol.Decide(policy.Signal{Kind: policy.Chat, Source: policy.Tier0, Scores: read.scores, Terms: read.terms}, nil, time.Now())
		_, mask := d.Has(policy.Mask)
		if pol.Uncertain(read.scores) != tc.uncertain || mask != tc.mask || (d.Strike != nil) != tc.strike {
			t.Errorf("%q scores %v: %+v; the tests of this package want uncertain %v, mask %v, strike %v",
				tc.text, read.scores, d, tc.uncertain, tc.mask, tc.strike)
		}
	}
}

func sanctioned(o Order, a policy.Action, now time.Time) (time.Time, bool) {
	return o.Sanctioned(a, now)
}
