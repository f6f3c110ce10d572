package router

// How one of the candidates is taken.
const (
	probeShare  = 0.1  // of requests that go to a backend with too few samples
	stickyMatch = 0.8  // of the prefix that makes a backend the conversation's own
	holdGain    = 0.02 // s that waiting must save to be worth it
	hotQuantile = 0.84 // of requests in flight, above which a backend is hot (Prequal)
)

// choose returns one of r.candidates, of which there is at least one.
func (r *Router) choose(q *Request) *candidate {
	best := r.cheapest(q, false)
	if probe := r.coldest(); probe != nil && (best == nil || r.worthProbing(probe, best)) {
		probe.probe = true
		return probe
	}
	if best == nil { // all unknown and without room
		return r.leastBusy()
	}
	if r.chance(r.cfg.Explore) {
		if c := r.anyone(); c != nil {
			c.probe = true
			return c
		}
	}
	if best.room {
		return best
	}
	if now := r.cheapest(q, true); now != nil && now.estimate.ttft-best.estimate.ttft < holdGain {
		return now
	}
	return best
}

// worthProbing reports whether a request should go to a backend with too few
// samples although another is known. Nobody is made to wait for a model to
// load for the sake of learning, only where the known one would take longer.
func (r *Router) worthProbing(probe, best *candidate) bool {
	if probe.estimate.load == 0 && r.chance(probeShare) {
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

// coldest is Prequal's hot-cold lexicographic rule over the candidates that
// have room and too few samples: those with more in flight than most are hot;
// the quickest of the others is taken, or the least busy if all are hot.
func (r *Router) coldest() *candidate {
	var counts [256]int
	n := 0
	for i := range r.candidates {
		if c := &r.candidates[i]; !c.warm && c.room {
			counts[min(c.member.inflight, len(counts)-1)]++
			n++
		}
	}
	if n == 0 {
		return nil
	}
	hot := quantile(&counts, n)
	var best *candidate
	for i := range r.candidates {
		if c := &r.candidates[i]; !c.warm && c.room && (best == nil || c.colderThan(best, hot)) {
			best = c
		}
	}
	return best
}

func quantile(counts *[256]int, n int) int {
	below := 0
	for value, count := range counts {
		if below += count; float64(below) >= hotQuantile*float64(n) {
			return value
		}
	}
	return len(counts) - 1
}

func (c *candidate) colderThan(other *candidate, hot int) bool {
	a, b := c.member.inflight, other.member.inflight
	if aHot, bHot := a > hot, b > hot; aHot != bHot {
		return bHot
	} else if aHot {
		return a < b
	}
	// Nothing is known of one without samples: being tried is how it gets some.
	ta, tb := c.served.ttft+c.estimate.load, other.served.ttft+other.estimate.load
	if ta != tb {
		return ta < tb
	}
	return a < b
}

// leastBusy returns the candidate that is least full for its slots.
func (r *Router) leastBusy() *candidate {
	best := &r.candidates[0]
	for i := range r.candidates {
		c := &r.candidates[i]
		if (c.member.inflight+c.member.held)*best.member.Slots < (best.member.inflight+best.member.held)*c.member.Slots {
			best = c
		}
	}
	return best
}

// anyone returns a random warm candidate that has room and the model in memory;
// nil if there is none.
func (r *Router) anyone() *candidate {
	n := 0
	var chosen *candidate
	for i := range r.candidates {
		if c := &r.candidates[i]; c.warm && c.room && c.estimate.load == 0 {
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
