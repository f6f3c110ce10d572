package desk

import (
	"math"
	"slices"

	"earshot"
	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/crowd"
)

// granted is a bed as a listener with a mix hears it.
type granted struct {
	bed    *bed
	centre earshot.Vec3
	radius float32
	fading
}

// grant gives l the beds of a plan. What it had and has no more fades out before,
// while it is Leaving; what was taken away without that, because of somebody whom
// l must not hear, is not heard a sample longer. The order lock is held for
// writing.
func (l *Listener) grant(plan *crowd.Plan, beds []*bed, grants []crowd.Grant) {
	before := l.beds
	l.beds = l.spare[:0]
	for _, g := range grants {
		of := &plan.Beds[g.Bed]
		b := beds[g.Bed]
		n := granted{bed: b, centre: placed(of.Centre), radius: of.Radius}
		if i := slices.IndexFunc(before, func(h granted) bool { return h.bed == b }); i >= 0 {
			n.gain = before[i].gain
		}
		if g.Phase == crowd.Heard {
			n.target = g.Gain
		}
		n.step = max(n.gain, n.target) / fadeBeats
		l.beds = append(l.beds, n)
		b.ears++
	}
	for _, h := range before {
		if !slices.ContainsFunc(l.beds, func(n granted) bool { return n.bed == h.bed }) {
			l.state.Drop(&h.bed.sound)
		}
	}
	clear(before) // holds no bed longer than it must
	l.spare = before[:0]
}

// placed returns where a place of a plan is in the world: rooms are laid apart.
func placed(at earshot.Vec3) earshot.Vec3 {
	at.X -= stride * float32(math.Round(float64(at.X)/stride))
	return at
}

// lose takes a bed away at once, with somebody in it whom l must not hear. The
// order lock is held for writing.
func (l *Listener) lose(b *bed, spare *spares) {
	l.beds = slices.DeleteFunc(l.beds, func(h granted) bool { return h.bed == b })
	l.dropBed(b, spare)
}

// has reports whether a voice is in a bed that l hears. The order lock is held.
func (l *Listener) has(v *voice) bool {
	return slices.ContainsFunc(l.beds, func(h granted) bool { return h.bed.holds(v) })
}

// dropBed forgets what of a bed could still sound: somebody in it must not be
// heard any more. The order lock is held for writing.
func (l *Listener) dropBed(b *bed, spare *spares) {
	if l.state.Drop(&b.sound) {
		l.renew(spare)
	}
}

// gatherBeds adds the beds to what is mixed in this beat.
func (l *Listener) gatherBeds(w *worker) {
	for i := range l.beds {
		h := &l.beds[i]
		if _, gain := h.fade(); gain > 0 {
			w.ages.merge(&h.bed.ages)
			w.heard = append(w.heard, binaural.Heard{Source: &h.bed.sound, Position: h.centre, Radius: h.radius, Gain: gain})
		}
	}
}
