package router

import (
	"math"
	"slices"
	"time"
)

// Outlier detection: Envoy's rule for errors, and one for slowness.
const (
	errorsToEject      = 5
	unreachableToEject = 2
	slowToEject        = 5
	slowFactor         = 4                     // times the prediction
	slowFloor          = 50 * time.Millisecond // nobody minds what is faster
	slowEjectFor       = 5 * time.Second
	busyFor            = 100 * time.Millisecond // after a 429 or 503
	maxEjectTimes      = 10                     // Config.EjectFor grows no further
)

// health is the breaker of a backend: closed, open until a time, and then half
// open, when one attempt finds out whether it works again.
type health struct {
	open        bool
	until       time.Time // open: no attempt before
	probing     bool      // half open: the one attempt is out
	gone        bool      // open because nothing could be reached there
	errors      int       // in a row
	unreachable int       // in a row
	slow        int       // first tokens in a row far later than predicted
	times       int       // opened for errors, since it was last well
	closed      time.Time // when it last closed again: slow start
	busy        time.Time // it said it has no room; no attempt before
}

// admits reports whether an attempt may be sent now.
func (h *health) admits(now time.Time) bool {
	if now.Before(h.busy) {
		return false
	}
	return !h.open || !h.probing && !now.Before(h.until)
}

// share returns the part of its concurrency it may be given, 0 to 1.
func (h *health) share(now time.Time, slowStart time.Duration) float64 {
	switch {
	case h.open:
		return 0 // one attempt, see concurrency
	case h.closed.IsZero():
		return 1
	}
	return min(1, now.Sub(h.closed).Seconds()/slowStart.Seconds())
}

// well records an answer that came.
func (h *health) well(trial bool, now time.Time, slowStart time.Duration) {
	h.errors, h.unreachable = 0, 0
	if h.open && trial {
		h.open, h.probing, h.gone, h.slow, h.closed = false, false, false, 0, now
	}
	if h.share(now, slowStart) == 1 {
		h.times = 0
	}
}

// failed records an error and reports whether it is time to leave the backend
// out; sure says that this must not depend on how many others are left out.
func (h *health) failed(result Result, probe bool) (eject, sure bool) {
	h.errors++
	h.unreachable++
	if result != Unreachable {
		h.unreachable = 0
	}
	sure = probe || h.unreachable >= unreachableToEject
	return sure || h.errors >= errorsToEject && !h.open, sure
}

// late records a time to the first token against its prediction and reports
// whether it is time to leave the backend out for a moment.
func (h *health) late(took, predicted float64) bool {
	if took < slowFactor*predicted || took < slowFloor.Seconds() {
		h.slow = 0
		return false
	}
	h.slow++
	return h.slow >= slowToEject && !h.open
}

func (h *health) eject(until time.Time) {
	h.open, h.probing, h.gone, h.until = true, false, false, until
	h.errors, h.slow = 0, 0
}

// eject leaves a backend out for errors, longer each time.
func (r *Router) eject(m *member, now time.Time) {
	h := &m.health
	h.times = min(h.times+1, maxEjectTimes)
	h.eject(now.Add(time.Duration(h.times) * r.cfg.EjectFor))
	m.cache.clear() // what comes back may be a new process
}

// SetReachable says what a health probe found. A backend that cannot be
// reached is left out at once; one that was left out because it could not be,
// and can be reached again, may be tried at once.
func (r *Router) SetReachable(id BackendID, reachable bool, now time.Time) {
	m := r.byID[id]
	if m == nil {
		return
	}
	h := &m.health
	switch {
	case !reachable && (!h.gone || !now.Before(h.until)):
		r.eject(m, now)
		h.gone = true
	case reachable && h.open && h.gone:
		h.until, h.gone = now, false
	}
	r.changes++
}

// mayRest reports whether m may be left out for slowness: not the last that
// has a model in memory, since slow is better than nobody.
func (r *Router) mayRest(m *member, now time.Time) bool {
	for _, s := range m.models {
		if s.loaded && !r.hasOther(m, s.Name) {
			return false
		}
	}
	return r.mayEject(min(r.cfg.MaxEjected, 0.5), now)
}

// mayEject reports whether one more backend may be left out, of which at most
// share of the pool are at once.
func (r *Router) mayEject(share float64, now time.Time) bool {
	out := 0
	for _, m := range r.members {
		if m.health.open && now.Before(m.health.until) {
			out++
		}
	}
	return out < max(1, int(math.Floor(share*float64(len(r.members)))))
}

// hasOther reports whether a backend beside m that is not left out has the
// model in memory.
func (r *Router) hasOther(m *member, model string) bool {
	return slices.ContainsFunc(r.members, func(o *member) bool {
		return o != m && !o.health.open && slices.ContainsFunc(o.models, func(s *served) bool { return s.Name == model && s.loaded })
	})
}

// hung leaves a backend out for a moment that keeps answering nothing at all.
// How long it was waited for depends on who asked, so that it is slowness and
// no error, unless it was tried for just that and did it again.
func (r *Router) hung(a *attempt, now time.Time) {
	h := &a.member.health
	if a.trial {
		r.eject(a.member, now)
		return
	}
	if h.slow++; h.slow >= slowToEject && !h.open && r.mayRest(a.member, now) {
		h.eject(now.Add(slowEjectFor))
	}
}

// note feeds the breaker of a's backend with how a ended.
func (r *Router) note(a *attempt, result Result, now time.Time) {
	h := &a.member.health
	switch result {
	case Finished:
		h.well(a.trial, now, r.cfg.SlowStart)
	case Busy:
		h.busy = now.Add(busyFor)
	case Late:
		r.hung(a, now)
	case Failed, Unreachable:
		eject, sure := h.failed(result, a.trial)
		if eject && (sure || r.mayEject(r.cfg.MaxEjected, now)) {
			r.eject(a.member, now)
			h.gone = result == Unreachable
		}
	}
	if a.trial {
		h.probing = false
	}
}
