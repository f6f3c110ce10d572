package cluster

import (
	"slices"
	"time"

	"earshot"
)

func (n *Node) survey() {
	n.surveying, n.surveyed = true, n.now.Mono+n.cfg.Survey
	n.once(Survey{}, func(r Reply) {
		n.surveying = false
		if r.Status != OK {
			n.missed++
			return
		}
		if n.missed > 1 {
			n.returned = n.now.Mono
		}
		if n.missed > 1 || n.steady == 0 {
			n.steady = n.now.Mono
		}
		n.missed = 0
		n.nodes, n.listed = r.Nodes, r.Instances
		n.watch()
	})
}

// watch claims instances that have lost their owner. Every node has its own
// order of the others for each instance, the same on all nodes, so that they do
// not all try at once; who comes first is for the store to say. After the store
// was away owners get the time to renew first: they have been there all along.
func (n *Node) watch() {
	n.forgetHeeded()
	n.forgetHearings()
	seen := make(map[earshot.InstanceID]bool, len(n.orphans))
	for i := range n.listed {
		rec := &n.listed[i]
		mine := n.instances.get(rec.Instance)
		if rec.State != Orphaned || mine != nil && mine.role != former || mine != nil && mine.released || n.drain != nil {
			continue
		}
		seen[rec.Instance] = true
		first, known := n.orphans[rec.Instance]
		if !known {
			first = n.now.Mono
			n.orphans[rec.Instance] = first
		}
		first = max(first, n.steady+2*n.cfg.Renew)
		if n.now.Mono >= first+time.Duration(n.rank(rec.Instance))*n.cfg.Stagger {
			delete(n.orphans, rec.Instance)
			seen[rec.Instance] = false
			n.claim(*rec, false)
		}
	}
	for id := range n.orphans {
		if !seen[id] {
			delete(n.orphans, id)
		}
	}
}

// rank is how many of the nodes that live come before this one for an instance
// (rendezvous hashing, Thaler and Ravishankar 1998).
func (n *Node) rank(id earshot.InstanceID) (before int) {
	own := weight(id, n.record.Node)
	for i := range n.nodes {
		if o := &n.nodes[i]; o.Node != n.record.Node && !o.Draining && weight(id, o.Node) > own {
			before++
		}
	}
	return before
}

func weight(id earshot.InstanceID, node earshot.NodeID) uint64 {
	return mix(hash(string(id)) ^ mix(hash(string(node))))
}

func (n *Node) inherit(msg *Message) {
	if n.drain != nil {
		return
	}
	i := slices.IndexFunc(n.listed, func(r InstanceRecord) bool { return r.Instance == msg.Instance })
	if i < 0 {
		return // the next survey shows it as Orphaned
	}
	n.claim(n.listed[i], false)
}
