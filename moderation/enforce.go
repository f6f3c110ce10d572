package moderation

import (
	"context"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

type ctx = context.Context

// How orders are tried again.
const (
	enforceFor = 2 * time.Second // one try
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
)

// write has the journal take something, trying again while it fails for reasons
// that may pass. After it the record in memory is that of the journal, unless
// more is on its way there.
func (p *Pipeline) write(ctx context.Context, s subject, do func() error) error {
	err := p.insist(ctx, do)
	p.settle(s)
	return err
}

func (p *Pipeline) insist(ctx context.Context, do func() error) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := do()
		switch {
		case err == nil:
			p.m.journal.WithLabelValues("ok").Inc()
			return nil
		case refusal(err):
			p.m.journal.WithLabelValues("refused").Inc()
			p.log.Warn("the journal refused an entry", "err", err)
			return err
		}
		p.m.journal.WithLabelValues("failed").Inc()
		p.log.Error("the journal cannot be written: decisions wait", "err", err)
		if !wait(ctx, pause) {
			return err
		}
	}
}

// refusal says whether an error of the journal is about what was asked for.
func refusal(err error) bool {
	switch earshot.CodeOf(err) {
	case earshot.CodeUnavailable, earshot.CodeInternal, earshot.CodeCanceled, earshot.CodeDeadlineExceeded:
		return false
	}
	return true
}

// settle makes the record in memory that of the journal.
func (p *Pipeline) settle(s subject) {
	now := time.Now()
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	if q := p.people.known[s]; q != nil && p.writes.pending(s) <= 1 { // the job that asks counts too
		r := p.load(s)
		r.InForce = inForce(r, now)
		p.people.set(s, q, r)
	}
	p.kick()
}

// load reads a record from the journal.
func (p *Pipeline) load(s subject) *policy.Record {
	r, err := p.journal.Record(context.Background(), s.world, s.who, time.Now())
	if err != nil { // cannot be of what is in memory
		p.log.Error("the journal gives no record", "err", err)
	}
	return &r
}

// enforce has an order carried out, once it is in the journal. Where there is
// no room now it returns false, and sweep comes back to it.
func (p *Pipeline) enforce(s subject, o *journal.Order) bool {
	if o == nil || !p.begin(o.ID) {
		return true
	}
	if p.orders.add(s, func(ctx context.Context) { p.carryOut(ctx, s, o) }) {
		return true
	}
	p.finish(o.ID)
	p.m.refused.WithLabelValues("orders").Inc()
	return false
}

// follow is enforce for a new order: where there is no room, the rhythm is told.
func (p *Pipeline) follow(s subject, o *journal.Order) {
	if !p.enforce(s, o) {
		p.kick()
	}
}

// begin marks an order as under way, false if it is already.
func (p *Pipeline) begin(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.under[id] {
		return false
	}
	p.under[id] = true
	return true
}

func (p *Pipeline) finish(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.under, id)
}

// carryOut tries an order until it is done, and says so to the journal and to
// the person.
func (p *Pipeline) carryOut(ctx context.Context, s subject, o *journal.Order) {
	defer p.finish(o.ID)
	order := Order{ID: o.ID, Incident: o.Incident, World: o.World, Who: o.Who, Acts: o.Acts, Statement: o.Statement, At: o.At}
	if !p.try(ctx, s, order) {
		return // the journal knows that it is open
	}
	p.m.toAction.Observe(max(0, time.Since(o.At).Seconds()))
	for _, a := range o.Acts {
		p.m.acts.WithLabelValues(string(a.Action)).Inc()
	}
	now, keep := time.Now(), context.WithoutCancel(ctx) // what is done should be known to be done
	if p.insist(ctx, func() error { return p.journal.Applied(keep, journal.Applied{Order: o.ID, At: now}) }) != nil {
		return
	}
	if n, ok := noticeOfOrder(o); ok {
		p.notify(n)
	}
}

// try has the enforcer do an order, with what is in force at the time, until it
// is done or ctx ends.
func (p *Pipeline) try(ctx context.Context, s subject, o Order) bool {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		now := time.Now()
		o.InForce = inForce(p.load(s), now)
		one, cancel := context.WithTimeout(ctx, enforceFor)
		err := p.deps.Enforcer.Enforce(one, o)
		cancel()
		if err == nil {
			p.m.enforced.WithLabelValues("done").Inc()
			return true
		}
		p.m.enforced.WithLabelValues("failed").Inc()
		p.log.Warn("an order was not carried out and is tried again", "order", o.ID, "err", err)
		if !wait(ctx, pause) {
			return false
		}
	}
}

// sweep has open orders of the journal carried out that nobody carries out:
// after a restart, and where there was no room. It reports whether there still
// are such.
func (p *Pipeline) sweep() (more bool) {
	open, err := p.journal.OpenOrders(context.Background())
	if err != nil {
		p.log.Error("the journal gives no open orders", "err", err)
	}
	for _, o := range open {
		s := subject{o.World, o.Who}
		if p.writes.pending(s) == 0 { // else the write that brought it enforces it
			more = !p.enforce(s, &o) || more
		}
	}
	return more
}

// expire tells the enforcer about people for whom something has ended.
func (p *Pipeline) expire(now time.Time) {
	for _, s := range p.people.expire(now) {
		o := Order{ID: journal.NewOrderID(), World: s.world, Who: s.who, At: now}
		added := p.orders.add(s, func(ctx context.Context) {
			if p.try(ctx, s, o) {
				p.notify(Notice{Who: s.who, World: s.world, Cause: CauseEnded})
			}
		})
		if !added && !p.ended() { // try again at the next chance
			p.m.refused.WithLabelValues("orders").Inc()
			p.people.mu.Lock()
			p.people.ends[s] = now.Add(time.Second)
			p.people.mu.Unlock()
		}
	}
}

// wait sleeps and reports false if ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Standing returns all that is in force for a person in a world, as an order
// without an id: what the enforcer has to know when they join.
func (p *Pipeline) Standing(world string, who earshot.ParticipantID) Order {
	now, s := time.Now(), subject{world, who}
	p.people.mu.Lock()
	q := p.people.get(s, now, p.load)
	o := Order{World: world, Who: who, InForce: inForce(q.record, now), At: now}
	p.people.mu.Unlock()
	p.kick()
	return o
}
