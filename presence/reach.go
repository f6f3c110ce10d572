package presence

import "earshot"

// Head returns where the head of a participant is in the world, false for one
// who is not here.
func (s *Space) Head(id earshot.ParticipantID) (earshot.Transform, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil {
		return earshot.Transform{Rotation: earshot.Identity}, false
	}
	return p.head, true
}

// Reach returns what Neighbours would say of one other if they were near enough:
// a megaphone carries over any distance. It is false where they may get nothing
// of each other, and until both may be seen and of has an interest set.
func (s *Space) Reach(of, other earshot.ParticipantID) (Neighbour, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, q := s.byID[of], s.byID[other]
	if p == nil || q == nil || p == q || !p.looks || !q.shown || p.isolated || q.isolated || p.hidden.Has(int32(q.index)) {
		return Neighbour{}, false
	}
	return Neighbour{
		ID: other, Head: q.head, PersonalDB: s.relations.gains(of)[other],
		Distance: q.head.Position.Distance(p.head.Position),
	}, true
}

// Apparent reports whether others may get to know that a participant is here at
// all: may be seen, neither watches unseen nor is isolated.
func (s *Space) Apparent(id earshot.ParticipantID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	return p != nil && p.shown && !p.aside && !p.isolated
}

// Sight returns where somebody stands whom others may get to know of: see
// Apparent. It is false for anybody else.
func (s *Space) Sight(id earshot.ParticipantID) (earshot.Pose, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil || !p.shown || p.aside || p.isolated {
		return earshot.Pose{}, false
	}
	return p.pose, true
}

// Shuns reports whether by blocks other, wherever either is.
func (s *Space) Shuns(by, other earshot.ParticipantID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.relations.blocks(by, other)
}
