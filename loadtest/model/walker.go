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
	cfg   WalkConfig
	rng   *rand.Rand
	leg   leg
	stood time.Duration // before this leg
	leave time.Time
}

// turning is how long a bot takes to face where it goes.
const turning = 400 * time.Millisecond

// NewWalker returns a walker that starts at a random place at now.
func NewWalker(cfg WalkConfig, seed uint64, now time.Time) *Walker {
	w := &Walker{cfg: cfg, rng: seeded(seed, 0x3a1c)}
	place := w.place()
	w.leg = leg{from: place, to: place, yaw: cfg.Yaw, was: cfg.Yaw, start: now, end: now}
	w.leave = now.Add(w.stay())
	return w
}

// Pose returns the pose at now, which must not go back.
func (w *Walker) Pose(now time.Time) earshot.Pose {
	for w.moves() && now.After(w.leave) {
		w.nextLeg()
	}
	p := earshot.Standing(w.leg.at(now))
	if w.cfg.Hands {
		phase := 0.0
		if w.walking(now) {
			phase = 2 * math.Pi * now.Sub(w.leg.start).Seconds()
		}
		swingHands(&p, phase)
	}
	return p
}

func (w *Walker) moves() bool { return w.cfg.Radius > 0 && w.cfg.Speed > 0 }

func (w *Walker) walking(now time.Time) bool {
	return now.After(w.leg.start) && now.Before(w.leg.end)
}

func (w *Walker) nextLeg() {
	l := leg{from: w.leg.to, to: w.place(), was: w.leg.yaw, start: w.leave}
	l.yaw = facing(l.from, l.to)
	speed := w.cfg.Speed * (2.0/3 + w.rng.Float64()*2/3)
	// A leg lasts at least as long as the turn, so that Pose always gets on.
	l.end = l.start.Add(walking(l.to.Distance(l.from), speed))
	w.stood = l.start.Sub(w.leg.end)
	w.leg, w.leave = l, l.end.Add(w.stay())
}

func (w *Walker) place() earshot.Vec3 { return onDisc(w.rng, w.cfg.Centre, w.cfg.Radius) }

func (w *Walker) stay() time.Duration {
	return time.Duration(w.rng.Float64() * float64(w.cfg.Stay))
}

// swingHands puts both hands at the hips, swinging against each other.
func swingHands(p *earshot.Pose, phase float64) {
	s := float32(0.2 * math.Sin(phase))
	p.LeftHand = earshot.Transform{Position: earshot.Vec3{X: -0.25, Y: 0.9, Z: -0.2 - s}, Rotation: earshot.Identity}
	p.RightHand = earshot.Transform{Position: earshot.Vec3{X: 0.25, Y: 0.9, Z: -0.2 + s}, Rotation: earshot.Identity}
	p.LeftTracked, p.RightTracked = true, true
}
