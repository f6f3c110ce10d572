package cluster

import (
	"slices"
	"time"

	"earshot"
)

// maxPending bounds the calls that wait for an absent store before further
// orders are refused.
const maxPending = 1 << 16

// unknownVersion has the orders of a member read anew.
const unknownVersion = ^uint64(0)

type noticeKey struct {
	of   earshot.ParticipantID
	name string
}

// notice is an order that another node has not confirmed yet.
type notice struct {
	order   Order
	to      earshot.NodeID
	version uint64
	again   time.Duration
	until   time.Duration
}

// Order puts an order in force. Here it is from now on (Enforce); everywhere,
// and whatever crashes, once Kept has come. HLC and Node are filled in, as in
// what it returns, which is what Lift takes. A block is given where the
// participant is, so that it comes after what they had.
func (n *Node) Order(o Order, now Now) Order {
	n.set(now)
	o.HLC, o.Node, o.Lifts = n.clock.Next(now.Wall), n.record.Node, 0
	n.decree(o)
	return o
}

// Lift ends an order, as it was given or as Enforce had it: that one and those
// of its name before it. It is kept like an order.
func (n *Node) Lift(o Order, now Now) {
	n.set(now)
	n.clock.Observe(o.HLC, now.Wall)
	o.Lifts = o.HLC
	n.decree(o)
}

func (n *Node) decree(o Order) {
	if n.calls.len() >= maxPending {
		n.emit(Event{Kind: NotKept, Order: o, Code: earshot.CodeResourceExhausted})
		return
	}
	n.enforce(o)
	n.keep(o)
}

func (n *Node) keep(o Order) {
	n.ask(SetOrder{o}, func(r Reply) {
		if r.Status != OK {
			n.emit(Event{Kind: NotKept, Order: o, Code: earshot.CodeResourceExhausted})
			return
		}
		n.emit(Event{Kind: Kept, Order: o})
		if m := n.members.get(o.Of); m != nil {
			n.enforce(o)
			if r.Version == m.version+1 {
				m.version = r.Version
			}
		}
		if to := r.At.Node; r.At.Instance != "" && to != "" && to != n.record.Node {
			nt := &notice{order: o, to: to, version: r.Version, until: n.now.Mono + n.cfg.Notify}
			n.notices.set(noticeKey{o.Of, o.Name()}, nt)
			n.tickNotice(nt)
		}
	})
}

func (n *Node) tickNotice(nt *notice) {
	switch {
	case n.now.Mono >= nt.until: // the next Touch there finds it
		n.notices.remove(noticeKey{nt.order.Of, nt.order.Name()})
	case n.now.Mono >= nt.again:
		nt.again = n.now.Mono + n.cfg.Answer
		n.send(Message{Kind: OrderSet, To: nt.to, Order: nt.order, Version: nt.version})
	}
}

// enforce takes o in for whoever is here, or about to be.
func (n *Node) enforce(o Order) {
	if m := n.members.get(o.Of); m != nil {
		if changed, _ := m.orders.Merge(o); changed {
			n.emit(Event{Kind: Enforce, Key: m.key, Instance: m.in.record.Instance, Order: o})
			n.pass(m, o)
			if o.Kind == Ban && n.bans(m.orders, m.in) {
				n.emit(Event{Kind: Ended, Key: m.key, Instance: m.in.record.Instance, Code: earshot.CodePermissionDenied})
				n.leave(m)
			}
		}
	}
	n.enforceLingering(o)
	n.arrivals.each(func(a *arrival) {
		if a.key.Participant == o.Of {
			a.orders.Merge(o)
		}
	})
}

func (n *Node) orderSet(msg *Message) {
	n.clock.Observe(msg.Order.HLC, n.now.Wall)
	n.enforce(msg.Order)
	n.send(Message{Kind: OrderHeard, To: msg.From, Order: msg.Order})
}

// find reads the orders on m anew, and tells the store those that it lacks.
func (n *Node) find(m *member) {
	n.once(Find{m.at.Participant}, func(r Reply) {
		switch {
		case n.members.get(m.at.Participant) != m:
		case r.Status == OK:
			n.reconcile(m, r)
		default:
			m.touch = min(m.touch, n.now.Mono+n.cfg.Renew) // which asks again
		}
	})
}

// reconcile makes the orders on m those of both here and the store.
func (n *Node) reconcile(m *member, r Reply) {
	m.version = r.Version
	for _, o := range m.orders {
		if !r.Orders.have(o) {
			n.keep(o)
		}
	}
	for _, o := range r.Orders {
		n.enforce(o)
	}
}

func (n *Node) bans(orders Orders, in *instance) bool {
	at := n.clock.Next(n.now.Wall)
	return slices.ContainsFunc(orders, func(o Order) bool {
		return o.Kind == Ban && o.InForce(at) && (o.Scope == "" || o.Scope == in.record.World)
	})
}
