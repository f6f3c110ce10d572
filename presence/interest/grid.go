package interest

import "math"

// Bounds of the side of a grid cell, in metres, and how many entities should
// share one as seen by an entity (including itself).
const (
	minCell, maxCell, firstCell = 1, 20, 8
	minShare, maxShare          = 4, 16
)

// Grid finds the nearest entities exactly. Entities are sorted by cell with a
// counting sort (compressed sparse rows). The plane of cells is a torus whose
// size follows the number of entities, so that one participant who walks to
// the horizon costs neither memory nor speed; entities that alias into a cell
// fall out by their distance. The cell side follows the crowding that the
// entities themselves see, which one outlier cannot change either.
type Grid struct {
	cell float32 // side in metres, of what is placed
	next float32 // of the next Rebuild
	bits uint    // the torus has 1<<bits cells a side
	from []int32 // first entity of each cell, and the end
	slot []int32 // scratch: cell of each entity in input order

	id      []int32 // by cell, as are the coordinates
	x, y, z []float32
}

// Rebuild takes the entities: ids and coordinates in metres, in slices of one
// length. It keeps copies. Coordinates must be finite and within ±1e6 m.
func (g *Grid) Rebuild(ids []int32, x, y, z []float32) {
	g.resize(len(ids))
	clear(g.from)
	for i := range ids {
		c := g.cellAt(g.column(x[i]), g.column(z[i]))
		g.slot[i] = c
		g.from[c+1]++
	}
	shared := 0
	for c := 1; c < len(g.from); c++ {
		n := int(g.from[c])
		shared += n * n
		g.from[c] += g.from[c-1]
	}
	// from[c] is where the next entity of c goes, and so ends as c's end.
	for i, c := range g.slot {
		at := g.from[c]
		g.from[c]++
		g.id[at], g.x[at], g.y[at], g.z[at] = ids[i], x[i], y[i], z[i]
	}
	copy(g.from[1:], g.from[:len(g.from)-1])
	g.from[0] = 0
	g.adapt(shared, len(ids))
}

// resize makes room for n entities and takes the cell side that the last
// Rebuild asked for.
func (g *Grid) resize(n int) {
	if g.next == 0 {
		g.next = firstCell
	}
	g.cell = g.next
	g.bits = 3
	for 1<<(2*g.bits) < n {
		g.bits++
	}
	g.from = grow(g.from, 1<<(2*g.bits)+1)
	g.slot, g.id = grow(g.slot, n), grow(g.id, n)
	g.x, g.y, g.z = grow(g.x, n), grow(g.y, n), grow(g.z, n)
}

// adapt chooses the cell side of the next Rebuild: the one of this Rebuild has
// to stay for the queries. shared is the sum over the
// entities of how many are in their cell.
func (g *Grid) adapt(shared, n int) {
	switch {
	case shared > maxShare*n:
		g.next = max(g.cell/1.25, minCell)
	case shared < minShare*n:
		g.next = min(g.cell*1.25, maxCell)
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}

func (g *Grid) column(v float32) int32 {
	return int32(math.Floor(float64(v / g.cell)))
}

func (g *Grid) cellAt(col, row int32) int32 {
	mask := int32(1)<<g.bits - 1
	return (row&mask)<<g.bits | col&mask
}
