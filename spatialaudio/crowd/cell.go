package crowd

import (
	"cmp"
	"math"
	"slices"

	"earshot"
)

// Cells are numbered from the middle of the world.
const (
	coordBits = 24
	levelBits = 2 * coordBits // where the level is in a cell's key
)

// cell is one square of the world with talkers in it, or one from which the last
// has just gone.
type cell struct {
	key          uint64
	centre       earshot.Vec3 // of the square; its height is that of its sound
	first, count int32        // of the cells within, or of the sorted talkers for the smallest
	mix          mix

	demand [parts]int32 // listeners
	bed    [parts]int32 // index in the plan, or none
}

const none = -1

func (c *cell) level() int { return int(c.key >> levelBits) }

func (c *cell) code() uint64 { return c.key & (1<<levelBits - 1) }

// side returns the side of the cells of a level in metres.
func (c *Config) side(level int) float32 { return c.Leaf * float32(int(1)<<level) }

// morton returns the code of the smallest cell at a place: the bits of x and z
// in turns, so that what is near in it is near in the world, and the code
// without its last two bits is that of the cell around.
func (c *Config) morton(at earshot.Vec3) uint64 {
	return spread(c.coord(at.X)) | spread(c.coord(at.Z))<<1
}

func (c *Config) coord(v float32) uint64 {
	const half = 1 << (coordBits - 1)
	return uint64(min(max(math.Floor(float64(v)/float64(c.Leaf)), -half), half-1) + half)
}

// inWorld reports whether a place is in a cell; others neither talk nor hear.
func (c *Config) inWorld(at earshot.Vec3) bool {
	limit := c.Leaf * (1 << (coordBits - 1))
	inside := func(v float32) bool { return v >= -limit && v < limit } // not NaN
	return inside(at.X) && inside(at.Y) && inside(at.Z)
}

// place returns the middle of the cell with a code at a level.
func (c *Config) place(level int, code uint64) earshot.Vec3 {
	side := float64(c.side(level))
	middle := func(n uint64) float32 {
		return float32((float64(n) - float64(uint64(1)<<(coordBits-1)>>level) + 0.5) * side)
	}
	return earshot.Vec3{X: middle(gather(code)), Z: middle(gather(code >> 1))}
}

// spread moves the low bits of v to every other place.
func spread(v uint64) uint64 {
	v = (v | v<<16) & 0x0000ffff0000ffff
	v = (v | v<<8) & 0x00ff00ff00ff00ff
	v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f
	v = (v | v<<2) & 0x3333333333333333
	return (v | v<<1) & 0x5555555555555555
}

// gather undoes spread.
func gather(v uint64) uint64 {
	v &= 0x5555555555555555
	v = (v | v>>1) & 0x3333333333333333
	v = (v | v>>2) & 0x0f0f0f0f0f0f0f0f
	v = (v | v>>4) & 0x00ff00ff00ff00ff
	v = (v | v>>8) & 0x0000ffff0000ffff
	return (v | v>>16) & 0x00000000ffffffff
}

// tree is the cells of a plan: those with talkers sorted by key, which is by
// level first, and then those without, sorted too.
type tree struct {
	cells  []cell
	levels [MaxLevels + 1]int // where each level begins; then the empty ones
	top    int
}

// find returns the index of a cell, none where there is none.
func (t *tree) find(key uint64) int32 {
	live := t.levels[t.top]
	if i, found := search(t.cells[:live], key); found {
		return int32(i)
	}
	if i, found := search(t.cells[live:], key); found {
		return int32(live + i)
	}
	return none
}

func search(cells []cell, key uint64) (int, bool) {
	i, to := 0, len(cells)
	for i < to {
		if middle := (i + to) / 2; cells[middle].key < key {
			i = middle + 1
		} else {
			to = middle
		}
	}
	return i, i < len(cells) && cells[i].key == key
}

// add appends an empty cell.
func (t *tree) add(key uint64, first int) *cell {
	t.cells = append(t.cells, cell{key: key, first: int32(first), bed: [parts]int32{none, none, none}})
	return &t.cells[len(t.cells)-1]
}

// grow makes the tree over talkers sorted by code.
func (t *tree) grow(c *Config, talkers []talker) {
	t.cells, t.top = t.cells[:0], c.Levels
	t.levels[0] = 0
	for i := range talkers {
		code := talkers[i].code
		if i == 0 || code != talkers[i-1].code {
			t.add(code, i).centre = c.place(0, code)
		}
		t.cells[len(t.cells)-1].count++
	}
	for level := 1; level < c.Levels; level++ {
		from, to := t.levels[level-1], len(t.cells)
		t.levels[level] = to
		for i := from; i < to; i++ {
			key := uint64(level)<<levelBits | t.cells[i].code()>>2
			if last := len(t.cells) - 1; last < to || t.cells[last].key != key {
				t.add(key, i).centre = c.place(level, key&(1<<levelBits-1))
			}
			t.cells[len(t.cells)-1].count++
		}
	}
	t.levels[c.Levels] = len(t.cells)
}

// keepGone adds the cells of the tree before that have no talkers any more but
// whose sound is not over.
func (t *tree) keepGone(before *tree, settle func(*cell) bool) {
	live := len(t.cells)
	for i := range before.cells {
		old := &before.cells[i]
		if old.mix.used == 0 {
			continue
		}
		if _, found := search(t.cells[:live], old.key); found {
			continue
		}
		c := t.add(old.key, 0)
		c.centre, c.mix = old.centre, old.mix
		if !settle(c) {
			t.cells = t.cells[:len(t.cells)-1]
		}
	}
	slices.SortFunc(t.cells[live:], func(a, b cell) int { return cmp.Compare(a.key, b.key) })
}
