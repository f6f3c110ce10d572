package cluster_test

import (
	"time"

	"earshot/presence/cluster"
	"earshot/presence/cluster/reference"
)

// simStore is a store with one replica, which has everything up to the last
// durable step from when a fail-over is near.
type simStore struct {
	dir     *reference.Store
	replica *reference.Store
	down    bool
	trouble time.Duration
	wiped   time.Duration
}

// delay is how long something takes on the way.
func (s *sim) delay() time.Duration {
	d := 300*time.Microsecond + s.within(5*time.Millisecond)
	if !s.calm && s.chance(0.02) {
		d += s.within(3 * time.Second)
	}
	return d
}

// copies is how often something arrives.
func (s *sim) copies() int {
	switch {
	case s.calm:
		return 1
	case s.chance(0.02):
		return 0
	case s.chance(0.02):
		return 2
	}
	return 1
}

func (s *sim) send(from *simNode, m cluster.Message) {
	for range s.copies() {
		s.after(s.network+s.delay(), func() {
			to := s.node(m.To)
			if to == nil || to != from && (from.apart || to.apart) {
				return
			}
			s.input(to, func(now cluster.Now) { to.n.Receive(m, now) })
		})
	}
}

// call takes an Op to the store and an answer back. Either may be lost, and
// the Op may be done twice, or long after.
func (s *sim) call(node *simNode, c cluster.Call) {
	for range s.copies() {
		s.after(s.delay(), func() {
			if node.cut || s.store.down {
				return
			}
			r := s.apply(c.Op)
			for range s.copies() {
				s.after(s.delay(), func() {
					if !node.cut {
						s.input(node, func(now cluster.Now) { node.n.Answer(c.ID, r, now) })
					}
				})
			}
		})
	}
}

func (s *sim) apply(op cluster.Op) cluster.Reply {
	if s.breaks.op != nil {
		op = s.breaks.op(op)
	}
	r, _ := s.store.dir.Apply(op, s.now)
	s.stored(op, &r)
	if s.store.replica != nil && op.Durable() {
		s.store.replica = s.store.dir.Clone()
	}
	if s.breaks.reply != nil {
		s.breaks.reply(op, &r)
	}
	return r
}

// fail does one of the things that go wrong, and has it end, or not.
func (s *sim) fail() {
	s.after(time.Second+s.within(8*time.Second), s.fail)
	node := s.awake()
	if s.calm || node == nil {
		return
	}
	for _, n := range s.nodes {
		if n.dead || n.drained {
			continue
		}
		if n.cut || n.apart || n.paused > s.now {
			n.trouble = s.now
		}
	}
	lasts := s.within(4 * time.Second)
	if s.chance(0.3) {
		lasts = s.within(40 * time.Second)
	}
	switch s.rng.IntN(9) {
	case 0:
		s.crash(node)
	case 1, 2:
		node.paused = s.now + lasts
		s.tally.pauses++
		s.after(lasts, func() { node.trouble = s.now })
		s.note("%s pauses for %v", node.id, lasts)
	case 3, 4:
		node.cut = true
		s.note("%s is cut from the store for %v", node.id, lasts)
		s.after(lasts, func() { s.heal(node) })
	case 5:
		node.apart = true
		s.note("%s is apart for %v", node.id, lasts)
		s.after(lasts, func() { s.heal(node) })
	case 6:
		s.outage(lasts)
	case 7:
		s.forget()
	case 8:
		s.drain(node)
	}
}

func (s *sim) heal(node *simNode) {
	node.cut, node.apart, node.trouble = false, false, s.now
	s.note("%s is back", node.id)
}

func (s *sim) crash(node *simNode) {
	s.tally.crashes++
	s.note("%s crashes", node.id)
	node.dead = true
	s.left(node)
	s.after(s.within(10*time.Second), s.start)
}

func (s *sim) outage(lasts time.Duration) {
	if s.store.down {
		return
	}
	s.tally.outages++
	s.store.down = true
	s.note("the store is away for %v", lasts)
	s.after(lasts, func() { s.store.down, s.store.trouble = false, s.now })
}

// forget has the store fail over to a replica that lacks the last steps that
// nobody waited for, or come back empty.
func (s *sim) forget() {
	if s.store.replica != nil {
		return
	}
	if s.chance(0.3) {
		s.tally.wipes++
		s.note("the store is empty")
		s.store.dir, s.store.trouble, s.store.wiped = reference.New(), s.now, s.now
		for _, o := range s.orders {
			o.kept = 0 // until whoever has it in memory has written it anew
		}
		for _, id := range s.in {
			if s.chance(0.5) { // by somebody who finds the world without an instance
				s.after(s.within(3*time.Second), func() { s.open(id) })
			}
		}
		return
	}
	s.store.replica = s.store.dir.Clone()
	s.after(s.within(2*time.Second), func() {
		s.tally.failovers++
		s.note("the store fails over")
		s.store.dir, s.store.replica, s.store.trouble = s.store.replica, nil, s.now
	})
}

func (s *sim) drain(node *simNode) {
	running := 0
	for _, n := range s.nodes {
		if !n.dead && !n.drained && n.drain == nil {
			running++
		}
	}
	if running < 3 || node.drain != nil {
		return
	}
	within := 15*time.Second + s.within(15*time.Second)
	node.drain = &simDrain{node, s.now + within}
	s.drains = append(s.drains, node.drain)
	s.note("%s drains within %v", node.id, within)
	s.input(node, func(now cluster.Now) { node.n.Drain(within, now) })
	s.after(s.within(20*time.Second), s.start)
}

// rest heals everything, waits until nothing can be under way any more, and
// looks whether all is well.
func (s *sim) rest() {
	s.calm = true
	s.store.down = false
	s.store.trouble = s.now
	for _, n := range s.nodes {
		if !n.dead && !n.drained {
			n.paused = min(n.paused, s.now)
			s.heal(n)
		}
	}
	s.note("calm")
	s.after(50*time.Second, func() {
		s.converged()
		s.calm = false
		s.after(60*time.Second+s.within(60*time.Second), s.rest)
	})
}
