package cluster

import (
	"time"

	"earshot"
)

// role is what this node is to an instance.
type role uint8

const (
	claiming role = iota
	owner
	former // another's by now, or nobody's; some members are still here
)

// instance is one that this node owns, wants to own, or did.
type instance struct {
	record   InstanceRecord
	role     role
	epoch    Epoch
	valid    time.Duration // until when the lease runs, by this node's clock
	quiet    time.Duration // until when nobody is admitted though it runs
	renewed  time.Duration // when it was last asked for
	lapsed   bool          // was told as Suspended
	snapshot []byte
	saved    uint64 // Rev of the last snapshot
	heir     earshot.NodeID
	parting  time.Duration   // when the last member has to go, of a former one
	released bool            // a Release is under way
	wanted   *InstanceRecord // again, since it was given up

	members  table[earshot.ParticipantID, *member]
	expected table[earshot.ParticipantID, *expected]
	flush    flush
}

// expected is somebody whose place is kept: their node died or gave the
// instance away.
type expected struct {
	Presence
	until time.Duration
}

// Open makes this node the owner of an instance that has none. unique says
// that its id was made for it just now: nobody can own it whom the store has
// forgotten. Granted comes when it is, Refused with an empty Key when it cannot
// be: so it is with every other id just after the store was away, which may have
// come back without knowing its owner, who renews within a second.
func (n *Node) Open(record InstanceRecord, unique bool, now Now) {
	n.set(now)
	if n.drain != nil || !unique && n.returned > 0 && n.now.Mono < n.returned+2*n.cfg.Renew {
		n.emit(Event{Kind: Refused, Instance: record.Instance, Code: earshot.CodeUnavailable})
		return
	}
	n.claim(record, unique)
}

func (n *Node) claim(record InstanceRecord, unique bool) {
	in := n.instances.get(record.Instance)
	if in != nil && in.released {
		in.wanted = &record
		return
	}
	if in != nil && in.role != former {
		return
	}
	if in == nil {
		in = &instance{}
		n.instances.set(record.Instance, in)
	}
	in.role, in.record = claiming, record
	in.record.State, in.record.Owner, in.record.Epoch, in.record.Rev = Open, n.record.Node, 0, 0
	asked := n.now.Mono
	nonce := n.clock.Next(n.now.Wall)
	n.call(Claim{
		Instance: record.Instance, Node: n.record.Node, Nonce: nonce, Seed: SeedEpoch(nonce), TTL: n.cfg.TTL, Record: in.record,
	}, n.now.Mono+n.cfg.JoinWithin, func(r Reply) { n.claimed(in, asked, unique, r) })
}

func (n *Node) claimed(in *instance, asked time.Duration, unique bool, r Reply) {
	if r.Status != OK {
		n.emit(Event{Kind: Refused, Instance: in.record.Instance, Node: r.Node, Code: earshot.CodeAborted})
		in.role, in.heir = former, r.Node
		in.parting = max(in.parting, n.now.Mono+n.cfg.PartWithin)
		return
	}
	in.record, in.role, in.epoch, in.lapsed, in.heir = r.Record, owner, r.Epoch, false, ""
	in.record.Into = "" // whoever was putting it together with another is gone
	in.snapshot = r.Snapshot
	in.flush = flush{full: true}
	n.extend(in, asked)
	if r.Fresh && !unique {
		in.quiet = n.now.Mono + n.cfg.TTL + n.cfg.Margin
	}
	for _, p := range r.Members {
		if in.members.get(p.Participant) == nil {
			in.expected.set(p.Participant, &expected{p.Clone(), n.now.Mono + n.cfg.ReturnWithin})
		}
	}
	n.emit(Event{Kind: Granted, Instance: in.record.Instance, Epoch: in.epoch, Record: in.record, Members: r.Members, Snapshot: r.Snapshot})
	in.members.each(func(m *member) { m.parts = 0 })
	n.write(in)
}

// extend counts a lease from when it was asked for.
func (n *Node) extend(in *instance, asked time.Duration) {
	in.valid = max(in.valid, asked+n.cfg.TTL-n.cfg.Margin)
	if in.lapsed && n.now.Mono < in.valid {
		in.lapsed = false
		n.rewrite(in)
		n.emit(Event{Kind: Resumed, Instance: in.record.Instance, Epoch: in.epoch})
	}
}

// rewrite tells the store everything anew: it was away, or has forgotten.
func (n *Node) rewrite(in *instance) {
	in.flush.full = true
	in.flush.unsaved = in.snapshot != nil
	in.record.Count = -1
	in.members.each(func(m *member) {
		m.version = unknownVersion
		m.touch = min(m.touch, n.now.Mono+n.jitter(m.at.Participant, n.cfg.Heartbeat))
	})
}

