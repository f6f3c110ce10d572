package cluster_test

import (
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// lingering is a connection that goes on after its participant went over.
type lingering struct {
	node  *simNode
	since time.Duration
}

// yield has the owner of an instance give it up where it is empty.
func (s *sim) yield(id earshot.InstanceID) {
	for _, node := range s.nodes {
		if !s.roomy && node.n.Owns(id) {
			s.input(node, func(now cluster.Now) {
				if node.n.Yield(id, now) {
					s.note("%s gives %s up", node.id, id)
					s.tally.yielded++
				}
			})
		}
	}
}

// auditLingering: a connection that goes on ends in time, and whoever has one is
// under the orders that the node has where they are.
func (s *sim) auditLingering() {
	const told = 5 * time.Second // within which one node has heard of an order from another
	for key, l := range s.linger {
		if l.node.dead || l.node.drained {
			delete(s.linger, key)
			continue
		}
		if age := s.now - max(l.since, l.node.trouble); l.node.paused <= s.now && age > cluster.DefaultConfig().Linger+slack {
			s.wrong("the connection of %v lingers on %s since %v", key, l.node.id, l.since)
		}
		l.node.n.Lingering(func(lingers cluster.Key, orders cluster.Orders) {
			at := s.where(key.Participant)
			if lingers != key || at == nil || min(s.settledFor(l.node), s.settledFor(at)) < told || s.now-l.since < told {
				return
			}
			for _, o := range s.orders {
				if o.order.Of == key.Participant && o.kept > 0 && s.now-o.kept > told && !has(orders, o) && s.has(at, o) {
					s.wrong("%v lingers on %s without %s, in force since %v", key, l.node.id, o.order.Name(), o.kept)
				}
			}
		})
	}
}

// where is a node that has somebody; nil where none has.
func (s *sim) where(id earshot.ParticipantID) (at *simNode) {
	for _, node := range s.nodes {
		if node.dead || node.drained {
			continue
		}
		node.n.Seats(func(seat cluster.Seat) {
			if seat.At.Participant == id && at == nil {
				at = node
			}
		})
	}
	return at
}

// has reports whether an order has been in force on a node for a while.
func (s *sim) has(node *simNode, o *simOrder) (yes bool) {
	node.n.Seats(func(seat cluster.Seat) {
		yes = yes || seat.At.Participant == o.order.Of && has(seat.Orders, o)
	})
	return yes
}

// An empty instance that is given up is nobody's, and may be opened at once by
// another node.
func TestStoryYield(t *testing.T) {
	s := newStory(t, 2, 10)
	first, second := s.nodes[0], s.nodes[1]
	given := true
	s.input(first, func(now cluster.Now) { given = first.n.Yield("in_0", now) })
	if given {
		t.Error("an instance was given up with ten people in it")
	}
	for _, p := range s.people {
		s.leave(p.sessions[0])
	}
	s.until(s.now + time.Second)
	s.input(first, func(now cluster.Now) { given = first.n.Yield("in_0", now) })
	s.until(s.now + 2*time.Second)
	if !given || first.n.Owns("in_0") || second.n.Owns("in_0") {
		t.Errorf("given up: %v; owned by the first %v, by the second %v", given, first.n.Owns("in_0"), second.n.Owns("in_0"))
	}
	record := cluster.InstanceRecord{Instance: "in_0", World: "w", Soft: 500, Hard: 500}
	s.input(second, func(now cluster.Now) { second.n.Open(record, false, now) })
	s.until(s.now + 100*time.Millisecond)
	if !second.n.Admits("in_0", s.clock(second)) {
		t.Error("the second node opened what the first gave up, and does not admit")
	}
	s.until(s.now + 2*time.Second) // until all have heard of it
	for _, p := range s.people {
		s.join(p, "in_0")
	}
	s.until(s.now + 30*time.Second)
	s.converged()
	if s.failure != "" || s.admittedNow() != 10 || second.n.Owns("in_0") == first.n.Owns("in_0") {
		t.Errorf("%d of 10 are back: %s", s.admittedNow(), s.failure)
	}
}
