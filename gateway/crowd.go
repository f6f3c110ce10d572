package gateway

import (
	"time"

	"earshot"
	"earshot/gateway/desk"
	"earshot/spatialaudio/zone"
)

const (
	// lookEvery is every how many ticks the desk is told of a crowd.
	lookEvery = int(desk.PlanEvery * tickRate / time.Second)
	// turnedDown is the personal volume, in dB, from which on somebody is in no bed
	// of a listener's: a bed has one volume for all who are in it.
	turnedDown = -20
	// spokeFor is how long one who stopped talking is still mixed: there are pauses
	// between words.
	spokeFor = time.Second
	// bedsOfMix is how many beds a listener with a mix gets at most.
	bedsOfMix = 8
	// maxRooms bounds the acoustic rooms whose crowds get beds: see desk.Person.
	maxRooms = 64
)

// spoken is how loud somebody talks, over their words.
type spoken struct {
	dBov float64
	at   time.Time // they last talked
}

// take takes their level of now, and reports whether they talk or did just now.
func (v *spoken) take(dBov float64, talking bool, now time.Time) bool {
	switch {
	case talking && now.Sub(v.at) > 10*spokeFor: // a new beginning
		v.dBov, v.at = dBov, now
	case talking:
		v.dBov, v.at = v.dBov+(dBov-v.dBov)*0.3, now
	}
	return now.Sub(v.at) <= spokeFor
}

// crowding is what the desk is told of an instance's crowd with.
type crowding struct {
	*desk.Crowd // nil where there are no beds

	// Only the tick touches these.
	people []desk.Person
	rooms  map[zone.Mask]int // acoustic rooms, numbered as they are met
	view   desk.View         // of the listener whose voices are being chosen
}

func newCrowding(g *Gateway, world *WorldConfig) crowding {
	if g.desk == nil || g.cfg.Mix.Beds == 0 {
		return crowding{}
	}
	return crowding{Crowd: g.desk.NewCrowd(world.Capacity), rooms: make(map[zone.Mask]int)}
}

// enter gives s its place in the crowd. in.mu is held.
func (c *crowding) enter(s *session) desk.PersonID {
	if c.Crowd == nil {
		return desk.Nobody
	}
	return c.Enter(s.participant)
}

// leave takes it away. in.mu is held.
func (c *crowding) leave(s *session) {
	if c.Crowd != nil {
		c.Leave(s.participant)
	}
}

// end ends all beds.
func (c *crowding) end() {
	if c.Crowd != nil {
		c.Close()
	}
}

// look tells the desk who is where and talks how loud. Only the tick calls it.
func (in *Instance) look(live *roster, now time.Time) {
	c := &in.crowd
	if c.Crowd == nil {
		return
	}
	zones := in.zones.Load()
	c.people = c.people[:0]
	for _, s := range live.all {
		head, here := in.space.Head(s.participant)
		room, ok := c.room(zones.Rooms(s.spot.In))
		if !here || !ok || s.person == desk.Nobody {
			continue
		}
		p := desk.Person{ID: s.person, Position: head.Position, Room: room, Voices: s.asked}
		talking := false
		if mic := s.microphone(); mic != nil && !mic.Encrypted() && mic.Active() && !zones.Amplified(s.spot.In) {
			l := s.level(now)
			p.Microphone, talking = mic, s.spoken.take(l.dBov+l.levelled, l.talking, now)
		}
		p.Talks, p.LevelDB = talking, float32(s.spoken.dBov)
		p.Beds, p.Alone, p.Mix = s.bedsWanted()
		c.people = append(c.people, p)
	}
	c.Look(c.people, &in.cfg.Load().Voice)
}

// room returns the number of an acoustic room, false where there are too many.
func (c *crowding) room(in zone.Mask) (int, bool) {
	n, known := c.rooms[in]
	if !known {
		if n = len(c.rooms); n == maxRooms {
			return 0, false
		}
		c.rooms[in] = n
	}
	return n, true
}

// bedsWanted returns how many beds s may get, how many voices it hears without
// any, and its mix.
func (s *session) bedsWanted() (beds, alone int, mix *desk.Listener) {
	if s.media == nil || s.encrypted || !s.ready.Load() {
		return 0, 0, nil
	}
	if mix = s.ears.mix.Load(); mix != nil {
		return bedsOfMix, desk.MaxVoices, mix
	}
	if !s.beds.Load() || s.door != nil {
		return 0, 0, nil
	}
	slots := s.media.VoiceSlots()
	return min(slots/2, bedsOfMix), slots, nil
}

// denyBeds keeps the beds that other is in from s, or allows them again where
// nothing else speaks against it. s.in.policy is held.
func (s *session) denyBeds(other earshot.ParticipantID, on bool) {
	c := s.in.crowd.Crowd
	switch {
	case c == nil:
	case on || s.in.space.Gain(s.participant, other) <= turnedDown:
		c.Forbid(s.participant, other)
	case c.Forbids(s.participant, other) && !s.barred(other) && !s.walled(other):
		c.Allow(s.participant, other)
	}
}
