package reference

import (
	"maps"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// instance is all under one instance's tag.
type instance struct {
	// The last owner, and until when the lease runs.
	epoch cluster.Epoch
	node  earshot.NodeID
	nonce cluster.HLC
	fresh bool          // before that claim there was none
	taken time.Duration // until when a Renew says that this store had forgotten
	until time.Duration

	heir      earshot.NodeID
	heirUntil time.Duration

	record   cluster.InstanceRecord
	recorded bool
	closed   time.Duration

	members   map[earshot.ParticipantID]cluster.Presence
	seq       uint64
	seqEpoch  cluster.Epoch
	snapshot  []byte
	saveEpoch cluster.Epoch
	saveRev   uint64

	reserved map[cluster.Key]*reservation
}

type reservation struct {
	of    []earshot.ParticipantID // places not used yet
	until time.Duration
}

func (s *Store) instance(id earshot.InstanceID) *instance {
	in := s.instances[id]
	if in == nil {
		in = &instance{
			members:  make(map[earshot.ParticipantID]cluster.Presence),
			reserved: make(map[cluster.Key]*reservation),
		}
		s.instances[id] = in
	}
	return in
}

func (in *instance) owner(node earshot.NodeID, epoch cluster.Epoch) bool {
	return in != nil && in.epoch == epoch && in.node == node
}

// lesser reports whether the last owner known is before (epoch, node).
func (in *instance) lesser(node earshot.NodeID, epoch cluster.Epoch) bool {
	return in.epoch < epoch || in.epoch == epoch && in.node < node
}

func (in *instance) refused(status cluster.Status, now time.Duration) cluster.Reply {
	if in == nil {
		return cluster.Reply{Status: status}
	}
	return cluster.Reply{Status: status, Epoch: in.epoch, Node: in.node, Left: max(in.until-now, 0)}
}

func (s *Store) claim(op cluster.Claim, now time.Duration) cluster.Reply {
	in := s.instance(op.Instance)
	again := in.node == op.Node && in.nonce == op.Nonce && in.epoch > 0
	switch {
	case in.recorded && in.record.State == cluster.Closed:
		return in.refused(cluster.Shut, now)
	case again:
	case in.until > now:
		return in.refused(cluster.Held, now)
	case in.heirUntil > now && in.heir != op.Node:
		return cluster.Reply{Status: cluster.Held, Epoch: in.epoch, Node: in.heir, Left: in.heirUntil - now}
	}
	if !again {
		in.fresh, in.taken = in.epoch == 0, 0
		in.epoch, in.node, in.nonce = max(in.epoch+1, op.Seed), op.Node, op.Nonce
		in.heir, in.heirUntil = "", 0
		in.seq = 0
		in.seqEpoch = in.epoch
	}
	in.until = now + op.TTL
	if !again && in.recorded {
		in.record.State = cluster.Claimed
	}
	if !in.recorded {
		in.record, in.recorded = op.Record, true
	}
	if !again {
		in.record.Owner, in.record.Epoch, in.record.Rev = op.Node, in.epoch, 0
	}
	r := in.whole(now)
	r.Fresh = in.fresh
	return r
}

// whole is everything about an instance.
func (in *instance) whole(now time.Duration) cluster.Reply {
	r := in.refused(cluster.OK, now)
	r.Record, r.Seq, r.Snapshot = in.record, in.seq, in.snapshot
	r.Members = make([]cluster.Presence, 0, len(in.members))
	for _, p := range in.members {
		r.Members = append(r.Members, p)
	}
	slices.SortFunc(r.Members, func(a, b cluster.Presence) int {
		return strings.Compare(string(a.Participant), string(b.Participant))
	})
	return r
}

func (s *Store) renew(op cluster.Renew, now time.Duration) cluster.Reply {
	in := s.instance(op.Instance)
	switch {
	case in.owner(op.Node, op.Epoch):
	case in.lesser(op.Node, op.Epoch):
		in.taken = now + op.TTL
		in.epoch, in.node, in.nonce = op.Epoch, op.Node, 0
		in.heir, in.heirUntil = "", 0
		in.seq, in.seqEpoch = 0, op.Epoch
	default:
		return in.refused(cluster.Fenced, now)
	}
	if in.heirUntil > now && in.heir != op.Node {
		return in.refused(cluster.Fenced, now) // it was given away
	}
	in.until = now + op.TTL
	r := in.refused(cluster.OK, now)
	r.Fresh = now < in.taken
	return r
}

func (s *Store) write(op cluster.Write, now time.Duration) cluster.Reply {
	in := s.instances[op.Record.Instance]
	if !in.owner(op.Record.Owner, op.Record.Epoch) {
		return in.refused(cluster.Fenced, now)
	}
	if !in.recorded || !in.record.Supersedes(&op.Record) && in.record.State != cluster.Closed {
		in.record, in.recorded = op.Record, true
		if op.Record.State == cluster.Closed {
			in.closed = now
			clear(in.members)
			clear(in.reserved)
			in.snapshot = nil
		}
	}
	return in.refused(cluster.OK, now)
}

func (s *Store) put(op cluster.Put) (cluster.Reply, *cluster.Delta) {
	in := s.instances[op.Instance]
	if !in.owner(op.Node, op.Epoch) {
		return in.refused(cluster.Fenced, 0), nil
	}
	if op.Seq <= in.seq {
		return cluster.Reply{Status: cluster.OK, Seq: in.seq}, nil
	}
	if in.record.State != cluster.Closed {
		in.seq = op.Seq
		if op.Full {
			kept := make(map[earshot.ParticipantID]bool, len(op.Set))
			for i := range op.Set {
				kept[op.Set[i].Participant] = true
			}
			maps.DeleteFunc(in.members, func(id earshot.ParticipantID, _ cluster.Presence) bool { return !kept[id] })
		}
		for _, id := range op.Gone {
			delete(in.members, id)
		}
		for _, p := range op.Set {
			in.set(p)
		}
	}
	return cluster.Reply{Status: cluster.OK, Seq: in.seq}, &cluster.Delta{
		Instance: op.Instance, Node: op.Node, Epoch: op.Epoch, Seq: op.Seq, Full: op.Full, Set: op.Set, Gone: op.Gone,
	}
}

func (in *instance) set(p cluster.Presence) {
	if have, ok := in.members[p.Participant]; !ok || !p.Stamp().Before(have.Stamp()) {
		in.members[p.Participant] = p
	}
}

func (s *Store) save(op cluster.Save) cluster.Reply {
	in := s.instances[op.Instance]
	if !in.owner(op.Node, op.Epoch) {
		return in.refused(cluster.Fenced, 0)
	}
	if op.Epoch > in.saveEpoch || op.Epoch == in.saveEpoch && op.Rev > in.saveRev {
		in.snapshot, in.saveEpoch, in.saveRev = op.Snapshot, op.Epoch, op.Rev
	}
	return cluster.Reply{Status: cluster.OK}
}

func (s *Store) read(op cluster.ReadInstance, now time.Duration) cluster.Reply {
	in := s.instances[op.Instance]
	if in == nil || !in.recorded {
		return cluster.Reply{Status: cluster.Missing}
	}
	r := in.whole(now)
	r.Snapshot = nil
	return r
}

func (s *Store) release(op cluster.Release, now time.Duration) cluster.Reply {
	if op.Forget {
		return s.forget(op, now)
	}
	if in := s.instances[op.Instance]; in.owner(op.Node, op.Epoch) && in.until > now {
		in.until = now
		in.heir, in.heirUntil = op.Heir, now
		if op.Heir != "" {
			in.heirUntil = now + op.HeirTTL
		}
	}
	return cluster.Reply{Status: cluster.OK}
}

func (s *Store) forget(op cluster.Release, now time.Duration) cluster.Reply {
	in := s.instances[op.Instance]
	if !in.owner(op.Node, op.Epoch) {
		return cluster.Reply{Status: cluster.OK}
	}
	if in.purge(now); len(in.reserved) > 0 {
		return in.refused(cluster.Conflict, now)
	}
	delete(s.instances, op.Instance)
	in = s.instance(op.Instance)
	in.epoch, in.closed = op.Epoch+1, now
	return cluster.Reply{Status: cluster.OK}
}

func (in *instance) clone() *instance {
	c := *in
	c.members, c.reserved = maps.Clone(in.members), make(map[cluster.Key]*reservation, len(in.reserved))
	for k, r := range in.reserved {
		c.reserved[k] = &reservation{slices.Clone(r.of), r.until}
	}
	return &c
}
