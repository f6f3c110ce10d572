package model

import (
	"math"
	"time"

	"earshot"
)

// SpotConfig is a place where somebody stands: for a crowd, everybody within a
// small radius.
type SpotConfig struct {
	Centre earshot.Vec3
	Radius float64 // metres around Centre within which the place is
	Sway   float64 // metres to either side that the weight shifts; 0 stands like a statue
	Yaw    float32 // heading of one who stands at the very centre; others look at it
}

// Stander stands at one place and shifts its weight. Safe for concurrent use.
type Stander struct {
	place earshot.Vec3
	yaw   float32
	sway  float64
	phase float64
	since time.Time
}

// swayHz and its golden multiple are how fast weight shifts: the sum of both
// never repeats.
const swayHz = 0.11

// NewStander returns somebody who stands on the spot from now on.
func NewStander(cfg SpotConfig, seed uint64, now time.Time) *Stander {
	rng := seeded(seed, 0x5907)
	place := onDisc(rng, cfg.Centre, max(0, cfg.Radius-cfg.Sway))
	yaw := cfg.Yaw
	if place != cfg.Centre {
		yaw = facing(place, cfg.Centre)
	}
	return &Stander{place: place, yaw: yaw, sway: cfg.Sway, phase: 2 * math.Pi * rng.Float64(), since: now}
}

// Pose implements Mover.
func (s *Stander) Pose(now time.Time) earshot.Pose {
	p := earshot.Standing(s.place, s.yaw)
	if s.sway > 0 {
		turns := 2 * math.Pi * swayHz * now.Sub(s.since).Seconds()
		side := (math.Sin(turns+s.phase) + math.Sin(turns*math.Phi+2*s.phase)) / 2
		p.Root = p.Root.Add(earshot.YawQuat(s.yaw).Rotate(earshot.Vec3{X: float32(s.sway * side)}))
	}
	return p
}
