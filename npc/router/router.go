package router

import (
	"slices"
	"time"

	"earshot"
)

// Router places requests on backends. Create it with New.
type Router struct {
	cfg      Config
	members  []*member
	byID     map[BackendID]*member
	worlds   map[string]*world
	waiting  [classes][]*world // that have something queued in the class
	tickets  slab[ticket]
	attempts slab[attempt]

	candidates []candidate // scratch of decide
	full       []uint64    // scratch of Next: kinds for which there is no room anywhere
	pass       uint64      // counts looks at the queues
	changes    uint64      // counts what may make room or change a prediction
	turn       uint64      // counts requests taken from the queues
	virtual    float64     // virtual tokens of the world served last
	seed       uint64

	hedges  budget
	retries budget
	tails   [classes]tail
}

// New returns a router without backends, or an *earshot.Error that names the
// field of cfg that is wrong. All it needs for Config.MaxRequests is allocated
// here.
func New(cfg Config) (*Router, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r := &Router{
		cfg: cfg, seed: cfg.Seed,
		byID: map[BackendID]*member{}, worlds: map[string]*world{},
		tickets: newSlab[ticket](cfg.MaxRequests), attempts: newSlab[attempt](2 * cfg.MaxRequests),
		full:    make([]uint64, 0, 16),
		hedges:  budget{share: cfg.HedgeBudget, most: hedgeBurst},
		retries: budget{share: cfg.RetryBudget, most: retryBurst, credit: retryBurst},
	}
	for i := range r.tails {
		r.tails[i].ratio = tailStart
	}
	return r, nil
}

// SetBackend adds b, or takes over a new description of it and keeps what was
// learnt. A model's Loaded is heeded only when the model is new. It returns an
// *earshot.Error of CodeInvalidArgument or CodeResourceExhausted.
func (r *Router) SetBackend(b Backend) error {
	if err := b.Validate(); err != nil {
		return err
	}
	m := r.byID[b.ID]
	if m == nil {
		if len(r.members) >= r.cfg.MaxBackends {
			return earshot.Errorf(earshot.CodeResourceExhausted, "there are %d backends already: remove one, or raise router.max_backends", len(r.members))
		}
		m = &member{}
		r.byID[b.ID] = m
		r.members = append(r.members, m)
		r.candidates = slices.Grow(r.candidates[:0], len(r.members))
	}
	m.describe(b, r.cfg.mirrorBlocks(&b))
	r.changes++
	return nil
}

// RemoveBackend forgets a backend and reports whether it was known. Its
// attempts run on until Done; nothing new is sent there.
func (r *Router) RemoveBackend(id BackendID) bool {
	m := r.byID[id]
	if m == nil {
		return false
	}
	delete(r.byID, id)
	r.members = slices.DeleteFunc(r.members, func(o *member) bool { return o == m })
	r.changes++
	return true
}

// SetLoaded says whether a backend has a model in memory, as a probe found
// out. What is unknown is ignored.
func (r *Router) SetLoaded(id BackendID, model string, loaded bool) {
	m := r.byID[id]
	if m == nil {
		return
	}
	for _, s := range m.models {
		if s.Name == model && s.loaded != loaded {
			s.loaded, s.loading = loaded, time.Time{}
			r.changes++
		}
	}
}

// SetRTT says how long a round trip to a backend takes, as a probe found out.
func (r *Router) SetRTT(id BackendID, rtt time.Duration) {
	if m := r.byID[id]; m != nil && rtt >= 0 {
		m.rtt = rtt.Seconds()
	}
}
