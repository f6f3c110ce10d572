package forward

// gapsKept is how far back a gap is known, in numbers: more than a Rewriter
// takes packets late.
const gapsKept = 512

// gaps closes up the numbers of a source of which some are left out on
// purpose, so that what is left out does not look lost. A number that is late,
// or lost on the way here, keeps its place. The zero gaps has none.
type gaps struct {
	newest uint16
	total  uint16                // left out since reset
	out    [gapsKept / 64]uint64 // by number: left out; of the last gapsKept up to newest
}

// reset begins with a number.
func (g *gaps) reset(first uint16) {
	if g.total != 0 {
		g.out = [gapsKept / 64]uint64{}
	}
	g.newest, g.total = first, 0
}

// advance moves on by so many numbers, none of which is left out.
func (g *gaps) advance(by int) {
	if g.total == 0 {
		g.newest += uint16(by)
		return
	}
	for range min(by, gapsKept) {
		g.newest++
		g.out[g.word(g.newest)] &^= g.bit(g.newest)
	}
	g.newest += uint16(by - min(by, gapsKept))
}

// leaveOut leaves the newest number out.
func (g *gaps) leaveOut() {
	g.out[g.word(g.newest)] |= g.bit(g.newest)
	g.total++
}

// before returns how many numbers up to n were left out, and whether n was. n
// is not newer than the newest, and not older by gapsKept.
func (g *gaps) before(n uint16) (count uint16, left bool) {
	if g.total == 0 {
		return 0, false
	}
	count = g.total
	for at := g.newest; at != n; at-- {
		if g.has(at) {
			count--
		}
	}
	return count, g.has(n)
}

// find returns the number that is so many places before the newest of those
// that were not left out. ok is false where that is not known any more.
func (g *gaps) find(places uint16) (n uint16, ok bool) {
	if g.total == 0 {
		return g.newest - places, places < gapsKept
	}
	n = g.newest
	for range gapsKept {
		if !g.has(n) {
			if places == 0 {
				return n, true
			}
			places--
		}
		n--
	}
	return 0, false
}

func (g *gaps) has(n uint16) bool { return g.out[g.word(n)]&g.bit(n) != 0 }
func (*gaps) word(n uint16) int   { return int(n%gapsKept) / 64 }
func (*gaps) bit(n uint16) uint64 { return 1 << (n % 64) }