// Admits reports whether this node may let somebody into an instance now who is
// not in it.
func (n *Node) Admits(id earshot.InstanceID, now Now) bool {
	n.set(now)
	in := n.instances.get(id)
	return in != nil && n.admitsNow(in) && in.record.State.Admits(true)
}

// admits reports whether the state lets somebody in: where it is full, whoever has
// a place.
func (in *instance) admits(who earshot.ParticipantID) bool {
	state := in.record.State
	return state.Admits(true) || state.Full() && (in.members.get(who) != nil || in.expected.get(who) != nil)
}

func (n *Node) tickInstance(in *instance) {
	switch in.role {
	case owner:
		if n.now.Mono >= in.valid && !in.lapsed {
			in.lapsed = true
			n.emit(Event{Kind: Suspended, Instance: in.record.Instance, Epoch: in.epoch})
		}
		if n.now.Mono >= in.renewed+n.cfg.Renew && !in.released {
			n.renew(in)
		}
		in.expected.each(func(e *expected) {
			if e.until <= n.now.Mono {
				in.expected.remove(e.Participant)
				in.flush.gone(e.Participant)
			}
		})
		n.settle(in)
		n.tickFlush(in)
	case former:
		if in.members.len() == 0 && !in.released {
			n.instances.remove(in.record.Instance)
		}
	}
}

func (n *Node) renew(in *instance) {
	in.renewed = n.now.Mono
	asked, epoch := n.now.Mono, in.epoch
	n.once(Renew{Instance: in.record.Instance, Node: n.record.Node, Epoch: epoch, TTL: n.cfg.TTL}, func(r Reply) {
		if in.role != owner || in.epoch != epoch {
			return
		}
		switch r.Status {
		case OK:
			if r.Fresh && n.now.Mono >= in.quiet {
				// Whoever has a lease that the store forgot has either renewed
				// it, or stopped by its own clock, when this is over.
				in.quiet = n.now.Mono + n.cfg.TTL + n.cfg.Margin
				n.rewrite(in)
			}
			n.extend(in, asked)
		case Fenced:
			n.lose(in, r.Node)
		}
	})
}

// fenced takes in that a write of in was refused: another owns it by now, or the
// store has forgotten who does. Then a renewal tells it, and all is written anew.
func (n *Node) fenced(in *instance, r Reply) {
	if r.Epoch >= in.epoch || in.role != owner {
		n.lose(in, r.Node)
		return
	}
	in.renewed = 0 // at the next tick
	n.rewrite(in)
}

// lose makes in another's. Its members stay until they have been moved, each at
// a moment of their own.
func (n *Node) lose(in *instance, to earshot.NodeID) {
	if in.role != owner {
		return
	}
	if to == n.record.Node {
		to = ""
	}
	in.role, in.heir = former, to
	in.parting = n.now.Mono + n.cfg.PartWithin
	in.expected = table[earshot.ParticipantID, *expected]{}
	n.emit(Event{Kind: Lost, Instance: in.record.Instance, Epoch: in.epoch, Node: to})
	in.members.each(func(m *member) { m.parts = n.now.Mono + n.jitter(m.at.Participant, n.cfg.PartWithin/2) })
}

// settle keeps the state of what this node owns at what its members say.
func (n *Node) settle(in *instance) {
	state, count := in.record.State, in.members.len()+in.expected.len()
	switch {
	case state == Draining || state == Closed:
	case state == Claimed && in.expected.len() > 0:
	case count >= in.record.Hard:
		state = HardFull
	case count >= in.record.Soft:
		state = SoftFull
	default:
		state = Open
	}
	if state != in.record.State || count != in.record.Count && n.now.Mono >= in.flush.at {
		in.record.State, in.record.Count = state, count
		n.write(in)
	}
}

func (n *Node) write(in *instance) {
	in.record.Owner, in.record.Epoch = n.record.Node, in.epoch
	in.record.Rev++
	n.once(Write{Record: in.record}, func(r Reply) {
		switch r.Status {
		case Unknown:
			in.record.Count = -1 // so that it is written again
		case Fenced:
			n.fenced(in, r)
		}
	})
}

// jitter spreads what concerns many over d, the same for the same participant.
func (n *Node) jitter(id earshot.ParticipantID, d time.Duration) time.Duration {
	return time.Duration(mix(hash(string(id))^hash(string(n.record.Node))) % uint64(max(d, 1)))
}
