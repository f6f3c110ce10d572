package cluster

import (
	"maps"
	"time"

	"earshot"
)

// A world's instances are opened ahead of need, put together and closed as one
// node says: the owner of one instance of that world, its first. That lease is
// all the election there is. What the node wants of others it proposes, under
// the epoch of the lease, and whoever has heard of a later epoch does not heed
// it: a node that slept through the end of its lease does no harm when it wakes.
// A proposal that is lost is made again; one that comes twice asks for what is
// so already.

// ProposalKind says what a Proposal wants.
type ProposalKind uint8

// The kinds of proposals. The node asked looks for itself whether it still makes
// sense.
const (
	ProposeOpen  ProposalKind = iota // open Instance, whose id was made for it just now
	ProposeMerge                     // offer the people of Instance, which the node owns, to go on in Into
	ProposeClose                     // give Instance up, which the node owns, if nobody is in it
)

// Proposal is what the review of a world wants of a node.
type Proposal struct {
	Kind     ProposalKind
	World    string
	By       earshot.InstanceID // whose owner says so
	Epoch    Epoch              // of By, filled in
	Instance earshot.InstanceID
	Into     earshot.InstanceID
}

// heeded is the latest epoch by which something was proposed.
type heeded struct {
	epoch Epoch
	at    time.Duration
}

// sane reports whether p is within bounds.
func (p *Proposal) sane() bool {
	return p.Kind <= ProposeClose && len(p.World) <= earshot.MaxIDBytes && len(p.By) <= earshot.MaxIDBytes &&
		len(p.Instance) <= earshot.MaxIDBytes && len(p.Into) <= earshot.MaxIDBytes
}

// Holds reports whether this node's lease on an instance runs, full or not: then
// it speaks for it.
func (n *Node) Holds(id earshot.InstanceID, now Now) bool {
	n.set(now)
	in := n.instances.get(id)
	return in != nil && n.drain == nil && n.admitsNow(in)
}

// Propose sends a proposal to a node, which may be this one: Proposed comes
// there. It reports false where this node does not hold p.By.
func (n *Node) Propose(p Proposal, to earshot.NodeID, now Now) bool {
	if !n.Holds(p.By, now) {
		return false
	}
	p.Epoch = n.instances.get(p.By).epoch
	n.send(Message{Kind: Propose, To: to, Instance: p.Instance, Proposal: &p})
	return true
}

func (n *Node) proposed(msg *Message) {
	p := *msg.Proposal
	latest := n.heeded[p.By].epoch
	if in := n.instances.get(p.By); in != nil {
		latest = max(latest, in.epoch)
	}
	listed := false
	for i := range n.listed {
		if n.listed[i].Instance == p.By {
			latest, listed = max(latest, n.listed[i].Epoch), true
		}
	}
	if p.Epoch < latest || !listed || n.drain != nil {
		return
	}
	n.heeded[p.By] = heeded{p.Epoch, n.now.Mono}
	n.emit(Event{Kind: Proposed, Instance: p.Instance, Node: msg.From, Proposal: p})
}

// forgetHeeded drops what the directory has had the time to know better: a store
// that came back empty begins with other epochs.
func (n *Node) forgetHeeded() {
	maps.DeleteFunc(n.heeded, func(_ earshot.InstanceID, h heeded) bool { return n.now.Mono >= h.at+n.cfg.PartWithin })
}

// Unlist takes an instance that this node owns out of what newcomers are led to,
// while its people are offered to go on in another. It reports false where this
// node does not hold it, or it is not open.
func (n *Node) Unlist(id, into earshot.InstanceID, now Now) bool {
	if !n.Holds(id, now) {
		return false
	}
	in := n.instances.get(id)
	if in.record.State != Open && in.record.State != SoftFull {
		return false
	}
	in.record.State, in.record.Into = Draining, into
	n.write(in)
	return true
}

// Relist takes Unlist back: newcomers are led there again.
func (n *Node) Relist(id earshot.InstanceID, now Now) {
	n.set(now)
	in := n.instances.get(id)
	if in == nil || in.role != owner || in.record.State != Draining {
		return
	}
	in.record.State, in.record.Into = Open, ""
	n.write(in)
	n.settle(in)
}

// shuns reports whether there is somebody in an instance who blocked the
// participant of a handoff, or whom they blocked, and with whom they were not
// where they come from.
func (n *Node) shuns(msg *Message, in *instance) bool {
	at, who := n.clock.Next(n.now.Wall), msg.Key.Participant
	together := func(m *member) bool { return m.from == msg.At.Instance && m.from != "" }
	for i := range msg.Orders {
		o := &msg.Orders[i]
		if m := in.members.get(o.Against); o.Kind == Block && m != nil && o.InForce(at) && !together(m) {
			return true
		}
	}
	for _, m := range in.members.all {
		if together(m) {
			continue
		}
		for i := range m.orders {
			if o := &m.orders[i]; o.Kind == Block && o.Against == who && o.InForce(at) {
				return true
			}
		}
	}
	return false
}
