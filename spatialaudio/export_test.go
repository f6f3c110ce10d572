package spatialaudio

import "earshot"

// AngleForTest is the angle Gain uses for its cone.
func AngleForTest(ears earshot.Vec3, mouth earshot.Transform) float64 {
	_, angle := path(ears, mouth)
	return angle
}
