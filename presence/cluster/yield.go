package cluster

import "earshot"

// Yield gives an instance up that is empty and that nobody needs any more: the
// store forgets it but for its epoch, and unlike one that was Closed it may be
// opened again at once, on any node. It reports false, and does nothing, where
// this node does not own it or somebody is in, on their way, or awaited. Where
// the store knows of places reserved there, the instance goes on after all.
func (n *Node) Yield(id earshot.InstanceID, now Now) bool {
	n.set(now)
	in := n.instances.get(id)
	if in == nil || in.role != owner || in.released || in.members.len()+in.expected.len() > 0 {
		return false
	}
	for _, a := range n.arrivals.all {
		if a.in == in {
			return false
		}
	}
	in.released = true
	epoch := in.epoch
	n.ask(Release{Instance: id, Node: n.record.Node, Epoch: epoch, Forget: true}, func(r Reply) {
		in.released = false
		wanted := in.wanted
		in.wanted = nil
		switch {
		case in.role != owner || in.epoch != epoch:
		case r.Status == OK:
			n.lose(in, "")
			if wanted != nil && n.drain == nil {
				n.claim(*wanted, false)
			}
		default:
			in.renewed = 0 // at the next tick
			if wanted != nil {
				n.emit(Event{Kind: Granted, Instance: id, Epoch: epoch, Record: in.record})
			}
		}
	})
	return true
}

// Owns reports whether this node is the owner of an instance by all it knows,
// whether or not it may admit anybody at this moment.
func (n *Node) Owns(id earshot.InstanceID) bool {
	in := n.instances.get(id)
	return in != nil && in.role == owner && !in.released
}
