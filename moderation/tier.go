package moderation

import (
	"context"
	"math"
	"sync"
	"time"

	"earshot/moderation/policy"
)

// tier asks one Guard: it gathers events into batches, bounds how many wait
// and how many are under way, and rests when the guard does not answer.
type tier struct {
	source policy.Source
	cfg    TierConfig
	guard  Guard
	brk    breaker
	queue  chan *matter
	slots  chan struct{}
	m      *metrics
	work   sync.WaitGroup
	// answer gets the scores of a matter, or nil for a failure.
	answer func(m *matter, from policy.Source, s policy.Scores)
}

func newTier(source policy.Source, cfg TierConfig, guard Guard, m *metrics, answer func(*matter, policy.Source, policy.Scores)) *tier {
	return &tier{
		source: source, cfg: cfg, guard: guard, m: m, answer: answer,
		brk:   breaker{failures: cfg.Failures, rest: cfg.Rest},
		queue: make(chan *matter, cfg.Queue), slots: make(chan struct{}, cfg.Parallel),
	}
}

// submit hands a matter over, which answer then gets back once. asked is false
// where it was not taken; wait is false where nobody should wait for it.
func (t *tier) submit(m *matter, now time.Time) (asked, wait bool) {
	if t == nil {
		return false, false
	}
	may := t.brk.ask(now)
	if may == forbidden {
		t.m.guards.WithLabelValues(string(t.source), "resting").Inc()
		return false, false
	}
	select {
	case t.queue <- m:
		return true, may == allowed
	default:
	}
	if may == tryOnly {
		t.brk.forgo()
	}
	t.m.guards.WithLabelValues(string(t.source), "full").Inc()
	return false, false
}

// run makes batches until ctx ends. What waits then is answered as failed.
func (t *tier) run(ctx context.Context) {
	if t == nil {
		return
	}
	defer t.work.Wait()
	for {
		select {
		case <-ctx.Done():
			t.drain()
			return
		case t.slots <- struct{}{}:
		}
		select {
		case <-ctx.Done():
			<-t.slots
			t.drain()
			return
		case first := <-t.queue:
			t.send(ctx, t.gather(ctx, first))
		}
	}
}

func (t *tier) drain() {
	for {
		select {
		case m := <-t.queue:
			t.answer(m, t.source, nil)
		default:
			return
		}
	}
}

func (t *tier) gather(ctx context.Context, first *matter) []*matter {
	batch := []*matter{first}
	timer := time.NewTimer(t.cfg.Gather)
	defer timer.Stop()
	for len(batch) < t.cfg.Batch {
		select {
		case m := <-t.queue:
			batch = append(batch, m)
		case <-timer.C:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// send asks about a batch, each world's apart. The slot is given back when the
// guard has returned from all, so one that hangs keeps only its slots.
func (t *tier) send(ctx context.Context, batch []*matter) {
	worlds := map[string][]*matter{}
	for _, m := range batch {
		worlds[m.event.World] = append(worlds[m.event.World], m)
	}
	var parts sync.WaitGroup
	for world, part := range worlds {
		parts.Go(func() { t.judge(ctx, world, part) })
	}
	t.work.Go(func() {
		parts.Wait()
		<-t.slots
	})
}

func (t *tier) judge(ctx context.Context, world string, batch []*matter) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Deadline)
	defer cancel()
	events := make([]Event, len(batch))
	for i, m := range batch {
		events[i] = m.event
	}
	begun := time.Now()
	type reply struct {
		scores []policy.Scores
		err    error
	}
	replies := make(chan reply, 1)
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() {
		scores, err := t.guard.Judge(ctx, world, events)
		replies <- reply{scores, err}
	})
	var r reply
	select {
	case r = <-replies:
	case <-ctx.Done(): // also of a guard that does not care
		r.err = ctx.Err()
	}
	outcome := "ok"
	switch {
	case r.err != nil && ctx.Err() != nil:
		outcome = "late"
	case r.err != nil:
		outcome = "failed"
	case !sound(r.scores, len(batch)):
		outcome = "garbage"
	}
	t.brk.done(outcome == "ok", time.Now())
	t.m.guards.WithLabelValues(string(t.source), outcome).Add(float64(len(batch)))
	t.m.guardTime.WithLabelValues(string(t.source)).Observe(time.Since(begun).Seconds())
	for i, m := range batch {
		if outcome == "ok" {
			t.answer(m, t.source, r.scores[i])
		} else {
			t.answer(m, t.source, nil)
		}
	}
}

// sound reports whether scores are what a Guard may return for n events.
func sound(scores []policy.Scores, n int) bool {
	if len(scores) != n {
		return false
	}
	for _, s := range scores {
		if s == nil {
			return false
		}
		for _, v := range s {
			if math.IsNaN(v) || v < 0 || v > 1 {
				return false
			}
		}
	}
	return true
}
