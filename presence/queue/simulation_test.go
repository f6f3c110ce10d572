package queue

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"earshot"
)

var (
	simSeeds = flag.Int("sim.seeds", 12, "evenings to simulate")
	simFirst = flag.Uint64("sim.first", 1, "the first seed")
)

// evening is a world of few places that many want, over some hours of virtual
// time: people come alone and in parties, for anywhere or one instance, ask
// every few seconds, are cut off for a while, go away for good, and leave the
// world again; and now and then the node that leads the queue dies, and another
// with another clock begins with nothing.
type evening struct {
	t      *testing.T
	rng    *rand.Rand
	cfg    Config
	now    time.Time
	skew   time.Duration // of the leader's clock
	q      *Queue
	reigns int

	rooms                map[earshot.InstanceID]*room
	waiters              map[earshot.ParticipantID]*waiter
	next                 int
	in, lostPlaces, most int
}

type room struct{ capacity, people, kept int }

// waiter is a party as it sees itself.
type waiter struct {
	place   Place
	seen    time.Time // by the leader's clock
	came    time.Time
	asks    time.Time // next
	cut     time.Time // it cannot be heard until then
	gone    bool      // for good, without a word
	offered time.Time
	passed  int // later ones of the same target and no smaller that went before, under one leader
	reign   int
}

func newEvening(t *testing.T, seed uint64) *evening {
	cfg := DefaultConfig()
	cfg.Max = 120
	e := &evening{
		t: t, rng: rand.New(rand.NewPCG(seed, 9)), cfg: cfg, now: epoch,
		rooms:   map[earshot.InstanceID]*room{"in_w": {capacity: 12}, "in_w_2": {capacity: 8}},
		waiters: map[earshot.ParticipantID]*waiter{},
	}
	e.reign()
	return e
}

// reign has another node lead, which knows nothing.
func (e *evening) reign() {
	e.reigns++
	e.skew = time.Duration(e.rng.IntN(120_001)-60_000) * time.Millisecond
	e.q = New(e.cfg, earshot.NodeID(fmt.Sprint("nd_", e.reigns)))
	if e.reigns > 1 {
		e.q.Recover(e.clock().Add(10 * time.Second))
	}
}

// clock is the leader's.
func (e *evening) clock() time.Time { return e.now.Add(e.skew) }

func (e *evening) come() {
	e.next += 40
	p := party(e.next, 1)
	if e.rng.IntN(4) == 0 {
		p = party(e.next, 2+e.rng.IntN(4))
	}
	if e.rng.IntN(6) == 0 {
		p.Target = "in_w_2"
	}
	w := &waiter{place: p, seen: e.clock(), came: e.now, asks: e.now}
	e.waiters[p.Who()] = w
}

// ask is one request of a party, and what it learns.
func (e *evening) ask(w *waiter) {
	w.asks = e.now.Add(time.Duration(1+e.rng.IntN(20)) * time.Second)
	if e.now.Before(w.cut) {
		return
	}
	placed, err := e.q.Ask(w.place, w.seen, e.clock())
	switch earshot.CodeOf(err) {
	case earshot.CodeNotFound:
		e.lostPlaces++
		if w.cut.IsZero() && w.offered.IsZero() && w.reign > 0 && e.reigns == w.reign {
			e.t.Errorf("%v: %s asked all the time and lost their place: %v", e.now.Sub(epoch), w.place.Who(), err)
		}
		delete(e.waiters, w.place.Who())
		return
	case earshot.CodeResourceExhausted:
		if w.place.At == 0 {
			delete(e.waiters, w.place.Who())
		}
		return
	}
	if w.place.At != 0 && placed.At != w.place.At {
		e.t.Errorf("%s had a place and got another", w.place.Who())
	}
	w.place, w.seen, w.reign = placed, e.clock(), e.reigns
	s, ok := e.q.Standing(placed.Who(), e.clock())
	switch {
	case !ok:
		e.t.Errorf("%s asked, and does not wait", placed.Who())
	case s.Offer == nil && (s.Position < 1 || s.Position > s.Waiting):
		e.t.Errorf("%s is at %d of %d", placed.Who(), s.Position, s.Waiting)
	case s.Offer != nil: // they go in
		r := e.rooms[s.Offer.Instance]
		r.kept -= len(placed.Party)
		r.people += len(placed.Party)
		e.in++
		if waited, _ := e.q.Leave(placed.Who(), e.clock()); waited {
			e.t.Errorf("%s had an offer, and waits", placed.Who())
		}
		delete(e.waiters, placed.Who())
	}
}

// sweep lets in whom there is room for, and holds the order to its rules.
func (e *evening) sweep() {
	for s := e.q.Sweep(); ; {
		p, ok := s.Next(e.clock())
		if !ok {
			return
		}
		target := p.Target
		if target == "" {
			target = "in_w"
			if r := e.rooms[target]; r.people+r.kept+len(p.Party) > r.capacity {
				target = "in_w_2"
			}
		}
		r := e.rooms[target]
		if r.people+r.kept+len(p.Party) > r.capacity {
			s.Refuse(&p)
			continue
		}
		if !s.Admit(&p, Offer{Instance: target, Until: e.clock().Add(30 * time.Second)}, e.clock()) {
			e.t.Errorf("%s was found and does not wait", p.Who())
		}
		r.kept += len(p.Party)
		e.admitted(&p)
	}
}

