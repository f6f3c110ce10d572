package model

import (
	"math"
	"math/rand/v2"
	"time"

	"earshot"
)

// WalkConfig is how a bot moves: it walks to a random place within Radius of
// Centre, stays, and walks on (random waypoints).
type WalkConfig struct {
	Centre earshot.Vec3
	Radius float64       // metres; 0 stands still at Centre
	Speed  float64       // metres a second, varied by a third either way
	Stay   time.Duration // longest stay at a place
	Yaw    float32       // heading before the first step, radians
	Hands  bool          // tracked hands, as with a headset
}

// DefaultWalk strolls within 8 m of the origin.
func DefaultWalk() WalkConfig {
	return WalkConfig{Radius: 8, Speed: 1.2, Stay: 3 * time.Second}
}

// Walker is where a bot is at a time. It is pure: the same seed and times give
// the same walk. Not safe for concurrent use.
type Walker struct {
	cfg      WalkConfig
	rng      *rand.Rand
	from, to earshot.Vec3
	yaw, was float32 // heading of this leg and of the one before
	start    time.Time
	arrive   time.Time
	leave    time.Time
}

// turning is how long a bot takes to face where it goes.
const turning = 400 * time.Millisecond

// NewWalker returns a walker that starts at a random place at now.
func NewWalker(cfg WalkConfig, seed uint64, now time.Time) *Walker {
	w := &Walker{cfg: cfg, rng: rand.New(rand.NewPCG(seed, 0x3a1c))}
	w.to, w.yaw = w.place(), cfg.Yaw
	w.start, w.arrive, w.leave = now, now, now.Add(w.stay())
	w.from, w.was = w.to, w.yaw
	return w
}

// Pose returns the pose at now, which must not go back.
func (w *Walker) Pose(now time.Time) earshot.Pose {
	for w.moves() && now.After(w.leave) {
		w.nextLeg()
	}
	at, phase := w.to, 0.0
	if leg := w.arrive.Sub(w.start); now.Before(w.arrive) && leg > 0 {
		done := now.Sub(w.start).Seconds() / leg.Seconds()
		at = w.from.Add(w.to.Sub(w.from).Scale(float32(done)))
		phase = 2 * math.Pi * now.Sub(w.start).Seconds()
	}
	p := earshot.Standing(at, w.heading(now))
	if w.cfg.Hands {
		swingHands(&p, phase)
	}
	return p
}

func (w *Walker) moves() bool { return w.cfg.Radius > 0 && w.cfg.Speed > 0 }

func (w *Walker) nextLeg() {
	w.from, w.to, w.was = w.to, w.place(), w.yaw
	step := w.to.Sub(w.from)
	w.yaw = float32(math.Atan2(-float64(step.X), -float64(step.Z)))
	speed := w.cfg.Speed * (2.0/3 + w.rng.Float64()*2/3)
	w.start = w.leave
	// A leg lasts at least as long as the turn, so that Pose always gets on.
	w.arrive = w.start.Add(max(turning, time.Duration(float64(step.Len())/speed*float64(time.Second))))
	w.leave = w.arrive.Add(w.stay())
}

// place returns a place spread evenly over the disc.
func (w *Walker) place() earshot.Vec3 {
	r := w.cfg.Radius * math.Sqrt(w.rng.Float64())
	sin, cos := math.Sincos(2 * math.Pi * w.rng.Float64())
	return w.cfg.Centre.Add(earshot.Vec3{X: float32(r * cos), Z: float32(r * sin)})
}

func (w *Walker) stay() time.Duration {
	return time.Duration(w.rng.Float64() * float64(w.cfg.Stay))
}

// heading turns from the last leg's heading to this one's, the short way.
func (w *Walker) heading(now time.Time) float32 {
	done := math.Min(1, now.Sub(w.start).Seconds()/turning.Seconds())
	turn := math.Remainder(float64(w.yaw-w.was), 2*math.Pi)
	return float32(math.Remainder(float64(w.was)+turn*done, 2*math.Pi))
}

// swingHands puts both hands at the hips, swinging against each other.
func swingHands(p *earshot.Pose, phase float64) {
	s := float32(0.2 * math.Sin(phase))
	p.LeftHand = earshot.Transform{Position: earshot.Vec3{X: -0.25, Y: 0.9, Z: -0.2 - s}, Rotation: earshot.Identity}
	p.RightHand = earshot.Transform{Position: earshot.Vec3{X: 0.25, Y: 0.9, Z: -0.2 + s}, Rotation: earshot.Identity}
	p.LeftTracked, p.RightTracked = true, true
}
