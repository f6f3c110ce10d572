package router

import (
	"slices"
	"time"
)

const (
	hedgeLeast = 20 * time.Millisecond // so early nothing is late
	hedgeAgain = 20 * time.Millisecond // until the next look for a second backend
)

// hedgeAfter returns how long after a was sent its first token is late: it
// would have come by then 95 times of 100; or, where a was sent to learn, when
// the known backend it was sent past would have answered.
func (r *Router) hedgeAfter(a *attempt) time.Duration {
	if a.instead > 0 {
		return seconds(a.instead) + hedgeLeast
	}
	return max(seconds(a.ttft*r.tails[a.ticket.req.Class].ratio), hedgeLeast)
}

// Hedge returns a second attempt for a request whose first token is late, on
// another backend that passes the same filters and has room; false where
// nothing is late or the budget is spent. Call it again until then. Whichever
// gives its first token first wins, and FirstToken names the other to close.
//
// Who was sent somewhere for the sake of learning has a second attempt outside
// the budget: probes are bounded already, and nobody should wait for them.
func (r *Router) Hedge(now time.Time) (Assignment, bool) {
	for _, m := range r.members {
		for a := m.oldest; a != nil; a = a.after {
			if !a.mayHedge(now) || a.ticket.sends >= r.cfg.MaxAttempts || a.instead == 0 && r.hedges.credit < 1 {
				continue
			}
			a.hedgeAt = now.Add(hedgeAgain)
			if c := r.second(a, now); c != nil && (a.instead > 0 || r.hedges.spend()) {
				return r.send(a.ticket, c, true, now), true
			}
		}
	}
	return Assignment{}, false
}

// mayHedge reports whether a is late and alone. Without a prediction, or while
// a model loads, nobody knows what late is, unless a was sent past a backend
// that is known.
func (a *attempt) mayHedge(now time.Time) bool {
	t := a.ticket
	return (a.warm && a.loaded || a.instead > 0) && !t.req.NoHedge && t.winner == nil && !t.over && t.other(a) == nil && !now.Before(a.hedgeAt)
}

// second returns the backend beside a's that would answer first, of the same
// model; nil if none that is known and has room would by the deadline.
func (r *Router) second(a *attempt, now time.Time) *candidate {
	r.gather(a.ticket, a.level, now)
	r.candidates = slices.DeleteFunc(r.candidates, func(c candidate) bool { return !c.room || !c.warm })
	var best *candidate
	for i := range r.candidates {
		if c := &r.candidates[i]; best == nil || c.estimate.ttft < best.estimate.ttft {
			best = c
		}
	}
	return best
}
