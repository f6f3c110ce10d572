package zone

import "math"

// point is a position in metres, in float64: it comes exactly from float32 and
// is what JavaScript computes with.
type point struct{ x, y, z float64 }

// solid is a Shape made ready: the inside of some upright planes, or of a
// circle, between a floor and a ceiling.
type solid struct {
	planes     []plane // of a box and a polygon
	x, z, r    float64 // of a cylinder, where planes is nil
	floor, top float64

	middle     point   // somewhere well inside
	around     float64 // how far its border is from there at most, seen from above
	lowX, topX float64 // bounds, metres
	lowZ, topZ float64
	area       float64 // of the floor
}

// plane is upright: nx x + nz z + c is how far (x, z) is inside of it.
type plane struct{ nx, nz, c float64 }

func (s *Shape) solid() solid {
	o := solid{floor: s.Floor, top: s.Floor + s.Height}
	o.middle.y = s.Floor + s.Height/2
	if s.Form == FormCylinder {
		o.x, o.z, o.r = s.Center[0], s.Center[1], s.Radius
		o.middle.x, o.middle.z, o.around = o.x, o.z, o.r
		o.lowX, o.topX, o.lowZ, o.topZ = o.x-o.r, o.x+o.r, o.z-o.r, o.z+o.r
		o.area = math.Pi * o.r * o.r
		return o
	}
	corners := s.Corners
	if s.Form == FormBox {
		corners = s.boxCorners()
	}
	o.enclose(corners)
	return o
}

// boxCorners turns the box about y as a pose with the same yaw would.
func (s *Shape) boxCorners() [][2]float64 {
	sin, cos := math.Sincos(s.Yaw * math.Pi / 180)
	out := make([][2]float64, 0, 4)
	for _, c := range [4][2]float64{{-0.5, -0.5}, {0.5, -0.5}, {0.5, 0.5}, {-0.5, 0.5}} {
		x, z := c[0]*s.Size[0], c[1]*s.Size[1]
		out = append(out, [2]float64{s.Center[0] + x*cos + z*sin, s.Center[1] - x*sin + z*cos})
	}
	return out
}

// enclose makes planes of corners, their normals inwards.
func (o *solid) enclose(corners [][2]float64) {
	n := len(corners)
	o.lowX, o.topX, o.lowZ, o.topZ = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	var twice, mx, mz float64 // the area signed, and the centroid's moments
	for i, a := range corners {
		b := corners[(i+1)%n]
		cross := a[0]*b[1] - b[0]*a[1]
		twice += cross
		mx += (a[0] + b[0]) * cross
		mz += (a[1] + b[1]) * cross
		o.lowX, o.topX = min(o.lowX, a[0]), max(o.topX, a[0])
		o.lowZ, o.topZ = min(o.lowZ, a[1]), max(o.topZ, a[1])
	}
	hand := 1.0
	if twice < 0 {
		hand = -1
	}
	o.area = math.Abs(twice) / 2
	if twice == 0 {
		return // refused by Validate
	}
	o.middle.x, o.middle.z = mx/(3*twice), mz/(3*twice)
	for i, a := range corners {
		b := corners[(i+1)%n]
		dx, dz := b[0]-a[0], b[1]-a[1]
		length := math.Sqrt(dx*dx + dz*dz)
		if length == 0 {
			continue
		}
		nx, nz := -dz/length*hand, dx/length*hand
		o.planes = append(o.planes, plane{nx, nz, -(nx*a[0] + nz*a[1])})
		o.around = max(o.around, math.Hypot(a[0]-o.middle.x, a[1]-o.middle.z))
	}
}

// inner is how far its middle is from its border.
func (o *solid) inner() float64 { return o.depth(o.middle) }

// depth returns how far p is inside of the border, in metres; outside it is
// negative, and not the distance.
func (o *solid) depth(p point) float64 {
	d := min(p.y-o.floor, o.top-p.y)
	if o.planes == nil {
		x, z := p.x-o.x, p.z-o.z
		return min(d, o.r-math.Sqrt(x*x+z*z))
	}
	for i := range o.planes {
		f := &o.planes[i]
		d = min(d, f.c+f.nx*p.x+f.nz*p.z)
	}
	return d
}

// along returns the depth at a + t(b-a), and how fast it grows with t there, by
// the side that is nearest.
func (o *solid) along(a, b point, t float64) (depth, slope float64) {
	dx, dy, dz := b.x-a.x, b.y-a.y, b.z-a.z
	x, y, z := a.x+t*dx, a.y+t*dy, a.z+t*dz
	depth, slope = y-o.floor, dy
	if d := o.top - y; d < depth {
		depth, slope = d, -dy
	}
	if o.planes == nil {
		x, z = x-o.x, z-o.z
		r := math.Sqrt(x*x + z*z)
		if d := o.r - r; d < depth {
			depth, slope = d, 0
			if r > 0 {
				slope = -(x*dx + z*dz) / r
			}
		}
		return depth, slope
	}
	for i := range o.planes {
		f := &o.planes[i]
		if d := f.c + f.nx*x + f.nz*z; d < depth {
			depth, slope = d, f.nx*dx+f.nz*dz
		}
	}
	return depth, slope
}

// passes reports whether the straight way from a to b comes as near to the
// middle as any of the solid is, seen from above: it is cheap to know that most
// do not.
func (o *solid) passes(a, b point) bool {
	dx, dz := b.x-a.x, b.z-a.z
	x, z := o.middle.x-a.x, o.middle.z-a.z
	if t, length := x*dx+z*dz, dx*dx+dz*dz; t > 0 && length > 0 {
		t = min(t/length, 1)
		x, z = x-t*dx, z-t*dz
	}
	return x*x+z*z < o.around*o.around
}

const (
	maxCuts = 24   // of deepest; planes need no more than there are of them
	cutEnds = 1e-6 // metres: near enough
)

// deepest returns the greatest depth on the straight way from a to b. From
// enough on it need not be exact, and neither at or below 0.
//
// The depth of a convex solid along a line is concave: it lies below each of
// its tangents. Where the tangents of a rising and a falling place cross is the
// most there can be between them; the depth there is the least.
func (o *solid) deepest(a, b point, enough float64) float64 {
	lo, hi := 0.0, 1.0
	low, rise := o.along(a, b, lo)
	if rise <= 0 {
		return low
	}
	high, fall := o.along(a, b, hi)
	if fall >= 0 {
		return high
	}
	best := max(low, high)
	for range maxCuts {
		t := (high - low + rise*lo - fall*hi) / (rise - fall)
		most := low + rise*(t-lo)
		if most <= 0 || best >= enough {
			break
		}
		d, slope := o.along(a, b, t)
		best = max(best, d)
		switch {
		case most-d < cutEnds || slope == 0:
			return best
		case slope > 0:
			lo, low, rise = t, d, slope
		default:
			hi, high, fall = t, d, slope
		}
	}
	return best
}
