package pose

import (
	"math"

	"earshot"
)

// Steps and ranges of the quantised fields. POSE.md states them for other
// implementations; gateway/web/pose.js repeats them.
const (
	rootStep   = 0.002  // metres, x and z
	heightStep = 0.004  // metres, y of the root
	jointStep  = 0.004  // metres, head and hands
	jointBias  = 1.0    // metres, middle of the range of a joint's y: hands go overhead, not underground
	yawSteps   = 1024   // of a full turn
	MaxRoot    = 16_000 // metres: x and z of a root are clamped to ±MaxRoot, both ways

	rotationSteps = 511 // of 1/√2, the largest value of a component that is not the largest
)

// signed quantises v to a step as a signed integer of so many bits, clamped.
// What is no number becomes 0. Rounding is floor(x+1/2), the one rounding that
// Go and JavaScript share, so that both write the same bytes.
func signed(v, step float64, bits uint) uint32 {
	limit := float64(int64(1) << (bits - 1))
	q := math.Floor(float64(v/step) + 0.5)
	if math.IsNaN(q) {
		q = 0
	}
	q = min(max(q, -limit), limit-1)
	return uint32(int32(q)) & (1<<bits - 1)
}

func unsigned(q uint32, step float64, bits uint) float64 {
	return float64(int32(q<<(32-bits))>>(32-bits)) * step
}

func clampRoot(v float64) float64 { return min(max(v, -MaxRoot), MaxRoot) }

func quantiseYaw(yaw float64) uint32 {
	q := math.Mod(math.Floor(float64(yaw*(yawSteps/(2*math.Pi)))+0.5), yawSteps)
	if math.IsNaN(q) {
		return 0
	}
	return uint32(int32(q)) & (yawSteps - 1)
}

func yawOf(q uint32) float32 { return float32(unsigned(q, 2*math.Pi/yawSteps, 10)) }

func (w *bitWriter) transform(t *earshot.Transform) {
	w.put(signed(float64(t.Position.X), jointStep, 10), 10)
	w.put(signed(float64(t.Position.Y)-jointBias, jointStep, 10), 10)
	w.put(signed(float64(t.Position.Z), jointStep, 10), 10)
	w.rotation(t.Rotation)
}

// rotation writes the index of the component of largest magnitude, made
// positive, and the other three ("smallest three", Fiedler 2015).
func (w *bitWriter) rotation(r earshot.Quat) {
	q := [4]float64{float64(r.X), float64(r.Y), float64(r.Z), float64(r.W)}
	n := math.Sqrt(float64(q[0]*q[0]) + float64(q[1]*q[1]) + float64(q[2]*q[2]) + float64(q[3]*q[3]))
	if !(n > 1e-6) || math.IsInf(n, 0) {
		q, n = [4]float64{3: 1}, 1
	}
	largest := 0
	for i := 1; i < 4; i++ {
		if math.Abs(q[i]) > math.Abs(q[largest]) {
			largest = i
		}
	}
	if q[largest] < 0 {
		n = -n
	}
	w.put(uint32(largest), 2)
	for i, c := range q {
		if i != largest {
			w.put(uint32(math.Floor(float64(c/n*math.Sqrt2*rotationSteps)+0.5)+512), 10)
		}
	}
}

func (r *bitReader) transform() earshot.Transform {
	return earshot.Transform{
		Position: earshot.Vec3{
			X: float32(unsigned(r.take(10), jointStep, 10)),
			Y: float32(unsigned(r.take(10), jointStep, 10) + jointBias),
			Z: float32(unsigned(r.take(10), jointStep, 10)),
		},
		Rotation: r.rotation(),
	}
}

// rotation returns a unit quaternion for any bits.
func (r *bitReader) rotation() earshot.Quat {
	var q [4]float64
	largest := r.take(2)
	sum := 0.0
	for i := range q {
		if uint32(i) != largest {
			q[i] = (float64(r.take(10)) - 512) / (rotationSteps * math.Sqrt2)
			sum += float64(q[i] * q[i])
		}
	}
	n := 1.0
	if sum < 1 {
		q[largest] = math.Sqrt(1 - sum)
	} else {
		n = math.Sqrt(sum)
	}
	return earshot.Quat{X: float32(q[0] / n), Y: float32(q[1] / n), Z: float32(q[2] / n), W: float32(q[3] / n)}
}
