package truth

import (
	"math"
	"time"

	"earshot"
	"earshot/spatialaudio"
	"earshot/spatialaudio/zone"
)

// How an Earshot server gives out slots (sfu/forward, presence/interest), as
// far as a client can rely on it.
const (
	hysteresis = 4.0                     // dB by which a challenger must be ahead
	better     = 0.85                    // of the farthest distance: a nearer one takes its place among the nearest
	lingering  = 600 * time.Millisecond  // so long one who fell silent may keep a slot from a talker
	fresh      = 200 * time.Millisecond  // so long a talker counts as heard after a packet
	jump       = 3.0                     // metres in one step: not walking
	fringe     = 1.0                     // metres around the range where either is right
	recently   = 1500 * time.Millisecond // so long a pair that was heard is looked after
)

// Config is what the server promises.
type Config struct {
	Curve spatialaudio.Curve // of the world, as welcome says
	Zones *zone.Set          // of the world, as welcome says; nil is none
	Near  int                // how many others a participant has around them at most; 0 is 64
	// Margin is by how much more than the hysteresis somebody must be ahead to
	// be due, for levels and places that are not quite those the server sees; 0
	// is 2 dB.
	Margin float64
	// Patience is how long the server may take until slots are as they should
	// be: it reviews them every 50 ms, keeps somebody for 500 ms and lets a
	// challenger wait for another 400 ms. 0 is 1.2 s. Delays of the network come
	// on top, as Person.Lag says.
	Patience time.Duration
}

// Person is the truth about a participant.
type Person struct {
	ID       uint32            // as their voice packets say
	Head     earshot.Transform // mouth and ears, in the world
	Level    float64           // smoothed (see Level) and levelled (loudness.Estimate), dBov
	Speaking bool
	Since    time.Time     // when they began to speak; zero is the Step that first said so
	Away     bool          // not to be heard by anybody: muted, isolated, not ready
	Lag      time.Duration // of their network, one way
}

// World is who is where and speaks, at one moment.
type World struct {
	cfg  Config
	now  time.Time
	step uint64

	people []person
	index  map[uint32]int32 // into people
	voices []int32          // of those who speak or did a moment ago
	beside zone.Spot        // scratch
}

type person struct {
	Person
	seen    uint64 // step
	spoke   time.Time
	lively  bool      // speaks, or did a moment ago
	settled time.Time // since when they speak and are where one walks to
	x, y, z float64

	spot   zone.Spot
	hushed bool // may not speak where they are
	skims  bool // is on a border, or as good as
}

// New returns an empty world.
func New(cfg Config) *World {
	if cfg.Near == 0 {
		cfg.Near = 64
	}
	if cfg.Margin == 0 {
		cfg.Margin = 2
	}
	if cfg.Patience == 0 {
		cfg.Patience = 1200 * time.Millisecond
	}
	return &World{cfg: cfg, index: map[uint32]int32{}}
}

// SetCurve changes the curve, as a designer may while people talk.
func (w *World) SetCurve(c spatialaudio.Curve) { w.cfg.Curve = c }

// Now returns the time of the last Step.
func (w *World) Now() time.Time { return w.now }

// Step says how things are now, for everybody; who is missing is gone. Call it
// about ten times a second, with times that go on.
func (w *World) Step(now time.Time, people []Person) {
	w.step++
	w.now = now
	w.voices = w.voices[:0]
	for i := range people {
		w.update(&people[i])
	}
	w.forget()
	for i := range w.people {
		p := &w.people[i]
		if p.lively = !p.Away && !p.hushed && now.Sub(p.spoke) <= lingering; p.lively {
			w.voices = append(w.voices, int32(i))
		}
	}
}

func (w *World) update(q *Person) {
	i, known := w.index[q.ID]
	if !known {
		i = int32(len(w.people))
		w.index[q.ID] = i
		w.people = append(w.people, person{})
	}
	p := &w.people[i]
	at := q.Head.Position
	x, y, z := float64(at.X), float64(at.Y), float64(at.Z)
	moved := !known || distance2(p, x, y, z) > jump*jump
	began := q.Speaking && !(p.Speaking && known)
	back := p.Away && !q.Away
	p.Person, p.seen, p.x, p.y, p.z = *q, w.step, x, y, z
	w.locate(p)
	if began && (p.Since.IsZero() || p.Since.After(w.now)) {
		p.Since = w.now
	}
	switch {
	case moved || back:
		p.settled = w.now
	case began:
		p.settled = p.Since
	}
	if q.Speaking {
		p.spoke = w.now
	}
}

// forget removes those who are gone.
func (w *World) forget() {
	for i := 0; i < len(w.people); {
		if w.people[i].seen == w.step {
			i++
			continue
		}
		delete(w.index, w.people[i].ID)
		last := len(w.people) - 1
		if i < last {
			w.people[i] = w.people[last]
			w.index[w.people[i].ID] = int32(i)
		}
		w.people = w.people[:last]
	}
}

func distance2(p *person, x, y, z float64) float64 {
	dx, dy, dz := p.x-x, p.y-y, p.z-z
	return dx*dx + dy*dy + dz*dz
}

// person returns somebody, nil if they are not there.
func (w *World) person(id uint32) *person {
	if i, ok := w.index[id]; ok {
		return &w.people[i]
	}
	return nil
}

// score returns how audible talker is at the listener, in dB, and whether at
// all.
func (w *World) score(listener, talker *person) (float64, bool) {
	gain := w.cfg.Curve.Gain(listener.Head.Position, talker.Head)
	if w.cfg.Zones != nil {
		path := w.cfg.Zones.Hear(&talker.spot, &listener.spot)
		if !path.Allowed() {
			return spatialaudio.FloorDB, false
		}
		gain, _ = path.Gain(gain)
	}
	return spatialaudio.Audibility(talker.Level, gain, 0), gain > 0
}

// horizon returns the square of the distance up to which the listener has
// others around them: infinite, but in a crowd. dist is scratch.
func (w *World) horizon(listener *person, dist []float64) (float64, []float64) {
	dist = dist[:0]
	if len(w.people) <= w.cfg.Near {
		return math.Inf(1), dist
	}
	reach := (w.cfg.Curve.Range + fringe) / better
	for i := range w.people {
		p := &w.people[i]
		if d := distance2(p, listener.x, listener.y, listener.z); p != listener && d < reach*reach {
			dist = append(dist, d)
		}
	}
	if len(dist) <= w.cfg.Near {
		return math.Inf(1), dist
	}
	return nth(dist, w.cfg.Near-1), dist
}

// nth returns the value that comes at place n in order, and reorders v
// (quickselect).
func nth(v []float64, n int) float64 {
	low, high := 0, len(v)-1
	for low < high {
		pivot := v[(low+high)/2]
		i, j := low, high
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case n <= j:
			high = j
		case n >= i:
			low = i
		default:
			return v[n]
		}
	}
	return v[n]
}
