package cluster

import "earshot"

// Away reports whether the store has not answered for a while.
func (n *Node) Away() bool { return n.missed > 1 }

// reseat gives somebody who is here another session without asking the store,
// which does not answer: a page that is loaded anew. They keep the place they
// have, and what is in force on them is known. Nobody new is let in so: what is
// in force on them is not.
func (n *Node) reseat(m *member, key Key) {
	n.emit(Event{Kind: Ended, Key: m.key, Instance: m.in.record.Instance, Node: n.record.Node, Code: earshot.CodeAborted})
	m.key = key
	n.emit(Event{Kind: Admitted, Key: key, Instance: m.in.record.Instance, Epoch: m.in.epoch, Member: m.here, Orders: m.orders})
}
