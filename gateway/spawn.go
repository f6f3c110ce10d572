package gateway

import (
	"math"

	"earshot"
)

// spawn is where the n-th arrival stands: newcomers spread over the disc by
// the golden angle.
func (in *Instance) spawn(n int) earshot.Pose {
	const spots = 24
	angle := float64(n) * math.Pi * (3 - math.Sqrt(5))
	w := in.cfg.Load()
	r := float64(w.SpawnRadius) * math.Sqrt((float64(n%spots)+0.5)/spots)
	x, z := r*math.Sin(angle), r*math.Cos(angle)
	root := earshot.Vec3{X: w.Spawn[0] + float32(x), Y: w.Spawn[1], Z: w.Spawn[2] + float32(z)}
	return earshot.Standing(root, w.SpawnYaw*math.Pi/180)
}
