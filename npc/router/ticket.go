package router

import (
	"slices"
	"time"
)

// ticket is a request until it has ended.
type ticket struct {
	id       Ticket
	req      Request
	world    *world
	deadline time.Time
	queued   bool
	over     bool    // cancelled: its attempts are only waited for
	charged  float64 // virtual tokens taken from its world for output not yet seen
	attempts [2]*attempt
	winner   *attempt // its first token came
	tried    [maxTried]*member
	sends    int
	kind     uint64  // equal for requests that the same backends could take
	waitsFor *member // counted in held there
	noRoom   bool    // nothing else had room either
	seen     uint64  // changes, of waitsFor or of the router, when that was decided
	retry    time.Time
}

// attempt is one sending of a ticket to one backend.
type attempt struct {
	id       Attempt
	ticket   *ticket
	member   *member
	served   *served
	level    int
	uncached int       // prompt tokens
	sent     time.Time // when Next or Hedge returned it
	first    time.Time // when its first token came
	ttft     float64   // predicted, s
	apart    float64
	work     float64
	warm     bool // the prediction was founded on enough samples
	loaded   bool // the model was
	loads    bool // this attempt began to load it
	trial    bool // of a half-open backend
	hedge    bool
	instead  float64 // candidate.instead
	awaited  bool    // in the member's list of those without a first token
	before   *attempt
	after    *attempt
	hedgeAt  time.Time // when to look for a second backend
}

// slab holds a fixed number of T and gives out handles that are never valid
// for a later occupant of the same place.
type slab[T any] struct {
	items   []T
	handles []uint64 // the handle of each place; 0 while it is free
	free    []uint32
	given   uint64
}

func newSlab[T any](n int) slab[T] {
	s := slab[T]{items: make([]T, n), handles: make([]uint64, n), free: make([]uint32, n)}
	for i := range s.free {
		s.free[i] = uint32(n - 1 - i)
	}
	return s
}

// take returns a zero T and its handle, or nil when all are taken.
func (s *slab[T]) take() (*T, uint64) {
	if len(s.free) == 0 {
		return nil, 0
	}
	at := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	s.given++
	s.handles[at] = s.given<<32 | uint64(at)
	return &s.items[at], s.handles[at]
}

func (s *slab[T]) get(handle uint64) *T {
	at := uint32(handle)
	if handle == 0 || int(at) >= len(s.handles) || s.handles[at] != handle {
		return nil
	}
	return &s.items[at]
}

func (s *slab[T]) release(handle uint64) {
	at := uint32(handle)
	var zero T
	s.items[at], s.handles[at] = zero, 0
	s.free = append(s.free, at)
}

// kind hashes what decides which backends could take q.
func (q *Request) kind() uint64 {
	h := uint64(q.Class) | uint64(q.Capability)<<8
	for _, list := range [...][]string{q.Models, q.Labels, {q.Region}} {
		for _, s := range list {
			h = mix(h ^ hashName(s))
		}
		h = mix(h + 1)
	}
	return h
}

// other returns the attempt beside a, nil if there is none.
func (t *ticket) other(a *attempt) *attempt {
	if t.attempts[0] == a {
		return t.attempts[1]
	}
	return t.attempts[0]
}

func (t *ticket) drop(a *attempt) {
	if i := slices.Index(t.attempts[:], a); i >= 0 {
		t.attempts[i] = nil
	}
}

// forgetHold stops counting t among those who wait for a backend.
func (t *ticket) forgetHold() {
	if t.waitsFor != nil {
		t.waitsFor.held--
		t.waitsFor = nil
	}
}
