package director

import (
	"math"
	"time"

	"earshot"
)

// How a character moves.
const (
	keepAway  = 0.8 // metres between the middles of it and of anybody, as far as it is up to it
	arriveAt  = 0.05
	crowdedAt = 1.3 // metres from a waypoint that somebody stands on: near enough
	asideMost = 1.5 // metres it lets itself be pushed from where it stands
	minStep   = 1e-4

	bodyRate = 150 * math.Pi / 180 // radians a second
	headRate = 300 * math.Pi / 180
	easing   = 6.0 // per second: turning slows down before it ends
	headWide = 70 * math.Pi / 180
	headHigh = 35 * math.Pi / 180
	followAt = 25 * math.Pi / 180 // of the head to the side, upon which the body follows
	followTo = 3 * math.Pi / 180

	maxTime = 100 * time.Millisecond // that one Step covers
)

// Mover is where a character stands, walks and looks. Equal calls give equal
// poses.
type Mover struct {
	place Place
	last  time.Time

	position     earshot.Vec3
	yaw          float64
	headYaw      float64 // to the body
	headPitch    float64
	turning      bool
	leg          int
	until        time.Time // it pauses at waypoint leg until then; zero: it is on its way
	side         float64   // on which it passes who is in the way
	moving       bool
	shown        earshot.Pose
	shownAtLeast bool
}

// NewMover returns a Mover that stands at home.
func NewMover(p Place) *Mover {
	return &Mover{place: p, position: p.Home.Position, yaw: float64(p.Home.Yaw), side: 1}
}

// Place gives it another place, to which it walks.
func (m *Mover) Place(p Place) { m.place, m.leg, m.until = p, 0, time.Time{} }

// Head returns where the head is in the world.
func (m *Mover) Head() earshot.Vec3 { return m.position.Add(earshot.Vec3{Y: earshot.EyeHeight}) }

// Restless reports whether it moves by itself.
func (m *Mover) Restless() bool {
	return m.moving || m.turning || len(m.place.Waypoints) > 0 || !m.shownAtLeast ||
		float64(m.position.Distance(m.place.Home.Position)) > arriveAt
}

// Step moves it to now. It looks at target, who may be nil, and if engaged
// stands still to talk with them. It reports whether the pose has changed
// since the last that was reported so.
func (m *Mover) Step(now time.Time, target *Person, engaged bool, around []Person) (earshot.Pose, bool) {
	dt := 0.0
	if !m.last.IsZero() {
		dt = math.Max(0, min(now.Sub(m.last), maxTime).Seconds())
	}
	m.last = now
	before, yaw := m.position, m.yaw+m.headYaw
	m.walk(now, dt, engaged, around)
	step := m.position.Sub(before)
	m.moving = float64(step.Len()) > minStep
	m.turn(dt, target, engaged, step)
	m.moving = m.moving || math.Abs(m.yaw+m.headYaw-yaw) > 1e-3
	pose := m.pose()
	if m.shownAtLeast && alike(&pose, &m.shown) {
		return m.shown, false
	}
	m.shown, m.shownAtLeast = pose, true
	return pose, true
}

// walk moves the feet: away from who stands too near, else to where it is due.
func (m *Mover) walk(now time.Time, dt float64, engaged bool, around []Person) {
	speed := m.place.Speed
	if speed == 0 {
		speed = DefaultSpeed
	}
	length := speed * dt
	if length <= 0 {
		return
	}
	if away, ok := m.pressed(around); ok {
		if next := m.position.Add(away.Scale(float32(length))); m.free(next, around) && m.mayStray(next) {
			m.position = next
		}
		return
	}
	if engaged {
		return
	}
	goal, ok := m.goal(now, around)
	if !ok {
		return
	}
	m.advance(goal, length, around)
}

// pressed returns the way from those who are nearer than keepAway.
func (m *Mover) pressed(around []Person) (away earshot.Vec3, ok bool) {
	for i := range around {
		from := flat(m.position.Sub(around[i].Head.Position))
		d := float64(from.Len())
		if d >= keepAway {
			continue
		}
		if d < 1e-3 { // within one another: anywhere else will do
			from, d = earshot.Vec3{X: float32(-math.Sin(m.yaw)), Z: float32(-math.Cos(m.yaw))}.Scale(-1), 1
		}
		away, ok = away.Add(from.Scale(float32((keepAway-math.Min(d, keepAway)+0.01)/d))), true
	}
	if n := away.Len(); ok && n > 1e-6 {
		return away.Scale(1 / n), true
	}
	return earshot.Vec3{}, ok
}

// mayStray keeps it near home. Who walks is held by no place.
func (m *Mover) mayStray(next earshot.Vec3) bool {
	return len(m.place.Waypoints) > 0 || float64(flat(next.Sub(m.place.Home.Position)).Len()) <= asideMost
}

// free reports whether nobody would be nearer than keepAway and nearer than
// before.
func (m *Mover) free(next earshot.Vec3, around []Person) bool {
	for i := range around {
		p := around[i].Head.Position
		d := float64(flat(next.Sub(p)).Len())
		if d < keepAway && d < float64(flat(m.position.Sub(p)).Len()) {
			return false
		}
	}
	return true
}

