package desk

import (
	"math"
	"slices"
	"time"

	"earshot"
	"earshot/spatialaudio"
	"earshot/spatialaudio/crowd"
)

// planner is what a crowd is planned with. The desk's planning mutex guards it.
type planner struct {
	planner *crowd.Planner // nil before the first plan
	curve   spatialaudio.Curve
	rules   *crowd.Rules // a copy: orders go on
	spare   *crowd.Plan  // not in force

	people  []Person
	voices  []PersonID     // theirs
	persons []crowd.Person // people, rooms apart
	at      []int32        // by id: the place in people, or -1
	listens []bool         // by id
	left    []PersonID     // who had gone when people was taken

	beds  map[crowd.Key]*bed
	names map[*bed][]earshot.ParticipantID // whom each carries, as the SFU was told
	after []*bed                           // of the plan being put in force
}

// stride is how far rooms are laid apart for the plan, a multiple of the largest
// cells. Who stands farther from the middle than half of that less the range of
// voices gets no beds and is in none: they would be in the next room.
const stride = 16384

// levels is how many sizes of cells a range asks for.
func levels(metres float64) int {
	return min(max(1+int(math.Ceil(math.Log2(metres))), 1), crowd.MaxLevels)
}

// replan makes a plan of what is known by now and puts it in force.
func (c *Crowd) replan(now time.Time) {
	p := &c.planner
	if !c.take() {
		return
	}
	if !c.prepare() && len(p.beds) == 0 {
		c.release(nil)
		return
	}
	if err := p.planner.Plan(now, p.persons, p.rules, p.spare); err != nil { // which Look rules out
		c.desk.deps.Log.Error("a crowd could not be planned; its beds stay as they are", "err", err)
		return
	}
	c.install(p.spare)
}

// take takes what Look has left and a copy of the rules. It makes what the first
// plan needs.
func (c *Crowd) take() bool {
	p := &c.planner
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queued = false
	if p.rules == nil {
		p.rules, p.spare = crowd.NewRules(c.cfg.People), &crowd.Plan{}
		p.at, p.listens = make([]int32, c.cfg.People), make([]bool, c.cfg.People)
		p.beds, p.names = make(map[crowd.Key]*bed), make(map[*bed][]earshot.ParticipantID)
	}
	p.people, c.people = c.people, p.people
	p.voices, c.voices = c.voices, p.voices
	p.rules.CopyFrom(c.rules)
	p.left = append(p.left[:0], c.left...)
	if p.planner == nil || p.curve != c.curve {
		cfg := c.cfg
		cfg.Curve, cfg.Levels = c.curve, levels(c.curve.Range)
		made, err := crowd.New(cfg)
		if err != nil {
			c.desk.deps.Log.Error("no beds for a crowd", "err", err)
			return false
		}
		p.planner, p.curve = made, c.curve
	}
	return true
}

// prepare lays the rooms apart and decides who is to get beds. It reports whether
// anybody is.
func (c *Crowd) prepare() (anybody bool) {
	p := &c.planner
	p.persons = p.persons[:0]
	for i := range p.at {
		p.at[i] = -1
	}
	edge := float32(stride/2 - p.curve.Range)
	for i := range p.people {
		h := &p.people[i]
		if h.ID < 0 || int(h.ID) >= len(p.at) || p.at[h.ID] >= 0 {
			continue
		}
		p.at[h.ID] = int32(i)
		person := crowd.Person{
			ID: h.ID, Position: h.Position, LevelDB: h.LevelDB, Talks: h.Talks && h.Microphone != nil,
			Listens: h.Beds > 0, Beds: h.Beds, Voices: h.Voices,
		}
		if !(person.Position.X > -edge && person.Position.X < edge) {
			person.Talks, person.Listens = false, false
		}
		person.Position.X += stride * float32(h.Room)
		p.persons = append(p.persons, person)
	}
	reach := float32(p.curve.Range * p.curve.Range)
	for i := range p.persons {
		h := &p.persons[i]
		alone := p.people[p.at[h.ID]].Alone
		if p.listens[h.ID] { // less than they can hear alone, by a margin: lest beds come and go
			alone = alone * 3 / 4
		}
		h.Listens = h.Listens && p.crowded(h.Position, reach, alone)
		p.listens[h.ID] = h.Listens
		anybody = anybody || h.Listens
	}
	return anybody
}

// crowded reports whether more than so many talk within reach, squared.
func (p *planner) crowded(at earshot.Vec3, reach float32, alone int) bool {
	for i := range p.persons {
		t := &p.persons[i]
		if !t.Talks {
			continue
		}
		if d := t.Position.Sub(at); d.Dot(d) < reach {
			if alone--; alone < 0 {
				return true
			}
		}
	}
	return false
}

