package desk

import (
	"earshot"
	"earshot/sfu"
	"earshot/spatialaudio/crowd"
)

// Bed is a bed that somebody gets, as a client is to place it.
type Bed struct {
	Publication *sfu.Publication
	Centre      earshot.Vec3 // of its sound, in the world
	Radius      float32      // metres
	LevelDB     float32      // dBov
	Gain        float32      // linear, for the distance
	Voices      int          // in it
	Leaving     bool         // it fades out within 200 ms and is gone then
}

// View is what a plan gives to one person. The zero View is ready for use, by
// one goroutine.
type View struct {
	Beds []Bed  // loudest first, those that leave after the others
	Plan uint64 // number of the plan that it is of; 0 before the first

	marks   []mark // by id
	touched []PersonID
}

// mark says how a talker is heard.
type mark uint8

const (
	inBed   mark = 1 << iota // that does not leave, and neither do they
	alone                    // still by themselves
	leaving                  // and not for long
)

// Covers reports whether a bed has somebody's voice, so that it is not to be heard
// by itself any more.
func (v *View) Covers(id PersonID) bool {
	return id >= 0 && int(id) < len(v.marks) && v.marks[id]&(inBed|alone) == inBed
}

// Leaves reports whether somebody's voice fades out because a bed has it.
func (v *View) Leaves(id PersonID) bool {
	return id >= 0 && int(id) < len(v.marks) && v.marks[id]&leaving != 0
}

// View fills v with what the plan in force gives to somebody.
func (c *Crowd) View(id PersonID, v *View) {
	for _, was := range v.touched {
		v.marks[was] = 0
	}
	v.Beds, v.touched, v.Plan = v.Beds[:0], v.touched[:0], 0
	if id == Nobody {
		return
	}
	c.desk.order.RLock()
	defer c.desk.order.RUnlock()
	v.Plan = c.plans
	if c.plan == nil {
		return
	}
	if len(v.marks) < c.cfg.People {
		v.marks = make([]mark, c.cfg.People)
	}
	for _, g := range c.plan.Grants(id) {
		v.add(c.plan, g, c.byPlan[g.Bed])
	}
	for _, voice := range c.plan.Voices(id) {
		v.mark(voice.ID, alone)
		if voice.Phase == crowd.Leaving {
			v.mark(voice.ID, leaving)
		}
	}
}

func (v *View) add(plan *crowd.Plan, g crowd.Grant, b *bed) {
	of := &plan.Beds[g.Bed]
	bed := Bed{
		Publication: b.source.Publication(), Centre: placed(of.Centre), Radius: of.Radius, LevelDB: of.LevelDB,
		Gain: g.Gain, Leaving: g.Phase == crowd.Leaving,
	}
	for _, t := range plan.Talkers(int(g.Bed)) {
		if t.Phase != crowd.Heard {
			continue
		}
		bed.Voices++
		if !bed.Leaving {
			v.mark(t.ID, inBed)
		}
	}
	v.Beds = append(v.Beds, bed)
}

func (v *View) mark(id PersonID, m mark) {
	if v.marks[id] == 0 {
		v.touched = append(v.touched, id)
	}
	v.marks[id] |= m
}
