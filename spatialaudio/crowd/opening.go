package crowd

import "math"

// opening is a cell on the way through the tree.
type opening struct {
	cell  int32
	ratio float32 // of side to distance
}

// maxFront is how many cells a listener looks at, at one time.
const maxFront = 96

// top fills the front with the largest cells.
func (p *Planner) top(h *Person, was *past) (n int) {
	for i := p.now.levels[p.now.top-1]; i < p.now.levels[p.now.top]; i++ {
		n = p.look(n, i, h, was)
	}
	return n
}

// look adds a cell to the front if any of it can be heard.
func (p *Planner) look(n, i int, h *Person, was *past) int {
	c := &p.now.cells[i]
	side := p.cfg.side(c.level())
	x, z := h.Position.X-c.centre.X, h.Position.Z-c.centre.Z
	nearX, nearZ := max(abs(x)-side/2, 0), max(abs(z)-side/2, 0)
	if r := float32(p.cfg.Curve.Range); nearX*nearX+nearZ*nearZ >= r*r || n == maxFront {
		return n
	}
	o := opening{cell: int32(i), ratio: side / float32(math.Sqrt(float64(x*x+z*z)))}
	switch {
	case p.code>>(2*c.level()) == c.code():
		o.ratio = inside
	case o.ratio < 2*p.cfg.Coarse && was.has(c.key) != nil: // what one has is not opened as soon
		o.ratio *= 0.8
	}
	p.front[n] = o
	return n + 1
}

// inside is the ratio of the cell that one stands in.
const inside = math.MaxFloat32

func abs(f float32) float32 { return float32(math.Abs(float64(f))) }

// open opens cells, the largest for their distance first, while they are too
// large or there are beds left. The smallest that are still too large are near:
// voices there are individual.
func (p *Planner) open(n int, h *Person, was *past) int {
	for {
		at := none
		for i := range p.front[:n] {
			if r := p.front[i].ratio; r > p.cfg.Fine && (at < 0 || r > p.front[at].ratio) {
				at = i
			}
		}
		if at < 0 {
			return n
		}
		o := p.front[at]
		c := &p.now.cells[o.cell]
		must := o.ratio >= p.cfg.Coarse
		switch {
		case c.level() == 0 && !must:
			p.front[at].ratio = 0 // as small as can be
			continue
		case !must && n-1+int(c.count) > p.cfg.beds(h):
			return n
		}
		n--
		p.front[at] = p.front[n]
		if c.level() > 0 {
			n = p.within(n, c, h, was)
		}
	}
}

// within adds the cells within c to the front.
func (p *Planner) within(n int, c *cell, h *Person, was *past) int {
	for i := c.first; i < c.first+c.count; i++ {
		n = p.look(n, int(i), h, was)
	}
	return n
}
