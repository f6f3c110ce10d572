package presence

import (
	"time"

	"earshot"
)

// Hasten has everybody in view of a participant who is Ready look around at the
// next Tick, instead of when it is their turn: one who comes over from another
// node has been with them all along, and would be missed until then.
func (s *Space) Hasten(id earshot.ParticipantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil {
		return
	}
	for _, q := range s.live {
		if float64(q.pose.Root.Distance(p.pose.Root)) <= s.cfg.ViewRange {
			q.due = time.Time{}
		}
	}
}
