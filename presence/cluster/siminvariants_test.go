package cluster_test

import (
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// oneOwner holds after every step: at most one node that runs would admit
// anybody to an instance.
func (s *sim) oneOwner() {
	for _, id := range s.in {
		var who *simNode
		for _, node := range s.nodes {
			if node.dead || node.drained || node.paused > s.now || !node.n.Admits(id, s.clock(node)) && !node.n.Holds(id, s.clock(node)) {
				continue
			}
			if who != nil {
				s.wrong("%s and %s both admit to or speak for %s", who.id, node.id, id)
			}
			who = node
		}
	}
}

// admitted holds what must be true of everybody who is let in.
func (s *sim) admitted(node *simNode, e cluster.Event, a *attempt) {
	s.tally.admitted++
	p := s.person(e.Key.Participant)
	if a == nil { // of a drain or a lost instance
		a = &attempt{key: e.Key, move: true, node: node, began: s.now}
		s.keys[e.Key] = a
		a.ended = "moved"
	}
	if a.refused || a.ended == "stayed" {
		s.wrong("%v is admitted at %s after it was %s", e.Key, node.id, a.ended)
	}
	a.admitted = true
	if !a.move {
		a.ended = "admitted"
	}
	for _, o := range s.orders {
		if o.order.Of == p.id && o.kept > 0 && a.committed > 0 && o.kept < a.committed && !has(e.Orders, o) {
			s.wrong("%v is admitted at %s without %s, in force since %v", e.Key, node.id, o.order.Name(), o.kept)
		}
	}
	if len(p.sessions) > 6 {
		s.wrong("%s has %d sessions", p.id, len(p.sessions))
	}
	at := &session{p: p, node: node, key: e.Key, instance: e.Instance}
	p.sessions = append(p.sessions, at)
	s.onePlace(node, e.Key.Participant)
	if !s.roomy && s.chance(0.05) {
		s.after(s.within(time.Second), func() { s.leave(at) })
	}
}

func has(orders cluster.Orders, o *simOrder) bool {
	return slices.ContainsFunc(orders, func(have cluster.Order) bool { return have.Name() == o.order.Name() && have.HLC > have.Lifts })
}

// onePlace holds whenever somebody is admitted: no two nodes have them under
// the same epoch, so that of two places one is known to be over.
func (s *sim) onePlace(node *simNode, id earshot.ParticipantID) {
	var mine cluster.Seat
	node.n.Seats(func(seat cluster.Seat) {
		if seat.At.Participant == id {
			mine = seat
		}
	})
	for _, other := range s.nodes {
		if other == node || other.dead || other.drained {
			continue
		}
		other.n.Seats(func(seat cluster.Seat) {
			if seat.At.Participant == id && seat.At.Stamp() == mine.At.Stamp() {
				s.wrong("%s and %s both have %s by the same word, %v", node.id, other.id, id, seat.At)
			}
		})
	}
}

// emptied holds what a node must have done when it says that it is drained.
func (s *sim) emptied(node *simNode) {
	s.tally.drained++
	node.n.Seats(func(seat cluster.Seat) { s.wrong("%s is drained, and %s is still there", node.id, seat.At.Participant) })
	node.drained = true
	for _, a := range s.keys {
		if a.node == node && a.ended == "" {
			a.ended = "drained"
		}
	}
}

// settledFor is for how long nothing has stood between a node and the store.
func (s *sim) settledFor(node *simNode) time.Duration {
	if node.dead || node.drained || node.paused > s.now || node.cut || node.apart || s.store.down {
		return 0
	}
	return s.now - max(node.trouble, s.store.trouble)
}

const (
	bound = 20 * time.Second // of what needs the store
	slack = 2 * time.Second  // for ticks, clocks and what is late on the way
)

// audit looks every second at what has to end.
func (s *sim) audit() {
	s.after(time.Second, s.audit)
	cfg := cluster.DefaultConfig()
	for key, a := range s.keys {
		age := s.now - max(a.began, a.node.trouble)
		switch {
		case a.ended != "":
			if s.now-a.began > 2*time.Minute {
				delete(s.keys, key)
			}
		case a.node.paused > s.now:
		case !a.move && age > cfg.JoinWithin+slack:
			s.wrong("join %v has not ended after %v", key, age)
		case a.move && min(age, s.settledFor(a.node)) > bound:
			s.wrong("handoff %v has not ended after %v", key, age)
		}
	}
	for _, node := range s.nodes {
		if d := node.drain; d != nil && !node.dead && !node.drained && node.paused <= s.now && s.now > max(d.until, node.trouble)+slack {
			s.wrong("%s has not drained by %v", node.id, d.until)
		}
		if s.settledFor(node) > bound {
			node.n.Seats(func(seat cluster.Seat) { s.auditSeat(node, seat) })
		}
	}
	s.auditLingering()
	s.nodes = slices.DeleteFunc(s.nodes, func(n *simNode) bool { return n.dead || n.drained })
	if len(s.nodes) == 0 {
		s.start()
	}
}

// auditSeat holds for whoever is on a node that has long been in touch with the
// store: what is in force on them is.
func (s *sim) auditSeat(node *simNode, seat cluster.Seat) {
	for _, o := range s.orders {
		if o.order.Of == seat.At.Participant && o.kept > 0 && s.now-o.kept > bound && !has(seat.Orders, o) {
			s.wrong("%s on %s is without %s, in force since %v", seat.At.Participant, node.id, o.order.Name(), o.kept)
		}
	}
}

// converged holds when nothing has failed for a while.
func (s *sim) converged() {
	seats := map[earshot.ParticipantID]int{}
	in := map[earshot.InstanceID]map[earshot.ParticipantID]bool{}
	for _, node := range s.nodes {
		if node.dead || node.drained {
			continue
		}
		node.n.Seats(func(seat cluster.Seat) {
			id := seat.At.Participant
			seats[id]++
			if in[seat.Instance] == nil {
				in[seat.Instance] = map[earshot.ParticipantID]bool{}
			}
			in[seat.Instance][id] = true
			found := s.find(id)
			if found.At != seat.At {
				s.wrong("%s has %s as %v, the store as %v", node.id, id, seat.At, found.At)
			}
			if !seat.Owned {
				s.wrong("%s has %s in %s, which it does not own", node.id, id, seat.Instance)
			}
			for _, o := range s.orders {
				if o.order.Of == id && o.kept > 0 && (!has(seat.Orders, o) || !has(found.Orders, o)) {
					s.wrong("%s on %s has lost %s", id, node.id, o.order.Name())
				}
			}
		})
		if moves, arrivals, calls := node.n.Pending(); moves+arrivals > 0 || calls > 50 {
			s.wrong("%s still has %d handoffs, %d arrivals and %d calls under way", node.id, moves, arrivals, calls)
		}
	}
	for id, n := range seats {
		if n > 1 {
			s.wrong("%s is at %d places", id, n)
		}
	}
	if n := s.store.dir.Reserved(s.now); n > 0 {
		s.wrong("%d reservations have not ended", n)
	}
	for _, id := range s.in {
		s.convergedInstance(id, in[id])
	}
}

func (s *sim) find(id earshot.ParticipantID) cluster.Reply {
	r, _ := s.store.dir.Apply(cluster.Find{Participant: id}, s.now)
	return r
}

// convergedInstance: one owner, and the store has its members and no others.
func (s *sim) convergedInstance(id earshot.InstanceID, members map[earshot.ParticipantID]bool) {
	r, _ := s.store.dir.Apply(cluster.ReadInstance{Instance: id}, s.now)
	if r.Status != cluster.OK {
		return // the store was emptied, and nobody had it
	}
	owners := 0
	var owner *simNode
	for _, node := range s.nodes {
		if !node.dead && !node.drained && node.n.Owns(id) {
			owners++
			owner = node
		}
	}
	if owners != 1 || r.Node != owner.id || r.Left <= 0 {
		s.wrong("%s has %d owners, the store says %s for another %v", id, owners, r.Node, r.Left)
		return
	}
	if _, ok := s.refusedAll(owner, id); !ok {
		s.wrong("%s owns %s and admits nobody: %v", owner.id, id, r.Record.State)
	}
	for _, p := range r.Members {
		if !members[p.Participant] && !owner.n.Awaits(id, p.Participant) {
			s.wrong("the store has %s in %s, its owner %s does not", p.Participant, id, owner.id)
		}
		delete(members, p.Participant)
	}
	for p := range members {
		s.wrong("%s has %s in %s, the store does not", owner.id, p, id)
	}
}

// refusedAll reports whether the owner admits, or is full.
func (s *sim) refusedAll(owner *simNode, id earshot.InstanceID) (cluster.State, bool) {
	for _, r := range owner.n.Instances() {
		if r.Instance == id && r.State == cluster.HardFull {
			return r.State, true
		}
	}
	return 0, owner.n.Admits(id, s.clock(owner))
}
