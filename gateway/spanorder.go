package gateway

import (
	"time"

	"earshot"
	"earshot/sfu/relay/wire"
)

// Orders that hold on several nodes. On the node where an order is given it
// holds when the call returns, as ever. What the order forbids to others is held
// back, whole, from the nodes where it does not hold yet: until they say that it
// does, no copy of a voice or pose leaves that anybody there may not have.

// hold keeps everything of somebody from the other node until what say sends
// holds there. e.mu is held.
func (e *end) hold(t *telling, say func(order uint64) *wire.Message) {
	id := t.session.participant
	t.held++
	for _, o := range e.ofPerson(id) {
		o.copy.Hold()
	}
	e.peer.link.StrikePoses(t.index)
	e.peer.give(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		t.held--
		for _, o := range e.ofPerson(id) {
			o.copy.Release()
		}
	}, say)
}

// block makes a block of one of ours hold on the nodes that know them. in.policy
// is held.
func (sp *span) block(by *session, other earshot.ParticipantID, on bool) {
	if sp == nil || by.ghost != nil {
		return
	}
	there := sp.in.live.Load().byID[other]
	if there != nil && there.ghost != nil {
		there.ghost.recheck(time.Now())
	}
	for _, e := range *sp.ends.Load() {
		m := &wire.Block{Channel: sp.channel, By: by.participant, Other: other, On: on}
		e.mu.Lock()
		switch t := e.told[by.participant]; {
		case t == nil: // it will be told with the rest
		case on && there != nil && there.ghost != nil && there.ghost.end == e:
			e.hold(t, func(order uint64) *wire.Message {
				m.Order = order
				return &wire.Message{Block: m}
			})
		default:
			e.say(&wire.Message{Block: m})
		}
		e.mu.Unlock()
	}
}

// onBlock makes a block of one of theirs hold here.
func (e *end) onBlock(m *wire.Block) {
	gh := e.ghost(m.By)
	if gh == nil {
		return
	}
	in := e.span.in
	in.policy.Lock()
	defer in.policy.Unlock()
	if err := in.space.Block(m.By, m.Other, m.On); err != nil {
		e.span.c.log.Warn("a block of another node has no room here", "error", err)
		return
	}
	if s := in.live.Load().byID[m.Other]; s != nil {
		in.part(gh.session, s)
	}
	gh.recheck(time.Now())
	in.denyViewers()
}

// isolate makes the isolation of one of ours, or its end, hold on the nodes that
// know them. in.policy is held.
func (sp *span) isolate(s *session) {
	if sp == nil || s.ghost != nil {
		return
	}
	sp.in.mu.Lock()
	defer sp.in.mu.Unlock()
	flags := s.flags()
	for _, e := range *sp.ends.Load() {
		e.mu.Lock()
		if t := e.told[s.participant]; t != nil && t.session == s && t.flags != flags {
			t.flags = flags
			if flags.Isolated {
				e.cut(s.participant)
			}
			e.hold(t, func(order uint64) *wire.Message {
				return &wire.Message{State: &wire.State{Channel: sp.channel, Participant: s.participant, Order: order, Flags: flags}}
			})
		}
		e.mu.Unlock()
	}
}

// cut ends all copies of somebody. e.mu is held.
func (e *end) cut(id earshot.ParticipantID) {
	for _, o := range e.ofPerson(id) {
		e.peer.mu.Lock()
		delete(e.peer.copies, o.number)
		e.peer.mu.Unlock()
		o.copy.Close()
	}
}

// carry brings a message to people who are on other nodes: each node gets it
// once. from is one of ours: what comes from another node goes no further.
func (in *Instance) carry(from *session, to []*session, m wire.Tell) {
	if len(to) == 0 || from.ghost != nil || in.span == nil {
		return
	}
	for _, e := range *in.span.ends.Load() {
		m.Channel, m.From, m.To = in.span.channel, from.participant, nil
		for _, s := range to {
			if s.ghost.end == e {
				m.To = append(m.To, s.participant)
			}
			if len(m.To) == wire.MaxTold {
				one := m
				e.say(&wire.Message{Tell: &one})
				m.To = nil
			}
		}
		if len(m.To) > 0 {
			one := m
			e.say(&wire.Message{Tell: &one})
		}
	}
}

// onTell hands a message of one of theirs to people here, unless an order that
// holds here forbids it.
func (e *end) onTell(m *wire.Tell) {
	gh := e.ghost(m.From)
	if gh == nil {
		return
	}
	in, from := e.span.in, gh.session
	live := in.live.Load()
	for _, id := range m.To {
		s := live.byID[id]
		if s == nil || s.ghost != nil || in.shut(from, s) || m.Uttered && !in.passes(from, s) {
			continue
		}
		switch {
		case s.resident != nil && m.Chat != "":
			s.resident.actor.Hear(time.Now(), from.participant, from.called(), m.Chat)
		case s.resident == nil && s.ready.Load():
			s.sendBytes(m.Data)
		}
	}
}
