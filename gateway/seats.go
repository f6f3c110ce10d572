package gateway

import (
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// seats are the places kept for parties in instances of a node without others;
// where nodes share a store, that keeps them. The zero value is ready. It is not
// safe for concurrent use.
type seats struct{ list []reserved }

// reserved is what one reservation keeps.
type reserved struct {
	key      cluster.Key
	instance earshot.InstanceID
	who      []earshot.ParticipantID // who has not come yet
	until    time.Time
}

// keep adds a reservation.
func (s *seats) keep(key cluster.Key, instance earshot.InstanceID, who []earshot.ParticipantID, until time.Time) {
	s.list = append(s.list, reserved{key, instance, slices.Clone(who), until})
}

// others are how many places of an instance are kept for others than who.
func (s *seats) others(instance earshot.InstanceID, who earshot.ParticipantID, now time.Time) (n int) {
	s.expire(now)
	for i := range s.list {
		if r := &s.list[i]; r.instance == instance {
			n += len(r.who)
			if slices.Contains(r.who, who) {
				n--
			}
		}
	}
	return n
}

// has reports whether a reservation keeps a place for who.
func (s *seats) has(key cluster.Key, who earshot.ParticipantID, now time.Time) bool {
	s.expire(now)
	return slices.ContainsFunc(s.list, func(r reserved) bool { return r.key == key && slices.Contains(r.who, who) })
}

// take uses up what is kept for who in an instance: they are in.
func (s *seats) take(instance earshot.InstanceID, who earshot.ParticipantID) {
	for i := range s.list {
		if r := &s.list[i]; r.instance == instance {
			r.who = slices.DeleteFunc(r.who, func(id earshot.ParticipantID) bool { return id == who })
		}
	}
}

// cancel gives back what a reservation keeps.
func (s *seats) cancel(key cluster.Key) {
	s.list = slices.DeleteFunc(s.list, func(r reserved) bool { return r.key == key })
}

func (s *seats) expire(now time.Time) {
	s.list = slices.DeleteFunc(s.list, func(r reserved) bool { return len(r.who) == 0 || !r.until.After(now) })
}
