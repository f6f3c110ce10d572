package gateway

import (
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// layers is what a publisher was told to send of a video: so many of its sizes.
type layers struct{ wanted, of int }

// tellLayers tells s which layers of its camera and its screen anybody wants,
// when that changed. A client that was told nothing sends all. Used by the
// instance's tick only.
func (s *session) tellLayers(now time.Time) {
	if s.media == nil {
		return
	}
	for i, source := range [...]protocol.Source{protocol.SourceCamera, protocol.SourceScreen} {
		video := s.media.Video(string(source))
		if video == nil || !video.Active() {
			s.layers[i] = layers{}
			continue
		}
		tell := layers{wanted: video.Wanted(now), of: video.Sizes()}
		if tell.of < 2 || tell == s.layers[i] {
			continue
		}
		s.layers[i] = tell
		m := &protocol.Layers{Source: source, RIDs: []string{}}
		if rids := video.Layers(); len(rids) > 0 {
			m.RIDs = rids[:tell.wanted]
		} else {
			m.Spatial, m.Of = tell.wanted, tell.of
		}
		s.send(m)
	}
}

func (s *session) onView(m *protocol.View) error {
	if s.media == nil {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "this session has no media and so no video slots")
	}
	s.media.SetVideoHeights(m.Heights)
	return nil
}
