package presence

import (
	"earshot"
)

// maxRelations is how many blocks, and how many gains, one participant keeps.
const maxRelations = 1000

// Bounds of a personal gain, in dB.
const (
	MinGain = -60
	MaxGain = 12
)

// relation is what one participant decided about others.
type relation struct {
	blocks map[earshot.ParticipantID]struct{}
	gains  map[earshot.ParticipantID]float64 // dB, none of them 0
}

// relations outlive the presence of those they are about.
type relations struct {
	of map[earshot.ParticipantID]*relation
}

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
		}
	} else if !s.relations.blocks(by, other) {
		r := s.relations.get(by)
		if len(r.blocks) >= maxRelations {
			return earshot.Errorf(earshot.CodeResourceExhausted, "%d participants are blocked already; unblock one first", maxRelations)
		}
		r.blocks[other] = struct{}{}
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
	if db == 0 {
		delete(s.relations.gains(listener), talker)
		return nil
	}
	gains := s.relations.get(listener).gains
	if _, known := gains[talker]; !known && len(gains) >= maxRelations {
		return earshot.Errorf(earshot.CodeResourceExhausted, "%d volumes are set already; set one to 0 first", maxRelations)
	}
	gains[talker] = db
	return nil
}
