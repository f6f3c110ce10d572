package presence

import (
	"earshot"
)

const (
	// maxRelations is how many blocks, and how many gains, one participant keeps.
	maxRelations = 1000
	// maxKept is how many blocks and gains an instance keeps in all, about 12
	// MB. Beyond it those who are gone longest lose theirs; their client names
	// its blocks anew when it returns.
	maxKept = 200_000
)

// Bounds of a personal gain, in dB.
const (
	MinGain = -60
	MaxGain = 12
)

// relation is what one participant decided about others.
type relation struct {
	blocks map[earshot.ParticipantID]struct{}
	gains  map[earshot.ParticipantID]float64 // dB, none of them 0
	queued bool                              // in relations.left
}

// relations outlive the presence of those they are about.
type relations struct {
	of   map[earshot.ParticipantID]*relation
	kept int                     // blocks and gains in all
	left []earshot.ParticipantID // who decided something and left, oldest first; some are back
}

var errNoRoom = earshot.Errorf(earshot.CodeResourceExhausted, "this instance keeps %d blocks and volumes already; try again when others have left", maxKept)

func (r *relations) get(id earshot.ParticipantID) *relation {
	if r.of == nil {
		r.of = make(map[earshot.ParticipantID]*relation)
	}
	if r.of[id] == nil {
		r.of[id] = &relation{
			blocks: make(map[earshot.ParticipantID]struct{}),
			gains:  make(map[earshot.ParticipantID]float64),
		}
	}
	return r.of[id]
}

// leave notes that id is gone.
func (r *relations) leave(id earshot.ParticipantID) {
	if d := r.of[id]; d != nil && !d.queued {
		d.queued = true
		r.left = append(r.left, id)
	}
}

// room makes room for one more decision where it can.
func (r *relations) room(present map[earshot.ParticipantID]*participant) bool {
	for r.kept >= maxKept && len(r.left) > 0 {
		id := r.left[0]
		r.left = r.left[1:]
		d := r.of[id]
		d.queued = false
		if present[id] == nil {
			r.kept -= len(d.blocks) + len(d.gains)
			delete(r.of, id)
		}
	}
	return r.kept < maxKept
}

func (r *relations) blocks(by, other earshot.ParticipantID) bool {
	if r.of[by] == nil {
		return false
	}
	_, yes := r.of[by].blocks[other]
	return yes
}

func (r *relations) blocked(a, b earshot.ParticipantID) bool {
	return r.blocks(a, b) || r.blocks(b, a)
}

func (r *relations) gains(listener earshot.ParticipantID) map[earshot.ParticipantID]float64 {
	if r.of[listener] == nil {
		return nil
	}
	return r.of[listener].gains
}

// Block decides whether by and other get anything of each other. It holds once
// Block has returned, both ways, also where other is not here or by returns
// later; a pair is free again when neither blocks the other. The
// *earshot.Error is invalid_argument for oneself and for something that is no
// participant id, resource_exhausted at 1000 blocks.
func (s *Space) Block(by, other earshot.ParticipantID, on bool) error {
	if by == other || !other.Valid() {
		return earshot.Errorf(earshot.CodeInvalidArgument, "participant %.64q cannot be blocked: name another participant", other)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !on {
		if s.relations.blocks(by, other) {
			delete(s.relations.get(by).blocks, other)
			s.relations.kept--
		}
	} else if !s.relations.blocks(by, other) {
		if len(s.relations.get(by).blocks) >= maxRelations {
			return earshot.Errorf(earshot.CodeResourceExhausted, "%d participants are blocked already; unblock one first", maxRelations)
		}
		if !s.relations.room(s.byID) {
			return errNoRoom
		}
		s.relations.get(by).blocks[other] = struct{}{}
		s.relations.kept++
	}
	if p, q := s.byID[by], s.byID[other]; p != nil && q != nil {
		p.hide(q, s.relations.blocked(by, other))
	}
	return nil
}

// Blocked reports whether either of the two blocks the other.
func (s *Space) Blocked(a, b earshot.ParticipantID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.relations.blocked(a, b)
}

// Repelled returns how many of those who are here block id, or are blocked by id.
func (s *Space) Repelled(id earshot.ParticipantID) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.byID {
		if other != id && s.relations.blocked(id, other) {
			n++
		}
	}
	return n
}

// Gain returns the volume at which listener wants to hear talker, in dB.
func (s *Space) Gain(listener, talker earshot.ParticipantID) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.relations.gains(listener)[talker]
}

// SetGain sets the volume at which listener wants to hear talker, -60 to 12
// dB; 0 forgets it. It is kept like a block. The *earshot.Error is
// invalid_argument, out_of_range, or resource_exhausted at 1000 gains.
func (s *Space) SetGain(listener, talker earshot.ParticipantID, db float64) error {
	if listener == talker || !talker.Valid() {
		return earshot.Errorf(earshot.CodeInvalidArgument, "participant %.64q has no volume: name another participant", talker)
	}
	if !(db >= MinGain && db <= MaxGain) {
		return earshot.Errorf(earshot.CodeOutOfRange, "gain_db is %v; it must be %d to %d", db, MinGain, MaxGain)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.relations.gains(listener)[talker]
	switch {
	case db == 0 && known:
		delete(s.relations.gains(listener), talker)
		s.relations.kept--
		return nil
	case db == 0:
		return nil
	case !known && len(s.relations.gains(listener)) >= maxRelations:
		return earshot.Errorf(earshot.CodeResourceExhausted, "%d volumes are set already; set one to 0 first", maxRelations)
	case !known && !s.relations.room(s.byID):
		return errNoRoom
	case !known:
		s.relations.kept++
	}
	s.relations.get(listener).gains[talker] = db
	return nil
}
