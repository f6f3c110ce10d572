package director

import (
	"math"
	"time"

	"earshot"
)

// Place is where a character lives.
type Place struct {
	Home      Spot
	Waypoints []Waypoint // walked in turn, then from the first again; none: it stays at home
	Speed     float64    // metres a second when it walks; 0 means DefaultSpeed
}

// Spot is a position with a heading in radians: 0 faces -z, as in
// earshot.Pose.
type Spot struct {
	Position earshot.Vec3
	Yaw      float32
}

// Waypoint is a place to walk to, and how long to stay there.
type Waypoint struct {
	Position earshot.Vec3
	Pause    time.Duration
}

// DefaultSpeed is an unhurried walk, in metres a second.
const DefaultSpeed = 1.2

// Limits of a Place.
const (
	MaxWaypoints = 64
	maxSpeed     = 10.0
)

// Validate returns an *earshot.Error that names the field that is wrong.
func (p *Place) Validate() error {
	if !p.Home.Position.Finite() || !finite(float64(p.Home.Yaw)) {
		return invalid("place.home: not a finite position and heading")
	}
	if !(p.Speed >= 0 && p.Speed <= maxSpeed) {
		return invalid("place.speed: %v is outside 0 to %v m/s", p.Speed, maxSpeed)
	}
	if len(p.Waypoints) > MaxWaypoints {
		return invalid("place.waypoints: %d, more than %d", len(p.Waypoints), MaxWaypoints)
	}
	for i, w := range p.Waypoints {
		if !w.Position.Finite() {
			return invalid("place.waypoints[%d].position: not finite", i)
		}
		if w.Pause < 0 || w.Pause > time.Hour {
			return invalid("place.waypoints[%d].pause: %v is outside 0 to 1h", i, w.Pause)
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func invalid(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
