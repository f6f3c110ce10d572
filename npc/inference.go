package npc

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/npc/router"

	"github.com/prometheus/client_golang/prometheus"
)

// rhythm is how often the router is asked for hedges and for what became due
// by time alone, while any request waits for its first token.
const rhythm = 5 * time.Millisecond

// Deps are what an Inference needs besides its Config. Either may be nil.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Inference sends requests to model servers. Create it with New; Run must be
// running for hedges, probes, leases and the refusal of what waits too long.
type Inference struct {
	*Catalogue
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	seed    maphash.Seed

	finding atomic.Pointer[Finding]
	search  search

	kick chan struct{} // wakes the rhythm of Run
	work sync.WaitGroup

	// mu guards router, calls, open and closed. It is never held across input
	// or output, nor across a call into another package but npc/router.
	mu     sync.Mutex
	router *router.Router
	calls  map[router.Ticket]*call // until they have their first token or have failed
	open   map[*Stream]struct{}    // answers being read
	closed bool
}

// New returns an Inference that knows the configured backends, or an
// *earshot.Error that names what is wrong with cfg.
func New(cfg Config, deps Deps) (*Inference, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Router.Seed = maphash.Comparable(maphash.MakeSeed(), 0)
	core, err := router.New(cfg.Router)
	if err != nil {
		return nil, err
	}
	in := &Inference{
		cfg: cfg, log: deps.Log, seed: maphash.MakeSeed(), kick: make(chan struct{}, 1),
		router: core, calls: map[router.Ticket]*call{}, open: map[*Stream]struct{}{},
	}
	if in.log == nil {
		in.log = slog.New(slog.DiscardHandler)
	}
	in.finding.Store(&Finding{URL: cfg.Discover})
	in.Catalogue = &Catalogue{
		tell: in.tell, maxLease: cfg.MaxLease, most: cfg.Router.MaxBackends, entries: map[string]*entry{},
	}
	for i, b := range cfg.Backends {
		if err := in.put(b, time.Time{}); err != nil {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "backends[%d] %s: %s", i, b.ID, text(err))
		}
	}
	if in.metrics, err = newMetrics(deps.Metrics, in); err != nil {
		return nil, err
	}
	return in, nil
}

// tell runs f on the router, and sends what that made room for.
func (in *Inference) tell(f func(*router.Router)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f(in.router)
	in.pump(time.Now())
}

// Run probes, ends leases and keeps the time of requests until ctx ends. Then
// it closes everything under way and returns once all goroutines have ended.
func (in *Inference) Run(ctx context.Context) error {
	defer in.shutdown()
	probes := time.NewTicker(min(in.cfg.Probe, time.Second))
	defer probes.Stop()
	beat := time.NewTicker(rhythm)
	defer beat.Stop()
	in.upkeep(ctx)
	beating := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-probes.C:
			in.upkeep(ctx)
		case <-in.kick:
			if !beating { // to reset a beat under way would put it off for ever
				beating = true
				beat.Reset(rhythm)
			}
		case <-beat.C:
			if beating = in.beat(); !beating {
				beat.Stop()
			}
		}
	}
}

// upkeep ends leases and starts the probes that are due.
func (in *Inference) upkeep(ctx context.Context) {
	now := time.Now()
	in.expire(now)
	if in.cfg.discovers() && in.search.begin(now) {
		in.work.Go(func() {
			defer in.search.running.Store(false)
			in.discover(ctx)
		})
	}
	for _, e := range in.due(now, in.cfg.Probe) {
		in.work.Go(func() {
			if f := in.probe(ctx, e); f != nil {
				in.metrics.probesFailed.WithLabelValues(string(f.Kind)).Inc()
				in.log.Debug("a backend does not answer its probe", "backend", e.cfg.ID, "err", f)
			}
		})
	}
}

// beat hedges and refuses what is due, and reports whether anything waits.
func (in *Inference) beat() bool {
	now := time.Now()
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		a, ok := in.router.Hedge(now)
		if !ok {
			break
		}
		in.metrics.hedges.Inc()
		in.deliver(a)
	}
	in.pump(now)
	return len(in.calls) > 0
}

// pump hands out what the router wants sent. The caller holds mu.
func (in *Inference) pump(now time.Time) {
	for {
		a, ok := in.router.Next(now)
		if !ok {
			return
		}
		in.deliver(a)
	}
}

// deliver tells the call of a what to do. The caller holds mu.
func (in *Inference) deliver(a router.Assignment) {
	c := in.calls[a.Ticket]
	if c == nil { // cannot be: a ticket ends in the router before its call does
		in.router.Done(a.Attempt, router.Outcome{Result: router.Cancelled}, time.Now())
		return
	}
	c.assigned <- a // has room for all that MaxAttempts allows
}

// wake starts the rhythm of Run.
func (in *Inference) wake() {
	select {
	case in.kick <- struct{}{}:
	default:
	}
}

// shutdown ends all calls and waits for their goroutines.
func (in *Inference) shutdown() {
	in.mu.Lock()
	in.closed = true
	for _, c := range in.calls {
		c.give(errClosing)
	}
	streams := make([]*Stream, 0, len(in.open))
	for s := range in.open {
		streams = append(streams, s)
	}
	in.mu.Unlock()
	for _, s := range streams {
		s.Close()
	}
	in.work.Wait()
	in.Catalogue.close()
}

var errClosing = errors.New("the node is shutting down")

// Prewarm has a backend load a model now. Errors are *earshot.Error or
// *Failure.
func (in *Inference) Prewarm(ctx context.Context, backend, model string) error {
	e, upstream := in.lookup(router.BackendID(backend), model)
	if e == nil {
		return earshot.Errorf(earshot.CodeNotFound, "there is no backend %q", backend)
	}
	if err := e.server.Prewarm(ctx, upstream); err != nil {
		return err
	}
	in.loaded(e, model)
	return nil
}
