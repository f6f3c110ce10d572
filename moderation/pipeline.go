package moderation

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
	"earshot/moderation/text"
)

// Bounds of what waits.
const (
	maxJobs     = 4096 // decisions for the journal, and orders
	maxJobsEach = 64   // about one person
)

// Pipeline takes events to their consequences. Create it with New; between New
// and the end of Run its methods may be called from any goroutine.
type Pipeline struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	m       *metrics
	journal *journal.Journal
	reader  *reader

	tier1, tier2 *tier // nil: there is none
	people       *people
	held         *held
	voices       *voices
	writes       *lanes        // to the journal
	orders       *lanes        // to the enforcer
	nothing      chan struct{} // closed
	due          chan struct{} // something may end sooner than was known
	done         atomic.Bool   // Run has ended

	standard *policy.Policy // of worlds that have none
	policies sync.Map       // world -> *policy.Policy

	mu    sync.Mutex
	under map[string]bool // ids of orders that are under way
}

var errEnded = earshot.Errorf(earshot.CodeUnavailable, "the node is shutting down: nothing is judged any more, try again elsewhere")

// New returns a pipeline. Errors are *earshot.Error that name the field.
func New(cfg Config, deps Deps) (*Pipeline, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if deps.Enforcer == nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "moderation: there is no Enforcer to carry out what is decided")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Journal == nil {
		if deps.Journal, err = journal.NewMemory(journal.Config{}); err != nil {
			return nil, err
		}
	}
	if deps.Tier0 == nil {
		deps.Tier0 = text.Default()
	}
	m := newMetrics()
	p := &Pipeline{
		cfg: cfg, deps: deps, log: deps.Log, m: m, journal: deps.Journal, reader: newReader(deps.Tier0),
		people: newPeople(), held: newHeld(m), under: map[string]bool{},
		writes: newLanes(maxJobs, maxJobsEach), orders: newLanes(maxJobs, maxJobsEach),
		nothing: make(chan struct{}), due: make(chan struct{}, 1), standard: policy.Default(),
	}
	close(p.nothing)
	if err := m.register(deps.Metrics, p.writes, p.orders); err != nil {
		return nil, err
	}
	for world, w := range cfg.Worlds {
		p.SetPolicy(world, w.Policy)
	}
	if deps.Tier1 != nil {
		p.tier1 = newTier(policy.Tier1, cfg.Tier1, deps.Tier1, m, p.answered)
	}
	if deps.Tier2 != nil {
		p.tier2 = newTier(policy.Tier2, cfg.Tier2, deps.Tier2, m, p.answered)
	}
	p.voices = newVoices(p)
	return p, nil
}

const (
	sweepEvery  = 2 * time.Second // while orders are open that nobody carries out
	idleEvery   = time.Minute     // what is over time is looked for
	retainEvery = time.Hour       // the same, in the journal
)

// Run serves until ctx ends. It begins with the orders that the last process
// left open, and returns after everything it started has ended: what was
// decided is then in the journal, and what was not carried out is open there.
func (p *Pipeline) Run(ctx context.Context) error {
	p.writes.start(ctx)
	p.orders.start(ctx)
	var work sync.WaitGroup
	work.Go(func() { p.tier1.run(ctx) })
	work.Go(func() { p.tier2.run(ctx) })
	work.Go(func() { p.voices.run(ctx) })
	p.rhythm(ctx)
	p.done.Store(true)
	work.Wait()
	p.writes.close()
	p.orders.close()
	return nil
}

// rhythm does what is due at a time.
func (p *Pipeline) rhythm(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var idled, retained time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.due:
		}
		now := time.Now()
		p.expire(now)
		p.held.drop(now)
		if now.Sub(idled) >= idleEvery {
			idled = now
			p.retain(ctx, now, now.Sub(retained) >= retainEvery)
			if now.Sub(retained) >= retainEvery {
				retained = now
			}
		}
		next := idleEvery
		if p.sweep() {
			next = sweepEvery
		}
		if at, ok := p.people.next(); ok {
			next = min(next, max(at.Sub(now), time.Millisecond))
		}
		timer.Reset(next)
	}
}

// retain has the journal and the evidence delete what is over time.
func (p *Pipeline) retain(ctx context.Context, now time.Time, all bool) {
	if p.deps.Evidence != nil {
		if _, err := p.deps.Evidence.Sweep(ctx, now); err != nil && ctx.Err() == nil {
			p.log.Error("evidence that is over time could not be deleted", "err", err)
		}
	}
	if !all {
		return
	}
	if _, err := p.journal.Sweep(ctx, now); err != nil && ctx.Err() == nil {
		p.log.Error("the journal could not delete what is over time", "err", err)
	}
}

// kick has the rhythm look again.
func (p *Pipeline) kick() {
	select {
	case p.due <- struct{}{}:
	default:
	}
}

func (p *Pipeline) ended() bool { return p.done.Load() }

// Policy returns the policy that a world follows.
func (p *Pipeline) Policy(world string) *policy.Policy {
	if pol, ok := p.policies.Load(world); ok {
		return pol.(*policy.Policy)
	}
	return p.standard
}

// SetPolicy has a world follow another policy from the next event on; nil is
// policy.Default. What is in force stays as it was decided.
func (p *Pipeline) SetPolicy(world string, to *policy.Policy) {
	if to == nil {
		p.policies.Delete(world)
		return
	}
	p.policies.Store(world, to)
}

// notify tells a person something.
func (p *Pipeline) notify(n Notice) {
	if p.deps.Notify != nil {
		p.deps.Notify(n)
	}
}
