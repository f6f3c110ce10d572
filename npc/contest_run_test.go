package npc

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"
)

// outcome is how a turn went.
type outcome struct {
	at    time.Duration
	class Class
	ttft  time.Duration // the patience, where it was lost
	lost  bool          // no first token within the patience
	cut   bool          // the answer ended in its middle
	err   error
}

// play sends the turns at their times through p, and returns how they went
// once all have ended.
func play(p policy, turns []turn) []outcome {
	out := make([]outcome, len(turns))
	begun := time.Now()
	var all sync.WaitGroup
	for i := range turns {
		t := &turns[i]
		pause(context.Background(), time.Until(begun.Add(t.at)))
		all.Go(func() { out[i] = t.play(p) })
	}
	all.Wait()
	return out
}

func (t *turn) play(p policy) outcome {
	o := outcome{at: t.at, class: t.class}
	begun := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := p.ask(ctx, t)
	if o.ttft = time.Since(begun); err != nil || o.ttft > t.patience() {
		o.lost, o.ttft, o.err = true, t.patience(), err
		if err == nil {
			r.Close()
		}
		return o
	}
	defer r.Close()
	for n := 1; ; n++ {
		if _, err := r.Next(); err == io.EOF {
			return o
		} else if err != nil {
			o.cut, o.err = true, err
			return o
		}
		if n == t.stop {
			return o // the player interrupts
		}
	}
}

// accident is what goes wrong in a run.
type accident struct {
	wrong  map[string]*faults
	region string // dies
	at     time.Duration
}

// run plays turns through an entrant on machines of its own. noise is how late
// the 99th percentile of timers was meanwhile: what others did on this computer.
func (e *entrant) run(t testing.TB, turns []turn, seed uint64, a accident) (out []outcome, noise time.Duration) {
	f := newField(t, seed, a.wrong)
	defer f.close()
	p, stop := e.make(t, f, seed)
	defer stop()
	if a.region != "" {
		defer time.AfterFunc(a.at, func() { f.kill(a.region) }).Stop()
	}
	ctx, cancel := context.WithCancel(context.Background())
	late := make(chan time.Duration, 1)
	go func() { late <- lateness(ctx) }()
	out = play(p, turns)
	cancel()
	return out, <-late
}

// lateness is the 99th percentile of how late a timer of 5 ms is, until ctx ends.
func lateness(ctx context.Context) time.Duration {
	var late []time.Duration
	for {
		begun := time.Now()
		if !pause(ctx, 5*time.Millisecond) {
			return quantileOf(late, .99)
		}
		late = append(late, time.Since(begun)-5*time.Millisecond)
	}
}
