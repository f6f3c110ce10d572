package sfu

import (
	"maps"
	"slices"

	"earshot"
	"earshot/sfu/forward"
)

// deafness is of whom no voice may be heard, whatever Deny says: the two have
// reasons of their own, and lifting one does not lift the other. Its owner's mu
// guards it.
type deafness map[earshot.ParticipantID]struct{}

func (d *deafness) put(other earshot.ParticipantID, on bool) {
	switch {
	case !on:
		delete(*d, other)
	case *d == nil:
		*d = deafness{other: {}}
	default:
		(*d)[other] = struct{}{}
	}
}

func (d deafness) to(other earshot.ParticipantID) bool {
	_, yes := d[other]
	return yes
}

// DenyVoice says whether a participant's voices may be heard by this session:
// a wall is between them that pictures pass. When DenyVoice(other, true)
// returns, no packet of other's voices is written to this session, repairs and
// redundancy included, until it is allowed again.
func (s *Session) DenyVoice(other earshot.ParticipantID, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf.put(other, on)
	if !on {
		return
	}
	for i := range s.voice {
		if p := s.occupant(i); p != nil && p.of(other) {
			s.evict(p)
		}
	}
}

// DeniedVoices returns whose voices are denied to this session.
func (s *Session) DeniedVoices() []earshot.ParticipantID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.deaf))
}

// DenyVoice is Session.DenyVoice for a tap. When DenyVoice(other, true)
// returns, handle is not called for other's voices until other is allowed again
// and in the list of a SetVoice after that.
func (t *Tap) DenyVoice(other earshot.ParticipantID, on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deaf.put(other, on)
	if !on {
		return
	}
	for _, p := range slices.Backward(t.heard) {
		if p.of(other) && p.kind == forward.Audio {
			t.drop(p)
		}
	}
}
