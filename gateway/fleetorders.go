package gateway

import (
	"time"

	"earshot"
	"earshot/moderation/policy"
	"earshot/presence/cluster"
)

// recall puts what other nodes know to be in force on s in force here, before
// anything of s can be seen or heard. in.policy is held.
func (f *fleet) recall(in *Instance, s *session, now time.Time) {
	if s.seat == (cluster.Key{}) {
		return
	}
	at := cluster.At(now)
	for _, o := range f.Orders(s.participant) {
		if o.Kind == cluster.Block && o.InForce(at) {
			_ = in.space.Block(s.participant, o.Against, true) // beyond the limit of blocks, which the store shares
		}
	}
	held := f.sanctions(in.world, s.participant, s.informed, now)
	if held.muted && !s.informed {
		f.g.work.Go(func() { f.imposeJudged(s) })
	}
	in.mu.Lock()
	s.sanctions = s.sanctions.and(held)
	s.moderated = s.moderated || s.sanctions.muted
	in.mu.Unlock()
	if mic := s.microphone(); mic != nil && s.moderated {
		mic.SetMuted(true)
	}
}

// doubled reports whether the participant of s has another session on this node.
func (f *fleet) doubled(s *session) bool {
	for _, in := range f.g.running() {
		if other := in.live.Load().byID[s.participant]; other != nil && other != s {
			return true
		}
	}
	return false
}

// judged is the ID of orders that say what moderation has in force, which the
// journals of nodes that share them say as well, and first.
const judged = earshot.EventID("judged")

// sanctions are those that other nodes, or this one earlier, put in force; but for
// judged ones where this node is informed of what moderation decided: an end
// reaches the register of participants later than the docket.
func (f *fleet) sanctions(world string, who earshot.ParticipantID, informed bool, now time.Time) (s sanctions) {
	at := cluster.At(now)
	for _, o := range f.Orders(who) {
		if o.Scope != "" && o.Scope != world || !o.InForce(at) || informed && o.ID == judged {
			continue
		}
		switch o.Kind {
		case cluster.Mute:
			s.muted = true
		case cluster.Isolation:
			s.muted, s.isolated = true, true
		default:
			continue
		}
		if o.Until != 0 {
			s.until = o.Until.Time()
		}
	}
	return s
}

// and is what holds by either.
func (s sanctions) and(o sanctions) sanctions {
	s.muted, s.isolated, s.slow = s.muted || o.muted, s.isolated || o.isolated, s.slow || o.slow
	if s.until.Before(o.until) {
		s.until = o.until
	}
	return s
}

// enforce puts an order that was given on another node in force here. Those given
// here are in force already, but for one of two connections of who goes over.
func (f *fleet) enforce(e *cluster.Event) {
	s := f.sessionOf(e.Key)
	if s == nil || e.Order.Node == f.ID() && !f.doubled(s) {
		return
	}
	o := &e.Order
	switch {
	case o.Kind == cluster.Block:
		_ = s.in.block(s, o.Against, o.InForce(cluster.At(time.Now())))
	case o.Kind != cluster.Mute && o.Kind != cluster.Isolation:
	case o.ID == judged:
		f.g.work.Go(func() { f.imposeJudged(s) }) // it asks the store
	default:
		f.impose(s, false)
	}
}

// imposeJudged is impose after word of what moderation has in force. Where this
// node is not informed in time of what moderation decided, the word holds until it
// is: an end may have come before it.
func (f *fleet) imposeJudged(s *session) {
	informed := f.g.commons.fresh()
	f.impose(s, informed)
	for f.g.commons != nil && !informed {
		select {
		case <-s.done:
			return
		case <-time.After(time.Second):
		}
		if informed = f.g.commons.fresh(); informed {
			f.impose(s, true)
		}
	}
}

// impose puts in force on s what is known now.
func (f *fleet) impose(s *session, informed bool) {
	in := s.in
	in.policy.Lock()
	defer in.policy.Unlock()
	now := time.Now()
	next := f.sanctions(in.world, s.participant, informed, now)
	if p := in.g.pipeline; p != nil {
		standing := p.Standing(in.world, s.participant)
		next = next.and(sanctionsOf(&standing, now))
	}
	in.mu.Lock()
	in.sanction(s, next)
	in.mu.Unlock()
	in.isolate(s)
}

// blocked tells the other nodes of a block, or of its end.
func (f *fleet) blocked(s *session, other earshot.ParticipantID, on bool) {
	f.decree(cluster.Order{Kind: cluster.Block, Of: s.participant, Against: other}, on)
}

// decree tells the other nodes, where there are any, of what a moderator did.
func (in *Instance) decree(o cluster.Order, on bool) {
	if f := in.g.fleet; f != nil {
		in.g.work.Go(func() { f.decree(o, on) })
	} else {
		in.g.crossings.enforce(o, on)
	}
}

// decreed tells the register of participants what moderation has in force on
// somebody: at the time, so that what is told last is right, and after the docket.
func (f *fleet) decreed(world string, who earshot.ParticipantID) {
	f.g.commons.written()
	f.decreeing.Lock()
	defer f.decreeing.Unlock()
	if f.Away() {
		f.g.commons.owe(world, who)
		return
	}
	o := f.g.pipeline.Standing(world, who)
	for action, kind := range map[policy.Action]cluster.OrderKind{
		policy.Mute: cluster.Mute, policy.Isolate: cluster.Isolation, policy.Suspend: cluster.Ban,
	} {
		until, on := o.Sanctioned(action, o.At)
		order := cluster.Order{Kind: kind, Of: who, Scope: world}
		if f.g.commons != nil {
			f.decree(order, false) // of a version that shared no journals
			order.ID = judged
		}
		if on && !until.IsZero() {
			order.Until = cluster.At(until)
		}
		f.decree(order, on)
	}
}

// decree gives an order or lifts the one of its name, if that is news. About who
// is not here it asks the store.
func (f *fleet) decree(o cluster.Order, on bool) {
	ctx, cancel := f.g.brief()
	defer cancel()
	have, found := f.Given(ctx, o.Of, o.Name())
	inForce := found && have.InForce(cluster.At(time.Now()))
	switch {
	case on && !(inForce && have.Until == o.Until):
		f.Order(o)
	case !on && inForce:
		f.Lift(have)
	}
}

// holdsElsewhere reports whether somebody is on another node now, which tells
// them what they are to be told. It asks the store.
func (f *fleet) holdsElsewhere(who earshot.ParticipantID) bool {
	if f == nil {
		return false
	}
	ctx, cancel := f.g.brief()
	defer cancel()
	r, err := f.g.deps.Store.Do(ctx, cluster.Find{Participant: who})
	return err == nil && r.At.Instance != "" && r.At.Node != f.ID()
}
