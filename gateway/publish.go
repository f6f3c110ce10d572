package gateway

import (
	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// publish begins or ends a video, as its owner wishes.
func (in *Instance) publish(s *session, source protocol.Source, active bool) error {
	var p *sfu.Publication
	if s.media != nil {
		p = s.media.Video(string(source))
	}
	if p == nil {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "the offer reserved no line for %s; join again with a sendonly video for it", source)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if active && s.withheld[source] {
		return earshot.Errorf(earshot.CodePermissionDenied, "an administrator took your %s off; ask them to allow it again", source)
	}
	in.show(s, p, source, active)
	return nil
}

// show makes a video flow or end and tells everybody. in.mu is held.
func (in *Instance) show(s *session, p *sfu.Publication, source protocol.Source, active bool) {
	switch source {
	case protocol.SourceCamera:
		s.camera = active
	case protocol.SourceScreen:
		s.screen = active
	}
	p.SetActive(active)
	in.noteMuted(s, string(source), !active)
	in.announce(s, &protocol.Published{Participant: s.participant, Source: source, Active: active})
	in.noteTracks(s)
}
