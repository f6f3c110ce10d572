package gateway

import (
	"slices"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// maxRegranted bounds of how many people a room remembers what they may do.
const maxRegranted = 4096

// regranted is what an administrator has somebody do, in place of what tokens
// say that were issued before.
type regranted struct {
	permission *wire.ParticipantPermission
	at         time.Time
}

// permit makes want hold for s, in place of what its token says, or refuses and
// leaves everything as it is. When it returns nothing flows any more that is not
// allowed.
func (call *roomCall) permit(in *Instance, s *session, want *wire.ParticipantPermission) error {
	if want.Hidden != s.hidden {
		return unimplemented("UpdateParticipant: hidden is %t by the participant's token and stays so; have them join with another", s.hidden)
	}
	if s.door != nil {
		if err := in.keepPermission(s, want, call.now); err != nil {
			return err
		}
		in.regrant(s, want)
		return nil
	}
	return call.permitOurs(in, s, want)
}

// permitOurs is permit for a client of our own protocol, whose media lines are
// those that its token granted when it joined.
func (call *roomCall) permitOurs(in *Instance, s *session, want *wire.ParticipantPermission) error {
	never := func(grant string) error {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "UpdateParticipant: the participant's token does not grant %s; have them join with one that does", grant)
	}
	switch {
	case want.Recorder:
		return unimplemented("UpdateParticipant: recorders come by LiveKit's SDKs")
	case want.CanSubscribe && !s.claims.Can(protocol.GrantSubscribe):
		return never(protocol.GrantSubscribe)
	case want.CanPublish && !s.claims.Can(protocol.GrantPublishAudio) && !s.claims.Can(protocol.GrantPublishVideo):
		return never(protocol.GrantPublishAudio + " nor " + protocol.GrantPublishVideo)
	}
	for _, source := range managed() {
		if allows(want, source) && !s.claims.Can(grantOf(source)) && len(want.CanPublishSources) > 0 {
			return never(grantOf(source))
		}
	}
	for _, source := range managed() {
		if s.claims.Can(grantOf(source)) {
			if err := call.allow(in, s, source, allows(want, source)); err != nil {
				return err
			}
		}
	}
	granted := without(s.claims.Grants, protocol.GrantSubscribe, protocol.GrantChat)
	if want.CanSubscribe {
		granted = append(granted, protocol.GrantSubscribe)
	}
	if want.CanPublishData {
		granted = append(granted, protocol.GrantChat)
	}
	s.granted.Store(&granted)
	in.settlePermits(s)
	in.mu.Lock()
	defer in.mu.Unlock()
	s.about.mayUpdate = want.CanUpdateMetadata
	s.about.version++
	in.tellChanged(s)
	return nil
}

// keepPermission has what an administrator wants hold over a rejoin too, until the room
// closes or a newer token says otherwise.
func (in *Instance) keepPermission(s *session, want *wire.ParticipantPermission, now time.Time) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := &in.room
	if _, known := r.regranted[s.participant]; !known && len(r.regranted) >= maxRegranted {
		return earshot.Errorf(earshot.CodeResourceExhausted, "this room remembers the permissions of %d people, as many as it can; remove the participant, or have them join with another token", maxRegranted)
	}
	if r.regranted == nil {
		r.regranted = make(map[earshot.ParticipantID]regranted)
	}
	r.regranted[s.participant] = regranted{want, now}
	return nil
}

// granting is what guest may do in the room: what the token says, or an
// administrator since it was issued.
func (in *Instance) granting(guest *lkGuest) livekit.VideoGrant {
	in.mu.Lock()
	defer in.mu.Unlock()
	if r, ok := in.room.regranted[guest.claims.Participant()]; ok && !guest.claims.IssuedAt.After(r.at) {
		return guest.token.Video.With(r.permission)
	}
	return guest.token.Video
}

// regrant makes want hold for a client of LiveKit, which is told. Tracks that it
// may not publish any more are taken back from it.
func (in *Instance) regrant(s *session, want *wire.ParticipantPermission) {
	l := s.door
	l.regranting.Lock()
	defer l.regranting.Unlock()
	grant := l.grant.Load().With(want)
	l.setGrant(&grant)
	l.media.Allow(mediaGrants(&grant)) // after which no line begins by the old grant
	for _, p := range l.media.Publications() {
		if source := livekit.SourceNamed(p.Source()); !grant.Allows(source, wire.Audio) {
			track := l.own(source)
			l.media.Unpublish(p)
			l.tell(&wire.SignalResponse{TrackUnpublished: &wire.TrackUnpublished{TrackSID: track.SID()}})
		}
	}
	if !grant.MayPublishData() {
		l.unpublishAllData()
	}
	in.settlePermits(s)
	l.settleData()
	if grant.MaySubscribe() && !s.ready.Load() {
		if err := s.handle(&protocol.Ready{}, time.Now()); err != nil {
			s.refuse("", err)
		}
	}
	in.mu.Lock()
	s.about.mayUpdate = grant.MayUpdateOwnMetadata()
	s.about.version++
	in.tellChanged(s)
	in.mu.Unlock()
	l.renew(time.Unix(s.expires.Load(), 0), time.Now())
}

// setGrant makes a grant hold for the client's requests and for the rules of the
// instance, which know it in our own terms.
func (l *lkLine) setGrant(grant *livekit.VideoGrant) {
	granted := append(without(l.s.claims.Grants, managedGrants()...), grantsOfLiveKit(grant)...)
	l.grant.Store(grant)
	l.s.granted.Store(&granted)
}

// managedGrants are those of ours that a LiveKit grant decides.
func managedGrants() []string {
	return []string{
		protocol.GrantPublishAudio, protocol.GrantPublishVideo, protocol.GrantSubscribe, protocol.GrantChat, protocol.GrantPublishPose,
	}
}

// mediaGrants is what an offer may have lines for.
func mediaGrants(v *livekit.VideoGrant) (audio, video, subscribe bool) {
	return v.MayPublish(livekit.SourceMicrophone) || v.MayPublish(livekit.SourceScreenAudio),
		v.MayPublish(livekit.SourceCamera) || v.MayPublish(livekit.SourceScreen), v.MaySubscribe()
}

func without(grants []string, taken ...string) []string {
	return slices.DeleteFunc(slices.Clone(grants), func(g string) bool { return slices.Contains(taken, g) })
}
