package directory

import (
	"cmp"
	"math"
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// Bounds of a question.
const (
	MaxRadius = 1000 // metres
	MaxFound  = 1000
)

// Neighbour is somebody near a place.
type Neighbour struct {
	Sighting
	Distance float64 // metres
}

// CellCount is how many are in a cell, over all instances of a world.
type CellCount struct {
	Cell  [2]int16
	Count int
}

// near returns who is seen within radius of a place, in any instance, nearest
// first.
func (w *world) near(place earshot.Vec3, radius float64) (found []Neighbour) {
	low := CellOf(place.Sub(earshot.Vec3{X: float32(radius), Z: float32(radius)}))
	high := CellOf(place.Add(earshot.Vec3{X: float32(radius), Z: float32(radius)}))
	look := func(cell [2]int16) {
		for id := range w.cells[cell] {
			s, _, _ := w.people.Get(id)
			if d := distance(s.Position, place); d <= radius && s.is(Shown|Located) {
				found = append(found, Neighbour{s, d})
			}
		}
	}
	if cells := (int(high[0]) - int(low[0]) + 1) * (int(high[1]) - int(low[1]) + 1); cells > len(w.cells) {
		for cell := range w.cells {
			look(cell)
		}
	} else {
		for x := int(low[0]); x <= int(high[0]); x++ {
			for z := int(low[1]); z <= int(high[1]); z++ {
				look([2]int16{int16(x), int16(z)})
			}
		}
	}
	slices.SortFunc(found, func(a, b Neighbour) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Participant, b.Participant))
	})
	return found
}

func distance(a, b earshot.Vec3) float64 {
	x, y, z := float64(a.X-b.X), float64(a.Y-b.Y), float64(a.Z-b.Z)
	return math.Sqrt(x*x + y*y + z*z)
}

// density counts those whose place may be known and who are in one of some
// instances, by cell, fullest first.
func (w *world) density(open map[earshot.InstanceID]bool) []CellCount {
	out := make([]CellCount, 0, len(w.cells))
	for cell, people := range w.cells {
		count := 0
		for id := range people {
			if s, _, _ := w.people.Get(id); s.is(Shown|Located) && open[s.Instance] {
				count++
			}
		}
		if count > 0 {
			out = append(out, CellCount{cell, count})
		}
	}
	slices.SortFunc(out, func(a, b CellCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Cell[0], b.Cell[0]), cmp.Compare(a.Cell[1], b.Cell[1]))
	})
	return out
}

// Nodes returns the nodes that live, as of the last survey. The slice is the
// caller's to read, not to write; so are those of the others below.
func (d *Directory) Nodes() []cluster.NodeRecord {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.view.nodes
}

// Instances returns the listed instances of a world, sorted by id; those whose
// owner is gone are Orphaned.
func (d *Directory) Instances(world string) (found []cluster.InstanceRecord) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, rec := range d.view.listed {
		if rec.World == world {
			found = append(found, rec)
		}
	}
	return found
}

// People returns how many are in all instances of a watched world.
func (d *Directory) People(world string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.view.worlds[world]; w != nil {
		return w.people.Len()
	}
	return 0
}

// Density returns the cells of a watched world in which anybody is, fullest
// first, over all instances that everybody may enter. It says nothing of who is
// there, and counts nobody whose place others must not know. complete: see
// Answer.
func (d *Directory) Density(world string) (cells []CellCount, complete bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.view.worlds[world]
	if w == nil {
		return nil, false
	}
	return w.density(d.view.open(world)), d.complete(world)
}

// open are the instances of a world that everybody may enter.
func (v *view) open(world string) map[earshot.InstanceID]bool {
	out := make(map[earshot.InstanceID]bool)
	for i := range v.listed {
		if rec := &v.listed[i]; rec.World == world && (rec.Kind == cluster.KindPublic || rec.Kind == cluster.KindEvent) {
			out[rec.Instance] = true
		}
	}
	return out
}

// complete is Answer.Complete. mu is held.
func (d *Directory) complete(world string) bool {
	return d.view.whole(world) && !d.away(time.Now())
}

// Complete reports whether the view of a watched world has everybody: see Answer.
func (d *Directory) Complete(world string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.complete(world)
}
