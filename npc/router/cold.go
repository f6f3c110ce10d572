package router

// hotQuantile is the share of candidates with no more requests in flight than
// one that is not hot (Prequal).
const hotQuantile = 0.84

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
