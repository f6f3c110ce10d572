package sfu

import "earshot"

// uplinkHandler is the handler of the connection by which a client with two
// publishes. The other one is the session that everybody knows.
type uplinkHandler struct {
	LiveKitHandler
	main *Session
}

var _ Expelled = uplinkHandler{}

// OnConnection ends the session with either of its connections.
func (h uplinkHandler) OnConnection(c ConnectionState) {
	if c == Closed {
		h.main.Stop()
	}
}

// OnExpelled ends what comes from the session, and what goes to it.
func (h uplinkHandler) OnExpelled(why *earshot.Error) {
	h.main.Retire()
	if expelled, ok := h.LiveKitHandler.(Expelled); ok {
		expelled.OnExpelled(why)
		return
	}
	h.main.Stop()
}

// uplink returns the connection by which a client with two publishes, and opens
// it the first time.
func (s *Session) uplink() (*Session, error) {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if up := s.livekit.up.Load(); up != nil {
		return up, nil
	}
	o := s.livekit.grants
	o.Dual, o.Subscribe, o.Handler = false, false, uplinkHandler{LiveKitHandler: s.livekit.handler, main: s}
	up, err := s.sfu.openLiveKit(o)
	if err != nil {
		return nil, err
	}
	s.livekit.up.Store(up)
	s.mu.Lock()
	retired := s.retired
	s.mu.Unlock()
	if retired {
		up.Retire()
	}
	select {
	case <-s.stop: // its end may not have seen the new one
		up.Stop()
	default:
	}
	return up, nil
}

// uplinked returns the connection by which the client publishes: the session
// itself where it has but one.
func (s *Session) uplinked() *Session {
	if s.livekit != nil {
		if up := s.livekit.up.Load(); up != nil {
			return up
		}
	}
	return s
}

// endUplink ends the other connection of a session that ends.
func (s *Session) endUplink() {
	if up := s.uplinked(); up != s {
		up.Close()
	}
}
