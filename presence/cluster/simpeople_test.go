package cluster_test

import (
	"fmt"
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// person has a client, or two.
type person struct {
	id       earshot.ParticipantID
	sessions []*session
}

type session struct {
	p        *person
	node     *simNode
	key      cluster.Key
	instance earshot.InstanceID
}

// attempt is a join, or a handoff.
type attempt struct {
	key       cluster.Key
	move      bool
	node      *simNode // of a handoff: whence
	from      *session
	began     time.Duration
	ended     string
	admitted  bool
	refused   bool
	committed time.Duration // when the store first placed them by this key
}

// simOrder is an order on somebody, as the world has it.
type simOrder struct {
	order cluster.Order
	kept  time.Duration // when the store had it; 0: not
}

func (s *sim) open(id earshot.InstanceID) {
	node := s.awake()
	if node == nil || node.drain != nil {
		s.after(time.Second, func() { s.open(id) })
		return
	}
	s.input(node, func(now cluster.Now) {
		record := cluster.InstanceRecord{Instance: id, World: "w", Region: "here", Soft: 8, Hard: 12}
		if s.roomy {
			record.Soft, record.Hard = 500, 500
		}
		node.n.Open(record, s.roomy, now)
	})
}

// live does something somebody does, again and again.
func (s *sim) live(p *person) {
	s.after(time.Second+s.within(10*time.Second), func() { s.live(p) })
	if s.calm {
		return
	}
	if s.chance(0.3) {
		s.decree(p)
	}
	s.yield(s.in[s.rng.IntN(len(s.in))])
	if !s.breaks.plain && s.chance(0.2) {
		s.review()
	}
	if len(p.sessions) == 0 {
		s.join(p, s.in[s.rng.IntN(len(s.in))])
		return
	}
	at := p.sessions[s.rng.IntN(len(p.sessions))]
	switch s.rng.IntN(8) {
	case 0:
		s.leave(at)
	case 1:
		s.join(p, s.in[s.rng.IntN(len(s.in))]) // with another device
	case 2, 3, 4:
		s.move(at)
	case 5:
		s.input(at.node, func(now cluster.Now) {
			_ = at.node.n.Place(cluster.Presence{Participant: p.id, State: []byte("here")}, now)
			_ = at.node.n.Snapshot(at.instance, []byte("chat"), now)
		})
	}
}

// owner is whom a node that is awake takes for the owner of an instance.
func (s *sim) owner(id earshot.InstanceID) *simNode {
	asked := s.awake()
	if asked == nil {
		return nil
	}
	for _, r := range asked.n.Instances() {
		if r.Instance == id && r.State != cluster.Orphaned {
			return s.node(r.Owner)
		}
	}
	if s.chance(0.2) {
		s.open(id)
	}
	return asked
}

func (s *sim) join(p *person, id earshot.InstanceID) {
	node := s.owner(id)
	if node == nil || node.dead {
		return
	}
	reservation := cluster.Key{}
	if !s.roomy && s.chance(0.3) { // placement reserved it, for them and a friend who may not come
		reservation = cluster.Key{Participant: p.id, HLC: cluster.At(time.Unix(1, 0).Add(s.now)), Node: "edge"}
		s.apply(cluster.Reserve{Instance: id, Reservation: cluster.Reservation{
			Key: reservation, Participants: []earshot.ParticipantID{p.id, s.people[s.rng.IntN(len(s.people))].id}, TTL: 10 * time.Second,
		}})
	}
	s.input(node, func(now cluster.Now) {
		key := node.n.Join(cluster.Join{Participant: p.id, Instance: id, Reservation: reservation, Invited: s.chance(0.5)}, now)
		s.keys[key] = &attempt{key: key, node: node, began: s.now}
		s.note("%s joins %s at %s: %v", p.id, id, node.id, key.HLC)
		if !s.roomy && s.chance(0.05) { // the client is gone before it is in
			s.after(s.within(300*time.Millisecond), func() {
				s.input(node, func(now cluster.Now) { node.n.CallOff(key, now) })
			})
		}
	})
}

func (s *sim) leave(at *session) {
	s.note("%s leaves %s", at.p.id, at.node.id)
	if a := s.keys[at.key]; a != nil && a.from != nil && s.holds(a.from) {
		s.leave(a.from) // a client that is gone is gone from both ends of a handoff
	}
	s.input(at.node, func(now cluster.Now) {
		if s.holds(at) {
			s.close(at, "left")
			at.node.n.Leave(at.p.id, now)
		}
	})
}

func (s *sim) move(at *session) {
	id := s.in[s.rng.IntN(len(s.in))]
	if to := s.owner(id); to != nil {
		s.moveTo(at, id, to)
	}
}

func (s *sim) moveTo(at *session, id earshot.InstanceID, to *simNode) {
	s.input(at.node, func(now cluster.Now) {
		if !s.holds(at) {
			return
		}
		key, err := at.node.n.Move(at.p.id, id, to.id, now)
		if err == nil {
			s.keys[key] = &attempt{key: key, move: true, node: at.node, from: at, began: s.now}
			s.note("%s moves %s -> %s on %s: %v", at.p.id, at.node.id, id, to.id, key.HLC)
		}
	})
}

// decree puts an order in force on somebody, or lifts one.
func (s *sim) decree(p *person) {
	node := s.awake()
	if node == nil {
		return
	}
	if s.chance(0.4) && len(s.orders) > 0 {
		i := s.rng.IntN(len(s.orders))
		o := s.orders[i]
		if o.order.HLC > 0 {
			s.orders = slices.Delete(s.orders, i, i+1) // from now on nothing is promised
			s.input(node, func(now cluster.Now) { node.n.Lift(o.order, now) })
		}
		return
	}
	o := &simOrder{order: cluster.Order{Kind: cluster.Mute, Of: p.id, ID: earshot.EventID(fmt.Sprint("ev_", s.serial))}}
	if s.chance(0.5) && len(p.sessions) > 0 { // blocks are given where the participant is
		node = p.sessions[len(p.sessions)-1].node
		o.order = cluster.Order{Kind: cluster.Block, Of: p.id, Against: s.people[s.rng.IntN(len(s.people))].id}
		if slices.ContainsFunc(s.orders, func(have *simOrder) bool { return have.order.Of == p.id && have.order.Name() == o.order.Name() }) {
			return
		}
	}
	s.orders = append(s.orders, o)
	s.input(node, func(now cluster.Now) { o.order = node.n.Order(o.order, now) })
}

// stored notes what the store has taken in.
func (s *sim) stored(op cluster.Op, r *cluster.Reply) {
	switch op := op.(type) {
	case cluster.SetOrder:
		for _, o := range s.orders {
			if r.Status == cluster.OK && o.kept == 0 && o.order.Of == op.Order.Of && o.order.Name() == op.Order.Name() && o.order.HLC == op.Order.HLC {
				o.kept = s.now
			}
		}
	case cluster.Commit:
		if a := s.keys[op.To.Key]; a != nil && r.Status == cluster.OK && a.committed == 0 {
			a.committed = s.now
		}
	}
}

func (s *sim) holds(at *session) bool { return slices.Contains(at.p.sessions, at) }

// close ends a session, and with it the handoffs from it.
func (s *sim) close(at *session, why string) {
	at.p.sessions = slices.DeleteFunc(at.p.sessions, func(o *session) bool { return o == at })
	for _, a := range s.keys {
		if a.from == at && a.ended == "" {
			a.ended = why
		}
	}
}

// left is a crash: clients notice after a while, and come back to where they
// were.
func (s *sim) left(node *simNode) {
	for _, a := range s.keys {
		if a.node == node && a.ended == "" {
			a.ended = "crashed"
		}
	}
	for _, p := range s.people {
		for _, at := range slices.Clone(p.sessions) {
			if at.node == node {
				s.close(at, "crashed")
				s.again(at, 0)
			}
		}
	}
}

func (s *sim) again(at *session, tries int) {
	s.after(300*time.Millisecond+s.within(2*time.Second), func() {
		if len(at.p.sessions) == 0 && tries < 8 {
			s.join(at.p, at.instance)
			s.again(at, tries+1)
		}
	})
}

func (s *sim) sessionOf(node *simNode, key cluster.Key) *session {
	for _, p := range s.people {
		if p.id == key.Participant {
			for _, at := range p.sessions {
				if at.node == node && at.key == key {
					return at
				}
			}
		}
	}
	return nil
}

// event does what a gateway and its clients do at one.
func (s *sim) event(node *simNode, e cluster.Event) {
	a := s.keys[e.Key]
	if s.verbose && e.Kind != cluster.Enforce {
		s.note("%s: %s %s %s %v %s epoch %d", node.id, eventNames[e.Kind], e.Instance, e.Key.Participant, e.Key.HLC, e.Code, e.Epoch)
	}
	switch e.Kind {
	case cluster.Granted:
		s.tally.granted++
		if e.Epoch > s.reigns[e.Instance].epoch {
			s.reigns[e.Instance] = reign{e.Epoch, s.now}
		}
	case cluster.Told:
		s.told = append(s.told, e.Payload)
	case cluster.Proposed:
		s.proposed(node, e)
	case cluster.Suspended:
		s.tally.suspended++
	case cluster.Lost:
		s.tally.lost++
	case cluster.Admitted:
		s.admitted(node, e, a)
	case cluster.Refused:
		s.refused(e, a)
	case cluster.Ended:
		s.tally.ended++
		if at := s.sessionOf(node, e.Key); at != nil {
			s.close(at, "ended")
			if e.Code == earshot.CodeUnavailable {
				s.again(at, 0)
			}
		}
	case cluster.Kept:
		s.tally.kept++
	case cluster.Invite:
		s.invited(e)
	case cluster.Moved:
		s.tally.moved++
		s.released(node, e, a)
	case cluster.Stayed:
		s.tally.stayed++
		if a != nil {
			if a.admitted && a.began > s.store.wiped {
				s.wrong("handoff %v was called off at %s after it had arrived", e.Key, node.id)
			}
			a.ended = "stayed"
		}
	case cluster.Released:
		s.tally.released++
		delete(s.linger, e.Key)
	case cluster.Drained:
		s.emptied(node)
	}
}

func (s *sim) invited(e cluster.Event) {
	to := s.node(e.Node)
	if to == nil || !s.roomy && s.chance(0.1) {
		return
	}
	for range 1 + s.rng.IntN(2) {
		late := 50*time.Millisecond + s.within(800*time.Millisecond)
		if !s.calm && s.chance(0.1) {
			late += s.within(12 * time.Second)
		}
		s.after(late, func() { s.input(to, func(now cluster.Now) { to.n.Attached(e.Key, now) }) })
	}
}

func (s *sim) refused(e cluster.Event, a *attempt) {
	if a == nil {
		return
	}
	s.tally.refused++
	a.refused = true
	if a.admitted {
		s.wrong("%v was admitted, then refused", e.Key)
	}
	if !a.move {
		a.ended = "refused"
	}
}

func (s *sim) released(node *simNode, e cluster.Event, a *attempt) {
	if a != nil {
		a.ended = "moved"
	}
	p := s.person(e.Key.Participant)
	for _, at := range slices.Clone(p.sessions) {
		if at.node == node && at.key != e.Key {
			s.close(at, "moved")
			if node.n.Lingers(at.key) {
				s.linger[at.key] = &lingering{node, s.now}
			}
		}
	}
}

func (s *sim) person(id earshot.ParticipantID) *person {
	return s.people[slices.IndexFunc(s.people, func(p *person) bool { return p.id == id })]
}

var eventNames = [...]string{"granted", "suspended", "resumed", "lost", "admitted", "refused", "ended", "enforce", "kept", "notkept", "expect", "invite", "moved", "stayed", "drained", "released", "proposed", "told"}
