package truth

import (
	"time"

	"earshot"
	"earshot/spatialaudio/zone"
)

// What zones forbid holds soon after the server knows where people are: within a
// tick of the pose that says so. With poses that get lost that is sure after
// half a second, and no server is blamed for less.
const wallPatience = 500 * time.Millisecond

// skim is how near to a border somebody is on neither side of it, in metres:
// poses are rounded on their way.
const skim = 0.05

// SetZones changes the zones, as a designer may while people talk; nil is none.
func (w *World) SetZones(set *zone.Set) { w.cfg.Zones = set }

// locate works out where p is and whether they may speak there.
func (w *World) locate(p *person) {
	if w.cfg.Zones == nil {
		p.hushed, p.skims = false, false
		p.spot = zone.Spot{}
		return
	}
	at := p.Head.Position
	w.cfg.Zones.Locate(at, &p.spot)
	in := w.cfg.Zones.Matters(p.spot.In)
	p.hushed = !w.cfg.Zones.MaySpeak(p.spot.In, zone.Speaker{})
	p.skims = false
	for _, off := range [...]earshot.Vec3{{X: skim}, {X: -skim}, {Z: skim}, {Z: -skim}} {
		w.cfg.Zones.Locate(at.Add(off), &w.beside)
		p.skims = p.skims || w.cfg.Zones.Matters(w.beside.In) != in
	}
}

// shut reports whether zones keep talker's voice from listener, beyond doubt.
func (w *World) shut(talker, listener *person) bool {
	if w.cfg.Zones == nil || talker.skims || listener.skims {
		return false
	}
	return talker.hushed || !w.cfg.Zones.Reaches(talker.spot.In, listener.spot.In)
}

// amplified reports whether a megaphone may bring p's voice to far away.
func (w *World) amplified(p *person) bool { return w.cfg.Zones.Amplified(p.spot.In) }

// wall counts the packets of a talker that came through a wall, and notes since
// when there is one. What came while nobody can say on which side the two were
// is not held against anybody.
func (q *pair) wall(w *World, me, t *person, f *Figures, window *Window) {
	switch {
	case t == nil || !w.shut(t, me):
		q.walled = time.Time{}
	case q.walled.IsZero():
		q.walled = w.now.Add(wallPatience + me.Lag + t.Lag)
	default:
		f.Forbidden += q.through
		window.Forbidden += q.through
	}
	q.through = 0
}
