package cluster

import (
	"maps"
	"slices"
	"time"

	"earshot"
)

// What gateways have to tell one another in order and once, a Tell carries: of
// one node to another in the order in which it was said, again until it was
// heard, and dropped where that takes longer than Config.Notify. What waits behind
// something that was dropped is not kept waiting by it.

// MaxTold bounds in bytes what is told at once, maxTelling how much waits to be
// heard by one node.
const (
	MaxTold    = 32 << 10
	maxTelling = 256
	// tellAtOnce is how much of it is sent again in one tick.
	tellAtOnce = 16
	// maxEarly is how much is kept of what came before its turn.
	maxEarly = 64
)

// telling is what is told to one node and was not heard yet. Numbers grow over
// the life of this node, also where a telling was forgotten in between.
type telling struct {
	to      earshot.NodeID
	waiting []told
	next    uint64        // number of what comes next
	again   time.Duration // when to send once more
}

type told struct {
	number  uint64
	payload []byte
	until   time.Duration
}

// hearing is how far what another node tells has been heard.
type hearing struct {
	from  earshot.NodeID
	next  uint64
	early map[uint64][]byte // what came before its turn, by number
}

// Tell has a node's gateway be told something: Told comes there, in the order of
// the calls, once or, where the node cannot be reached for long, not at all. The
// *earshot.Error is invalid_argument or resource_exhausted. payload must not be
// changed afterwards.
func (n *Node) Tell(to earshot.NodeID, payload []byte, now Now) error {
	n.set(now)
	if len(payload) > MaxTold || to == n.record.Node {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%d bytes cannot be told to node %s; at most %d, to another node", len(payload), to, MaxTold)
	}
	t := n.tellings.get(to)
	if t == nil {
		t = &telling{to: to, next: uint64(n.clock.Next(n.now.Wall))}
		n.tellings.set(to, t)
	}
	if len(t.waiting) >= maxTelling {
		return earshot.Errorf(earshot.CodeResourceExhausted, "%d things wait to be heard by node %s already", len(t.waiting), to)
	}
	t.waiting = append(t.waiting, told{t.next, payload, n.now.Mono + n.cfg.Notify})
	t.next++
	if len(t.waiting) == 1 {
		t.again = n.now.Mono + n.cfg.Answer
	}
	n.sendTold(t, len(t.waiting)-1)
	return nil
}

func (n *Node) sendTold(t *telling, i int) {
	n.send(Message{Kind: Tell, To: t.to, Number: t.waiting[i].number, First: t.waiting[0].number, Payload: t.waiting[i].payload})
}

func (n *Node) tickTelling(t *telling) {
	t.waiting = slices.DeleteFunc(t.waiting, func(w told) bool { return n.now.Mono >= w.until })
	if len(t.waiting) == 0 {
		n.tellings.remove(t.to)
		return
	}
	if n.now.Mono >= t.again {
		t.again = n.now.Mono + n.cfg.Answer
		for i := range t.waiting[:min(len(t.waiting), tellAtOnce)] {
			n.sendTold(t, i)
		}
	}
}

func (n *Node) tell(msg *Message) {
	h := n.hearings.get(msg.From)
	if h == nil {
		h = &hearing{from: msg.From, early: make(map[uint64][]byte)}
		n.hearings.set(msg.From, h)
	}
	if msg.Number >= h.next && (msg.Number < h.next+maxEarly || msg.Number < msg.First+maxEarly) {
		h.early[msg.Number] = msg.Payload
	}
	for h.next < msg.First && len(h.early) > 0 { // what was given up leaves gaps
		h.next = min(msg.First, slices.Min(slices.Collect(maps.Keys(h.early))))
		n.hear(h)
	}
	h.next = max(h.next, msg.First)
	n.hear(h)
	n.send(Message{Kind: Heard, To: msg.From, Number: h.next})
}

// hear passes on what has its turn.
func (n *Node) hear(h *hearing) {
	for payload, ok := h.early[h.next]; ok; payload, ok = h.early[h.next] {
		delete(h.early, h.next)
		h.next++
		n.emit(Event{Kind: Told, Node: h.from, Payload: payload})
	}
}

// heard takes in that all before a number has been.
func (n *Node) heard(msg *Message) {
	if t := n.tellings.get(msg.From); t != nil {
		t.waiting = slices.DeleteFunc(t.waiting, func(w told) bool { return w.number < msg.Number })
	}
}

// forgetHearings drops what was heard of nodes that are gone: a process that
// starts again is another node.
func (n *Node) forgetHearings() {
	n.hearings.each(func(h *hearing) {
		if n.alive(h.from) == nil {
			n.hearings.remove(h.from)
		}
	})
}

// Shares are the other nodes that have people of an instance of which this node
// has some: the one to which it was given; for its owner those that give it away,
// and those from which people have come who are still connected there.
func (n *Node) Shares(id earshot.InstanceID, now Now) (nodes []earshot.NodeID) {
	n.set(now)
	in := n.instances.get(id)
	add := func(node earshot.NodeID) {
		if node != n.record.Node && n.alive(node) != nil && !slices.Contains(nodes, node) {
			nodes = append(nodes, node)
		}
	}
	switch {
	case in == nil || in.role == claiming:
		return nil
	case in.role == former:
		add(n.ownerOf(id))
		return nodes
	}
	for _, e := range in.expected.all {
		add(e.Node)
	}
	for _, m := range in.members.all {
		if m.from == id && n.now.Mono < m.lingers {
			add(m.source)
		}
	}
	return nodes
}
