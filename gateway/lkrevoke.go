package gateway

import (
	"time"

	"earshot"
)

// maxRevoked bounds how many participants an instance knows revoked tokens of.
const maxRevoked = 4096

// revocations say whose tokens, issued before when, admit nobody any more. No
// token lives long enough to need them for more than a day. The instance's mu
// guards them.
type revocations map[earshot.ParticipantID]time.Time

// add revokes the tokens of who that were issued before a time.
func (r revocations) add(who earshot.ParticipantID, before, now time.Time) error {
	for id, t := range r {
		if now.Sub(t) > maxTokenLife+clockSkew {
			delete(r, id)
		}
	}
	if _, known := r[who]; !known && len(r) >= maxRevoked {
		return earshot.Errorf(earshot.CodeResourceExhausted, "this room remembers revoked tokens of %d participants, as many as it can; remove without revoking, and end who comes back", maxRevoked)
	}
	if latest := now.Add(clockSkew); before.After(latest) { // whoever comes later has a new token
		before = latest
	}
	if before.After(r[who]) {
		r[who] = before
	}
	return nil
}

// revokedFor refuses a token that was revoked.
func (in *Instance) revokedFor(c *Claims) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.revoked.check(c)
}

// check refuses a token that was revoked.
func (r revocations) check(c *Claims) error {
	if before, ok := r[c.Participant()]; ok && c.IssuedAt.Before(before) {
		return denied("this token was revoked; get a new one")
	}
	return nil
}
