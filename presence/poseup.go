package presence

import (
	"time"

	"earshot"
	"earshot/presence/pose"
)

// PoseUp takes a datagram of a participant: one pose, or one and the one
// before it. A datagram older than the last or seen before is dropped without
// error. The *earshot.Error is not_found, or invalid_argument for malformed
// bytes. It keeps nothing of the slice.
func (s *Space) PoseUp(id earshot.ParticipantID, datagram []byte, now time.Time) error {
	r, err := pose.Open(datagram)
	if err != nil {
		return err
	}
	blocks := r.Len
	current, _ := r.Next()
	before, _ := r.Next()
	if blocks < 1 || blocks > 2 || !current.Known() {
		return earshot.Errorf(earshot.CodeInvalidArgument, "pose datagram has %d blocks; send a vr3 snapshot, and the one before it", blocks)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil {
		return earshot.Errorf(earshot.CodeNotFound, "participant %s is not in this instance", id)
	}
	s.advance(now)
	missing, ok := p.uplink.accepts(r.Seq, now)
	if !ok {
		return nil
	}
	capture := max(p.uplink.capture(r.Seq, r.Time, s.clock(now), now), p.current.capture)
	rescued := blocks == 2 && missing > 0 && before.Known() && capture-int64(before.Age) > p.current.capture
	if rescued {
		p.accept(before.Payload, capture-int64(before.Age), false)
	}
	p.accept(current.Payload, capture, rescued)
	s.newest(p)
	return nil
}
