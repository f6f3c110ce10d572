package near

import (
	"math"
	"slices"

	"earshot"
)

const (
	// farther is how much beyond the radius one who was near goes: who walks
	// along the edge is not told of again and again.
	farther = 1.1
	// movedBy is how far somebody goes before that is told, in metres.
	movedBy = 1
)

// Feed is one watch: it knows what was told, and says what is new.
type Feed struct {
	watch Watch
	seq   uint64
	told  map[earshot.ParticipantID]Person
	whole bool // as told
	fresh bool // a snapshot is due
}

// NewFeed begins with a snapshot.
func NewFeed(w Watch) *Feed {
	return &Feed{watch: w, told: map[earshot.ParticipantID]Person{}, fresh: true}
}

// Watch is what it is about.
func (f *Feed) Watch() Watch { return f.watch }

// Seq is the number of the last message.
func (f *Feed) Seq() uint64 { return f.seq }

// Resync has the next Update return a snapshot.
func (f *Feed) Resync() { f.fresh = true }

// Reach is within how many metres to ask who is there, for Update.
func (f *Feed) Reach() float64 { return f.watch.Radius * farther }

// Update takes in who is within Reach, nearest first, and whether that is
// everybody. It returns what to tell, nil for nothing: who came within the
// radius, who of those moved or changed, and who is a tenth beyond it or gone.
func (f *Feed) Update(people []Person, complete bool) ServerMessage {
	near := make([]Person, 0, len(people))
	for _, p := range people {
		if _, was := f.told[p.Participant]; (was || p.Distance <= f.watch.Radius) && len(near) < MaxPeople {
			near = append(near, p)
		}
	}
	if f.fresh {
		f.fresh, f.whole = false, complete
		clear(f.told)
		for _, p := range near {
			f.told[p.Participant] = p
		}
		f.seq++
		return &Snapshot{ID: f.watch.ID, Seq: f.seq, Complete: complete, People: near}
	}
	d := Delta{ID: f.watch.ID, Complete: complete}
	still := make(map[earshot.ParticipantID]struct{}, len(near))
	for _, p := range near {
		still[p.Participant] = struct{}{}
		before, was := f.told[p.Participant]
		switch {
		case !was:
			d.Came = append(d.Came, p)
		case changed(&before, &p):
			d.Moved = append(d.Moved, p)
		default:
			continue
		}
		f.told[p.Participant] = p
	}
	for id := range f.told {
		if _, ok := still[id]; !ok {
			d.Went = append(d.Went, id)
			delete(f.told, id)
		}
	}
	if d.Came == nil && d.Moved == nil && d.Went == nil && complete == f.whole {
		return nil
	}
	slices.Sort(d.Went)
	f.whole = complete
	f.seq++
	d.Seq = f.seq
	return &d
}

// changed reports whether somebody moved enough, or is otherwise different.
func changed(before, now *Person) bool {
	x, y, z := now.Position[0]-before.Position[0], now.Position[1]-before.Position[1], now.Position[2]-before.Position[2]
	if math.Sqrt(x*x+y*y+z*z) >= movedBy || math.Abs(now.Distance-before.Distance) >= movedBy {
		return true
	}
	same := *now
	same.Position, same.Distance = before.Position, before.Distance
	return same != *before
}
