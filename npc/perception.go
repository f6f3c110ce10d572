package npc

import (
	"slices"
	"sync"
	"time"

	"earshot"
)

// Limits of what was perceived and not yet thought about.
const (
	maxSeen    = 64   // people in view
	maxHeard   = 256  // texts and events; more are dropped and counted
	maxOrdered = 4096 // and what must not be dropped: only an actor that does not run gets there
)

// inbox is what happened, in order. What must not be lost has room where other
// things have not.
type inbox struct {
	mu   sync.Mutex
	list []func(*stage)
}

func (i *inbox) put(must bool, f func(*stage)) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	most := maxHeard
	if must {
		most = maxOrdered
	}
	if len(i.list) >= most {
		return false
	}
	i.list = append(i.list, f)
	return true
}

func (i *inbox) take() []func(*stage) {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := i.list
	i.list = nil
	return list
}

// post hands f to the actor's goroutine, without waiting for it.
func (a *Actor) post(must bool, f func(*stage)) {
	if !a.inbox.put(must, f) {
		a.dropped.Add(1)
		return
	}
	a.wake()
}

func (a *Actor) wake() {
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

// sight is the newest that was seen.
type sight struct {
	mu     sync.Mutex
	at     time.Time
	around []Person
	fresh  bool
}

func (s *sight) put(now time.Time, around []Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.fresh = now, true
	s.around = append(s.around[:0], around[:min(len(around), maxSeen)]...)
}

// lose forgets somebody who was seen and not looked at yet.
func (s *sight) lose(id earshot.ParticipantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.around = slices.DeleteFunc(s.around, func(p Person) bool { return p.ID == id })
}

// take copies what was seen since the last call into dst.
func (s *sight) take(dst []Person) (at time.Time, around []Person, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok, s.fresh = s.fresh, false
	return s.at, append(dst[:0], s.around...), ok
}
