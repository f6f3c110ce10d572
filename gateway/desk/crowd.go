package desk

import (
	"math"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/sfu"
	"earshot/spatialaudio"
	"earshot/spatialaudio/crowd"
)

// PersonID is a person of a Crowd.
type PersonID = crowd.ID

// Nobody is the PersonID of one who is in no crowd.
const Nobody PersonID = -1

// PlanEvery is how often a crowd is planned, and so how often its Look is wanted.
const PlanEvery = 250 * time.Millisecond

// reserve is how many ids a crowd has beyond its capacity, for those who have
// left and are still in a bed's memory.
const reserve = 64

// Person is one of a crowd as they are now.
type Person struct {
	ID         PersonID
	Microphone *sfu.Publication // nil where they are not to be in a bed
	Position   earshot.Vec3     // of the head
	// Room is the acoustic room that they are in: beds do not cross walls.
	Room int
	// LevelDB is how loud they talk, smoothed, in dBov. Talks is whether they do.
	LevelDB float32
	Talks   bool
	// Beds is how many beds they may get, 0 for none; Alone how many voices they
	// can hear without any.
	Beds, Alone int
	Mix         *Listener // nil with voice slots
	// Voices are who they would hear one by one, the most audible first.
	Voices []PersonID
}

// Crowd is the people of one place, and their beds.
type Crowd struct {
	desk *Desk
	cfg  crowd.Config

	// mu guards what follows. It is taken after the desk's order lock.
	mu     sync.Mutex
	ids    map[earshot.ParticipantID]PersonID
	free   []PersonID
	left   []PersonID // who has gone, and may be in a plan yet
	rules  *crowd.Rules
	people []Person // of the last Look
	voices []PersonID
	curve  spatialaudio.Curve
	queued bool

	// Only the goroutine that plans touches these.
	planner planner

	// The desk's order lock guards what follows.
	plan   *crowd.Plan // in force; nil before the first
	plans  uint64      // that were in force
	byPlan []*bed      // of each of its beds
	ears   map[PersonID]*Listener
}

// NewCrowd returns the crowd of a place for so many people. Nobody is in it.
func (d *Desk) NewCrowd(capacity int) *Crowd {
	cfg := crowd.DefaultConfig()
	cfg.People = min(capacity+reserve, crowd.MaxPeople)
	cfg.Beds = d.cfg.Beds
	c := &Crowd{
		desk: d, cfg: cfg, ids: make(map[earshot.ParticipantID]PersonID), rules: crowd.NewRules(cfg.People),
		ears: make(map[PersonID]*Listener),
	}
	for id := cfg.People - 1; id >= 0; id-- {
		c.free = append(c.free, PersonID(id))
	}
	return c
}

// Enter takes somebody in, whom everybody may hear and who may hear everybody
// until Forbid. It returns Nobody where there is no room: they are heard and
// hear without beds.
func (c *Crowd) Enter(who earshot.ParticipantID) PersonID {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, known := c.ids[who]; known {
		return id
	}
	if len(c.free) == 0 {
		return Nobody
	}
	id := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	c.ids[who] = id
	return id
}

// Leave forgets somebody and what was forbidden to and of them.
func (c *Crowd) Leave(who earshot.ParticipantID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, known := c.ids[who]
	if !known {
		return
	}
	delete(c.ids, who)
	c.left = append(c.left, id)
}

// Forbids reports whether talker is in no bed of listener's.
func (c *Crowd) Forbids(listener, talker earshot.ParticipantID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, t, both := c.pair(listener, talker)
	return both && !c.rules.MayHear(l, t)
}

// Allow takes Forbid back.
func (c *Crowd) Allow(listener, talker earshot.ParticipantID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, t, both := c.pair(listener, talker); both {
		c.rules.Allow(l, t)
	}
}

// Forbid keeps every bed from listener that has talker in it. When it returns,
// nothing of talker comes to listener's mix by a bed; what comes by voice slots
// is denied where packets are forwarded (sfu.Session.Deny).
func (c *Crowd) Forbid(listener, talker earshot.ParticipantID) {
	if c.Forbids(listener, talker) {
		return
	}
	d := c.desk
	spare := d.spare(c.mixes(listener))
	defer func() { spare.close() }()
	d.order.Lock()
	defer d.order.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	l, t, both := c.pair(listener, talker)
	if !both {
		return
	}
	c.rules.Forbid(l, t)
	if c.plan == nil {
		return
	}
	c.plans++ // as good as another
	lost := c.plan.Forbid(l, t, nil)
	ear := c.ears[l]
	if ear == nil {
		return
	}
	for _, b := range c.byPlan {
		if slices.Contains(lost, b.key) || find(b.mixed, t) != nil {
			ear.lose(b, &spare)
		}
	}
}

// mixes returns 1 for who has beds in a mix, 0 for others.
func (c *Crowd) mixes(who earshot.ParticipantID) int {
	c.desk.order.RLock()
	defer c.desk.order.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, known := c.ids[who]; known && c.ears[id] != nil && len(c.ears[id].beds) > 0 {
		return 1
	}
	return 0
}

// pair returns the ids of two. mu is held.
func (c *Crowd) pair(listener, talker earshot.ParticipantID) (l, t PersonID, both bool) {
	l, first := c.ids[listener]
	t, second := c.ids[talker]
	return l, t, first && second
}

// silence takes a voice out of all beds at once, and appends those beds whose
// packets may be on their way to dst. The order lock is held for writing.
func (c *Crowd) silence(v *voice, dst []*bed, spare *spares) []*bed {
	for _, b := range c.byPlan {
		if !b.holds(v) {
			continue
		}
		for i := range b.mixed {
			if b.mixed[i].voice == v {
				c.plan.Silence(b.mixed[i].id, nil)
				b.mixed = slices.Delete(b.mixed, i, i+1)
				break
			}
		}
		b.forget()
		for _, ear := range c.ears {
			ear.dropBed(b, spare)
		}
		dst = append(dst, b)
	}
	return dst
}

// hearingInBeds counts those with a mix who hear a voice by a bed.
func (d *Desk) hearingInBeds(v *voice) (n int) {
	d.order.RLock()
	defer d.order.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	for l := range d.listeners {
		if l.has(v) {
			n++
		}
	}
	return n
}

// Look says who is where and talks how loud; the crowd is planned by it soon
// after. It comes every PlanEvery. curve is how voices fade with distance.
func (c *Crowd) Look(people []Person, curve *spatialaudio.Curve) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.people, c.voices, c.curve = append(c.people[:0], people...), c.voices[:0], *curve
	for i := range c.people {
		p := &c.people[i]
		from := len(c.voices)
		c.voices = append(c.voices, p.Voices[:min(len(p.Voices), crowd.MaxVoices)]...)
		p.Voices = c.voices[from:len(c.voices):len(c.voices)]
	}
	if c.queued {
		return
	}
	select {
	case c.desk.plans <- c:
		c.queued = true
	default: // more crowds wait than can be planned: the next Look says it again
	}
}

// Close ends all beds: nothing of them is sent any more when it returns.
func (c *Crowd) Close() {
	c.mu.Lock()
	c.people = c.people[:0]
	c.mu.Unlock()
	c.desk.planning.Lock()
	defer c.desk.planning.Unlock()
	c.end()
}

// linear returns the gain of so many decibels.
func linear(db float32) float32 { return float32(math.Pow(10, float64(db)/20)) }
