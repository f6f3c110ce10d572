package router

import "time"

// FirstToken reports that the first token of an attempt came. won is false
// when another attempt of the ticket was first, or the ticket is over: drop
// what comes. loser, where it is not 0, is the attempt to close at once.
//
// Call it for an answer that comes in one piece too, before Done.
func (r *Router) FirstToken(id Attempt, now time.Time) (loser Attempt, won bool) {
	a := r.attempts.get(uint64(id))
	if a == nil || !a.first.IsZero() {
		return 0, false
	}
	t := a.ticket
	a.first = now
	a.member.overtake(a)
	r.settle(a)
	r.learn(a, now)
	if a.trial {
		r.note(a, Finished, now)
		a.trial = false
	}
	if t.over || t.winner != nil {
		return 0, false
	}
	t.winner = a
	if other := t.other(a); other != nil {
		loser = other.id
	}
	return loser, true
}

// learn takes a's time to the first token into account.
func (r *Router) learn(a *attempt, now time.Time) {
	s, took := a.served, now.Sub(a.sent).Seconds()
	if a.loaded || a.loads {
		s.firstToken(took, a.apart, a.work, a.loaded, now)
	}
	s.loaded, s.loading = true, time.Time{}
	if !a.warm || !a.loaded {
		return
	}
	r.tails[a.ticket.req.Class].add(took, a.ttft)
	r.judge(a, took, now)
}

// judge leaves a backend out for a moment that keeps being late.
func (r *Router) judge(a *attempt, took float64, now time.Time) {
	if h := &a.member.health; h.late(took, a.ttft) && r.mayRest(a.member, now) {
		h.eject(now.Add(slowEjectFor))
	}
}

// giveUp learns from an attempt that was closed before its first token: it
// took at least so long. That is less than it would have taken, but enough to
// see that others are quicker; and of a backend with too few samples that lost
// against a known one it counts as one, or it would be tried for ever.
func (r *Router) giveUp(a *attempt, now time.Time) {
	took := now.Sub(a.sent).Seconds()
	s, lost := a.served, a.ticket.winner != nil
	switch {
	case !a.loaded:
		return
	case !a.warm && lost && s.samples > 0 && took <= a.ttft:
		s.samples++
		return
	case !a.warm && lost:
		s.firstToken(took, a.apart, a.work, true, now)
		return
	case !a.warm || took <= a.ttft:
		return
	}
	s.firstToken(took, a.apart, a.work, true, now)
	r.tails[a.ticket.req.Class].add(took, a.ttft)
	r.judge(a, took, now)
}

// Done reports the end of an attempt, and says what becomes of its ticket. It
// says Running for the loser of a hedge while the winner goes on. An attempt
// that is unknown or done already, or whose ticket is over, gives Ended.
func (r *Router) Done(id Attempt, o Outcome, now time.Time) After {
	a := r.attempts.get(uint64(id))
	if a == nil {
		return Ended
	}
	if o.Result == Finished && a.first.IsZero() {
		r.FirstToken(id, now)
	}
	r.release(a, o, now)
	t := a.ticket
	after := r.after(t, a, o, now)
	r.attempts.release(uint64(id))
	if after != Queued && t.attempts == [2]*attempt{} {
		r.end(t)
	}
	return after
}

// settle takes a from those without a first token, and notes that something
// has changed at its backend.
func (r *Router) settle(a *attempt) {
	a.member.settle(a)
	a.member.changes++
	r.changes++
}

// release takes a off its backend and learns from how it ended.
func (r *Router) release(a *attempt, o Outcome, now time.Time) {
	t, m := a.ticket, a.member
	r.settle(a)
	m.inflight--
	m.byClass[t.req.Class]--
	switch {
	case o.Result == Finished && o.OutTokens > 0:
		a.served.answer(o.OutTokens, now.Sub(a.first), m.inflight+1)
	case o.Result == Cancelled && a.first.IsZero():
		r.giveUp(a, now)
	}
	if a.loads && a.first.IsZero() {
		a.served.loading = time.Time{}
	}
	if o.Result == Cancelled && !a.first.IsZero() {
		o.Result = Finished // it did answer
	}
	r.note(a, o.Result, now)
	t.drop(a)
}

// after decides what becomes of t when a has been released.
func (r *Router) after(t *ticket, a *attempt, o Outcome, now time.Time) After {
	running := t.attempts != [2]*attempt{}
	switch {
	case t.winner == a:
		t.over = true
		t.settle(o.OutTokens)
		return Ended
	case t.over:
		return Ended
	case running:
		return Running
	}
	t.settle(0)
	if o.Result == Cancelled || !r.mayRetry(t, o.Result, now) {
		t.over = true
		return Ended
	}
	t.world.virtual -= float64(t.req.PromptTokens) / t.world.weight // charged again when it is sent
	r.enqueue(t)
	return Queued
}

// mayRetry reports whether t may be sent once more. What did no work is not
// charged to the budget: it adds no load.
func (r *Router) mayRetry(t *ticket, result Result, now time.Time) bool {
	if t.sends >= r.cfg.MaxAttempts || !now.Before(t.deadline) {
		return false
	}
	if _, _, ok := r.decide(t, now); !ok {
		return false
	}
	return result != Failed && result != Late || r.retries.spend()
}
