package model

import (
	"math"
	"time"

	"earshot"
)

// GroupConfig is how people walk about together: one leads, the others keep
// their places around it and a step behind, and when the leader stays they
// turn to each other and talk.
type GroupConfig struct {
	Walk   WalkConfig // of the leader
	Spread float64    // metres from the leader to the outermost follower
	Size   int        // members, the leader counted
}

// Follower is one member of a group. Each member carries its own copy of the
// leader's walk, so that members of a group may be asked from different
// goroutines: they agree because the seed and the start are the same. Not safe
// for concurrent use.
type Follower struct {
	cfg    GroupConfig
	leader *Walker
	offset earshot.Vec3
	lag    time.Duration
}

// follow is the longest time a follower is behind its leader.
const follow = 600 * time.Millisecond

// NewFollower returns member number i, from 0, which is the leader, of the
// group with this seed. The group's walk begins at now, which must be the same
// for all members.
func NewFollower(cfg GroupConfig, seed uint64, i int, now time.Time) *Follower {
	f := &Follower{cfg: cfg, leader: NewWalker(cfg.Walk, seed, now)}
	if i > 0 && cfg.Size > 1 {
		// A sunflower: even, and the same whatever the size.
		r := cfg.Spread * math.Sqrt(float64(i)/float64(cfg.Size-1))
		sin, cos := math.Sincos(float64(i) * math.Pi * (3 - math.Sqrt(5)))
		f.offset = earshot.Vec3{X: float32(r * cos), Z: float32(r * sin)}
		f.lag = time.Duration(seeded(seed, uint64(i)).Float64() * float64(follow))
	}
	return f
}

// Pose returns the pose at now, which must not go back.
func (f *Follower) Pose(now time.Time) earshot.Pose {
	then := now.Add(-f.lag)
	p := f.leader.Pose(then)
	leader := p.Root
	p.Root = leader.Add(f.offset)
	if f.offset == (earshot.Vec3{}) {
		return p
	}
	p.Yaw = f.yaw(then, facing(p.Root, leader))
	return p
}

// yaw returns the heading: on the way where the group goes, and to the leader,
// which is at inward, when the group stays. One turn takes as long as the
// leader's.
func (f *Follower) yaw(then time.Time, inward float32) float32 {
	l := &f.leader.leg
	if stays := then.Sub(l.end); stays > 0 {
		return turned(l.yaw, inward, stays.Seconds()/turning.Seconds())
	}
	before := turned(l.was, inward, f.leader.stood.Seconds()/turning.Seconds())
	return turned(before, l.yaw, then.Sub(l.start).Seconds()/turning.Seconds())
}
