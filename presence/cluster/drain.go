package cluster

import (
	"slices"
	"time"

	"earshot"
)

// drain is the end of a node in bounded time.
type drain struct {
	from, until time.Duration
	told        bool // Drained has come
}

// Drain empties this node within a time: instances go to other nodes, then
// their members, each asked at a moment of their own, all within Invites a
// second or the first half; who does not follow comes back by themselves.
// Drained comes when nothing is left.
func (n *Node) Drain(within time.Duration, now Now) {
	n.set(now)
	if n.drain != nil {
		return
	}
	n.drain = &drain{from: now.Mono, until: now.Mono + within}
	n.record.Draining = true
	n.announce()
}

func (n *Node) drained() bool { return n.drain != nil && n.drain.told }

func (n *Node) tickDrain() {
	if n.drain == nil || n.drain.told {
		return
	}
	over := n.now.Mono >= n.drain.until
	n.instances.each(func(in *instance) {
		if in.role == owner && !in.released {
			n.release(in)
		}
	})
	if over {
		n.members.each(n.part)
		n.arrivals.each(func(a *arrival) {
			if a.over == "" {
				n.giveUp(a, earshot.CodeUnavailable)
			}
		})
	}
	owning := false
	n.instances.each(func(in *instance) { owning = owning || in.role == owner })
	if over {
		n.lingering.each(n.end)
	}
	if n.members.len()+n.lingering.len() == 0 && (over || !owning && n.arrivals.len() == 0) {
		n.drain.told = true
		n.call(Withdraw{n.record.Node}, n.now.Mono+n.cfg.TTL, nil)
		n.emit(Event{Kind: Drained})
	}
}

// release gives an instance to an heir, with its last snapshot.
func (n *Node) release(in *instance) {
	in.released = true
	in.heir = n.heir(in)
	op := Release{Instance: in.record.Instance, Node: n.record.Node, Epoch: in.epoch, Heir: in.heir, HeirTTL: n.cfg.TTL}
	give := func(Reply) {
		n.call(op, n.now.Mono+n.cfg.TTL, func(Reply) {
			in.released = false
			if in.heir != "" {
				n.send(Message{Kind: Inherit, To: in.heir, Instance: in.record.Instance})
			}
			n.lose(in, in.heir)
			window := min(max(n.drain.until-n.now.Mono, 0)/2, time.Duration(in.members.len())*time.Second/time.Duration(n.cfg.Invites))
			in.parting = n.drain.until
			in.members.each(func(m *member) { m.parts = n.now.Mono + 1 + n.jitter(m.at.Participant, window) })
		})
	}
	put := Put{Instance: in.record.Instance, Node: n.record.Node, Epoch: in.epoch, Seq: in.flush.seq + 1, Full: true, Set: n.everybody(in)}
	in.flush.seq++
	save := Save{Instance: in.record.Instance, Node: n.record.Node, Epoch: in.epoch, Rev: in.saved + 1, Snapshot: in.snapshot}
	in.saved++
	n.once(put, func(Reply) { n.once(save, give) })
}

// heir is the node with most room among those that live, in the same region
// where there is one.
func (n *Node) heir(in *instance) earshot.NodeID {
	var best *NodeRecord
	better := func(a, b *NodeRecord) bool {
		if near, other := a.Region == in.record.Region, b.Region == in.record.Region; near != other {
			return near
		}
		if a.Load.Headroom != b.Load.Headroom {
			return a.Load.Headroom > b.Load.Headroom
		}
		return weight(in.record.Instance, a.Node) > weight(in.record.Instance, b.Node)
	}
	for i := range n.nodes {
		o := &n.nodes[i]
		if o.Node != n.record.Node && !o.Draining && (best == nil || better(o, best)) {
			best = o
		}
	}
	if best == nil {
		return ""
	}
	return best.Node
}

// Close ends an instance for good: nobody enters, whoever is in is Ended.
func (n *Node) Close(id earshot.InstanceID, now Now) {
	n.set(now)
	in := n.instances.get(id)
	if in == nil || in.role != owner {
		return
	}
	in.record.State = Closed
	for _, m := range slices.Clone(in.members.all) {
		n.part(m)
	}
	in.record.Owner, in.record.Epoch = n.record.Node, in.epoch
	in.record.Rev++
	in.released = true
	n.ask(Write{in.record}, func(Reply) {
		in.released = false
		n.lose(in, "")
		n.call(Release{Instance: id, Node: n.record.Node, Epoch: in.epoch}, n.now.Mono+n.cfg.TTL, nil)
	})
}
