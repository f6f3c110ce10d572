package gateway

import (
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// called is the name of s as others see it.
func (s *session) called() string { return *s.name.Load() }

// judgedName returns what others may see of a name that s, or an administrator,
// wants: judged as at the door.
func (in *Instance) judgedName(s *session, wanted string) string {
	claims := *s.claims
	claims.Name = presentable(wanted, s.called())
	if claims.Name == s.called() {
		return claims.Name
	}
	return in.named(&claims)
}

// rename gives s another name and tells everybody. in.mu is held.
func (in *Instance) rename(s *session, name string) {
	if name == s.called() || in.members[s.participant] != s {
		return
	}
	s.name.Store(&name)
	if s.resident == nil {
		in.g.names.learn(s.participant, name)
	}
	if t := in.taping; t != nil && t.taps[s] != nil {
		t.rec.Join(s.participant, name, s.claims.Kind) // who is there already only gets the name
	}
	if s.opened.Load() {
		in.announce(s, &protocol.Renamed{Participant: s.participant, Name: name})
	}
}

// mayRename says whether s may take another name now: a name is a word that
// everybody reads, so what holds for a line of chat holds for it.
func (s *session) mayRename(name string, now time.Time) error {
	if name == "" || name == s.called() {
		return nil
	}
	if !s.allow(&s.chats, now) {
		return earshot.Errorf(earshot.CodeResourceExhausted, "a name can change once a second, and counts as a line of chat; it stays as it was")
	}
	return s.in.mayWrite(s, now)
}
