package directory

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// Deps are what a Directory needs from outside.
type Deps struct {
	Log   *slog.Logger
	Store store.Store // closed by whoever opened it
}

// Directory is a node's view of the others.
type Directory struct {
	cfg   Config
	deps  Deps
	again chan struct{} // asks for a survey
	asks  chan struct{} // bounds the questions about people at once
	work  sync.WaitGroup

	// mu guards all below.
	mu        sync.Mutex
	view      *view
	followers map[earshot.InstanceID]*follower
	surveyed  time.Time // the last that was answered, or New
	patient   time.Time // until then, who is not listed after an outage stays
	people    knowledge[cluster.Reply]
	friends   knowledge[[]earshot.ParticipantID]
}

const (
	// surveyGap is the least time between surveys that changes ask for.
	surveyGap = 100 * time.Millisecond
	// What fails is tried again after backoffLeast, then twice as late each
	// time up to backoffMost, and up to half as much later at random.
	backoffLeast = 50 * time.Millisecond
	backoffMost  = 2 * time.Second
	maxAsks      = 32
	sweepEvery   = 10 * time.Second
	// patience is how long owners have to write what they own again after the
	// store was away.
	patience = 5 * time.Second
)

// New returns a Directory that knows nothing yet. The *earshot.Error is that of
// Config.Validate.
func New(cfg Config, deps Deps) (*Directory, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Directory{
		cfg: cfg, deps: deps, again: make(chan struct{}, 1), asks: make(chan struct{}, maxAsks),
		view: newView(), followers: map[earshot.InstanceID]*follower{}, surveyed: time.Now(),
		people: knowledge[cluster.Reply]{}, friends: knowledge[[]earshot.ParticipantID]{},
	}, nil
}

// Run keeps the view until ctx ends. It returns after every goroutine it
// started has.
func (d *Directory) Run(ctx context.Context) error {
	d.work.Go(func() { d.listen(ctx) })
	defer d.work.Wait()
	var failing backoff
	swept := time.Now()
	for {
		wait := d.cfg.Survey
		if err := d.survey(ctx); err != nil {
			wait = failing.next()
			if failing.times == 1 && ctx.Err() == nil {
				d.deps.Log.Warn("the store is away: the view of other nodes stays as it is", "error", err)
			}
		} else {
			if failing.times > 0 {
				d.deps.Log.Info("the store is back")
			}
			failing = backoff{}
		}
		if now := time.Now(); now.Sub(swept) >= sweepEvery {
			swept = now
			d.mu.Lock()
			d.view.sweep(now)
			d.people.sweep(now)
			d.friends.sweep(now)
			d.mu.Unlock()
		}
		if !d.pause(ctx, surveyGap, nil) || !d.pause(ctx, wait-surveyGap, d.again) {
			return nil
		}
	}
}

// pause waits, or less long where early says so, and reports whether ctx is
// still wanted.
func (d *Directory) pause(ctx context.Context, wait time.Duration, early <-chan struct{}) bool {
	timer := time.NewTimer(max(wait, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-early:
	case <-ctx.Done():
		return false
	}
	return ctx.Err() == nil
}

func (d *Directory) survey(ctx context.Context) error {
	r, err := d.deps.Store.Do(ctx, cluster.Survey{})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if d.away(now) {
		d.patient = now.Add(patience)
	}
	d.surveyed = now
	begin, stop, read := d.view.list(r, d.cfg.MaxInstances, now.Before(d.patient))
	for _, id := range stop {
		d.followers[id].cancel()
		delete(d.followers, id)
	}
	for _, id := range begin {
		d.follow(ctx, id)
	}
	for _, id := range read {
		d.followers[id].wake()
	}
	return nil
}

// listen asks for a survey whenever lists change.
func (d *Directory) listen(ctx context.Context) {
	var failing backoff
	for {
		began := time.Now()
		d.deps.Store.Listen(ctx, d.surveyAgain, d.surveyAgain)
		if time.Since(began) > backoffMost {
			failing = backoff{}
		}
		if !d.pause(ctx, failing.next(), nil) {
			return
		}
	}
}

func (d *Directory) surveyAgain() {
	select {
	case d.again <- struct{}{}:
	default:
	}
}

// Watch keeps the view of a world until stop is called, once. What is known of
// it comes within Config.Survey.
func (d *Directory) Watch(world string) (stop func()) {
	d.mu.Lock()
	d.view.watch(world)
	d.mu.Unlock()
	d.surveyAgain()
	return sync.OnceFunc(func() {
		d.mu.Lock()
		d.view.unwatch(world)
		d.mu.Unlock()
		d.surveyAgain()
	})
}

// Behind returns how long ago the lists were read: what has to be asked of the
// store may be as old, and longer than a few seconds means that it is away.
func (d *Directory) Behind() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.surveyed)
}

// away reports whether the store has not answered for so long that it is not
// worth waiting for what it knows of one participant more. mu is held.
func (d *Directory) away(now time.Time) bool {
	return now.Sub(d.surveyed) > 2*d.cfg.Survey+backoffMost
}

// backoff is how long to wait before what failed is tried again.
type backoff struct{ times int }

func (b *backoff) next() time.Duration {
	wait := min(backoffLeast<<min(b.times, 10), backoffMost)
	b.times++
	return wait + rand.N(wait/2)
}
