package cluster

import (
	"time"

	"earshot"
)

// phase is how far an arrival has come. Each but ready waits for an answer of
// the store.
type phase uint8

const (
	reserving  phase = iota
	ready            // a place is kept; the client is to connect
	taking           // the place becomes a member
	committing       // the participant's record is to say so
)

// arrival is somebody on the way in: by a join, or by a handoff from another
// node.
type arrival struct {
	key         Key
	in          *instance
	epoch       Epoch // of the instance
	phase       phase
	reservation Key
	member      Presence
	orders      Orders
	until       time.Duration
	over        earshot.Code // why it was given up; the store's answer is awaited to undo it

	source earshot.NodeID // of a handoff
	from   Whereabouts    // of a handoff: where the participant must still be
	known  Orders         // of a handoff: those that the source has
}

// outcome is how a handoff to this node ended, for who asks again.
type outcome struct {
	key   Key
	at    Whereabouts
	code  earshot.Code
	until time.Duration
}

// Join is somebody who wants to enter.
type Join struct {
	Participant earshot.ParticipantID
	Instance    earshot.InstanceID
	Reservation Key  // the place kept for them, if one was
	Invited     bool // may enter a softly full instance
	State       []byte
}

// Join lets somebody in, or not: Admitted or Refused comes with the Key
// returned, within Config.JoinWithin. Whoever is here already gets a new place
// and the old session is Ended.
func (n *Node) Join(j Join, now Now) Key {
	n.set(now)
	key := n.key(j.Participant)
	in := n.instances.get(j.Instance)
	if m := n.members.get(j.Participant); m != nil && m.in == in && n.Away() {
		n.reseat(m, key)
		return key
	}
	if code := n.refusal(in, j.Participant); code != "" || len(j.State) > MaxStateBytes {
		if code == "" {
			code = earshot.CodeInvalidArgument
		}
		n.emit(Event{Kind: Refused, Key: key, Instance: j.Instance, Node: n.ownerOf(j.Instance), Code: code})
		return key
	}
	a := &arrival{
		key: key, in: in, epoch: in.epoch, reservation: j.Reservation, until: now.Mono + n.cfg.JoinWithin,
		member: Presence{Participant: j.Participant, Node: n.record.Node, HLC: key.HLC, State: j.State},
	}
	if e := in.expected.get(j.Participant); e != nil {
		j.Invited = true
		a.member.Cell, a.member.Position = e.Cell, e.Position
		if len(j.State) == 0 {
			a.member.State = e.State
		}
	}
	n.arrivals.set(key, a)
	if j.Reservation != (Key{}) {
		n.take(a)
	} else {
		n.reserve(a, j.Invited)
	}
	return key
}

// refusal says why somebody cannot enter in; empty if they can.
func (n *Node) refusal(in *instance, who earshot.ParticipantID) earshot.Code {
	switch {
	case in == nil || in.role != owner || in.released:
		return earshot.CodeFailedPrecondition
	case n.drain != nil, !n.admitsNow(in), !in.admits(who):
		return earshot.CodeUnavailable
	case n.arrivals.len() >= n.cfg.MaxArrivals:
		return earshot.CodeResourceExhausted
	}
	return ""
}

func (n *Node) reserve(a *arrival, invited bool) {
	a.phase, a.reservation = reserving, a.key
	ttl := n.cfg.JoinWithin
	if a.source != "" {
		ttl = n.cfg.PrepareWithin + n.cfg.AttachWithin
	}
	op := Reserve{Instance: a.in.record.Instance, Reservation: Reservation{
		Key: a.key, Participants: []earshot.ParticipantID{a.key.Participant}, Invited: invited, TTL: ttl,
	}}
	n.call(op, a.until, func(r Reply) {
		switch {
		case n.arrivals.get(a.key) != a || a.phase != reserving:
		case r.Status == Full:
			n.refuse(a, earshot.CodeResourceExhausted)
		case r.Status != OK:
			n.refuse(a, earshot.CodeUnavailable)
		case a.source == "":
			n.take(a)
		default:
			a.phase = ready
			n.send(Message{Kind: Prepared, To: a.source, Key: a.key, Instance: a.in.record.Instance})
			n.emit(Event{Kind: Expect, Key: a.key, Instance: a.in.record.Instance, Node: a.source, From: a.from.Instance, Member: a.member, Orders: a.orders})
		}
	})
}

