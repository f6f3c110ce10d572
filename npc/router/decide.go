package router

import "time"

// candidate is a backend that passed the filters for a request.
type candidate struct {
	member   *member
	served   *served
	level    int // which of Request.Models
	estimate estimate
	cost     float64
	room     bool    // it can be sent now
	warm     bool    // the prediction is founded on enough samples
	probe    bool    // chosen to learn
	instead  float64 // predicted ttft of the known one that was passed over for a probe, s; 0 for none
}

// gather fills r.candidates with the backends that pass every filter for the
// level-th model of t, and returns the last filter that removed one.
func (r *Router) gather(t *ticket, level int, now time.Time) (last Filter) {
	q := &t.req
	r.candidates = r.candidates[:0]
	slack := t.deadline.Sub(now).Seconds()
	for _, m := range r.members {
		c := candidate{member: m, level: level}
		removed := r.filter(&c, t, slack, now)
		if removed < passed {
			last = max(last, removed)
			continue
		}
		c.cost = r.cost(m, q, &c.estimate)
		r.candidates = append(r.candidates, c)
	}
	return last
}

// filter returns the first filter that removes c.member, or passed.
func (r *Router) filter(c *candidate, t *ticket, slack float64, now time.Time) Filter {
	m, q := c.member, &t.req
	if !m.carries(q.Labels) {
		return ByLocality
	}
	if c.served = m.serves(q.Models[c.level], q); c.served == nil {
		return ByCapability
	}
	if !m.health.admits(now) || t.hasTried(m) {
		return ByHealth
	}
	m.wanted[q.Class] = now
	over := m.over(q.Class, now, &r.cfg)
	c.room = over <= 0
	if m.health.open && !c.room {
		return ByHealth // half open: its old attempts are not over yet
	}
	c.warm = c.served.warm()
	c.estimate = r.estimate(m, c.served, q, over, now)
	late, load := c.estimate.ttft-slack, c.estimate.load
	switch {
	case late > 0 && load >= late:
		return ByLoad
	case late > 0 && (load > 0 || c.served.fresh(now)):
		return ByDeadline
	}
	return passed
}

// decide returns the backend for t: one that has room now; or one without,
// when waiting for it is predicted to be quicker than anything that has room
// or nothing has. ok is false where no backend passes the filters; last names
// the last filter that removed one.
func (r *Router) decide(t *ticket, now time.Time) (c candidate, last Filter, ok bool) {
	if len(t.req.Labels) == 0 {
		last = ByCapability
	}
	for level := range t.req.Models {
		last = max(last, r.gather(t, level, now))
		if len(r.candidates) > 0 {
			return *r.choose(&t.req, now), last, true
		}
	}
	return candidate{}, last, false
}

// hasTried reports whether t was sent to m before.
func (t *ticket) hasTried(m *member) bool {
	for i := 0; i < t.sends; i++ {
		if t.tried[i] == m {
			return true
		}
	}
	return false
}
