package router

import "time"

// How one of the candidates is taken.
const (
	probeShare  = 0.1  // of requests that go to a backend with too few samples
	fewSamples  = 3    // tell that a backend is slow, though not how slow
	stickyMatch = 0.8  // of the prefix that makes a backend the conversation's own
	holdGain    = 0.02 // s that waiting must save to be worth it
)

// choose returns one of r.candidates, of which there is at least one.
func (r *Router) choose(q *Request, now time.Time) *candidate {
	best := r.cheapest(q, false)
	if probe := r.coldest(); probe != nil && (best == nil || r.worthProbing(probe, best)) {
		probe.probe = true
		if best != nil {
			probe.instead = best.estimate.ttft
		}
		return probe
	}
	if best == nil { // all unknown and without room
		return r.leastBusy()
	}
	if r.chance(r.cfg.Explore) {
		if c := r.anyone(now); c != nil {
			c.probe, c.instead = true, best.estimate.ttft
			return c
		}
	}
	if best.room {
		return best
	}
	if free := r.cheapest(q, true); free != nil && free.estimate.ttft-best.estimate.ttft < holdGain {
		return free
	}
	return best
}

// worthProbing reports whether a request should go to a backend with too few
// samples although another is known. Nobody is made to wait for a model to
// load for the sake of learning, only where the known one would take longer.
func (r *Router) worthProbing(probe, best *candidate) bool {
	share := probeShare
	if probe.served.samples >= fewSamples && probe.estimate.ttft > best.estimate.ttft+r.cfg.TargetTTFT.Seconds() {
		share = r.cfg.Explore // it is slow, that much is known
	}
	if probe.estimate.load == 0 && r.chance(share) {
		return true
	}
	return !best.room && probe.estimate.ttft+holdGain < best.estimate.ttft
}

// cheapest returns the warm candidate of least cost: among those that hold the
// conversation, unless the first token comes more than Config.StickyLoss later
// from there than from elsewhere.
func (r *Router) cheapest(q *Request, room bool) *candidate {
	var best, sticky *candidate
	soonest := 0.0
	need := int(stickyMatch*float64(len(q.Prefix)) + 0.999)
	for i := range r.candidates {
		c := &r.candidates[i]
		if !c.warm || room && !c.room {
			continue
		}
		if best == nil || c.estimate.ttft < soonest {
			soonest = c.estimate.ttft
		}
		if best == nil || c.cost < best.cost {
			best = c
		}
		if need > 0 && c.estimate.blocks >= need && (sticky == nil || c.cost < sticky.cost) {
			sticky = c
		}
	}
	if sticky != nil && sticky.estimate.ttft-soonest <= r.cfg.StickyLoss.Seconds() {
		return sticky
	}
	return best
}

// anyone returns a random warm candidate that has room and the model in memory;
// nil if there is none. Those that were found slow a moment ago are left out:
// nothing new would be learnt.
func (r *Router) anyone(now time.Time) *candidate {
	n := 0
	var chosen *candidate
	for i := range r.candidates {
		if c := &r.candidates[i]; c.warm && c.room && c.estimate.load == 0 && (seconds(c.estimate.ttft) <= r.cfg.TargetTTFT || !c.served.fresh(now)) {
			if n++; r.random()%uint64(n) == 0 {
				chosen = c
			}
		}
	}
	return chosen
}

// chance is true with probability p.
func (r *Router) chance(p float64) bool { return float64(r.random()>>11)/(1<<53) < p }

// random is SplitMix64 (Steele et al., OOPSLA 2014).
func (r *Router) random() uint64 {
	r.seed += 0x9e3779b97f4a7c15
	return mix(r.seed)
}