func (n *Node) take(a *arrival) {
	a.phase = taking
	op := Take{Instance: a.in.record.Instance, Node: n.record.Node, Epoch: a.epoch, Reservation: a.reservation, Member: a.member}
	n.ask(op, func(r Reply) {
		switch {
		case r.Status == Fenced:
			n.fenced(a.in, r)
			n.refuse(a, earshot.CodeUnavailable)
		case r.Status != OK:
			n.refuse(a, earshot.CodeFailedPrecondition)
		case a.over != "":
			n.refuse(a, a.over)
		case !n.holds(a):
			n.refuse(a, earshot.CodeUnavailable)
		default:
			n.commit(a)
		}
	})
}

func (n *Node) commit(a *arrival) {
	a.phase = committing
	n.ask(Commit{
		To:     Whereabouts{Participant: a.key.Participant, Instance: a.in.record.Instance, Node: n.record.Node, Key: a.key},
		Expect: a.from.Epoch, Any: a.source == "", Seed: SeedEpoch(a.key.HLC), TTL: n.cfg.Keep,
	}, func(r Reply) {
		for _, o := range r.Orders {
			a.orders.Merge(o)
		}
		switch {
		case r.Status != OK:
			n.refuse(a, earshot.CodeAborted)
		case a.over != "":
			n.undo(a, a.over, r.At)
		case !n.holds(a):
			n.undo(a, earshot.CodeUnavailable, r.At)
		case n.bans(a.orders, a.in):
			n.undo(a, earshot.CodePermissionDenied, r.At)
		default:
			n.admit(a, r)
		}
	})
}

// holds reports whether this node may still admit what it began to.
func (n *Node) holds(a *arrival) bool { return a.in.epoch == a.epoch && n.admitsNow(a.in) }

// admitsNow reports whether the lease runs, whatever the state says, which is asked
// when a place is reserved.
func (n *Node) admitsNow(in *instance) bool {
	return in.role == owner && !in.released && n.now.Mono < in.valid && n.now.Mono >= in.quiet
}

func (n *Node) admit(a *arrival, r Reply) {
	id := a.key.Participant
	n.arrivals.remove(a.key)
	if l := n.lingering.get(id); l != nil {
		n.end(l) // they are back, with a new connection
	}
	if old := n.members.get(id); old != nil {
		n.elsewhere(old, r.At)
	}
	a.member.Epoch = r.At.Epoch
	m := &member{
		key: a.key, at: r.At, in: a.in, here: a.member, orders: a.orders, version: r.Version,
		touch: n.now.Mono + n.cfg.Touch/2 + n.jitter(id, n.cfg.Touch/2),
	}
	if a.source != "" {
		m.source, m.from, m.by, m.lingers = a.source, a.from.Instance, a.key, n.now.Mono+n.cfg.Linger
	}
	n.members.set(id, m)
	a.in.members.set(id, m)
	a.in.expected.remove(id)
	a.in.flush.changed(id)
	n.emit(Event{Kind: Admitted, Key: a.key, Instance: a.in.record.Instance, Epoch: a.epoch, Member: a.member, Orders: a.orders})
	for _, o := range a.orders {
		if !a.known.have(o) {
			n.pass(m, o)
		}
	}
	n.reconcile(m, r)
	if a.source != "" {
		n.finished(a, r.At, "")
		n.send(Message{Kind: Committed, To: a.source, Key: a.key, At: r.At})
	}
	if b := r.Before; b.Instance != "" && b.Node != n.record.Node && b.Node != a.source {
		n.send(Message{Kind: Superseded, To: b.Node, At: r.At})
	}
}

// undo takes back what was committed for somebody who cannot be admitted after
// all.
func (n *Node) undo(a *arrival, code earshot.Code, at Whereabouts) {
	n.call(Leave{At: at, TTL: n.cfg.KeepLeft}, n.now.Mono+n.cfg.Keep, nil)
	n.refuse(a, code)
}

