package forward

import (
	"slices"
	"time"
)

// How slots change hands.
const (
	SlotHysteresis = 4.0                    // dB by which a challenger must be more audible than the occupant
	SlotHold       = 500 * time.Millisecond // a talking occupant keeps its slot at least so long
	SlotDeadline   = 400 * time.Millisecond // so long a challenger waits for the occupant to pause
)

// Candidate is one who may be heard by a listener.
type Candidate[K comparable] struct {
	Key     K
	ScoreDB float32 // how audible, in dB
	Talking bool
}

// Slots gives a listener's few slots to the most audible candidates and
// changes as little as it can: an occupant keeps its slot until it is no
// longer a candidate or somebody is clearly more audible. A change in
// mid-speech is audible as a dip, so a challenger waits for the occupant to
// pause, though not for long.
type Slots[K comparable] struct {
	slots   []slot[K]
	closed  []bool         // nobody may be there
	waiting []Candidate[K] // scratch: candidates without a slot, most audible first
	next    int            // the first of waiting who was not dealt with yet
	weakest []int          // scratch: slots that can be challenged, least audible first
}

type slot[K comparable] struct {
	key        K
	occupied   bool
	since      time.Time
	challenged time.Time // since when somebody is clearly more audible; zero while nobody is
	scoreDB    float32
	talking    bool
}

// NewSlots returns n empty slots.
func NewSlots[K comparable](n int) *Slots[K] {
	return &Slots[K]{slots: make([]slot[K], n), closed: make([]bool, n), weakest: make([]int, 0, n)}
}

// Grow adds empty slots until there are n.
func (s *Slots[K]) Grow(n int) {
	for len(s.slots) < n {
		s.slots, s.closed = append(s.slots, slot[K]{}), append(s.closed, false)
	}
}

// Close empties slot i and lets nobody in until it is opened again.
func (s *Slots[K]) Close(i int, closed bool) {
	if s.closed[i] = closed; closed {
		s.slots[i] = slot[K]{}
	}
}

// Len returns how many slots there are.
func (s *Slots[K]) Len() int { return len(s.slots) }

// At returns who is in slot i and how audible they were at the last Assign.
func (s *Slots[K]) At(i int) (key K, scoreDB float32, ok bool) {
	return s.slots[i].key, s.slots[i].scoreDB, s.slots[i].occupied
}

// Assign decides who is in which slot from now on and reports whether that
// changed. Candidates are all who may be heard, each at most once; one who is
// missing loses its slot at once. Equal scores are decided by their order.
func (s *Slots[K]) Assign(now time.Time, candidates []Candidate[K]) bool {
	changed := s.release(candidates)
	s.rank(candidates)
	changed = s.fill(now) || changed
	return s.challenge(now) || changed
}

// Release empties the slot of key at once and reports whether it had one.
func (s *Slots[K]) Release(key K) bool {
	if i := s.find(key); i >= 0 {
		s.slots[i] = slot[K]{}
		return true
	}
	return false
}

// release empties the slots of those who are no candidates and refreshes the
// scores of the others.
func (s *Slots[K]) release(candidates []Candidate[K]) (changed bool) {
	for i := range s.slots {
		sl := &s.slots[i]
		if !sl.occupied {
			continue
		}
		at := slices.IndexFunc(candidates, func(c Candidate[K]) bool { return c.Key == sl.key })
		if at < 0 {
			*sl = slot[K]{}
			changed = true
			continue
		}
		sl.scoreDB, sl.talking = candidates[at].ScoreDB, candidates[at].Talking
	}
	return changed
}

func (s *Slots[K]) rank(candidates []Candidate[K]) {
	s.waiting, s.next = s.waiting[:0], 0
	for _, c := range candidates {
		if c.ScoreDB == c.ScoreDB && s.find(c.Key) < 0 { // NaN is never heard
			s.waiting = append(s.waiting, c)
		}
	}
	slices.SortStableFunc(s.waiting, func(a, b Candidate[K]) int { return descending(a.ScoreDB, b.ScoreDB) })
}

// fill puts the most audible into free slots, silent ones too: when they start
// to talk, they are heard from the first syllable.
func (s *Slots[K]) fill(now time.Time) (changed bool) {
	for i := range s.slots {
		if s.next == len(s.waiting) {
			break
		}
		if !s.slots[i].occupied && !s.closed[i] {
			s.seat(i, now)
			changed = true
		}
	}
	return changed
}

// seat puts the next of those waiting into slot i.
func (s *Slots[K]) seat(i int, now time.Time) {
	c := s.waiting[s.next]
	s.slots[i] = slot[K]{key: c.Key, occupied: true, since: now, scoreDB: c.ScoreDB, talking: c.Talking}
	s.next++
}

// challenge goes through the occupants from the least audible up: the most
// audible of those waiting takes the first place that is free to be taken.
func (s *Slots[K]) challenge(now time.Time) (changed bool) {
	if s.next == len(s.waiting) {
		for i := range s.slots {
			s.slots[i].challenged = time.Time{}
		}
		return false
	}
	s.order(now)
	for _, i := range s.weakest {
		sl := &s.slots[i]
		if s.next == len(s.waiting) || s.waiting[s.next].ScoreDB-sl.scoreDB < SlotHysteresis {
			sl.challenged = time.Time{}
			continue
		}
		if sl.challenged.IsZero() {
			sl.challenged = now
		}
		if !sl.talking || now.Sub(sl.challenged) >= SlotDeadline {
			s.seat(i, now)
			changed = true
		}
	}
	return changed
}

// order lists the slots that may change hands, least audible first. A silent
// occupant makes way for a talker without having been held: it only kept the
// slot warm.
func (s *Slots[K]) order(now time.Time) {
	s.weakest = s.weakest[:0]
	talker := s.next < len(s.waiting) && s.waiting[s.next].Talking
	for i := range s.slots {
		sl := &s.slots[i]
		held := now.Sub(sl.since) >= SlotHold || talker && !sl.talking
		if sl.occupied && held {
			s.weakest = append(s.weakest, i)
		}
	}
	slices.SortStableFunc(s.weakest, func(a, b int) int {
		return descending(s.slots[b].scoreDB, s.slots[a].scoreDB)
	})
}

func (s *Slots[K]) find(key K) int {
	for i := range s.slots {
		if s.slots[i].occupied && s.slots[i].key == key {
			return i
		}
	}
	return -1
}

func descending(a, b float32) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}
