package model

import (
	"math"
	"math/rand/v2"
	"time"

	"earshot"
)

// FlowConfig is how an audience gathers: everybody starts somewhere on a disc,
// sets off at some time, walks to a place before the stage and stays there,
// looking at it.
type FlowConfig struct {
	Centre earshot.Vec3  // of the disc where people are before
	Radius float64       // metres
	Stage  earshot.Vec3  // where the audience looks
	Yaw    float32       // which way the stage looks, radians: the audience is there
	Near   float64       // metres from the stage to the first row
	Far    float64       // metres from the stage to the last row
	Speed  float64       // metres a second, varied by a third either way
	Over   time.Duration // the last sets off so long after the start
}

// width is how far to either side of the stage's heading an audience spreads.
const width = math.Pi / 3

// Flow is one of an audience. Not safe for concurrent use.
type Flow struct {
	leg   leg
	stage earshot.Vec3
}

// NewFlow returns one of an audience that starts at now.
func NewFlow(cfg FlowConfig, seed uint64, now time.Time) *Flow {
	rng := seeded(seed, 0xf10)
	from := onDisc(rng, cfg.Centre, cfg.Radius)
	to := cfg.seat(rng)
	start := now.Add(time.Duration(rng.Float64() * float64(cfg.Over)))
	speed := max(cfg.Speed, 0.1) * (2.0/3 + rng.Float64()*2/3)
	yaw := facing(from, to)
	return &Flow{stage: cfg.Stage, leg: leg{
		from: from, to: to, yaw: yaw, was: facing(from, cfg.Stage),
		start: start, end: start.Add(walking(to.Distance(from), speed)),
	}}
}

// seat returns a place spread evenly over the part of a ring before the stage.
func (cfg *FlowConfig) seat(rng *rand.Rand) earshot.Vec3 {
	r := math.Sqrt(cfg.Near*cfg.Near + rng.Float64()*(cfg.Far*cfg.Far-cfg.Near*cfg.Near))
	ahead := earshot.YawQuat(cfg.Yaw + float32(width*(2*rng.Float64()-1))).Forward()
	return cfg.Stage.Add(ahead.Scale(float32(r)))
}

// Pose implements Mover.
func (f *Flow) Pose(now time.Time) earshot.Pose {
	place, yaw := f.leg.at(now)
	if since := now.Sub(f.leg.end); since > 0 {
		yaw = turned(f.leg.yaw, facing(place, f.stage), since.Seconds()/turning.Seconds())
	}
	return earshot.Standing(place, yaw)
}
