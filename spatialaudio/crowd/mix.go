package crowd

import (
	"math"
	"math/bits"
	"time"

	"earshot"
)

// instant is a time since a planner's first plan.
type instant = time.Duration

// slots is room for all who are mixed and as many who leave.
const slots = 2 * MaxTalkers

// mask is a set of slots.
type mask uint16

// masks are the slots of each part: neighbours are in different halves.
var masks = [parts]mask{Whole: 1<<slots - 1, Even: 0x5555, Odd: 0xaaaa}

// mix is whom a cell's bed mixes. A talker keeps their slot, so that halves stay
// what they are.
type mix struct {
	ids   [slots]ID
	since [slots]instant // of the present phase
	// used is all slots with somebody in them: waiting, sounding, leaving.
	used, waiting, leaving mask

	centre        earshot.Vec3
	radius        float32
	gainDB, level float32 // gain for each; level of the whole mix
	power         float32 // of all in it without gainDB, 1 for full scale
	shaped        bool    // centre and radius are of a plan before
	begun         bool    // somebody had this cell's beds in the plan before
}

// sounding is who is mixed now, those who fade out included.
func (m *mix) sounding() mask { return m.used &^ m.waiting }

// staying is who is mixed, or will be.
func (m *mix) staying() mask { return m.used &^ m.leaving }

func (m *mix) slot(id ID) int {
	for u := m.used; u != 0; u &= u - 1 {
		if i := bits.TrailingZeros16(uint16(u)); m.ids[i] == id {
			return i
		}
	}
	return none
}

// candidate is a talker who may be mixed.
type candidate struct {
	id    ID
	score float32
}

// best keeps the highest scores; equal ones go to the lower id, so that plans
// do not depend on the order of people.
type best struct {
	list [MaxTalkers]candidate
	n    int
}

func (b *best) offer(c candidate, limit int) {
	i := b.n
	for ; i > 0 && (c.score > b.list[i-1].score || c.score == b.list[i-1].score && c.id < b.list[i-1].id); i-- {
		if i < limit {
			b.list[i] = b.list[i-1]
		}
	}
	if i < limit {
		b.list[i] = c
		b.n = min(b.n+1, limit)
	}
}

func (b *best) has(id ID) bool {
	for i := range b.list[:b.n] {
		if b.list[i].id == id {
			return true
		}
	}
	return false
}

// score is what a talker competes with for a place in a mix.
func (m *mix) score(c *Config, now instant, id ID, level float32) float32 {
	i := m.slot(id)
	if i < 0 || m.leaving>>i&1 == 1 {
		return level
	}
	if now-m.since[i] < c.Hold {
		return level + 1000
	}
	return level + c.HysteresisDB
}

// change makes those in b the mix.
func (m *mix) change(c *Config, now instant, b *best) {
	m.settle(c, now)
	for u := m.staying(); u != 0; u &= u - 1 {
		if i := bits.TrailingZeros16(uint16(u)); !b.has(m.ids[i]) {
			m.leave(i, now)
		}
	}
	for i := range b.list[:b.n] {
		m.enter(b.list[i].id, now)
	}
}

// leave lets the talker in slot i go: who has not been mixed yet, at once.
func (m *mix) leave(i int, now instant) {
	bit := mask(1) << i
	if m.waiting&bit != 0 {
		m.used &^= bit
		m.waiting &^= bit
		return
	}
	m.leaving |= bit
	m.since[i] = now
}

// enter has a talker in the mix: announced, so that whoever may not hear them
// can leave the bed with a fade before, or at once where nobody has the bed yet.
func (m *mix) enter(id ID, now instant) {
	if i := m.slot(id); i >= 0 {
		if bit := mask(1) << i; m.leaving&bit != 0 { // still in the mix: comes back
			m.leaving &^= bit
			m.since[i] = now
		}
		return
	}
	free := ^m.used
	half := masks[Even] // the one with fewer
	if bits.OnesCount16(uint16(m.staying()&masks[Even])) > bits.OnesCount16(uint16(m.staying()&masks[Odd])) {
		half = masks[Odd]
	}
	if free&half != 0 {
		free &= half
	}
	if free == 0 {
		return // those who leave fill it: the next plan has room
	}
	i := bits.TrailingZeros16(uint16(free))
	m.ids[i], m.since[i] = id, now
	m.used |= 1 << i
	if m.begun {
		m.waiting |= 1 << i
	}
}

// settle ends the phases whose time is over, and reports whether anybody is left.
func (m *mix) settle(c *Config, now instant) bool {
	for u := m.waiting; u != 0; u &= u - 1 {
		if i := bits.TrailingZeros16(uint16(u)); now-m.since[i] >= c.Crossfade {
			m.waiting &^= 1 << i
		}
	}
	for u := m.leaving; u != 0; u &= u - 1 {
		if i := bits.TrailingZeros16(uint16(u)); now-m.since[i] >= c.Crossfade+c.Memory {
			m.leaving &^= 1 << i
			m.used &^= 1 << i
		}
	}
	return m.used != 0
}

// shape works out where the mix sounds from, and how loud. elapsed is since the
// plan before: places move within a second.
func (m *mix) shape(elapsed time.Duration, at func(ID) (earshot.Vec3, float32)) {
	var power, gross float64
	var x, y, z float64
	n := 0
	for u := m.staying(); u != 0; u &= u - 1 {
		i := bits.TrailingZeros16(uint16(u))
		p, level := at(m.ids[i])
		w := math.Pow(10, float64(level)/10)
		x, y, z, power, n = x+w*float64(p.X), y+w*float64(p.Y), z+w*float64(p.Z), power+w, n+1
	}
	if n == 0 || power == 0 {
		return
	}
	centre := earshot.Vec3{X: float32(x / power), Y: float32(y / power), Z: float32(z / power)}
	for u := m.staying(); u != 0; u &= u - 1 {
		i := bits.TrailingZeros16(uint16(u))
		p, level := at(m.ids[i])
		d := p.Sub(centre)
		gross += math.Pow(10, float64(level)/10) * float64(d.Dot(d))
	}
	radius := float32(math.Sqrt(gross / power))
	m.gainDB = float32(-10 * math.Log10(float64(n)))
	m.power, m.level = float32(power), float32(10*math.Log10(power))+m.gainDB
	if m.shaped {
		k := float32(1 - math.Exp(-elapsed.Seconds()))
		centre = m.centre.Add(centre.Sub(m.centre).Scale(k))
		radius = m.radius + k*(radius-m.radius)
	}
	m.centre, m.radius, m.shaped = centre, radius, true
}
