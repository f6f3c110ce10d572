package gateway

import (
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
)

// moderate does what a moderator wants, where nothing is recorded of it.
func (in *Instance) moderate(m *protocol.Moderate, now time.Time) error {
	in.mu.Lock()
	s := in.members[m.Participant]
	if s == nil {
		in.mu.Unlock()
		return earshot.Errorf(earshot.CodeNotFound, "%s is not here", m.Participant)
	}
	if m.Action != protocol.ActionKick {
		s.moderated = m.Action == protocol.ActionMute
		in.silence(s, "moderator")
		if s.ghost != nil {
			s.ghost.moderate(s.moderated)
		}
		muted := s.moderated
		in.mu.Unlock()
		in.decree(cluster.Order{Kind: cluster.Mute, Of: m.Participant, Scope: in.world}, muted)
		return nil
	}
	for id, until := range in.barred {
		if now.After(until) {
			delete(in.barred, id)
		}
	}
	in.barred[m.Participant] = now.Add(barFor)
	in.mu.Unlock()
	in.dismissViewers(m.Participant)
	in.decree(cluster.Order{Kind: cluster.Ban, Of: m.Participant, Scope: in.world, Until: cluster.At(now.Add(barFor))}, true)
	message := "a moderator removed you"
	if m.Reason != "" {
		message += ": " + m.Reason
	}
	s.end(protocol.ReasonKicked, &protocol.Bye{Code: earshot.CodePermissionDenied, Message: message})
	return nil
}
