package cluster

import (
	"slices"
	"time"

	"earshot"
)

// flush is what of an instance is still to be written.
type flush struct {
	at      time.Duration // when the next is due
	beat    time.Duration // when at the latest
	rewrite time.Duration // when everything is due
	seq     uint64
	full    bool
	busy    bool // an answer is awaited
	unsaved bool // the snapshot
	dirty   map[earshot.ParticipantID]bool
	left    []earshot.ParticipantID
}

func (f *flush) changed(id earshot.ParticipantID) {
	if f.dirty == nil {
		f.dirty = make(map[earshot.ParticipantID]bool)
	}
	f.dirty[id] = true
}

func (f *flush) gone(id earshot.ParticipantID) {
	delete(f.dirty, id)
	f.left = append(f.left, id)
}

// Place says where a member is and what they have, for others and for whoever
// goes on with them. Its State must not be changed afterwards, and is at most
// MaxStateBytes; Participant names them, Epoch, HLC and Node are filled in.
func (n *Node) Place(p Presence, now Now) error {
	n.set(now)
	if len(p.State) > MaxStateBytes {
		return earshot.Errorf(earshot.CodeInvalidArgument, "the state of %s has %d bytes; it must fit %d", p.Participant, len(p.State), MaxStateBytes)
	}
	m := n.members.get(p.Participant)
	if m == nil {
		return earshot.Errorf(earshot.CodeNotFound, "participant %s is not on this node", p.Participant)
	}
	p.Epoch, p.Node, p.HLC = m.at.Epoch, n.record.Node, n.clock.Next(now.Wall)
	m.here = p
	m.in.flush.changed(p.Participant)
	return nil
}

// Snapshot keeps what it takes to restore an instance elsewhere, beside its
// members: at most MaxSnapshotBytes, not to be changed afterwards.
func (n *Node) Snapshot(id earshot.InstanceID, b []byte, now Now) error {
	n.set(now)
	if len(b) > MaxSnapshotBytes {
		return earshot.Errorf(earshot.CodeInvalidArgument, "the snapshot of %s has %d bytes; it must fit %d", id, len(b), MaxSnapshotBytes)
	}
	in := n.instances.get(id)
	if in == nil || in.role != owner {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "this node does not own instance %s", id)
	}
	in.snapshot, in.flush.unsaved = b, true
	return nil
}

func (n *Node) tickFlush(in *instance) {
	f := &in.flush
	if n.now.Mono < f.at || f.busy {
		return
	}
	f.at = n.now.Mono + n.cfg.Flush
	if f.unsaved {
		n.save(in)
	}
	if n.now.Mono >= f.rewrite {
		f.full = true
	}
	if f.full || len(f.dirty) > 0 || len(f.left) > 0 || n.now.Mono >= f.beat {
		n.put(in)
	}
}

func (n *Node) save(in *instance) {
	in.saved++
	in.flush.unsaved = false
	n.once(Save{Instance: in.record.Instance, Node: n.record.Node, Epoch: in.epoch, Rev: in.saved, Snapshot: in.snapshot}, func(r Reply) {
		switch r.Status {
		case Unknown:
			in.flush.unsaved = true
		case Fenced:
			n.fenced(in, r)
		}
	})
}

func (n *Node) put(in *instance) {
	f := &in.flush
	f.seq++
	f.busy, f.beat = true, n.now.Mono+n.cfg.Heartbeat
	op := Put{Instance: in.record.Instance, Node: n.record.Node, Epoch: in.epoch, Seq: f.seq, Full: f.full, Gone: f.left}
	if f.full {
		f.rewrite, op.Gone = n.now.Mono+n.cfg.Rewrite, nil
		op.Set = n.everybody(in)
	} else {
		in.members.each(func(m *member) {
			if f.dirty[m.at.Participant] {
				op.Set = append(op.Set, m.here)
			}
		})
		op.Gone = slices.DeleteFunc(op.Gone, func(id earshot.ParticipantID) bool { return n.seated(in, id) })
	}
	f.full, f.left, f.dirty = false, nil, nil
	epoch := in.epoch
	n.ask(op, func(r Reply) {
		if in.epoch != epoch {
			return
		}
		f.busy = false
		if r.Status == Fenced {
			n.fenced(in, r)
		}
	})
}

// everybody who has a place in an instance: members, those who are being let
// in, and those whose return is awaited.
func (n *Node) everybody(in *instance) (all []Presence) {
	in.members.each(func(m *member) { all = append(all, m.here) })
	n.arrivals.each(func(a *arrival) {
		if a.in == in && (a.phase == taking || a.phase == committing) && in.members.get(a.key.Participant) == nil {
			all = append(all, a.member)
		}
	})
	in.expected.each(func(e *expected) {
		if in.members.get(e.Participant) == nil {
			all = append(all, e.Presence)
		}
	})
	return all
}

// seated reports whether somebody has a place in an instance, or is getting one.
func (n *Node) seated(in *instance, id earshot.ParticipantID) bool {
	if in.members.get(id) != nil || in.expected.get(id) != nil {
		return true
	}
	found := false
	n.arrivals.each(func(a *arrival) {
		found = found || a.in == in && a.key.Participant == id && (a.phase == taking || a.phase == committing)
	})
	return found
}
