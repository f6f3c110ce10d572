package gateway

import (
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// tellLayers tells s which simulcast layers of its camera anybody wants, when
// that changed. A client that was told nothing sends all. Used by the
// instance's tick only.
func (s *session) tellLayers(now time.Time) {
	if s.media == nil {
		return
	}
	camera := s.media.Video(string(protocol.SourceCamera))
	if camera == nil || !camera.Active() {
		s.layers = -1
		return
	}
	rids := camera.Layers()
	wanted := camera.Wanted(now)
	if len(rids) == 0 || wanted == s.layers {
		return
	}
	s.layers = wanted
	s.send(&protocol.Layers{Source: protocol.SourceCamera, RIDs: rids[:wanted]})
}

func (s *session) onView(m *protocol.View) error {
	if s.media == nil {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "this session has no media and so no video slots")
	}
	s.media.SetVideoHeights(m.Heights)
	return nil
}
