package interest

import "time"

// Rules say who is in a set.
type Rules struct {
	K      int           // most members
	Enter  float32       // metres: within it one may become a member
	Leave  float32       // metres: beyond it one ceases to be, after Linger
	Linger time.Duration // spent beyond Leave without a break
	Better float32       // a newcomer replaces the farthest member if it is nearer than Better times that distance
}

// DefaultRules are the rules of presence for a view range in metres.
func DefaultRules(viewRange float64, k int) Rules {
	return Rules{
		K: k, Enter: float32(viewRange), Leave: float32(1.1 * viewRange),
		Linger: time.Second, Better: 0.85,
	}
}

// Member is one entity of a set, with what its receiver has got of it.
type Member struct {
	ID       int32
	Distance float32 // metres; set by the caller before Update
	Rate     float32 // poses a second by distance, as of the last Update

	Version uint32        // of the pose last sent, 0 for none yet
	SentAt  time.Duration // when
	Capture int64         // and when that pose was captured, ms; for the caller

	acc     float32
	again   uint8         // how often that pose was repeated, as far as it matters
	away    bool          // beyond Leave
	awayFor time.Duration // since this time
}

// Set is whom one entity gets. Times are since any fixed moment.
type Set struct {
	Members []Member

	// All are at rest since Due was last told this turn, 0 where not, and none is
	// to be repeated before until; rested is for how long Due looked at nobody.
	turn          uint64
	until, rested time.Duration
}

// Updater applies rules to one set after another.
type Updater struct {
	rules Rules
	mark  IDSet // scratch: the members of the set at hand
}

// NewUpdater returns an updater for entities with ids below ids.
func NewUpdater(rules Rules, ids int) *Updater {
	return &Updater{rules: rules, mark: make(IDSet, (ids+63)/64)}
}

// Update makes set follow near, the nearest entities within Enter as
// Grid.Nearest gives them (it reorders them). The caller has refreshed
// Distance of every member and removed those who must not be there. Those
// gone are appended to leave, those new to enter.
func (u *Updater) Update(set *Set, near []Hit, now time.Duration, enter, leave []int32) (entered, left []int32) {
	set.turn = 0
	leave = u.retire(set, now, leave)
	near = u.newcomers(set, near)
	for ; len(near) > 0; near = near[1:] {
		nearestFirst(near)
		m := Member{ID: near[0].ID, Distance: sqrt32(near[0].Dist2), acc: 1}
		if len(set.Members) < u.rules.K {
			set.Members = append(set.Members, m)
		} else {
			far := set.farthest()
			if m.Distance >= u.rules.Better*set.Members[far].Distance {
				break
			}
			leave = append(leave, set.Members[far].ID)
			set.Members[far] = m
		}
		enter = append(enter, m.ID)
	}
	for i := range set.Members {
		set.Members[i].Rate = Rate(set.Members[i].Distance)
	}
	return enter, leave
}

// retire removes those who have been away for long enough.
func (u *Updater) retire(set *Set, now time.Duration, leave []int32) []int32 {
	for i := len(set.Members) - 1; i >= 0; i-- {
		m := &set.Members[i]
		switch {
		case m.Distance <= u.rules.Leave:
			m.away = false
		case !m.away:
			m.away, m.awayFor = true, now
		case now-m.awayFor > u.rules.Linger:
			leave = append(leave, m.ID)
			set.removeAt(i)
		}
	}
	return leave
}

// newcomers moves those of near who are not members to the front and returns
// them.
func (u *Updater) newcomers(set *Set, near []Hit) []Hit {
	for i := range set.Members {
		u.mark.Put(set.Members[i].ID, true)
	}
	n := 0
	for _, h := range near {
		if !u.mark.Has(h.ID) {
			near[n] = h
			n++
		}
	}
	for i := range set.Members {
		u.mark.Put(set.Members[i].ID, false)
	}
	return near[:n]
}

// Remove takes id out at once and reports whether it was a member.
func (s *Set) Remove(id int32) bool {
	for i := range s.Members {
		if s.Members[i].ID == id {
			s.removeAt(i)
			return true
		}
	}
	return false
}

func (s *Set) removeAt(i int) {
	last := len(s.Members) - 1
	s.Members[i] = s.Members[last]
	s.Members = s.Members[:last]
}

func (s *Set) farthest() int {
	far := 0
	for i := range s.Members {
		if s.Members[i].Distance > s.Members[far].Distance {
			far = i
		}
	}
	return far
}

// nearestFirst swaps the nearest hit to the front.
func nearestFirst(hits []Hit) {
	best := 0
	for i := range hits {
		if hits[i].before(hits[best]) {
			best = i
		}
	}
	hits[0], hits[best] = hits[best], hits[0]
}
