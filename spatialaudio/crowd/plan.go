package crowd

import (
	"time"

	"earshot"
)

// Part is which of a cell's talkers a bed has. The halves are for listeners who
// may not hear somebody in the other half.
type Part uint8

// Parts of a cell's talkers.
const (
	Whole Part = iota
	Even
	Odd
	parts
)

// Key names a bed for as long as there is one: where it is, and what of it.
type Key struct {
	Cell uint64 // level and Morton code
	Part Part
}

// Phase is where something that is heard is in its time.
type Phase uint8

const (
	// Waiting is announced, and not mixed or sent yet.
	Waiting Phase = iota
	// Heard is mixed or sent. What was not in the plan before, or waited, fades
	// in within Config.Crossfade.
	Heard
	// Leaving fades out within Config.Crossfade from when it began to leave.
	Leaving
)

// Talker is one whom a bed mixes.
type Talker struct {
	ID    ID
	Phase Phase
}

// Bed is a mono mix, encoded once.
type Bed struct {
	Key    Key
	Centre earshot.Vec3 // of its sound, in the world
	Radius float32      // metres around the centre that it comes from
	// GainDB is for each voice after levelling: 3 dB less with each doubling of
	// those of the cell who are mixed, so that no crowd is louder than a voice.
	GainDB  float32
	LevelDB float32 // of the mix, dBov
	// Listeners is how many get it, those who still do included.
	Listeners int32

	first, n int32 // of Plan.talkers
}

// Grant is a bed that a listener gets.
type Grant struct {
	Bed   int32   // index of Plan.Beds
	Gain  float32 // linear, for the distance
	Phase Phase   // Heard or Leaving
}

// Voice is an individual voice that stays one.
type Voice struct {
	ID    ID
	Phase Phase // Heard or Leaving, where a bed has it now
}

// Stats are of one plan.
type Stats struct {
	Talkers, Cells int // who talks, and cells of all sizes with talkers in them
	Grants         int
	Halved         int  // grants of half a bed because of a forbidden voice
	Opened         int  // cells opened because of a forbidden voice
	Lost           int  // smallest cells that a listener does not hear for that reason
	Short          bool // more beds were wanted than Config.Beds: listeners chose among those there are
	Cut            int  // grants that ended without a fade because of a forbidden voice
}

// Plan is all that is mixed and who gets it, from At until the next plan.
type Plan struct {
	At    time.Time
	Beds  []Bed
	Stats Stats

	generation uint64 // of the rules
	talkers    []Talker
	listeners  []listening // by ID
	grants     []Grant
	voices     []Voice
}

// listening is what a person gets: of Plan.grants and Plan.voices.
type listening struct{ firstGrant, grants, firstVoice, voices int32 }

// Talkers returns whom a bed mixes: exactly those who are not Waiting. They are
// the plan's, not to be changed.
func (p *Plan) Talkers(bed int) []Talker {
	b := &p.Beds[bed]
	return p.talkers[b.first : b.first+b.n]
}

// Grants returns the beds that a listener gets, loudest first, those that leave
// after the others.
func (p *Plan) Grants(listener ID) []Grant {
	if listener < 0 || int(listener) >= len(p.listeners) {
		return nil
	}
	l := &p.listeners[listener]
	return p.grants[l.firstGrant : l.firstGrant+l.grants]
}

// Voices returns those of the individual voices asked for that stay individual,
// in the order asked for.
func (p *Plan) Voices(listener ID) []Voice {
	if listener < 0 || int(listener) >= len(p.listeners) {
		return nil
	}
	l := &p.listeners[listener]
	return p.voices[l.firstVoice : l.firstVoice+l.voices]
}

// Allowed reports whether a listener may get a bed as it is mixed in this plan.
// It is for audits as much as for the plan itself.
func (p *Plan) Allowed(r *Rules, listener ID, bed int) bool {
	for _, t := range p.Talkers(bed) {
		if t.Phase != Waiting && !r.MayHear(listener, t.ID) {
			return false
		}
	}
	return true
}

// Enforce strikes out all that the rules forbid by now, and returns how much.
// Call it with the lock held under which the plan is put in force and orders are
// given: then no order is missed that came while the plan was made.
func (p *Plan) Enforce(r *Rules) (struck int) {
	if p.generation == r.generation {
		return 0
	}
	for id := range p.listeners {
		struck += p.enforce(r, ID(id))
	}
	p.generation = r.generation
	return struck
}

func (p *Plan) enforce(r *Rules, id ID) (struck int) {
	l := &p.listeners[id]
	grants := p.Grants(id)
	kept := grants[:0]
	for _, g := range grants {
		if p.Allowed(r, id, int(g.Bed)) {
			kept = append(kept, g)
			continue
		}
		p.Beds[g.Bed].Listeners--
		struck++
	}
	l.grants = int32(len(kept))
	voices := p.Voices(id)
	left := voices[:0]
	for _, v := range voices {
		if r.MayHear(id, v.ID) {
			left = append(left, v)
			continue
		}
		struck++
	}
	l.voices = int32(len(left))
	return struck
}

// Forbid is for while the plan is in force, at once: it strikes out the
// listener's grants of beds that mix the talker, or are about to, and the
// talker's individual voice, and appends the beds lost to dst. Rules.Forbid is for the plans that follow.
func (p *Plan) Forbid(listener, talker ID, dst []Key) []Key {
	if listener < 0 || int(listener) >= len(p.listeners) {
		return dst
	}
	l := &p.listeners[listener]
	grants := p.Grants(listener)
	kept := grants[:0]
	for _, g := range grants {
		if p.mixes(int(g.Bed), talker) {
			dst = append(dst, p.Beds[g.Bed].Key)
			p.Beds[g.Bed].Listeners--
			continue
		}
		kept = append(kept, g)
	}
	l.grants = int32(len(kept))
	voices := p.Voices(listener)
	left := voices[:0]
	for _, v := range voices {
		if v.ID != talker {
			left = append(left, v)
		}
	}
	l.voices = int32(len(left))
	return dst
}

// mixes reports whether a talker is in a bed's mix, or waits for it.
func (p *Plan) mixes(bed int, id ID) bool {
	for _, t := range p.Talkers(bed) {
		if t.ID == id {
			return true
		}
	}
	return false
}

// Silence takes a talker out of all beds at once: muted, isolated, gone. It
// appends the beds that mixed them to dst: whatever remembers what they said
// (fades, encoder, copies) is to be made anew.
func (p *Plan) Silence(talker ID, dst []Key) []Key {
	for i := range p.Beds {
		talkers := p.Talkers(i)
		for j, t := range talkers {
			if t.ID != talker {
				continue
			}
			if t.Phase != Waiting {
				dst = append(dst, p.Beds[i].Key)
			}
			copy(talkers[j:], talkers[j+1:])
			p.Beds[i].n--
			break
		}
	}
	return dst
}

// reset empties the plan for the next.
func (p *Plan) reset(now time.Time, people int, generation uint64) {
	p.At, p.Stats, p.generation = now, Stats{}, generation
	p.Beds, p.talkers, p.grants, p.voices = p.Beds[:0], p.talkers[:0], p.grants[:0], p.voices[:0]
	if cap(p.listeners) < people {
		p.listeners = make([]listening, people)
	}
	p.listeners = p.listeners[:people]
	clear(p.listeners)
}
