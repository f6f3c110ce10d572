package border

import (
	"math"

	"earshot"
)

// Limits of a border, in metres.
const (
	MinLength = 0.5
	MaxLength = 10_000
	MinWidth  = 1
	MaxWidth  = 50
	// Tolerance is by how much the two sides' measures of one line may differ:
	// what people write has centimetres.
	Tolerance = 0.01
)

// Point is a place on the ground: x and z in metres.
type Point [2]float64

// Line is a piece of ground from its first point to its second. Whoever walks it
// has the world whose coordinates it is in on the left.
type Line [2]Point

// Reversed is the line as the neighbours walk it.
func (l Line) Reversed() Line { return Line{l[1], l[0]} }

// Length returns the metres from one end to the other.
func (l Line) Length() float64 { return math.Hypot(l[1][0]-l[0][0], l[1][1]-l[0][1]) }

// Near reports whether both ends are where those of another line are, within
// Tolerance.
func (l Line) Near(o Line) bool {
	return Line{l[0], o[0]}.Length() <= Tolerance && Line{l[1], o[1]}.Length() <= Tolerance
}

// heading is the yaw of somebody who walks the line, in radians.
func (l Line) heading() float64 { return math.Atan2(l[0][0]-l[1][0], l[0][1]-l[1][1]) }

// Border is a line that two worlds share, and how far to each side of it people
// are seen by the neighbours. Its zero value is none.
type Border struct {
	from, to Point // the first end of the line, here and there
	along    Point // of length 1
	length   float64
	width    float64

	turn     float64 // radians, from here to there
	sin, cos float64 // of turn
}

// New returns the border along a line of this world that is the line there in the
// neighbour's coordinates, point by point. There it is walked with the neighbour
// on the right. width is how far from it people are seen, in metres. The
// *earshot.Error is invalid_argument and names what cannot be.
func New(here, there Line, width float64) (Border, error) {
	for _, l := range [...]Line{here, there} {
		for _, p := range l {
			if !(math.Abs(p[0]) <= MaxLength && math.Abs(p[1]) <= MaxLength) { // so that NaN fails too
				return Border{}, invalid("a point is not x and z within %d m", MaxLength)
			}
		}
	}
	length := here.Length()
	switch {
	case !(length >= MinLength && length <= MaxLength):
		return Border{}, invalid("line: %.2f m from end to end, outside %g to %d", length, MinLength, MaxLength)
	case math.Abs(length-there.Length()) > Tolerance:
		return Border{}, invalid("line is %.2f m long here and %.2f m there: there are the same two points in the other world, which cannot be larger or smaller", length, there.Length())
	case !(width >= MinWidth && width <= MaxWidth):
		return Border{}, invalid("width: %g is outside %d to %d m", width, MinWidth, MaxWidth)
	}
	b := Border{from: here[0], to: there[0], length: length, width: width, turn: there.heading() - here.heading()}
	b.along = Point{(here[1][0] - here[0][0]) / length, (here[1][1] - here[0][1]) / length}
	b.sin, b.cos = math.Sincos(b.turn)
	return b, nil
}

// Depth returns how far beyond the line a root is, in metres, negative on this
// world's own side; and how far it is past the nearer end of the line, negative
// where it is beside it.
func (b *Border) Depth(root earshot.Vec3) (beyond, past float64) {
	x, z := float64(root.X)-b.from[0], float64(root.Z)-b.from[1]
	at := x*b.along[0] + z*b.along[1]
	return z*b.along[0] - x*b.along[1], max(-at, at-b.length)
}

// Across returns somebody who stands at a root with a yaw in this world as the
// neighbours see them: upright, of usual height, at the same height above the
// ground. It allocates nothing.
func (b *Border) Across(root earshot.Vec3, yaw float32) earshot.Pose {
	x, z := float64(root.X)-b.from[0], float64(root.Z)-b.from[1]
	at := earshot.Vec3{X: float32(b.to[0] + x*b.cos + z*b.sin), Y: root.Y, Z: float32(b.to[1] - x*b.sin + z*b.cos)}
	return earshot.Standing(at, float32(math.Remainder(float64(yaw)+b.turn, 2*math.Pi)))
}

func invalid(format string, args ...any) *earshot.Error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