// goal is where it is due now, false if it is there.
func (m *Mover) goal(now time.Time, around []Person) (earshot.Vec3, bool) {
	if len(m.place.Waypoints) == 0 {
		home := m.place.Home.Position
		return home, float64(m.position.Distance(home)) > arriveAt
	}
	w := m.place.Waypoints[m.leg]
	left := float64(flat(w.Position.Sub(m.position)).Len())
	if m.until.IsZero() && (left <= arriveAt || left <= crowdedAt && taken(w.Position, around)) {
		m.until = now.Add(w.Pause)
	}
	if m.until.IsZero() {
		return w.Position, true
	}
	if now.Before(m.until) {
		return earshot.Vec3{}, false
	}
	m.leg, m.until = (m.leg+1)%len(m.place.Waypoints), time.Time{}
	return m.place.Waypoints[m.leg].Position, true
}

func taken(at earshot.Vec3, around []Person) bool {
	for i := range around {
		if float64(flat(at.Sub(around[i].Head.Position)).Len()) < keepAway {
			return true
		}
	}
	return false
}

// detours are the turns off the straight way that are tried, in radians.
var detours = [...]float64{0, math.Pi / 6, math.Pi / 3, math.Pi / 2}

// advance walks towards the goal, around who is in the way.
func (m *Mover) advance(goal earshot.Vec3, length float64, around []Person) {
	way := flat(goal.Sub(m.position))
	left := float64(way.Len())
	if left < 1e-6 {
		m.position.Y = goal.Y
		return
	}
	length = math.Min(length, left)
	rise := (goal.Y - m.position.Y) * float32(length/left)
	heading := math.Atan2(float64(-way.X), float64(-way.Z))
	for _, side := range [...]float64{m.side, -m.side} {
		for _, d := range detours {
			a := heading + side*d
			next := m.position.Add(earshot.Vec3{X: float32(-math.Sin(a) * length), Y: rise, Z: float32(-math.Cos(a) * length)})
			if m.free(next, around) {
				if d != 0 {
					m.side = side
				}
				m.position = next
				return
			}
		}
	}
}

// turn moves the head, and the body after it.
func (m *Mover) turn(dt float64, target *Person, engaged bool, step earshot.Vec3) {
	wish, pitch, body := m.yaw, 0.0, m.yaw
	walking := float64(flat(step).Len()) > minStep && !engaged
	switch {
	case walking:
		body = math.Atan2(float64(-step.X), float64(-step.Z))
		wish = body
	case target == nil && len(m.place.Waypoints) == 0:
		body = float64(m.place.Home.Yaw)
		wish = body
	}
	if target != nil {
		to := target.Head.Position.Sub(m.Head())
		if level := math.Hypot(float64(to.X), float64(to.Z)); level > 0.05 {
			wish = math.Atan2(float64(-to.X), float64(-to.Z))
			pitch = math.Atan2(float64(to.Y), level)
		}
		if !walking {
			body = m.follow(wish, engaged)
		}
	}
	m.yaw = wrap(m.yaw + ease(wrap(body-m.yaw), bodyRate, dt))
	look := clamp(wrap(wish-m.yaw), headWide)
	m.headYaw += ease(look-m.headYaw, headRate, dt)
	m.headYaw = clamp(m.headYaw, headWide)
	m.headPitch += ease(clamp(pitch, headHigh)-m.headPitch, headRate, dt)
}

// follow returns where the body should face: it stays while the head can do
// it, and once it turns, turns the whole way.
func (m *Mover) follow(wish float64, engaged bool) float64 {
	off := math.Abs(wrap(wish - m.yaw))
	at := float64(headWide) * 0.9
	if engaged {
		at = followAt
	}
	if m.turning = off > at || m.turning && off > followTo; m.turning {
		return wish
	}
	return m.yaw
}

// ease is how far to turn in dt: at most rate, less near the end.
func ease(err, rate, dt float64) float64 {
	most := math.Min(rate*dt, math.Abs(err)*math.Min(1, easing*dt))
	return math.Copysign(most, err)
}

func clamp(v, most float64) float64 { return math.Max(-most, math.Min(most, v)) }

// wrap returns the same angle between -π and π.
func wrap(a float64) float64 { return math.Remainder(a, 2*math.Pi) }

func (m *Mover) pose() earshot.Pose {
	p := earshot.Standing(m.position, float32(m.yaw))
	s, c := math.Sincos(m.headPitch / 2)
	p.Head.Rotation = earshot.YawQuat(float32(m.headYaw)).Mul(earshot.Quat{X: float32(s), W: float32(c)})
	return p
}

// alike reports whether nobody would see the difference: a millimetre, and a
// quarter of a degree.
func alike(a, b *earshot.Pose) bool {
	q, r := a.Head.Rotation, b.Head.Rotation
	dot := math.Abs(float64(q.X*r.X + q.Y*r.Y + q.Z*r.Z + q.W*r.W))
	return a.Root.Distance(b.Root) < 1e-3 && math.Abs(wrap(float64(a.Yaw-b.Yaw))) < 4e-3 && dot > 1-2e-6
}