func (e *evening) admitted(p *Place) {
	w := e.waiters[p.Who()]
	if w == nil {
		return
	}
	if !w.offered.IsZero() && e.now.Sub(w.offered) < 30*time.Second && w.reign == e.reigns {
		e.t.Errorf("%s has two offers", p.Who())
	}
	w.offered = e.now
	for _, o := range e.waiters {
		// Those who are there, have an earlier place and want no more than this.
		if o == w || o.place.At == 0 || o.reign != e.reigns || !o.offered.IsZero() || o.place.Target != p.Target || !o.place.before(p) ||
			e.clock().Sub(o.seen) > e.cfg.Away {
			continue
		}
		if len(o.place.Party) <= len(p.Party) {
			e.t.Errorf("%v: %s went before %s, who came earlier, are no more and were there", e.now.Sub(epoch), p.Who(), o.place.Who())
		} else if o.passed++; o.passed > maxPassed {
			e.t.Errorf("%d parties went before %s", o.passed, o.place.Who())
		}
	}
}

// run is an evening of so many seconds, and then until everybody has been let in
// or has gone.
func (e *evening) run(seconds int) {
	for i := 0; ; i++ {
		open := i < seconds
		if !open && len(e.waiters) == 0 {
			break
		}
		if i > 4*seconds+40_000 {
			e.t.Fatalf("%d parties wait for ever", len(e.waiters))
		}
		e.now = e.now.Add(time.Second)
		if open && e.rng.IntN(3) == 0 {
			e.come()
		}
		for _, id := range []earshot.InstanceID{"in_w", "in_w_2"} {
			if r := e.rooms[id]; r.people > 0 && e.rng.IntN(12) == 0 {
				r.people--
			}
		}
		if open && e.rng.IntN(400) == 0 {
			e.reign()
			for _, r := range e.rooms { // reservations of the leader before run out elsewhere
				r.kept = 0
			}
			for _, w := range e.waiters {
				w.offered, w.passed = time.Time{}, 0
			}
		}
		e.trouble(open)
		for _, who := range sorted(e.waiters) {
			if w := e.waiters[who]; !w.gone && !w.asks.After(e.now) {
				e.ask(w)
			}
		}
		e.expire()
		e.sweep()
		e.most = max(e.most, e.q.Waiting())
	}
}

// trouble cuts some off, and has some go without a word.
func (e *evening) trouble(open bool) {
	for _, who := range sorted(e.waiters) {
		w := e.waiters[who]
		switch {
		case w.gone:
			if e.now.Sub(w.came) > 20*time.Minute {
				delete(e.waiters, who)
			}
		case open && e.rng.IntN(600) == 0:
			w.cut = e.now.Add(time.Duration(e.rng.IntN(200)) * time.Second)
		case open && e.rng.IntN(1500) == 0:
			w.gone, w.came = true, e.now
		}
	}
}

// expire has offers run out, and gives back what was kept.
func (e *evening) expire() {
	for who, en := range e.q.of {
		if en.over.IsZero() && en.offer != nil && !en.offer.Until.After(e.clock()) {
			e.rooms[en.offer.Instance].kept = max(0, e.rooms[en.offer.Instance].kept-len(en.Party))
			delete(e.waiters, who) // they did not come in time
		}
	}
	e.q.Expire(e.clock())
	if n := e.q.Waiting(); n > e.cfg.Max {
		e.t.Errorf("%d wait, %d may", n, e.cfg.Max)
	}
	n := 0
	for _, en := range e.q.list {
		n += len(en.Party)
		if e.q.of[en.Who()] != en {
			e.t.Errorf("%s waits twice", en.Who())
		}
	}
	if n != e.q.Waiting() {
		e.t.Errorf("%d wait, %d are counted", n, e.q.Waiting())
	}
}

func sorted(m map[earshot.ParticipantID]*waiter) (list []earshot.ParticipantID) {
	for who := range m {
		list = append(list, who)
	}
	slices.Sort(list)
	return list
}

// Evenings: nobody who is there is overtaken by who came later and needs
// no less, nobody has two offers, a big party waits for at most sixteen smaller
// ones, the bound holds, and in the end everybody is in or gone.
func TestSimulation(t *testing.T) {
	in, lost := 0, 0
	for seed := range uint64(*simSeeds) {
		e := newEvening(t, *simFirst+seed)
		e.run(3600)
		in, lost = in+e.in, lost+e.lostPlaces
		if t.Failed() {
			t.Fatalf("seed %d", *simFirst+seed)
		}
	}
	t.Logf("%d evenings: %d parties let in, %d lost their place", *simSeeds, in, lost)
	if in == 0 || lost == 0 {
		t.Error("nothing happened")
	}
}
