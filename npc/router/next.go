package router

import (
	"slices"
	"time"

	"earshot"
)

const (
	// moderationTurn is how often moderation is looked at first when both
	// classes wait: otherwise dialogue is, since somebody waits for it.
	moderationTurn = 4
	// lookAhead is how many of a world's requests are tried: one that waits
	// for a certain model must not hold up all others.
	lookAhead = 4
	// recheck is how soon what waits for a backend is decided again although
	// nothing happened there: others may have become quicker meanwhile.
	recheck = 20 * time.Millisecond
)

// Next takes one request from the queues that is to be sent now, or refused;
// false where there is none. Call it again until then.
func (r *Router) Next(now time.Time) (Assignment, bool) {
	r.full = r.full[:0]
	class := Dialogue
	if r.turn%moderationTurn == moderationTurn-1 {
		class = Moderation
	}
	for range classes {
		if a, ok := r.nextOf(class, now); ok {
			r.turn++
			return a, true
		}
		class = classes - 1 - class
	}
	return Assignment{}, false
}

// nextOf goes through the worlds, the one with the lowest virtual tokens first.
func (r *Router) nextOf(class Class, now time.Time) (Assignment, bool) {
	r.pass++
	for w := r.lowest(class); w != nil; w = r.lowest(class) {
		w.pass = r.pass
		queue := w.queues[class]
		for _, t := range queue[:min(len(queue), lookAhead)] {
			if a, ok := r.place(t, now); ok {
				return a, true
			}
		}
	}
	return Assignment{}, false
}

// place sends or refuses t; false where it has to wait.
func (r *Router) place(t *ticket, now time.Time) (Assignment, bool) {
	if now.After(t.deadline) {
		return r.refuse(t, refuse(ByDeadline, earshot.CodeDeadlineExceeded,
			"no backend had room before the deadline: add capacity, or give a later deadline")), true
	}
	if r.stillWaits(t, now) || t.sends == 0 && slices.Contains(r.full, t.kind) {
		return Assignment{}, false
	}
	t.forgetHold()
	c, last, ok := r.decide(t, now)
	if !ok {
		return r.refuse(t, refusal(last, &t.req)), true
	}
	if !c.room {
		r.hold(t, &c, now)
		return Assignment{}, false
	}
	r.dequeue(t)
	r.charge(t, c.served.tokens())
	r.hedges.earn()
	r.retries.earn()
	return r.send(t, &c, false, now), true
}

// hold leaves t in the queue, counted among those who wait for a backend.
func (r *Router) hold(t *ticket, c *candidate, now time.Time) {
	t.waitsFor, t.seen, t.retry = c.member, c.member.changes, now.Add(recheck)
	c.member.held++
	t.noRoom = !slices.ContainsFunc(r.candidates, func(c candidate) bool { return c.room })
	if t.noRoom {
		t.seen = r.changes
	}
	if t.noRoom && t.sends == 0 && len(r.full) < cap(r.full) {
		r.full = append(r.full, t.kind)
	}
}

// stillWaits reports whether deciding again about t, which is held, would give
// the same: nothing has changed where it waits, or anywhere if nothing had room.
func (r *Router) stillWaits(t *ticket, now time.Time) bool {
	if t.waitsFor == nil || !now.Before(t.retry) {
		return false
	}
	if t.noRoom {
		return t.seen == r.changes
	}
	return t.seen == t.waitsFor.changes
}

func (r *Router) refuse(t *ticket, err *Refusal) Assignment {
	id := t.id
	r.dequeue(t)
	r.end(t)
	return Assignment{Ticket: id, Err: err}
}

// send makes an attempt of t at c's backend.
func (r *Router) send(t *ticket, c *candidate, hedge bool, now time.Time) Assignment {
	a, id := r.attempts.take() // two for each ticket: there always is one
	m, s, e := c.member, c.served, &c.estimate
	*a = attempt{
		id: Attempt(id), ticket: t, member: m, served: s, level: c.level, hedge: hedge, sent: now,
		uncached: t.req.PromptTokens - e.cached, ttft: e.ttft, apart: e.apart, work: e.work, warm: c.warm, instead: c.instead,
		loaded: s.loaded, loads: !s.loaded && s.loading.IsZero(), trial: m.health.open,
	}
	a.hedgeAt = now.Add(r.hedgeAfter(a))
	if a.loads {
		s.loading = now
	}
	if a.trial {
		m.health.probing = true
	}
	t.attempts[slices.Index(t.attempts[:], nil)] = a
	t.tried[t.sends] = m
	t.sends++
	m.inflight++
	m.byClass[t.req.Class]++
	m.await(a)
	m.cache.touch(s.salt, t.req.Prefix)
	return assignment(a, c)
}

func assignment(a *attempt, c *candidate) Assignment {
	q := &a.ticket.req
	out := Assignment{
		Ticket: a.ticket.id, Attempt: a.id, Backend: c.member.ID, Model: c.served.Name,
		Cached: c.estimate.cached, Hedge: a.hedge, Probe: c.probe,
	}
	if c.warm {
		out.TTFT, out.TPOT = seconds(c.estimate.ttft), seconds(c.estimate.tpot)
	}
	switch {
	case c.level > 0:
		out.Degraded = SmallerModel
	case q.Region != "" && c.member.Region != q.Region:
		out.Degraded = OtherRegion
	}
	return out
}
