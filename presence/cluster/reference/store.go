package reference

import (
	"maps"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// Store holds everything. Create it with New.
type Store struct {
	instances    map[earshot.InstanceID]*instance
	participants map[earshot.ParticipantID]*participant
	nodes        map[earshot.NodeID]*node
	swept        time.Duration
}

const (
	// keepClosed is how long a closed instance is remembered, so that nobody
	// opens it again by a late Claim.
	keepClosed = time.Hour
	sweepEvery = time.Second
)

type node struct {
	record cluster.NodeRecord
	until  time.Duration
}

// New returns an empty store.
func New() *Store {
	return &Store{
		instances:    make(map[earshot.InstanceID]*instance),
		participants: make(map[earshot.ParticipantID]*participant),
		nodes:        make(map[earshot.NodeID]*node),
	}
}

// Apply executes op at now, a time that only goes forward. It returns what
// followers of the instance are to be told, nil for most. The reply shares
// nothing with the store that it writes again.
func (s *Store) Apply(op cluster.Op, now time.Duration) (cluster.Reply, *cluster.Delta) {
	if now >= s.swept+sweepEvery {
		s.sweep(now)
	}
	switch op := op.(type) {
	case cluster.Claim:
		return s.claim(op, now), nil
	case cluster.Renew:
		return s.renew(op, now), nil
	case cluster.Write:
		return s.write(op, now), nil
	case cluster.Put:
		return s.put(op)
	case cluster.Save:
		return s.save(op), nil
	case cluster.ReadInstance:
		return s.read(op, now), nil
	case cluster.Release:
		return s.release(op, now), nil
	case cluster.Reserve:
		return s.reserve(op, now), nil
	case cluster.Cancel:
		return s.cancel(op), nil
	case cluster.Take:
		return s.take(op, now), nil
	case cluster.Commit:
		return s.commit(op, now), nil
	case cluster.Touch:
		return s.touch(op, now), nil
	case cluster.Leave:
		return s.leave(op, now), nil
	case cluster.SetOrder:
		return s.setOrder(op, now), nil
	case cluster.Find:
		return s.find(op, now), nil
	case cluster.Announce:
		return s.announce(op, now), nil
	case cluster.Withdraw:
		delete(s.nodes, op.Node)
		return cluster.Reply{Status: cluster.OK}, nil
	case cluster.Survey:
		return s.survey(now), nil
	}
	return cluster.Reply{}, nil
}

func (s *Store) announce(op cluster.Announce, now time.Duration) cluster.Reply {
	if n := s.nodes[op.Record.Node]; n == nil || n.until <= now || n.record.HLC <= op.Record.HLC {
		s.nodes[op.Record.Node] = &node{op.Record, now + op.TTL}
	}
	return cluster.Reply{Status: cluster.OK}
}

func (s *Store) survey(now time.Duration) cluster.Reply {
	r := cluster.Reply{Status: cluster.OK}
	for _, n := range s.nodes {
		if n.until > now {
			r.Nodes = append(r.Nodes, n.record)
		}
	}
	for _, in := range s.instances {
		if in.recorded && in.record.State != cluster.Closed {
			record := in.record
			if in.until <= now {
				record.State = cluster.Orphaned
			}
			r.Instances = append(r.Instances, record)
		}
	}
	slices.SortFunc(r.Nodes, func(a, b cluster.NodeRecord) int { return strings.Compare(string(a.Node), string(b.Node)) })
	slices.SortFunc(r.Instances, func(a, b cluster.InstanceRecord) int {
		return strings.Compare(string(a.Instance), string(b.Instance))
	})
	return r
}

// sweep forgets what has run out.
func (s *Store) sweep(now time.Duration) {
	s.swept = now
	maps.DeleteFunc(s.nodes, func(_ earshot.NodeID, n *node) bool { return n.until <= now })
	for id, in := range s.instances {
		in.purge(now)
		if (in.record.State == cluster.Closed || !in.recorded && in.closed > 0) && in.closed+keepClosed <= now {
			delete(s.instances, id)
		}
	}
	maps.DeleteFunc(s.participants, func(_ earshot.ParticipantID, p *participant) bool {
		return p.until <= now && len(p.orders) == 0
	})
}

// Reserved returns how many reservations run at now.
func (s *Store) Reserved(now time.Duration) (n int) {
	for _, in := range s.instances {
		in.purge(now)
		n += len(in.reserved)
	}
	return n
}

// Clone returns a copy that shares nothing that either writes again: a replica
// that has got so far.
func (s *Store) Clone() *Store {
	c := New()
	c.swept = s.swept
	for id, n := range s.nodes {
		copied := *n
		c.nodes[id] = &copied
	}
	for id, p := range s.participants {
		copied := *p
		c.participants[id] = &copied
	}
	for id, in := range s.instances {
		c.instances[id] = in.clone()
	}
	return c
}
