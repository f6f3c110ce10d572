package sfu

// Allow lets the further offers of a LiveKit client have lines for more than its
// session was opened for. It takes nothing away: what may be sent and received is
// the handler's to say, line by line, and Deny's. It waits for an offer that is
// being answered.
func (s *Session) Allow(publishAudio, publishVideo, subscribe bool) {
	if s.livekit == nil {
		return
	}
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	g := &s.livekit.grants
	g.PublishAudio = g.PublishAudio || publishAudio
	g.PublishVideo = g.PublishVideo || publishVideo
	g.Subscribe = g.Subscribe || subscribe
	if up := s.livekit.up.Load(); up != nil {
		up.Allow(publishAudio, publishVideo, false)
	}
}

// Unpublish ends a publication of a LiveKit client, as if its line had been
// stopped: OnUnpublication is called, and when Unpublish returns nothing of it is
// written to anybody. The line may publish again, when the client offers it and
// OnSendLine takes it. It waits for an offer that is being answered.
func (s *Session) Unpublish(p *Publication) {
	if s.livekit == nil {
		return
	}
	by := s.uplinked()
	by.negotiating.Lock()
	defer by.negotiating.Unlock()
	if by.publicationOf(p.mid) != p { // it has ended meanwhile
		return
	}
	p.close()
	by.withdraw(p)
	by.livekit.handler.OnUnpublication(p)
}