// refuse ends an arrival that did not come to anything, once the store has
// said all it will.
func (n *Node) refuse(a *arrival, code earshot.Code) {
	id, instance := a.key.Participant, a.in.record.Instance
	if n.arrivals.get(a.key) == a {
		n.arrivals.remove(a.key)
	}
	if a.phase <= ready {
		n.call(Cancel{Instance: instance, Key: a.reservation, Participants: []earshot.ParticipantID{id}}, n.now.Mono+n.cfg.JoinWithin, nil)
	} else if a.in.role == owner && !n.seated(a.in, id) {
		a.in.flush.gone(id)
	}
	if a.source != "" {
		n.finished(a, Whereabouts{}, code)
		n.send(Message{Kind: Prepared, To: a.source, Key: a.key, Instance: instance, Code: code, Owner: n.ownerOf(instance)})
	}
	if a.over == "" {
		n.emit(Event{Kind: Refused, Key: a.key, Instance: instance, Node: n.ownerOf(instance), Code: code})
	}
}

func (n *Node) finished(a *arrival, at Whereabouts, code earshot.Code) {
	n.done.set(a.key, &outcome{a.key, at, code, n.now.Mono + n.cfg.KeepDone})
}

func (n *Node) tickArrival(a *arrival) {
	if n.now.Mono >= a.until && a.over == "" {
		n.giveUp(a, earshot.CodeDeadlineExceeded)
	}
}

// giveUp ends an arrival for the gateway. What the store has been asked is
// undone when it answers.
func (n *Node) giveUp(a *arrival, code earshot.Code) {
	if a.phase <= ready {
		n.refuse(a, code)
		return
	}
	a.over = code
	n.emit(Event{Kind: Refused, Key: a.key, Instance: a.in.record.Instance, Node: n.ownerOf(a.in.record.Instance), Code: code})
}

// CallOff ends the arrival of a key: its client is gone.
func (n *Node) CallOff(key Key, now Now) {
	n.set(now)
	if a := n.arrivals.get(key); a != nil && a.over == "" {
		n.giveUp(a, earshot.CodeCanceled)
	}
}

// Attached says that the client of a handoff has connected here, after Expect.
func (n *Node) Attached(key Key, now Now) {
	n.set(now)
	a := n.arrivals.get(key)
	if a == nil || a.phase != ready || a.over != "" {
		return
	}
	if !n.holds(a) {
		n.refuse(a, earshot.CodeUnavailable)
		return
	}
	a.until = now.Mono + n.cfg.JoinWithin
	n.take(a)
}

// prepare expects somebody whom another node hands over.
func (n *Node) prepare(msg *Message) {
	if o := n.done.get(msg.Key); o != nil {
		if o.code != "" {
			n.send(Message{Kind: Prepared, To: msg.From, Key: msg.Key, Instance: msg.Instance, Code: o.code})
		} else {
			n.send(Message{Kind: Committed, To: msg.From, Key: msg.Key, At: o.at})
		}
		return
	}
	if a := n.arrivals.get(msg.Key); a != nil {
		if a.phase == ready {
			n.send(Message{Kind: Prepared, To: msg.From, Key: msg.Key, Instance: msg.Instance})
		}
		return
	}
	in := n.instances.get(msg.Instance)
	code := n.refusal(in, msg.Key.Participant)
	if code == "" && (n.bans(msg.Orders, in) || msg.Offer && n.shuns(msg, in)) {
		code = earshot.CodePermissionDenied
	}
	if code != "" {
		n.send(Message{Kind: Prepared, To: msg.From, Key: msg.Key, Instance: msg.Instance, Code: code, Owner: n.ownerOf(msg.Instance)})
		return
	}
	a := &arrival{
		key: msg.Key, in: in, epoch: in.epoch, member: msg.Member, orders: msg.Orders, known: msg.Orders, source: msg.From, from: msg.At,
		until: n.now.Mono + n.cfg.PrepareWithin + n.cfg.AttachWithin,
	}
	for i := range msg.Orders {
		n.clock.Observe(msg.Orders[i].HLC, n.now.Wall)
	}
	a.member.Participant, a.member.Node, a.member.HLC = msg.Key.Participant, n.record.Node, n.clock.Next(n.now.Wall)
	n.arrivals.set(a.key, a)
	n.reserve(a, true)
}

func (n *Node) abort(msg *Message) {
	if a := n.arrivals.get(msg.Key); a != nil && a.source == msg.From && a.phase <= ready {
		n.refuse(a, earshot.CodeCanceled)
	}
}
