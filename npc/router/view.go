package router

import "time"

// State is what the breaker makes of a backend.
type State uint8

// The states.
const (
	Ready     State = iota
	SlowStart       // well again, with a growing share
	Full            // it refused work a moment ago
	Ejected         // left out for a while
	HalfOpen        // one attempt finds out whether it is well
)

// String returns the name used at GET /v1/inference/backends.
func (s State) String() string {
	return [...]string{"ready", "slow_start", "full", "ejected", "half_open"}[s]
}

// Estimate is what the router knows of one model on one backend.
type Estimate struct {
	Backend     BackendID
	Model       string
	State       State
	Until       time.Time // when Ejected or Full ends
	Loaded      bool
	Known       bool          // enough first tokens to trust the prediction
	Samples     int           // first tokens
	TTFT        time.Duration // predicted now for an uncached prompt of 512 tokens
	TPOT        time.Duration // predicted now, per output token
	PerToken    time.Duration // learnt, per uncached prompt token
	Load        time.Duration // learnt, or assumed while Known is false
	RTT         time.Duration
	InFlight    int // on the backend, all models
	Held        int // queued here for the backend
	Concurrency int // what it may have in flight now
	QueuedIn    int // uncached prompt tokens sent and without a first token
	Blocks      int // of prefixes it is believed to hold
}

// viewTokens is the prompt that Estimate.TTFT is for.
const viewTokens = 512

// Estimates appends one Estimate for each model of each backend to dst, in the
// order in which the backends came.
func (r *Router) Estimates(dst []Estimate, now time.Time) []Estimate {
	q := Request{PromptTokens: viewTokens}
	for _, m := range r.members {
		state, until := m.state(now, r.cfg.SlowStart)
		for _, s := range m.models {
			e := r.estimate(m, s, &q, m.over(Dialogue, now, &r.cfg), now)
			dst = append(dst, Estimate{
				Backend: m.ID, Model: s.Name, State: state, Until: until, Loaded: s.loaded,
				Known: s.warm(), Samples: s.samples, TTFT: seconds(e.ttft), TPOT: seconds(e.tpot),
				PerToken: seconds(s.costPerToken()), Load: seconds(s.loadTime()), RTT: seconds(m.rtt),
				InFlight: m.inflight, Held: m.held, Concurrency: m.concurrency(now, r.cfg.SlowStart),
				QueuedIn: s.queued, Blocks: int(m.cache.used),
			})
		}
	}
	return dst
}

func (m *member) state(now time.Time, slowStart time.Duration) (State, time.Time) {
	h := &m.health
	switch {
	case h.open && now.Before(h.until):
		return Ejected, h.until
	case h.open:
		return HalfOpen, time.Time{}
	case now.Before(h.busy):
		return Full, h.busy
	case h.share(now, slowStart) < 1:
		return SlowStart, time.Time{}
	}
	return Ready, time.Time{}
}

// Queued returns how many requests wait in the queues of a class.
func (r *Router) Queued(class Class) (n int) {
	for _, w := range r.waiting[class] {
		n += len(w.queues[class])
	}
	return n
}
