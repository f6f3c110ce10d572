package presence

import "earshot"

// SetPoseRate says how many bytes of poses a second a participant is sent at
// most from the next Tick on: 0 for none, and never above 96,000, which is what
// one gets who did not ask for less. Who is near whom does not depend on it.
func (s *Space) SetPoseRate(id earshot.ParticipantID, bytes float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byID[id]; p != nil {
		p.rate = min(max(bytes, 0), bytesPerSecond)
		p.credit = min(p.credit, burst(p.rate))
	}
}
