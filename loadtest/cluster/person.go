package cluster

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/loadtest"
	"earshot/loadtest/model"
)

const (
	// groupSize people stand together: each is heard by the others of the group
	// and by nobody else.
	groupSize = 3
	voices    = groupSize + 1 // slots: a voice too many would show
	// viewRange is how far people see, and spread how far groups stand apart: metres.
	viewRange = 24
	spread    = 45
	apart     = 1.2 // people of a group, metres from its middle
	gridWidth = 6   // groups side by side
	poseEvery = 50 * time.Millisecond
)

// person is one participant, with what they hear.
type person struct {
	number   uint32 // from 1, in voice frames
	id       earshot.ParticipantID
	name     string
	instance earshot.InstanceID
	group    int // within the instance; who stands together
	moderate bool
	muted    bool // by a moderator
	blocking uint32

	spot  spot
	token string
	sets  sets
	guest *loadtest.Returner
	ears  ears
	hears line // anybody who may be heard
	heard line // by anybody who may hear

	mu    sync.Mutex
	turns []loadtest.Turn
}

// spot is where somebody stands. It may change at any time.
type spot struct{ at atomic.Pointer[earshot.Pose] }

// Pose implements loadtest.Mover.
func (s *spot) Pose(time.Time) earshot.Pose { return *s.at.Load() }

func (s *spot) stand(at earshot.Vec3) {
	p := earshot.Standing(at, 0)
	s.at.Store(&p)
}

var _ loadtest.Mover = (*spot)(nil)

// place is where member n of a group stands.
func place(group, n int) earshot.Vec3 {
	middle := earshot.Vec3{X: float32(group%gridWidth) * spread, Z: float32(group/gridWidth) * spread}
	around := [groupSize]earshot.Vec3{{X: apart}, {X: -apart}, {Z: apart}}
	return middle.Add(around[n%groupSize])
}

// steady talks without a pause. Safe for concurrent use.
type steady struct{}

// Next implements model.Talking.
func (steady) Next() model.Spoken { return model.Spoken{Send: true, Voice: true, Level: 30} }

var _ model.Talking = steady{}

func (p *person) turned(t loadtest.Turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns = append(p.turns, t)
}

// since returns the turns after a time.
func (p *person) since(at time.Time) (list []loadtest.Turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.turns {
		if t.At.After(at) {
			list = append(list, t)
		}
	}
	return list
}

// String names them in faults.
func (p *person) String() string { return fmt.Sprintf("%s in %s", p.name, p.instance) }

// hear takes a voice packet that p received.
func (s *Site) hear(p *person, at time.Time, r *loadtest.Received) {
	if !r.Voiced || r.Frame.Bot == 0 || int(r.Frame.Bot) > len(s.people) {
		return
	}
	if p.ears.mayHear(r.Frame.Bot, at) {
		p.hears.note(at)
		s.people[r.Frame.Bot-1].heard.note(at)
	}
}
