package cluster

import "earshot"

// Break replaces a node's configuration without looking at it: for the tests
// that break a rule on purpose.
func (n *Node) Break(change func(*Config)) { change(&n.cfg) }

// Seat is a member as the node has them.
type Seat struct {
	Key      Key
	At       Whereabouts
	Instance earshot.InstanceID
	Owned    bool
	Orders   Orders
}

// Seats visits the members of a node.
func (n *Node) Seats(f func(Seat)) {
	n.members.each(func(m *member) { f(Seat{m.key, m.at, m.in.record.Instance, m.in.role == owner, m.orders}) })
}

// Pending is how many handoffs and arrivals are under way, and calls.
func (n *Node) Pending() (moves, arrivals, calls int) {
	return n.moves.len(), n.arrivals.len(), n.calls.len()
}

// Lingering visits those whose connection goes on after they went over.
func (n *Node) Lingering(f func(key Key, orders Orders)) {
	n.lingering.each(func(l *lingering) { f(l.key, l.orders) })
}

// Awaits reports whether the place of somebody is kept in an instance.
func (n *Node) Awaits(id earshot.InstanceID, p earshot.ParticipantID) bool {
	in := n.instances.get(id)
	return in != nil && in.expected.get(p) != nil
}
