package cluster

import (
	"slices"
	"time"

	"earshot"
)

// Node is one node's part of the protocol. Create it with New. Every method
// that takes now is an input: call Output after it, and do what that says.
// Besides, call Tick ten times a second.
type Node struct {
	cfg    Config
	record NodeRecord
	clock  Clock
	now    Now
	out    Output

	calls     table[CallID, *call]
	lastCall  CallID
	instances table[earshot.InstanceID, *instance]
	members   table[earshot.ParticipantID, *member]
	moves     table[Key, *move]
	arrivals  table[Key, *arrival]
	done      table[Key, *outcome]
	notices   table[noticeKey, *notice]
	lingering table[earshot.ParticipantID, *lingering]
	tellings  table[earshot.NodeID, *telling]
	hearings  table[earshot.NodeID, *hearing]

	nodes     []NodeRecord     // as of the last survey
	listed    []InstanceRecord // as of the last survey
	orphans   map[earshot.InstanceID]time.Duration
	surveyed  time.Duration // when the next one is due
	surveying bool
	missed    int           // surveys without an answer, in a row
	steady    time.Duration // since when the store has been there
	returned  time.Duration // when it was there again, after it had been away; 0: never
	announced time.Duration // when the next is due

	drain *drain

	heeded map[earshot.InstanceID]heeded // of whose proposals, by their instance
}

// New returns the machine of a node that owns nothing, or an *earshot.Error
// that names the field of cfg that is wrong.
func New(cfg Config, record NodeRecord) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Node{cfg: cfg, record: record, orphans: make(map[earshot.InstanceID]time.Duration), heeded: make(map[earshot.InstanceID]heeded)}, nil
}

// Output returns what the inputs since the last call brought about.
func (n *Node) Output() Output {
	out := n.out
	n.out = Output{}
	return out
}

// Tick lets time pass: ten times a second.
func (n *Node) Tick(now Now) {
	n.set(now)
	n.retry()
	n.instances.each(n.tickInstance)
	n.members.each(n.tickMember)
	n.moves.each(n.tickMove)
	n.arrivals.each(n.tickArrival)
	n.notices.each(n.tickNotice)
	n.lingering.each(n.tickLingering)
	n.tellings.each(n.tickTelling)
	n.tickDrain()
	n.done.each(func(o *outcome) {
		if o.until <= n.now.Mono {
			n.done.remove(o.key)
		}
	})
	if n.now.Mono >= n.announced && !n.drained() {
		n.announce()
	}
	if n.now.Mono >= n.surveyed && !n.surveying {
		n.survey()
	}
}

// Receive takes a message of another node, or of this one to itself. What is
// out of bounds, or not for this node, is dropped.
func (n *Node) Receive(m Message, now Now) {
	n.set(now)
	if m.To != n.record.Node || !m.Sane() {
		return
	}
	n.clock.Observe(m.HLC, now.Wall)
	switch m.Kind {
	case Prepare:
		n.prepare(&m)
	case Prepared:
		n.prepared(&m)
	case Abort:
		n.abort(&m)
	case Committed:
		n.committed(&m)
	case Superseded:
		n.superseded(&m)
	case Inherit:
		n.inherit(&m)
	case OrderSet:
		n.orderSet(&m)
	case OrderHeard:
		n.notices.remove(noticeKey{m.Order.Of, m.Order.Name()})
	case LetGo:
		n.letGo(&m)
	case Propose:
		n.proposed(&m)
	case Tell:
		n.tell(&m)
	case Heard:
		n.heard(&m)
	}
}

// Measure takes what the node measured of itself, for its record.
func (n *Node) Measure(load Load, now Now) {
	n.set(now)
	n.record.Load = load
}

// Nodes are those that live, as of the last survey. Read only.
func (n *Node) Nodes() []NodeRecord { return n.nodes }

// Instances are those of the directory, as of the last survey. Read only.
func (n *Node) Instances() []InstanceRecord { return n.listed }

func (n *Node) set(now Now) {
	now.Mono = max(now.Mono, n.now.Mono)
	n.now = now
}

// key is a new one for an attempt to place somebody.
func (n *Node) key(id earshot.ParticipantID) Key {
	return Key{id, n.clock.Next(n.now.Wall), n.record.Node}
}

func (n *Node) emit(e Event) { n.out.Events = append(n.out.Events, e) }

func (n *Node) send(m Message) {
	m.From, m.HLC = n.record.Node, n.clock.Next(n.now.Wall)
	n.out.Messages = append(n.out.Messages, m)
}

func (n *Node) announce() {
	n.announced = n.now.Mono + n.cfg.Renew
	n.record.HLC = n.clock.Next(n.now.Wall)
	n.once(Announce{Record: n.record, TTL: n.cfg.TTL}, nil)
}

// alive returns the record of a node, nil if it is not among those that live.
func (n *Node) alive(id earshot.NodeID) *NodeRecord {
	for i := range n.nodes {
		if n.nodes[i].Node == id {
			return &n.nodes[i]
		}
	}
	return nil
}

// ownerOf returns who owns an instance, as far as is known.
func (n *Node) ownerOf(id earshot.InstanceID) earshot.NodeID {
	if in := n.instances.get(id); in != nil {
		if in.role == owner {
			return n.record.Node
		}
		if in.heir != "" {
			return in.heir
		}
	}
	i := slices.IndexFunc(n.listed, func(r InstanceRecord) bool { return r.Instance == id && r.State != Orphaned })
	if i < 0 || n.listed[i].Owner == n.record.Node {
		return ""
	}
	return n.listed[i].Owner
}
