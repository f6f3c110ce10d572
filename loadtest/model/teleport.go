package model

import (
	"math/rand/v2"
	"time"

	"earshot"
)

// TeleportConfig is how somebody jumps about: every now and then from one
// random place on a disc to another, in no time.
type TeleportConfig struct {
	Centre earshot.Vec3
	Radius float64       // metres
	Every  time.Duration // mean time at a place; times are spread evenly from half to one and a half of it
}

// Teleporter is the hardest case for anything that predicts movement. Not safe
// for concurrent use.
type Teleporter struct {
	cfg   TeleportConfig
	rng   *rand.Rand
	place earshot.Vec3
	yaw   float32
	leave time.Time
}

// NewTeleporter returns a teleporter that is at a random place at now.
func NewTeleporter(cfg TeleportConfig, seed uint64, now time.Time) *Teleporter {
	t := &Teleporter{cfg: cfg, rng: seeded(seed, 0x7e1e)}
	t.jump(now)
	return t
}

// Pose returns the pose at now, which must not go back.
func (t *Teleporter) Pose(now time.Time) earshot.Pose {
	for t.cfg.Every > 0 && now.After(t.leave) {
		t.jump(t.leave)
	}
	return earshot.Standing(t.place, t.yaw)
}

func (t *Teleporter) jump(at time.Time) {
	t.place = onDisc(t.rng, t.cfg.Centre, t.cfg.Radius)
	t.yaw = facing(t.place, t.cfg.Centre)
	// The least stay is a frame, so that Pose always gets on.
	t.leave = at.Add(max(FrameDuration, time.Duration((0.5+t.rng.Float64())*float64(t.cfg.Every))))
}
