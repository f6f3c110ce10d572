package gateway

import (
	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

const mimeOpus = "audio/opus"

// about is what applications say of a participant: LiveKit's identity,
// metadata and attributes. The instance's mu guards it.
type about struct {
	identity   string // empty: the participant's id
	metadata   string
	attributes map[string]string // replaced, never changed
	mayUpdate  bool              // the participant may change it
	version    uint32
}

// liveKitLine is what the line of a LiveKit client can do besides: what an
// application asks for reaches it here. The instance's mu is held during the
// calls, which only queue.
type liveKitLine interface {
	participantChanged(*wire.ParticipantInfo)
	roomChanged(*wire.Room)
	// data sends a packet of the server's own.
	data(p *wire.DataPacket, reliable bool)
	// subscribe begins or ends to send tracks.
	subscribe(trackSIDs []string, on bool) error
}

// liveKitTracks is a line that knows more of its tracks than a session does.
type liveKitTracks interface {
	tracks() []*wire.TrackInfo
}

// identity is LiveKit's name of the participant. in.mu is held.
func (s *session) identity() string {
	if s.about.identity != "" {
		return s.about.identity
	}
	return string(s.participant)
}

// info is s as LiveKit's SDKs are told. in.mu is held.
func (s *session) info() *wire.ParticipantInfo {
	info := &wire.ParticipantInfo{
		SID: livekit.ParticipantSID(s.participant), Identity: s.identity(), Name: s.called(), State: wire.StateJoined,
		Metadata: s.about.metadata, Attributes: s.about.attributes, Version: s.about.version,
		JoinedAt: s.created.Unix(), JoinedAtMS: s.created.UnixMilli(),
		Tracks: s.tracks(), Permission: s.permission(), Kind: wire.KindStandard,
	}
	if s.opened.Load() || s.resident != nil {
		info.State = wire.StateActive
	}
	switch {
	case s.claims.Kind == KindNPC:
		info.Kind = wire.KindAgent
	case s.stream != nil:
		info.Kind = wire.KindIngress
	case s.door != nil:
		info.Kind = s.door.guest.token.KindOf()
	}
	if s.door != nil {
		info.DataTracks = s.door.dataTrackInfos()
	}
	info.IsPublisher = len(info.Tracks)+len(info.DataTracks) > 0
	return info
}

// permission is what s may do now: what the token grants less what was taken
// away since. in.mu is held.
func (s *session) permission() *wire.ParticipantPermission {
	if s.door != nil {
		return s.door.permission()
	}
	p := &wire.ParticipantPermission{
		CanSubscribe: s.can(protocol.GrantSubscribe), CanPublishData: s.can(protocol.GrantChat),
		CanUpdateMetadata: s.about.mayUpdate, Agent: s.claims.Kind == KindNPC,
	}
	sources := s.allowedSources()
	p.CanPublish = len(sources) > 0
	if p.CanPublish && len(sources) < 3 {
		for _, source := range sources {
			p.CanPublishSources = append(p.CanPublishSources, livekit.SourceNamed(string(source)))
		}
	}
	return p
}

// allowedSources are what s may publish now. in.mu is held.
func (s *session) allowedSources() (allowed []protocol.Source) {
	if s.claims.Can(protocol.GrantPublishAudio) && !s.moderated {
		allowed = append(allowed, protocol.SourceMicrophone)
	}
	for _, source := range []protocol.Source{protocol.SourceCamera, protocol.SourceScreen} {
		if s.claims.Can(protocol.GrantPublishVideo) && !s.withheld[source] {
			allowed = append(allowed, source)
		}
	}
	return allowed
}

// permission is what the client may do now; a mute by a moderator changes
// nothing of that.
func (l *lkLine) permission() *wire.ParticipantPermission {
	v := l.grant.Load()
	p := &wire.ParticipantPermission{
		CanSubscribe: v.MaySubscribe(), CanPublishData: v.MayPublishData(), CanUpdateMetadata: v.MayUpdateOwnMetadata(),
		Hidden: v.Hidden, Recorder: v.Recorder, Agent: v.Agent,
	}
	sources := v.Sources()
	if p.CanPublish = len(sources) > 0; p.CanPublish && len(v.CanPublishSources) > 0 {
		p.CanPublishSources = sources
	}
	return p
}

// tracks are what s publishes. A video that was taken away is shown muted, so
// that it can be given back. in.mu is held.
func (s *session) tracks() (tracks []*wire.TrackInfo) {
	if l, ok := s.line.(liveKitTracks); ok {
		for _, t := range l.tracks() {
			now := *t
			now.Muted = s.shut(t.Source) // which its line may not have heard of yet
			tracks = append(tracks, &now)
		}
		return tracks
	}
	encryption := wire.EncryptionType(0)
	if s.encrypted {
		encryption = encryptionCustom
	}
	add := func(source protocol.Source, muted bool, mime string) {
		t := livekit.Track{Of: s.participant, Source: livekit.SourceNamed(string(source)), Tag: s.trackTag()}
		info := &wire.TrackInfo{
			SID: t.SID(), Name: string(source), Source: t.Source, Muted: muted, MimeType: mime,
			Stream: string(source), Encryption: encryption,
		}
		if t.Video() {
			info.Type = wire.Video
		}
		tracks = append(tracks, info)
	}
	if s.microphone() != nil {
		add(protocol.SourceMicrophone, s.muted || s.moderated, mimeOpus)
	}
	if s.camera || s.withheld[protocol.SourceCamera] {
		add(protocol.SourceCamera, !s.camera, "")
	}
	if s.screen || s.withheld[protocol.SourceScreen] {
		add(protocol.SourceScreen, !s.screen, "")
	}
	return tracks
}

// shut reports whether nothing of a source is sent. in.mu is held.
func (s *session) shut(source wire.TrackSource) bool {
	switch source {
	case wire.SourceMicrophone:
		return s.muted || s.moderated
	case wire.SourceCamera:
		return !s.camera
	case wire.SourceScreenShare:
		return !s.screen
	case wire.SourceScreenShareAudio:
		return s.soundShut()
	}
	return true
}

// encryptionCustom says that media are encrypted in a way of the application.
const encryptionCustom wire.EncryptionType = 2

// find returns the participant whom an application calls by identity: one who
// joined with a token of its own key and that subject, or that identity, or
// else by Earshot's id. in.mu is held.
func (in *Instance) find(key, identity string) (*session, error) {
	if s := in.members[earshot.ParticipantFor(key, identity)]; s != nil {
		return s, nil
	}
	if s := in.members[earshot.ParticipantID(identity)]; s != nil {
		return s, nil
	}
	for _, s := range in.members {
		if s.about.identity != "" && s.about.identity == identity {
			return s, nil
		}
	}
	return nil, earshot.Errorf(earshot.CodeNotFound, "no participant %.128q is in room %s; ListParticipants says who is", identity, in.roomName())
}
