package gateway

import (
	"slices"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
)

// lkPermitted bounds whom a client may name as allowed to subscribe.
const lkPermitted = 512

// lkPermits says who may subscribe to what a LiveKit client publishes
// (SubscriptionPermission). Whoever may not get all of its tracks gets none:
// the way between two participants is open or closed as a whole. Immutable.
type lkPermits struct {
	sids, identities map[string]lkPermit
}

// lkPermit is what one participant is allowed.
type lkPermit struct {
	all    bool
	tracks []string // sids
}

// onPermission takes whom the client lets subscribe. When it returns, nothing
// flows any more to those it does not.
func (l *lkLine) onPermission(m *wire.SubscriptionPermission) {
	var next *lkPermits
	if !m.AllParticipants {
		if len(m.TrackPermissions) > lkPermitted {
			l.s.refuse("", earshot.Errorf(earshot.CodeResourceExhausted, "at most %d participants can be named in permissions; nobody gets your tracks now", lkPermitted))
			m.TrackPermissions = nil
		}
		next = &lkPermits{sids: make(map[string]lkPermit), identities: make(map[string]lkPermit)}
		for _, p := range m.TrackPermissions {
			permit := lkPermit{all: p.AllTracks, tracks: p.TrackSIDs}
			if p.ParticipantIdentity != "" {
				next.identities[p.ParticipantIdentity] = permit
			} else {
				next.sids[p.ParticipantSID] = permit
			}
		}
	}
	l.mu.Lock()
	before := l.permits
	l.permits = next
	l.mu.Unlock()
	if before != nil || next != nil {
		l.s.in.settlePermits(l.s)
		l.tellPermits()
	}
}

// tellPermits tells the other LiveKit clients whether they may subscribe.
func (l *lkLine) tellPermits() {
	in := l.s.in
	for _, other := range in.live.Load().all {
		if other.door == nil || other == l.s {
			continue
		}
		allowed := !in.withholds(l.s, other)
		for _, t := range l.tracks() {
			_ = other.door.post(lkEvent{signal: &wire.SignalResponse{SubscriptionPermissionUpdate: &wire.SubscriptionPermissionUpdate{
				ParticipantSID: livekit.ParticipantSID(l.s.participant), TrackSID: t.SID, Allowed: allowed,
			}}})
		}
	}
}

// settlePermits brings the ways of media from s in line with whom it lets
// subscribe.
func (in *Instance) settlePermits(s *session) {
	in.policy.Lock()
	defer in.policy.Unlock()
	live := in.live.Load()
	if live.byID[s.participant] != s {
		return
	}
	for _, other := range live.all {
		if other != s {
			in.part(s, other)
		}
	}
}

// withholds reports whether from, a LiveKit client, does not let to subscribe to
// what it publishes. Everybody else is heard by whoever is near. in.mu must not
// be held.
func (in *Instance) withholds(from, to *session) bool {
	if from.door == nil {
		return false
	}
	in.mu.Lock()
	identity := to.identity()
	in.mu.Unlock()
	l := from.door
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.permits == nil {
		return false
	}
	permit, named := l.permits.identities[identity]
	if !named {
		permit = l.permits.sids[livekit.ParticipantSID(to.participant)]
	}
	if permit.all {
		return false
	}
	published := l.pubs.Infos()
	return len(published) == 0 || slices.ContainsFunc(published, func(t *wire.TrackInfo) bool {
		return !slices.Contains(permit.tracks, t.SID)
	})
}
