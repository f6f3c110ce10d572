package loudness

import "math"

// biquad is a filter of second order, in transposed direct form 2.
type biquad struct{ b0, b1, b2, a1, a2 float64 }

// K-weighting at 48 kHz: ITU-R BS.1770-4, annex 1, tables 1 and 2. The first
// stage is what a head does to sound from in front, the second leaves out what
// ears hardly hear.
var (
	headStage = biquad{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585}
	highPass  = biquad{1, -2, 1, -1.99004745483398, 0.99007225036621}
)

// offset is added to the level of K-weighted sound to give LUFS.
const offset = -0.691

// meter measures K-weighted power.
type meter struct{ h1, h2, l1, l2 float64 }

// power returns the mean square of a frame after K-weighting.
func (m *meter) power(pcm []float32) float64 {
	h, l := headStage, highPass
	h1, h2, l1, l2 := m.h1, m.h2, m.l1, m.l2
	var sum float64
	for _, s := range pcm {
		x := float64(s)
		y := h.b0*x + h1
		h1 = h.b1*x - h.a1*y + h2
		h2 = h.b2*x - h.a2*y
		z := y + l1
		l1 = -2*y - l.a1*z + l2
		l2 = y - l.a2*z
		sum += z * z
	}
	m.h1, m.h2, m.l1, m.l2 = settle(h1), settle(h2), settle(l1), settle(l2)
	return sum / float64(len(pcm))
}

// settle ends what would go on for ever as denormal numbers, which are slow.
func settle(x float64) float64 {
	if math.Abs(x) < 1e-30 {
		return 0
	}
	return x
}

// LUFS converts K-weighted power to loudness, -infinity for silence.
func lufs(power float64) float64 { return offset + 10*math.Log10(power) }

// powerOf is the inverse of lufs.
func powerOf(lufs float64) float64 { return math.Pow(10, (lufs-offset)/10) }
