package queue

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// Place is what somebody has who waits: they carry it, and a Queue that has not
// heard of it takes it in.
type Place struct {
	// Party is who waits, all together; the first asks for all. 1 to
	// cluster.MaxParty, read only.
	Party []earshot.ParticipantID
	// Target is the only instance wanted; empty: any of the world.
	Target earshot.InstanceID
	// At is when they came and Node who noted it; zero: they have no place yet.
	At   cluster.HLC
	Node earshot.NodeID
}

// Who asks.
func (p *Place) Who() earshot.ParticipantID { return p.Party[0] }

// before orders places. No two have the same.
func (p *Place) before(o *Place) bool {
	return cmp.Or(cmp.Compare(p.At, o.At), strings.Compare(string(p.Node), string(o.Node)), strings.Compare(string(p.Who()), string(o.Who()))) < 0
}

func (p *Place) same(o *Place) bool { return p.Target == o.Target && slices.Equal(p.Party, o.Party) }

// Offer is room that is kept for somebody.
type Offer struct {
	Instance earshot.InstanceID
	Key      cluster.Key // of the reservation
	Until    time.Time
}

// Standing is how it is with somebody who waits.
type Standing struct {
	// Position is how many people are before them for the same target, and one;
	// Waiting how many people wait for that, them included.
	Position, Waiting int
	// Estimate is how long it takes if it goes on as of late; 0: not known.
	Estimate time.Duration
	// Offer is what is kept for them; nil: nothing yet.
	Offer *Offer
}

// Queue is who waits for one world. Create it with New.
type Queue struct {
	cfg   Config
	node  earshot.NodeID
	clock cluster.Clock
	// list has who waits, by place; of has them, and those whose turn it was or
	// who left, by who asked.
	list      []*entry
	of        map[earshot.ParticipantID]*entry
	people    int
	lines     map[earshot.InstanceID]*line
	numbered  bool // positions are as list is
	recovered time.Time
}

type entry struct {
	Place
	heard    time.Time
	passed   int // parties that went before, since it was their turn
	position int
	offer    *Offer
	// over is until when a place that is no more is remembered: nobody takes it
	// again. Zero: it is one.
	over time.Time
}

// New returns an empty queue of a node. The node's name is in the places that it
// gives.
func New(cfg Config, node earshot.NodeID) *Queue {
	return &Queue{cfg: cfg, node: node, of: make(map[earshot.ParticipantID]*entry), lines: make(map[earshot.InstanceID]*line)}
}

// Recover says that places were given before that this queue has not heard of:
// until then it is nobody's turn, so that all can say theirs.
func (q *Queue) Recover(until time.Time) { q.recovered = until }

// Ask notes that somebody waits, still or from now on, and returns their place.
// seen is when their place was last confirmed, or first asked for. Who has none
// gets the last. One participant has one place: who asks for something else
// gives the first up.
//
// The *earshot.Error is not_found where the place is no more, and
// resource_exhausted where too many wait.
func (q *Queue) Ask(p Place, seen, now time.Time) (Place, error) {
	if now.Sub(seen) > q.cfg.Patience {
		return p, lost("your place in the queue was given up: nothing was heard of you for %v; join again", q.cfg.Patience)
	}
	have := q.of[p.Who()]
	switch {
	case have == nil:
	case have.over.IsZero() && have.same(&p):
		have.heard = now
		return have.Place, nil
	case p.At != 0 && !have.before(&p):
		return p, lost("this place in the queue is yours no longer; join again")
	}
	if people := q.people - have.size(); people+len(p.Party) > q.cfg.Max {
		return p, earshot.Errorf(earshot.CodeResourceExhausted, "%d people wait for this world already; try again later", people)
	}
	q.take(have)
	if p.At == 0 {
		p.At, p.Node = q.clock.Next(now), q.node
	} else {
		q.clock.Observe(p.At, now) // whoever comes now came later
	}
	e := &entry{Place: p, heard: now}
	q.of[p.Who()] = e
	at, _ := slices.BinarySearchFunc(q.list, e, compare)
	q.list = slices.Insert(q.list, at, e)
	q.people += len(p.Party)
	q.numbered = false
	return p, nil
}

func compare(a, b *entry) int {
	switch {
	case a.before(&b.Place):
		return -1
	case b.before(&a.Place):
		return 1
	}
	return 0
}

