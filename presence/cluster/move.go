package cluster

import (
	"time"

	"earshot"
)

// move is a handoff of somebody who is here to another owner.
//
//	PREPARE  the target keeps a place; resent until it answers
//	ATTACH   the client opens a second connection, there
//	COMMIT   the target swaps the participant's record from here to there
//	RELEASE  this node lets them go
//
// Until COMMIT, giving up is writing the record anew, from here to here: only
// one of the two swaps can succeed, so each side knows how it ended.
type move struct {
	key       Key
	m         *member
	to        earshot.InstanceID
	node      earshot.NodeID
	invited   bool
	refused   bool // the target has said that it will not, or no longer
	offer     bool // they need not go
	settled   bool // what the record says is being asked
	forgotten bool // the store had no record
	again     time.Duration
	until     time.Duration
}

// Move offers somebody who is here a place in another instance, on node: Invite
// comes, then Moved or Stayed, with permission_denied where somebody is there
// whom they blocked or who blocked them, resource_exhausted where it is full. The *earshot.Error is not_found, aborted while
// another handoff of theirs runs, or resource_exhausted.
func (n *Node) Move(id earshot.ParticipantID, to earshot.InstanceID, node earshot.NodeID, now Now) (Key, error) {
	n.set(now)
	m := n.members.get(id)
	switch {
	case m == nil:
		return Key{}, earshot.Errorf(earshot.CodeNotFound, "participant %s is not on this node", id)
	case m.move != nil:
		return Key{}, earshot.Errorf(earshot.CodeAborted, "participant %s is being moved already; wait until that has ended", id)
	case m.in.record.Instance == to && node == n.record.Node:
		return Key{}, earshot.Errorf(earshot.CodeInvalidArgument, "participant %s is in instance %s already", id, to)
	}
	if mv := n.start(m, to, node, true); mv != nil {
		return mv.key, nil
	}
	return Key{}, earshot.Errorf(earshot.CodeResourceExhausted, "%d participants are being moved from this node; try again in a second", n.cfg.MaxMoves)
}

func (n *Node) start(m *member, to earshot.InstanceID, node earshot.NodeID, offer bool) *move {
	if n.moves.len() >= n.cfg.MaxMoves {
		return nil
	}
	mv := &move{
		key: n.key(m.at.Participant), m: m, to: to, node: node, offer: offer,
		until: n.now.Mono + n.cfg.PrepareWithin,
	}
	m.move = mv
	n.moves.set(mv.key, mv)
	n.tickMove(mv)
	return mv
}

func (n *Node) tickMove(mv *move) {
	switch {
	case mv.settled:
	case n.members.get(mv.key.Participant) != mv.m:
		n.abandon(mv) // they left, or were replaced
	case n.now.Mono >= mv.until && mv.forgotten:
		n.resolve(mv, 0)
	case n.now.Mono >= mv.until && mv.invited:
		n.resolve(mv, mv.m.at.Epoch)
	case n.now.Mono >= mv.until:
		n.send(Message{Kind: Abort, To: mv.node, Key: mv.key})
		n.stay(mv, earshot.CodeDeadlineExceeded)
	case !mv.invited && n.now.Mono >= mv.again:
		mv.again = n.now.Mono + n.cfg.Answer
		n.send(Message{
			Kind: Prepare, To: mv.node, Key: mv.key, Instance: mv.to, At: mv.m.at, Member: mv.m.here, Orders: mv.m.orders, Offer: mv.offer,
		})
	}
}

func (n *Node) prepared(msg *Message) {
	mv := n.moves.get(msg.Key)
	switch {
	case mv == nil:
		if msg.Code == "" {
			n.send(Message{Kind: Abort, To: msg.From, Key: msg.Key})
		}
	case mv.settled:
		mv.refused = mv.refused || msg.Code != ""
	case n.members.get(mv.key.Participant) != mv.m:
	case msg.Code != "" && mv.forgotten:
		mv.refused = true
	case msg.Code != "" && mv.invited:
		mv.refused = true
		n.resolve(mv, mv.m.at.Epoch)
	case msg.Code != "":
		n.stay(mv, msg.Code)
	case !mv.invited:
		mv.invited = true
		mv.until = n.now.Mono + n.cfg.AttachWithin
		n.emit(Event{Kind: Invite, Key: mv.key, Instance: mv.to, Node: mv.node})
	}
}

func (n *Node) committed(msg *Message) {
	if mv := n.moves.get(msg.Key); mv != nil {
		n.arrived(mv)
	}
}

// arrived ends a handoff that came to its end.
func (n *Node) arrived(mv *move) {
	n.abandon(mv)
	if n.members.get(mv.key.Participant) == mv.m {
		n.emit(Event{Kind: Moved, Key: mv.key, Instance: mv.to, Node: mv.node})
		n.remove(mv.m)
		n.linger(mv)
	}
}

// stay ends a handoff that came to nothing.
func (n *Node) stay(mv *move, code earshot.Code) {
	n.abandon(mv)
	n.emit(Event{Kind: Stayed, Key: mv.key, Instance: mv.to, Node: mv.node, Code: code})
	if m := mv.m; n.drain != nil && mv.invited && m.in.role == former && n.members.get(mv.key.Participant) == m {
		n.part(m) // their client knows no invitations, or could not follow: it comes back by itself
	}
}

func (n *Node) abandon(mv *move) {
	n.moves.remove(mv.key)
	if mv.m.move == mv {
		mv.m.move = nil
	}
}

// resolve writes the participant's record anew, so that a commit of the target
// either has come before, or never will.
func (n *Node) resolve(mv *move, expect Epoch) {
	mv.settled = true
	n.send(Message{Kind: Abort, To: mv.node, Key: mv.key})
	to := mv.m.at
	to.Key = n.key(to.Participant)
	n.ask(Commit{To: to, Expect: expect, Seed: SeedEpoch(to.Key.HLC), TTL: n.cfg.Keep}, func(r Reply) {
		if n.moves.get(mv.key) != mv {
			if r.Status == OK { // they left meanwhile
				n.call(Leave{At: r.At, TTL: n.cfg.KeepLeft}, n.now.Mono+n.cfg.Keep, nil)
			}
			return
		}
		here := n.members.get(mv.key.Participant) == mv.m
		switch {
		case r.Status == OK && here:
			mv.m.at = r.At
			n.reconcile(mv.m, r)
			n.stay(mv, earshot.CodeDeadlineExceeded)
		case r.Status == OK:
			n.abandon(mv)
			n.call(Leave{At: r.At, TTL: n.cfg.KeepLeft}, n.now.Mono+n.cfg.Keep, nil)
		case r.At.Key == mv.key && r.At.Instance == "" && mv.refused: // undone there
			n.resolve(mv, r.At.Epoch)
		case r.At.Epoch == 0: // forgotten: whoever has them, if it is not this node, says so by its next Touch
			mv.settled, mv.forgotten = false, true
			mv.until = n.now.Mono + n.cfg.Touch
		case !here:
			n.abandon(mv)
		case r.At.Key == mv.key && r.At.Instance == "": // they were there, and left; or it was undone
			n.abandon(mv)
			n.emit(Event{Kind: Ended, Key: mv.m.key, Instance: mv.m.in.record.Instance, Node: mv.node, Code: earshot.CodeUnavailable})
			n.remove(mv.m)
		default:
			n.elsewhere(mv.m, r.At)
			n.abandon(mv)
		}
	})
}