// install puts a plan in force. Who is newly in a bed is denied to whoever may
// not hear them before a packet has them; who has left it is so until the last
// packet that could is past.
func (c *Crowd) install(next *crowd.Plan) {
	p, d := &c.planner, c.desk
	for _, b := range p.beds {
		b.gone = true
	}
	p.after = p.after[:0]
	for i := range next.Beds {
		p.after = append(p.after, c.ready(next, i))
	}
	d.order.Lock()
	c.enforce(next)
	d.order.Unlock()
	for key, b := range p.beds {
		if b.gone {
			b.source.Close()
			delete(p.beds, key)
			delete(p.names, b)
			continue
		}
		p.names[b] = b.names
		b.source.Publication().SetCarried(b.names)
	}
	d.enlist(c, len(p.beds))
	c.release(next)
}

// ready returns the bed of a plan, with whom it is going to mix, and has the SFU
// deny it to those who may not hear them.
func (c *Crowd) ready(next *crowd.Plan, i int) *bed {
	p, d := &c.planner, c.desk
	key := next.Beds[i].Key
	b := p.beds[key]
	if b == nil {
		b = newBed(d.deps.SFU, key)
		p.beds[key] = b
	}
	b.gone, b.next = false, b.next[:0]
	names := slices.Clone(p.names[b])
	gain := linear(next.Beds[i].GainDB)
	for _, t := range next.Talkers(i) {
		if t.Phase == crowd.Waiting {
			continue
		}
		m := mixed{id: t.ID}
		if t.Phase == crowd.Heard {
			m.target = gain
		}
		if at := p.at[t.ID]; at >= 0 && p.people[at].Microphone != nil {
			m.voice = d.voice(p.people[at].Microphone)
			names = append(names, p.people[at].Microphone.Participant())
		}
		b.next = append(b.next, m)
	}
	p.names[b] = names
	b.source.Publication().SetCarried(names)
	return b
}

// enforce makes the plan hold, less what was forbidden since it was made. The
// order lock is held for writing.
func (c *Crowd) enforce(next *crowd.Plan) {
	p := &c.planner
	c.mu.Lock()
	next.Enforce(c.rules)
	c.mu.Unlock()
	for i, b := range p.after {
		b.merge()
		b.names = b.carried()
		b.ears, b.slots = 0, 0
		b.level = int8(min(max(next.Beds[i].LevelDB, -127), 0))
	}
	for _, b := range p.beds {
		if b.gone {
			b.mixed, b.ears, b.slots = b.mixed[:0], 0, 0
			b.rest()
		}
	}
	c.grantAll(next)
	for _, b := range p.after {
		if b.slots == 0 {
			b.rest()
		}
	}
	c.plan, p.spare = next, c.plan
	c.plans++
	if p.spare == nil {
		p.spare = &crowd.Plan{}
	}
	c.byPlan, p.after = p.after, c.byPlan
}

// grantAll gives everybody with a mix their beds, and counts those of the
// others. The order lock is held for writing.
func (c *Crowd) grantAll(next *crowd.Plan) {
	p := &c.planner
	before := c.ears
	c.ears = make(map[PersonID]*Listener, len(before))
	for i := range p.persons {
		id := p.persons[i].ID
		grants, ear := next.Grants(id), p.people[p.at[id]].Mix
		if ear == nil {
			for _, g := range grants {
				p.after[g.Bed].slots++
			}
			continue
		}
		ear.grant(next, p.after, grants)
		c.ears[id] = ear
	}
	for id, ear := range before { // who has slots by now, or has gone
		if c.ears[id] != ear {
			ear.grant(next, nil, nil)
		}
	}
}

// release gives the ids of those who have left to others, once nothing of them
// is in the plan in force, which orders go on changing.
func (c *Crowd) release(next *crowd.Plan) {
	p := &c.planner
	c.desk.order.RLock()
	defer c.desk.order.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range p.left {
		if p.at[id] >= 0 || next != nil && mentions(next, id) {
			continue
		}
		c.rules.Forget(id)
		c.free = append(c.free, id)
		c.left = slices.DeleteFunc(c.left, func(l PersonID) bool { return l == id })
	}
}

// mentions reports whether somebody is in a bed of a plan.
func mentions(plan *crowd.Plan, id PersonID) bool {
	for i := range plan.Beds {
		if slices.ContainsFunc(plan.Talkers(i), func(t crowd.Talker) bool { return t.ID == id }) {
			return true
		}
	}
	return false
}

// end ends all beds.
func (c *Crowd) end() {
	p, d := &c.planner, c.desk
	d.order.Lock()
	for _, b := range p.beds {
		b.mixed, b.ears, b.slots = nil, 0, 0
		b.rest()
	}
	for _, ear := range c.ears {
		ear.grant(nil, nil, nil)
	}
	c.plan, c.byPlan = nil, nil
	c.plans++
	clear(c.ears)
	d.order.Unlock()
	for key, b := range p.beds {
		b.source.Close()
		delete(p.beds, key)
	}
	clear(p.names)
	p.planner = nil
	d.enlist(c, 0)
}
