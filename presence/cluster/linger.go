package cluster

import "time"

// lingerLeast is how long a connection goes on at least after its participant
// has gone over: until their client has heard so by the other.
const lingerLeast = time.Second

// lingerLook is how often it is looked whether they are still where they went:
// the node there may have died, and with it the word that they are gone from it.
const lingerLook = 2 * time.Second

// lingering is somebody who has gone over to another node or instance, and whose
// connection here goes on: those who have not gone over yet hear them by it, and
// are heard. They are no member any more, but what is in force on them is here
// too: the node that has them passes it on.
type lingering struct {
	key    Key // of the session here
	by     Key // of the handoff
	in     *instance
	orders Orders
	since  time.Duration
	look   time.Duration // when to ask the store for them next
	until  time.Duration
}

// linger keeps the connection of one who has just been moved, where others of
// their instance are still here.
func (n *Node) linger(mv *move) {
	m := mv.m
	if before := n.lingering.get(mv.key.Participant); before != nil {
		n.end(before)
	}
	l := &lingering{key: m.key, by: mv.key, in: m.in, orders: m.orders, since: n.now.Mono, look: n.now.Mono + lingerLook, until: n.now.Mono + n.cfg.Linger}
	if n.bans(l.orders, m.in) {
		n.emit(Event{Kind: Released, Key: l.key, Instance: m.in.record.Instance})
		return
	}
	n.lingering.set(mv.key.Participant, l)
}

func (n *Node) tickLingering(l *lingering) {
	if n.now.Mono >= l.until || l.in.members.len() == 0 && n.now.Mono >= l.since+lingerLeast {
		n.end(l)
		return
	}
	if n.now.Mono >= l.look {
		l.look = n.now.Mono + lingerLook
		n.once(Find{l.key.Participant}, func(r Reply) { n.found(l, r) })
	}
}

// found takes in where somebody who lingers is, and what is in force on them.
func (n *Node) found(l *lingering, r Reply) {
	if n.lingering.get(l.key.Participant) != l || r.Status != OK || r.At.Epoch == 0 {
		return
	}
	if r.At.Key != l.by {
		n.end(l)
		return
	}
	for _, o := range r.Orders {
		n.enforceLingering(o)
	}
}

// end lets somebody go for good.
func (n *Node) end(l *lingering) {
	n.lingering.remove(l.key.Participant)
	n.emit(Event{Kind: Released, Key: l.key, Instance: l.in.record.Instance})
}

// letGo hears that somebody has left where they went.
func (n *Node) letGo(msg *Message) {
	if l := n.lingering.get(msg.Key.Participant); l != nil && l.by == msg.Key {
		n.end(l)
	}
}

// pass tells the node that m came from of an order, while their connection there
// goes on.
func (n *Node) pass(m *member, o Order) {
	if n.now.Mono >= m.lingers || m.source == n.record.Node { // enforce has told them here
		return
	}
	nt := &notice{order: o, to: m.source, until: min(m.lingers, n.now.Mono+n.cfg.Notify)}
	n.notices.set(noticeKey{o.Of, o.Name()}, nt)
	n.tickNotice(nt)
}

func (n *Node) enforceLingering(o Order) {
	l := n.lingering.get(o.Of)
	if l == nil {
		return
	}
	if changed, _ := l.orders.Merge(o); !changed {
		return
	}
	n.emit(Event{Kind: Enforce, Key: l.key, Instance: l.in.record.Instance, Order: o})
	if o.Kind == Ban && n.bans(l.orders, l.in) {
		n.end(l)
	}
}

// Lingers reports whether the session that came by key goes on though its
// participant has gone over.
func (n *Node) Lingers(key Key) bool {
	l := n.lingering.get(key.Participant)
	return l != nil && l.key == key
}
