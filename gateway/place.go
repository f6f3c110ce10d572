package gateway

import (
	"math"
	"slices"
	"time"

	"earshot"
	"earshot/npc/director"
)

// Place is where an NPC stands and walks, as the studio's API has it.
type Place struct {
	Position  [3]float32       `json:"position"` // metres
	Yaw       float32          `json:"yaw"`      // degrees, 0 is -z, 90 is -x
	Waypoints []WaypointConfig `json:"waypoints"`
	Speed     float32          `json:"speed"` // metres a second
}

func placeOf(n *NPCConfig) Place {
	return Place{Position: n.Position, Yaw: n.Yaw, Waypoints: n.Waypoints, Speed: n.Speed}
}

func (p *Place) validate() error {
	switch {
	case !finite3(p.Position):
		return invalid("position: want three numbers within 100 km")
	case !(p.Yaw >= -360 && p.Yaw <= 360):
		return invalid("yaw: %g is outside -360 to 360 degrees", p.Yaw)
	case !(p.Speed >= 0 && p.Speed <= 10):
		return invalid("speed: %g is outside 0 to 10 metres a second", p.Speed)
	case len(p.Waypoints) > maxWaypoints:
		return invalid("waypoints: %d, at most %d", len(p.Waypoints), maxWaypoints)
	}
	for i, w := range p.Waypoints {
		if !finite3(w.Position) {
			return invalid("waypoints[%d].position: want three numbers within 100 km", i)
		}
		if len(w.Name) > maxWaypointName {
			return invalid("waypoints[%d].name: %d bytes, at most %d", i, len(w.Name), maxWaypointName)
		}
		if !(w.Pause >= 0 && w.Pause <= 3600) {
			return invalid("waypoints[%d].pause: %g is outside 0 to 3600 seconds", i, w.Pause)
		}
	}
	return nil
}

// director is p as npc/director wants it.
func (p *Place) director() director.Place {
	out := director.Place{Home: director.Spot{Position: vec(p.Position), Yaw: p.Yaw * degree}, Speed: float64(p.Speed)}
	for _, w := range p.Waypoints {
		out.Waypoints = append(out.Waypoints, director.Waypoint{
			Position: vec(w.Position), Pause: time.Duration(float64(w.Pause) * float64(time.Second)),
		})
	}
	return out
}

// home is where the NPC first stands.
func (p *Place) home() earshot.Pose { return earshot.Standing(vec(p.Position), p.Yaw*degree) }

func (p *Place) equal(q *Place) bool {
	return p.Position == q.Position && p.Yaw == q.Yaw && p.Speed == q.Speed && slices.Equal(p.Waypoints, q.Waypoints)
}

// names are those of the waypoints, for actions that walk there.
func (p *Place) names() (list []string) {
	for _, w := range p.Waypoints {
		if w.Name != "" {
			list = append(list, w.Name)
		}
	}
	return list
}

func finite3(v [3]float32) bool {
	for _, x := range v {
		if !(math.Abs(float64(x)) <= 100_000) { // so that NaN fails too
			return false
		}
	}
	return true
}

func vec(v [3]float32) earshot.Vec3 { return earshot.Vec3{X: v[0], Y: v[1], Z: v[2]} }

const degree = math.Pi / 180
