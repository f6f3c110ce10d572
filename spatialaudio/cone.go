package spatialaudio

import (
	"math"

	"earshot"
)

// Cone is how a talker's voice weakens behind them (PannerNode's coneInnerAngle,
// coneOuterAngle and coneOuterGain; angles in degrees, gain linear).
type Cone struct {
	Inner     float64 `json:"inner" yaml:"inner"`
	Outer     float64 `json:"outer" yaml:"outer"`
	OuterGain float64 `json:"outer_gain" yaml:"outer_gain"`
}

// Gain returns the linear gain for ears seen at angleDegrees from where the
// talker faces: 1 within half of Inner, OuterGain beyond half of Outer, and a
// straight line between (Web Audio API, "Sound Cones").
func (c *Cone) Gain(angleDegrees float64) float64 {
	angle := math.Abs(angleDegrees)
	inner, outer := math.Abs(c.Inner)/2, math.Abs(c.Outer)/2
	switch {
	case angle <= inner:
		return 1
	case angle >= outer:
		return c.OuterGain
	default:
		x := (angle - inner) / (outer - inner)
		return 1 - x + c.OuterGain*x
	}
}

func (c *Cone) validate() error {
	switch {
	case !(c.Inner >= 0 && c.Inner <= 360):
		return outside("cone.inner", c.Inner, 0, 360)
	case !(c.Outer >= c.Inner && c.Outer <= 360):
		return outside("cone.outer", c.Outer, c.Inner, 360)
	case !(c.OuterGain >= 0 && c.OuterGain <= 1):
		return outside("cone.outer_gain", c.OuterGain, 0, 1)
	}
	return nil
}

// path returns how far ears are from mouth, in metres, and by how many degrees
// the talker faces away from them. It works in float64: at the small angles of
// people who face each other float32 would be off by some hundredths of a
// degree.
func path(ears earshot.Vec3, mouth earshot.Transform) (distance, angle float64) {
	x := float64(ears.X) - float64(mouth.Position.X)
	y := float64(ears.Y) - float64(mouth.Position.Y)
	z := float64(ears.Z) - float64(mouth.Position.Z)
	distance = math.Sqrt(x*x + y*y + z*z)
	if distance == 0 {
		return 0, 90
	}
	fx, fy, fz := facing(mouth.Rotation)
	cx, cy, cz := fy*z-fz*y, fz*x-fx*z, fx*y-fy*x
	sin := math.Sqrt(cx*cx + cy*cy + cz*cz)
	return distance, math.Atan2(sin, fx*x+fy*y+fz*z) * 180 / math.Pi
}

// facing returns -z turned by q, not normalised: only its direction counts.
func facing(q earshot.Quat) (x, y, z float64) {
	if q == (earshot.Quat{}) {
		q = earshot.Identity
	}
	qx, qy, qz, qw := float64(q.X), float64(q.Y), float64(q.Z), float64(q.W)
	return -2 * (qx*qz + qw*qy), -2 * (qy*qz - qw*qx), -(qw*qw + qz*qz - qx*qx - qy*qy)
}
