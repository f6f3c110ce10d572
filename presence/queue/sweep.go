package queue

import (
	"slices"
	"time"

	"earshot"
)

// maxPassed is how many parties that fit may go before one that does not yet.
const maxPassed = 16

// Sweep goes once through those who wait, in their order, and finds for whom
// there is room. Nothing need be held while it is looked for: the queue may
// change between two calls.
type Sweep struct {
	q       *Queue
	last    *Place
	refused map[earshot.InstanceID]*refusal // by target
	closed  bool
}

// refusal is for whom of a target there was no room.
type refusal struct {
	parties []*entry
	least   int  // people of the smallest
	closed  bool // nobody else is tried
}

// Sweep begins one.
func (q *Queue) Sweep() *Sweep {
	return &Sweep{q: q, refused: make(map[earshot.InstanceID]*refusal)}
}

// Next is the next party for which there may be room: Admit or Refuse it. Who
// is not smaller than one for whom there was no room is not tried, nor who has
// not been heard of lately.
func (s *Sweep) Next(now time.Time) (Place, bool) {
	if now.Before(s.q.recovered) {
		return Place{}, false
	}
	at := 0
	if s.last != nil {
		at, _ = slices.BinarySearchFunc(s.q.list, s.last, func(e *entry, p *Place) int {
			if p.before(&e.Place) {
				return 1
			}
			return -1 // the first behind p is looked for
		})
	}
	for ; at < len(s.q.list) && !s.closed; at++ {
		e := s.q.list[at]
		r := s.refused[e.Target]
		switch {
		case r != nil && r.closed || !s.q.there(e, now):
		case r != nil && len(e.Party) >= r.least:
			s.refuse(e)
		default:
			p := e.Place
			s.last = &p
			return p, true
		}
	}
	return Place{}, false
}

// Refuse says that there is no room for a party now.
func (s *Sweep) Refuse(p *Place) {
	if e := s.q.waits(p); e != nil {
		s.refuse(e)
	}
}

func (s *Sweep) refuse(e *entry) {
	r := s.refused[e.Target]
	if r == nil {
		r = &refusal{least: len(e.Party)}
		s.refused[e.Target] = r
	}
	r.parties = append(r.parties, e)
	r.least = min(r.least, len(e.Party))
	r.closed = r.closed || r.least == 1
	s.patient(e, r)
}

// patient ends the sweep for others where enough have passed e: whatever becomes
// free is for them.
func (s *Sweep) patient(e *entry, r *refusal) {
	if e.passed >= maxPassed {
		r.closed = true
		s.closed = s.closed || e.Target == ""
	}
}

// Admit says that room is kept for a party. It reports whether they still wait:
// else nobody wants it.
func (s *Sweep) Admit(p *Place, o Offer, now time.Time) bool {
	q := s.q
	e := q.waits(p)
	if e == nil {
		return false
	}
	if r := s.refused[p.Target]; r != nil {
		for _, before := range r.parties {
			before.passed++
			s.patient(before, r)
		}
	}
	q.take(e)
	e.offer = &o
	q.line(e.Target).admitted(len(e.Party), now)
	return true
}

// waits is who waits with a place.
func (q *Queue) waits(p *Place) *entry {
	e := q.of[p.Who()]
	if e == nil || e.size() == 0 || e.At != p.At || e.Node != p.Node {
		return nil
	}
	return e
}
