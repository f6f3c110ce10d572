package gateway

import (
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/policy"
)

// listParticipants lists who is in a room, of either protocol and NPCs among
// them: nobody where the world has no room open.
func (call *roomCall) listParticipants(r *wire.ListParticipantsRequest) (*wire.ListParticipantsResponse, error) {
	if err := call.by.AdminOf(r.Room); err != nil {
		return nil, err
	}
	in, err := call.g.room(r.Room)
	if err != nil {
		return nil, err
	}
	list := &wire.ListParticipantsResponse{}
	if in == nil {
		return list, nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, s := range in.members {
		list.Participants = append(list.Participants, s.info())
	}
	slices.SortFunc(list.Participants, func(a, b *wire.ParticipantInfo) int { return strings.Compare(a.SID, b.SID) })
	return list, nil
}

func (call *roomCall) getParticipant(r *wire.RoomParticipantIdentity) (*wire.ParticipantInfo, error) {
	in, s, err := call.participant(r.Room, r.Identity)
	if err != nil {
		return nil, err
	}
	return in.informed(s), nil
}

// removeParticipant removes somebody as a moderator would. With a time, tokens
// that were issued to them before admit nobody any more.
func (call *roomCall) removeParticipant(r *wire.RoomParticipantIdentity) (*wire.Empty, error) {
	in, s, err := call.person(r.Room, r.Identity)
	if err != nil {
		return nil, err
	}
	if r.RevokeTokenTS > 0 {
		in.mu.Lock()
		err := in.revoked.add(s.participant, time.Unix(int64(min(r.RevokeTokenTS, 1<<40)), 0), call.now)
		in.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	return &wire.Empty{}, call.moderate(in, s, protocol.ActionKick)
}

// mutePublishedTrack mutes a voice as a moderator would, or takes a video away,
// and gives either back: what their owner muted or ended themselves stays so.
func (call *roomCall) mutePublishedTrack(r *wire.MuteRoomTrackRequest) (*wire.MuteRoomTrackResponse, error) {
	in, s, err := call.person(r.Room, r.Identity)
	if err != nil {
		return nil, err
	}
	track := in.track(s, r.TrackSID)
	if track == nil {
		return nil, earshot.Errorf(earshot.CodeNotFound, "%.128q publishes no track %.64q; GetParticipant lists those there are", r.Identity, r.TrackSID)
	}
	source := protocol.Source(livekit.SourceName(track.Source))
	if !slices.Contains(managed(), source) && source != protocol.SourceScreenAudio {
		return nil, unimplemented("MutePublishedTrack: a track of source %s cannot be muted from here; remove the participant", source)
	}
	if err := call.allow(in, s, source, !r.Muted); err != nil {
		return nil, err
	}
	if now := in.track(s, r.TrackSID); now != nil {
		track = now
	} else { // a video given back begins when its owner wants
		ended := *track
		ended.Muted = true
		track = &ended
	}
	return &wire.MuteRoomTrackResponse{Track: track}, nil
}

// managed are the sources that an administrator can take away.
func managed() []protocol.Source {
	return []protocol.Source{protocol.SourceMicrophone, protocol.SourceCamera, protocol.SourceScreen}
}

func (call *roomCall) updateParticipant(r *wire.UpdateParticipantRequest) (*wire.ParticipantInfo, error) {
	in, s, err := call.person(r.Room, r.Identity)
	if err != nil {
		return nil, err
	}
	if r.Permission != nil {
		if err := call.permit(in, s, r.Permission); err != nil {
			return nil, err
		}
	}
	if err := in.changeAbout(s, wire.UpdateMetadata{Metadata: r.Metadata, Name: r.Name, Attributes: r.Attributes}); err != nil {
		return nil, err
	}
	return in.informed(s), nil
}

// allows reports whether want lets a source be published.
func allows(want *wire.ParticipantPermission, source protocol.Source) bool {
	return want.CanPublish && (len(want.CanPublishSources) == 0 || slices.Contains(want.CanPublishSources, livekit.SourceNamed(string(source))))
}

func grantOf(source protocol.Source) string {
	if source == protocol.SourceMicrophone {
		return protocol.GrantPublishAudio
	}
	return protocol.GrantPublishVideo
}

// allow lets s publish source or takes it away. When it returns, nothing more
// of what was taken away goes out.
func (call *roomCall) allow(in *Instance, s *session, source protocol.Source, on bool) error {
	if source != protocol.SourceMicrophone {
		in.withhold(s, source, !on)
		return nil
	}
	in.mu.Lock()
	muted := s.moderated
	in.mu.Unlock()
	if muted == !on {
		return nil
	}
	if on {
		return call.moderate(in, s, protocol.ActionUnmute)
	}
	return call.moderate(in, s, protocol.ActionMute)
}

// withhold takes a video, or the sound of a screen, away from s or gives it back:
// given back, a video begins when its owner wants.
func (in *Instance) withhold(s *session, source protocol.Source, on bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.members[s.participant] != s || s.withheld[source] == on {
		return
	}
	if s.withheld == nil {
		s.withheld = make(map[protocol.Source]bool)
		if in.room.withheld == nil {
			in.room.withheld = make(map[earshot.ParticipantID]map[protocol.Source]bool)
		}
		in.room.withheld[s.participant] = s.withheld
	}
	if on {
		s.withheld[source] = true
	} else {
		delete(s.withheld, source)
	}
	if s.media != nil {
		if p := s.media.Video(string(source)); p != nil && on && p.Active() {
			in.show(s, p, source, false)
		}
	}
	in.settleSound(s)
	in.noteTracks(s)
	in.tellChanged(s)
}

// moderate does to s what a moderator would, and by the same way: into the
// journal where this server moderates. When it returns, it is done.
func (call *roomCall) moderate(in *Instance, s *session, action string) error {
	g, p := call.g, call.g.pipeline
	if p == nil {
		return in.moderate(&protocol.Moderate{Participant: s.participant, Action: action}, call.now)
	}
	ctx, cancel := g.brief()
	defer cancel()
	var err error
	by := "livekit:" + call.by.Key
	if action == protocol.ActionUnmute {
		err = g.lift(ctx, in.world, s.participant, by, "")
	} else {
		act := policy.Act{Action: policy.Mute}
		if action == protocol.ActionKick {
			act.Action = policy.Kick
		}
		_, err = p.Act(ctx, moderation.Act{
			World: in.world, Instance: in.id, Who: s.participant, Name: s.called(), Moderator: by, Action: act,
			Note: "LiveKit room service", Context: in.recent(),
		})
	}
	if err != nil {
		return err
	}
	// The order comes a moment later by itself: whoever asked need not wait for it.
	in.obey(p.Standing(in.world, s.participant), call.now)
	if action == protocol.ActionKick {
		s.end(protocol.ReasonKicked, &protocol.Bye{Code: earshot.CodePermissionDenied, Message: "a moderator removed you"})
	}
	return nil
}

// updateSubscriptions changes what a LiveKit client receives, within what may
// reach it. Earshot's own clients receive who is near.
func (call *roomCall) updateSubscriptions(r *wire.UpdateSubscriptionsRequest) (*wire.Empty, error) {
	in, s, err := call.person(r.Room, r.Identity)
	if err != nil {
		return nil, err
	}
	l, ok := s.line.(liveKitLine)
	if !ok {
		return nil, unimplemented("UpdateSubscriptions: what %.128q receives is chosen by who is near; it did not join with a LiveKit SDK", r.Identity)
	}
	sids := slices.Clone(r.TrackSIDs)
	for _, p := range r.ParticipantTracks {
		sids = append(sids, p.TrackSIDs...)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return &wire.Empty{}, l.subscribe(sids, r.Subscribe)
}

// participant returns whom an administrator means.
func (call *roomCall) participant(room, identity string) (*Instance, *session, error) {
	in, err := call.administered(room)
	if err != nil {
		return nil, nil, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	s, err := in.find(call.by.Key, identity)
	return in, s, err
}

// person is participant, but for NPCs, which are the studio's.
func (call *roomCall) person(room, identity string) (*Instance, *session, error) {
	in, s, err := call.participant(room, identity)
	if err == nil && s.resident != nil {
		err = earshot.Errorf(earshot.CodeFailedPrecondition, "%.128q is an NPC that lives in this world; change it in the studio (docs/studio.md)", identity)
	}
	return in, s, err
}

// informed is s as LiveKit's SDKs are told.
func (in *Instance) informed(s *session) *wire.ParticipantInfo {
	in.mu.Lock()
	defer in.mu.Unlock()
	return s.info()
}

// track returns what s publishes under sid, or nil.
func (in *Instance) track(s *session, sid string) *wire.TrackInfo {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, t := range s.tracks() {
		if t.SID == sid {
			return t
		}
	}
	return nil
}
