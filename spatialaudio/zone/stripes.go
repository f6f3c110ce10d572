package zone

import "math"

// columns is into how many stripes the ground is cut, each way.
const columns = 64

// stripes find the zones near a place or a straight way without looking at
// each: the ground is cut into stripes along x and along z, and for each it is
// known which zones end before it and which begin after it.
type stripes struct {
	all  Mask
	x, z axis
}

// axis is one of the two.
type axis struct {
	low, perMetre float64
	ended, coming [columns]Mask // before and after the stripe
}

func (s *stripes) stripe(solids []solid) {
	x := func(o *solid) (float64, float64) { return o.lowX, o.topX }
	z := func(o *solid) (float64, float64) { return o.lowZ, o.topZ }
	s.all = Mask(1)<<len(solids) - 1 // all bits where there are 64
	s.x, s.z = newAxis(solids, x), newAxis(solids, z)
}

func newAxis(solids []solid, extent func(*solid) (low, top float64)) axis {
	low, top := math.Inf(1), math.Inf(-1)
	for i := range solids {
		a, b := extent(&solids[i])
		low, top = min(low, a), max(top, b)
	}
	x := axis{low: low, perMetre: columns / (top - low)}
	for i := range solids {
		a, b := extent(&solids[i])
		first, last := x.stripe(a), x.stripe(b)
		for c := range uint8(columns) {
			if last < c {
				x.ended[c] |= 1 << i
			}
			if first > c {
				x.coming[c] |= 1 << i
			}
		}
	}
	return x
}

// stripe returns where v is; what lies outside counts to the first or last.
// It never falls as v grows, which is all that near needs.
func (x *axis) stripe(v float64) uint8 {
	at := (v - x.low) * x.perMetre
	if !(at > 0) { // NaN too
		return 0
	}
	return uint8(min(at, columns-1))
}

func (s *stripes) column(x float64) uint8 { return s.x.stripe(x) }
func (s *stripes) row(z float64) uint8    { return s.z.stripe(z) }

// near returns all zones that reach into the stripes from ax to bx and from az
// to bz, and perhaps some more. Either may be the first.
func (s *stripes) near(ax, bx, az, bz uint8) Mask {
	return s.all &^ (s.x.ended[min(ax, bx)] | s.x.coming[max(ax, bx)] | s.z.ended[min(az, bz)] | s.z.coming[max(az, bz)])
}