// size is how many people wait with e.
func (e *entry) size() int {
	if e == nil || !e.over.IsZero() || e.offer != nil {
		return 0
	}
	return len(e.Party)
}

// take takes e out of those who wait.
func (q *Queue) take(e *entry) {
	if e.size() == 0 {
		return
	}
	if at, ok := slices.BinarySearchFunc(q.list, e, compare); ok {
		q.list = slices.Delete(q.list, at, at+1)
	}
	q.people -= len(e.Party)
	q.numbered = false
}

// Leave says that somebody does not wait any longer. It reports whether they
// did, and what was kept for them, if anything was.
func (q *Queue) Leave(who earshot.ParticipantID, now time.Time) (waited bool, kept *Offer) {
	e := q.of[who]
	if e == nil || !e.over.IsZero() {
		return false, nil
	}
	waited, kept = e.offer == nil, e.offer
	q.take(e)
	q.end(e, now)
	return waited, kept
}

// Entered says that somebody is in an instance: a public one is what who waits
// for any of the world waits for.
func (q *Queue) Entered(who earshot.ParticipantID, in earshot.InstanceID, public bool, now time.Time) {
	if e := q.of[who]; e != nil && e.over.IsZero() && (e.Target == in || e.Target == "" && public) {
		q.take(e)
		q.end(e, now)
	}
}

// end keeps in mind that a place is no more, for as long as it could be said.
func (q *Queue) end(e *entry, now time.Time) {
	e.offer, e.over = nil, now.Add(q.cfg.Patience)
}

// Standing is how it is with somebody; false: they do not wait.
func (q *Queue) Standing(who earshot.ParticipantID, now time.Time) (Standing, bool) {
	e := q.of[who]
	if e == nil || !e.over.IsZero() {
		return Standing{}, false
	}
	q.number()
	l := q.line(e.Target)
	s := Standing{Waiting: l.waiting, Offer: e.offer}
	if e.offer == nil {
		s.Position = e.position
		s.Estimate = l.estimate(e.position-1+len(e.Party), now)
	}
	return s, true
}

// number gives everybody who waits their position.
func (q *Queue) number() {
	if q.numbered {
		return
	}
	q.numbered = true
	for _, l := range q.lines {
		l.waiting = 0
	}
	for _, e := range q.list {
		l := q.line(e.Target)
		e.position = l.waiting + 1
		l.waiting += len(e.Party)
	}
}

// Waiting is how many people wait, for whatever target.
func (q *Queue) Waiting() int { return q.people }

// Busy reports whether somebody is there whose turn is before a newcomer's to
// the same target.
func (q *Queue) Busy(target earshot.InstanceID, now time.Time) bool {
	return now.Before(q.recovered) || slices.ContainsFunc(q.list, func(e *entry) bool { return e.Target == target && q.there(e, now) })
}

// Targets are those for which Busy is true. While places are being said again
// that is any.
func (q *Queue) Targets(now time.Time) map[earshot.InstanceID]bool {
	targets := make(map[earshot.InstanceID]bool)
	if now.Before(q.recovered) {
		targets[""] = true
	}
	for _, e := range q.list {
		if q.there(e, now) {
			targets[e.Target] = true
		}
	}
	return targets
}

// there reports whether e has been heard of lately.
func (q *Queue) there(e *entry, now time.Time) bool { return now.Sub(e.heard) <= q.cfg.Away }

// Expire takes out who has not been heard of for too long and whose offer ran
// out, forgets what nobody can say any more, and returns how many parties lost
// their place.
func (q *Queue) Expire(now time.Time) (gone int) {
	for who, e := range q.of {
		switch {
		case !e.over.IsZero():
			if !e.over.After(now) {
				delete(q.of, who)
			}
		case e.offer != nil:
			if !e.offer.Until.After(now) {
				q.end(e, now)
			}
		case now.Sub(e.heard) > q.cfg.Patience:
			q.take(e)
			delete(q.of, who) // the place says itself that it is too old
			gone++
		}
	}
	for target, l := range q.lines {
		if l.idle(now) && !slices.ContainsFunc(q.list, func(e *entry) bool { return e.Target == target }) {
			delete(q.lines, target)
		}
	}
	return gone
}

// Empty reports whether nobody waits and nothing has to be kept in mind.
func (q *Queue) Empty(now time.Time) bool { return len(q.of) == 0 && !now.Before(q.recovered) }

func lost(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeNotFound, format, args...)
}
