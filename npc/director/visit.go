package director

import (
	"slices"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// When somebody comes and goes.
const (
	leaveFactor = 1.2 // of the perception range, so that nobody comes and goes at its edge
	earshotOf   = 2.0 // of the perception range: farther away a farewell is not heard
	unseenFor   = 2 * time.Second
	visitGap    = 10 * time.Second // away for longer: the next time is another visit
	greetLate   = 10 * time.Second // after which a greeting would be odd
	greetGap    = 3 * time.Second  // between greetings of different people
	maxGoals    = 16               // active ones of one visit
)

// visit is one player's time near the character, and a while after it.
type visit struct {
	id     earshot.ParticipantID
	name   string
	near   bool
	since  time.Time // near or not
	seen   time.Time
	talked time.Time // when they last had a turn with the character

	met     bool // greeted on this visit, or spoken with first
	greeted time.Time
	turns   int // of this visit
	bade    bool
	unheard bool // their speech is counted as not followed
	busy    bool // owed a line about being busy
	told    time.Time

	goals []string // active, in the order of the persona
	done  []string // activated on any visit
}

// meet takes note of somebody who is seen.
func (d *Director) meet(now time.Time, p *Person) {
	if !p.player() {
		return
	}
	v := d.visits[p.ID]
	if v == nil {
		if p.Distance > d.reach {
			return
		}
		v = d.newVisit(p.ID)
	}
	v.name, v.seen = p.Name, now
	if !p.Talking {
		v.unheard = false
	}
	switch {
	case !v.near && p.Distance <= d.reach:
		d.arrive(now, v)
	case v.near && p.Distance > d.reach*leaveFactor:
		v.near = false
		again := now.Sub(v.since)
		v.since = now
		if again > d.timing.Dwell && p.Distance <= d.reach*earshotOf {
			d.farewell(now, v)
		}
	}
}

// newVisit makes room by forgetting who has been away for longest.
func (d *Director) newVisit(id earshot.ParticipantID) *visit {
	if len(d.visits) >= maxVisits {
		var oldest *visit
		for _, v := range d.visits {
			if oldest == nil || v.seen.Before(oldest.seen) || v.seen.Equal(oldest.seen) && v.id < oldest.id {
				oldest = v
			}
		}
		delete(d.visits, oldest.id)
	}
	v := &visit{id: id}
	d.visits[id] = v
	return v
}

func (d *Director) arrive(now time.Time, v *visit) {
	if v.since.IsZero() || now.Sub(v.since) > visitGap {
		v.met = !v.greeted.IsZero() && now.Sub(v.greeted) < d.timing.Cooldown
		v.turns, v.bade, v.goals = 0, false, nil
		d.activate(v, persona.Happening{On: persona.TriggerApproach})
	}
	v.near, v.since = true, now
}

// activate activates the goals for which the moment has come, and reports
// whether there were any new ones.
func (d *Director) activate(v *visit, h persona.Happening) (any bool) {
	p := d.character.Persona()
	if len(p.Goals) == 0 {
		return false
	}
	variables := p.VariablesIn(d.cfg.World, d.live)
	for i := range p.Goals {
		g := &p.Goals[i]
		if len(v.goals) >= maxGoals || slices.Contains(v.goals, g.ID) || !g.Activated(h, variables, slices.Contains(v.done, g.ID)) {
			continue
		}
		v.goals, any = append(v.goals, g.ID), true
		if !slices.Contains(v.done, g.ID) {
			v.done = append(v.done, g.ID)
		}
	}
	return any
}

// maxVariables bounds what the game may report.
const maxVariables = 256

// Happened takes in what the game reports: variables, and an event that may
// activate goals of those who are near. If it does and nobody else is speaking
// with the character, it brings the matter up.
func (d *Director) Happened(now time.Time, event string, variables map[string]string) {
	for name, value := range variables {
		if _, known := d.live[name]; known || len(d.live) < maxVariables {
			d.live[name] = value
		}
	}
	var nearest *Person
	for i := range d.around {
		p := &d.around[i]
		v := d.visits[p.ID]
		if event == "" || v == nil || !v.near {
			continue
		}
		if d.activate(v, persona.Happening{On: persona.TriggerEvent, Event: event}) && (nearest == nil || p.Distance < nearest.Distance) {
			nearest = p
		}
	}
	if nearest != nil && d.quiet() {
		d.start(now, turn{kind: happening, to: nearest.ID, name: nearest.Name, text: event, ended: now, committed: true})
	}
}

// Variables returns what the game has reported so far. It is not to be changed.
func (d *Director) Variables() map[string]string { return d.live }

// Company reports whether any player is near.
func (d *Director) Company() bool {
	for _, v := range d.visits {
		if v.near {
			return true
		}
	}
	return false
}

// quiet reports whether the character is free to begin a conversation.
func (d *Director) quiet() bool {
	if d.turn.id != 0 || len(d.waiting) > 0 {
		return false
	}
	for i := range d.talkers {
		if d.talkers[i].phase != absent {
			return false
		}
	}
	return true
}

// visitTick greets, and lets go of those who have not been seen for a while.
func (d *Director) visitTick(now time.Time) {
	var greet *visit
	for _, v := range d.visits {
		if now.Sub(v.seen) > unseenFor {
			if v.near {
				v.near, v.since = false, now
			}
			if now.Sub(v.seen) > d.timing.Cooldown {
				delete(d.visits, v.id)
			}
			continue
		}
		if !v.near || v.met || now.Sub(v.since) < d.timing.Dwell || now.Sub(v.seen) > maxGap {
			continue
		}
		if now.Sub(v.since) > greetLate {
			v.met = true // the moment has passed
			continue
		}
		if greet == nil || v.since.Before(greet.since) || v.since.Equal(greet.since) && v.id < greet.id {
			greet = v
		}
	}
	if greet != nil && d.quiet() && now.Sub(d.greeted) >= greetGap {
		d.greet(now, greet)
	}
}

// greet says the greeting; without one, a model is told who came if a goal
// waits for that; else a look is all they get.
func (d *Director) greet(now time.Time, v *visit) {
	first := v.greeted.IsZero()
	v.met, v.greeted, d.greeted = true, now, now
	which := int(d.counts.Greeted)
	if first {
		which = 0 // the greeting proper: the others are for who comes back
	}
	text := d.character.Greet(d.scene(v.name), which)
	switch {
	case text != "":
		d.counts.Greeted++
		d.start(now, turn{kind: greeting, to: v.id, name: v.name, ended: now, committed: true})
		d.recite(now, text, "")
	case len(v.goals) > 0:
		d.counts.Greeted++
		d.start(now, turn{kind: happening, to: v.id, name: v.name, text: "approach", ended: now, committed: true})
	}
}

func (d *Director) farewell(now time.Time, v *visit) {
	if v.turns == 0 || v.bade || !d.quiet() {
		return
	}
	v.bade = true
	d.start(now, turn{kind: farewell, to: v.id, name: v.name, ended: now, committed: true})
	d.scripted(now, d.character.Persona().Lines.Farewell, GestureFarewell, "")
}

// partner reports whether somebody is in conversation with the character.
func (d *Director) partner(now time.Time, id earshot.ParticipantID) bool {
	if d.turn.id != 0 && d.turn.to == id {
		return true
	}
	v := d.visits[id]
	return v != nil && !v.talked.IsZero() && now.Sub(v.talked) < d.timing.Attention
}

// mention looks for the character's name in what somebody said.
func (d *Director) mention(text string, from earshot.ParticipantID, voice bool) mention {
	return mentioned(wordsOf(text), d.called, d.otherNames(from), voice)
}

// namesOther reports whether somebody else who is near is named.
func (d *Director) namesOther(text string, from earshot.ParticipantID) bool {
	return mentioned(wordsOf(text), d.otherNames(from), nil, false) == named
}

func (d *Director) otherNames(from earshot.ParticipantID) (names []string) {
	for i := range d.around {
		if p := &d.around[i]; p.ID != from {
			names = append(names, callNames(p.Name)...)
		}
	}
	return names
}
