package npc

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"testing"
	"time"
)

// ours is Inference with its defaults.
type ours struct{ in *Inference }

func newOurs(t testing.TB, f field) (ours, func()) {
	cfg := DefaultConfig()
	cfg.Discover = ""
	cfg.Backends = f.configs()
	in, err := New(cfg, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	return ours{in}, func() {
		cancel()
		<-ended
	}
}

func (o ours) ask(ctx context.Context, t *turn) (reply, error) {
	s, err := o.in.Chat(ctx, Request{
		World: t.world, Class: t.class, Models: []string{t.model()}, Region: "eu", Labels: t.labels,
		Messages: t.messages, MaxTokens: t.answer, Patience: t.patience(),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// entrant is a policy in the contest.
type entrant struct {
	name string
	make func(t testing.TB, f field, seed uint64) (policy, func())
}

func entrants() []entrant {
	of := func(name string, choose func(*baseline, *turn, []*seat, time.Time) *seat) entrant {
		return entrant{name, func(t testing.TB, f field, seed uint64) (policy, func()) {
			return newBaseline(t, f, seed, choose), func() {}
		}}
	}
	return []entrant{
		of("round robin", roundRobin), of("least in flight", leastInFlight), of("peak-EWMA P2C", peakEWMA),
		of("lowest average", lowestAverage), of("queue+prefix blend", blend),
		{"Earshot", func(t testing.TB, f field, _ uint64) (policy, func()) { return newOurs(t, f) }},
	}
}

// roundRobin takes turns among the backends that have the model.
func roundRobin(b *baseline, t *turn, seats []*seat, _ time.Time) *seat {
	from := b.next[t.model()]
	s := slices.MinFunc(seats, func(x, y *seat) int {
		return cmp.Compare((x.place-from+len(b.seats))%len(b.seats), (y.place-from+len(b.seats))%len(b.seats))
	})
	b.next[t.model()] = (s.place + 1) % len(b.seats)
	return s
}

// lowest returns the seat of least value, at random among equals.
func (b *baseline) lowest(seats []*seat, value func(*seat) float64) *seat {
	var best []*seat
	least := math.Inf(1)
	for _, s := range seats {
		v := value(s)
		if v < least {
			least, best = v, best[:0]
		}
		if v == least {
			best = append(best, s)
		}
	}
	return best[b.rand.IntN(len(best))]
}

// leastInFlight counts each slot: nginx's least_conn with weights.
func leastInFlight(b *baseline, _ *turn, seats []*seat, _ time.Time) *seat {
	return b.lowest(seats, func(s *seat) float64 { return float64(s.inflight+1) / float64(s.Slots) })
}

// peakEWMA is Finagle's: of two at random the one with the lower latency times
// what is pending. The latency follows a peak at once and decays over 10 s.
func peakEWMA(b *baseline, t *turn, seats []*seat, now time.Time) *seat {
	x := seats[b.rand.IntN(len(seats))]
	if len(seats) == 1 {
		return x
	}
	y := x
	for y == x {
		y = seats[b.rand.IntN(len(seats))]
	}
	cost := func(s *seat) float64 {
		l := s.of(t.model())
		return (l.at(now) + 1e-9) * float64(s.inflight+1)
	}
	if cost(y) < cost(x) {
		return y
	}
	return x
}

const (
	ewmaDecay = 10 * time.Second
	ewmaStart = 0.030 // s
)

func (l *learnt) at(now time.Time) float64 {
	if l.seen.IsZero() {
		return ewmaStart
	}
	return l.ewma * math.Exp(-float64(now.Sub(l.seen))/float64(ewmaDecay))
}

func (l *learnt) observe(took float64, now time.Time) {
	switch {
	case l.seen.IsZero() || took > l.ewma:
		l.ewma = took
	default:
		w := math.Exp(-float64(now.Sub(l.seen)) / float64(ewmaDecay))
		l.ewma = l.ewma*w + took*(1-w)
	}
	l.seen = now
}

// lowestAverage is LiteLLM's latency routing as it is meant: the mean of the
// last ten times to the first token; who has none is tried first.
func lowestAverage(b *baseline, t *turn, seats []*seat, _ time.Time) *seat {
	return b.lowest(seats, func(s *seat) float64 {
		sum := 0.0
		l := s.of(t.model()).latencies
		for _, v := range l {
			sum += v
		}
		return sum / float64(max(len(l), 1))
	})
}

// blend is llm-d's endpoint picker with its documented weights: 3 for the
// share of the prompt that the mirror of a backend's prefix cache holds, 2 for
// an empty queue (normalised between the shortest and the longest), 2 for free
// cache; the highest sum wins. It is given what a real one polls for: the
// machines' own queues and caches, exact and now. Like the filter for adapters
// in front of it, only backends with the model in memory are looked at, if
// there are any.
func blend(b *baseline, t *turn, seats []*seat, _ time.Time) *seat {
	if in := slices.DeleteFunc(slices.Clone(seats), func(s *seat) bool {
		return !slices.Contains(s.machine.loaded(), t.model())
	}); len(in) > 0 {
		seats = in
	}
	_, chain := prefix(t.messages, b.seed, cacheBlock)
	waiting, used := map[*seat]float64{}, map[*seat]float64{}
	for _, s := range seats {
		n, share := s.machine.gauges()
		waiting[s], used[s] = float64(n), share
	}
	shortest, longest := slices.Min(slices.Collect(maps.Values(waiting))), slices.Max(slices.Collect(maps.Values(waiting)))
	best := b.lowest(seats, func(s *seat) float64 {
		queue := 1.0
		if longest > shortest {
			queue = (longest - waiting[s]) / (longest - shortest)
		}
		held := float64(b.mirror(s).known(chain)) / float64(max(len(chain), 1))
		return -(3*held + 2*queue + 2*(1-used[s]))
	})
	b.mirror(best).claim(chain)
	return best
}

// mirror is what the blend believes a backend's cache to hold: all it was sent
// last, as much as the backend has room for.
func (b *baseline) mirror(s *seat) *blockCache {
	if b.cache[s] == nil {
		b.cache[s] = newBlockCache(cmp.Or(s.KVTokens, s.Slots*8192))
	}
	return b.cache[s]
}
