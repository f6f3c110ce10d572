package cluster

import (
	"time"

	"earshot"
)

// member is a participant whose session this node has.
type member struct {
	key     Key // of the arrival: names the session to the gateway
	at      Whereabouts
	in      *instance
	here    Presence
	orders  Orders
	version uint64        // of the orders in the store
	touch   time.Duration // when whereabouts are due
	move    *move         // under way, or nil
	parts   time.Duration // when to be asked to go on elsewhere; 0: not

	source  earshot.NodeID     // where they came from, by a handoff
	from    earshot.InstanceID // the instance there
	by      Key                // that handoff
	lingers time.Duration      // until when their connection there may go on
}

// Leave says that a participant's session is over, for good.
func (n *Node) Leave(id earshot.ParticipantID, now Now) {
	n.set(now)
	if m := n.members.get(id); m != nil {
		n.leave(m)
	}
}

func (n *Node) leave(m *member) {
	n.remove(m)
	n.call(Leave{At: m.at, TTL: n.cfg.KeepLeft}, n.now.Mono+n.cfg.Keep, nil)
}

// remove forgets m. A handoff under way finds out by itself.
func (n *Node) remove(m *member) {
	id := m.at.Participant
	if n.now.Mono < m.lingers {
		n.send(Message{Kind: LetGo, To: m.source, Key: m.by})
	}
	if n.members.get(id) == m {
		n.members.remove(id)
	}
	if m.in.members.get(id) == m {
		m.in.members.remove(id)
		if m.in.role == owner {
			m.in.flush.gone(id)
		}
	}
}

func (n *Node) tickMember(m *member) {
	if n.now.Mono >= m.touch {
		n.touch(m)
	}
	in := m.in
	switch {
	case in.role == former && n.now.Mono >= in.parting:
		n.part(m)
	case m.parts > 0 && n.now.Mono >= m.parts && m.move == nil:
		m.parts = n.now.Mono + n.cfg.Answer + n.jitter(m.at.Participant, n.cfg.Answer)
		to := n.ownerOf(in.record.Instance)
		if to != "" && to != n.record.Node && n.alive(to) != nil {
			n.start(m, in.record.Instance, to, false)
		}
	}
}

// part ends m's session: its client comes back by itself, where the instance
// is.
func (n *Node) part(m *member) {
	to := n.ownerOf(m.in.record.Instance)
	if to == n.record.Node {
		to = ""
	}
	n.emit(Event{Kind: Ended, Key: m.key, Instance: m.in.record.Instance, Node: to, Code: earshot.CodeUnavailable})
	n.leave(m)
}

func (n *Node) touch(m *member) {
	m.touch = n.now.Mono + n.cfg.Touch
	at := m.at
	n.once(Touch{At: at, TTL: n.cfg.Keep}, func(r Reply) {
		if n.members.get(at.Participant) != m || m.at != at {
			return
		}
		switch {
		case r.Status == Unknown:
			m.touch = n.now.Mono + n.cfg.Renew
		case r.Status == Fenced:
			n.elsewhere(m, r.At)
		case r.Version != m.version:
			n.find(m)
		}
	})
}

// elsewhere takes in that m's participant is at another place.
func (n *Node) elsewhere(m *member, at Whereabouts) {
	if m.move != nil && at.Key == m.move.key {
		n.arrived(m.move)
		return
	}
	n.emit(Event{Kind: Ended, Key: m.key, Instance: m.in.record.Instance, Node: at.Node, Code: earshot.CodeAborted})
	n.remove(m)
}

func (n *Node) superseded(msg *Message) {
	m := n.members.get(msg.At.Participant)
	if m != nil && m.at.Stamp().Before(msg.At.Stamp()) {
		n.elsewhere(m, msg.At)
	}
}
