package model

import (
	"math"
	"math/rand/v2"
	"time"

	"earshot"
)

// seeded returns the random numbers of one behaviour: of one seed each kind
// of behaviour has its own.
func seeded(seed, kind uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, kind)) }

// onDisc returns a place spread evenly over a level disc.
func onDisc(rng *rand.Rand, centre earshot.Vec3, radius float64) earshot.Vec3 {
	r := radius * math.Sqrt(rng.Float64())
	sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
	return centre.Add(earshot.Vec3{X: float32(r * cos), Z: float32(r * sin)})
}

// facing returns the yaw with which one at from looks at to, in radians: 0 is
// -z. It is 0 where both are the same place.
func facing(from, to earshot.Vec3) float32 {
	d := to.Sub(from)
	if d.X == 0 && d.Z == 0 {
		return 0
	}
	return float32(math.Atan2(-float64(d.X), -float64(d.Z)))
}

// turned returns the yaw a share (0 to 1) of the way from one to another, the
// short way round.
func turned(from, to float32, share float64) float32 {
	turn := math.Remainder(float64(to-from), 2*math.Pi)
	return float32(math.Remainder(float64(from)+turn*min(1, max(0, share)), 2*math.Pi))
}

// leg is a straight walk that begins and ends at set times.
type leg struct {
	from, to   earshot.Vec3
	yaw        float32 // heading while walking
	was        float32 // heading before it
	start, end time.Time
}

// at returns the place and heading at a time, standing before and after.
func (l *leg) at(now time.Time) (place earshot.Vec3, yaw float32) {
	switch {
	case !now.After(l.start):
		return l.from, l.was
	case !now.Before(l.end):
		place = l.to
	default:
		share := now.Sub(l.start).Seconds() / l.end.Sub(l.start).Seconds()
		place = l.from.Add(l.to.Sub(l.from).Scale(float32(share)))
	}
	return place, turned(l.was, l.yaw, now.Sub(l.start).Seconds()/turning.Seconds())
}

// walking returns how long a distance takes, at least the time of a turn.
func walking(distance float32, speed float64) time.Duration {
	return max(turning, time.Duration(float64(distance)/speed*float64(time.Second)))
}
