package gateway

import (
	"maps"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/webhook"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

const (
	// emptyFor and departedFor are how long a room stays open before anybody
	// came, and after the last left: LiveKit's defaults.
	emptyFor    = 5 * time.Minute
	departedFor = 20 * time.Second
)

// room is an instance as LiveKit's API has it: open from when somebody comes or
// an application asks for it, until nobody has been there for a while. The
// instance itself runs on. The instance's mu guards it.
type room struct {
	open     bool
	since    time.Time
	metadata string
	most     int           // participants besides NPCs; 0: the capacity of the world
	empty    time.Duration // how long it stays open before anybody came
	departed time.Duration // how long after the last left
	visited  bool
	idle     time.Time // since when nobody is there; zero: somebody is
	closing  bool      // everybody is being sent out
	// withheld are the videos that an administrator took away from somebody:
	// coming back does not bring them back.
	withheld map[earshot.ParticipantID]map[protocol.Source]bool
}

// openRoom opens the room, if it is not open, and returns it. in.mu is held.
func (in *Instance) openRoom(now time.Time) *room {
	r := &in.room
	if !r.open {
		*r = room{open: true, since: now, empty: emptyFor, departed: departedFor, idle: now}
		in.hook(wire.EventRoomStarted, nil, nil)
	}
	return r
}

// closeIdle closes the room if nobody has been there for long enough.
func (in *Instance) closeIdle(now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := &in.room
	patience := r.empty
	if r.visited {
		patience = r.departed
	}
	if r.open && !r.idle.IsZero() && now.Sub(r.idle) >= patience {
		in.closeRoom()
	}
}

// closeRoom is the end of the room; the next to come opens another. in.mu is
// held.
func (in *Instance) closeRoom() {
	in.hook(wire.EventRoomFinished, nil, nil)
	in.room = room{}
}

// crowded reports whether no more may come than an application said.
func (in *Instance) crowded(live *roster) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.room.most > 0 && live.clients >= in.room.most
}

// noteEnter, noteJoin, noteTracks and noteLeave are called where a participant
// has become a member, was welcomed, published or took back something, and is a
// member no more: the room follows, and webhooks are told. NPCs do not count.
// in.mu is held.
func (in *Instance) noteEnter(s *session, now time.Time) {
	if s.resident != nil {
		return
	}
	r := in.openRoom(now)
	r.visited, r.idle = true, time.Time{}
	s.withheld = r.withheld[s.participant]
}

func (in *Instance) noteJoin(s *session) {
	if s.resident != nil || !in.g.hooks.Active() {
		return
	}
	in.hook(wire.EventParticipantJoined, s.info(), nil)
	in.noteTracks(s)
}

func (in *Instance) noteTracks(s *session) {
	if s.resident != nil || !in.g.hooks.Active() || !s.opened.Load() || in.members[s.participant] != s {
		return
	}
	info := s.info()
	in.compare(s, info, info.Tracks)
}

// compare tells of the difference between what webhooks know that s publishes
// and what it does.
func (in *Instance) compare(s *session, info *wire.ParticipantInfo, now []*wire.TrackInfo) {
	before := make(map[string]*wire.TrackInfo, len(s.published))
	for _, t := range s.published {
		before[t.SID] = t
	}
	for _, t := range now {
		if before[t.SID] == nil {
			in.hook(wire.EventTrackPublished, info, t)
		}
		delete(before, t.SID)
	}
	for _, t := range s.published { // in their order
		if before[t.SID] != nil {
			in.hook(wire.EventTrackUnpublished, info, t)
		}
	}
	s.published = now
}

func (in *Instance) noteLeave(s *session, reason string, now time.Time) {
	if s.resident != nil {
		return
	}
	if in.g.hooks.Active() {
		info := s.info()
		info.State, info.DisconnectReason = wire.StateDisconnected, in.disconnectReason(reason)
		event := wire.EventParticipantAborted
		if s.opened.Load() {
			event = wire.EventParticipantLeft
			in.compare(s, info, nil)
		}
		info.Tracks = nil
		in.hook(event, info, nil)
	}
	if in.live.Load().clients == 0 {
		in.room.idle = now
	}
}

// hook tells webhooks of something, which happened now. in.mu is held.
func (in *Instance) hook(event string, p *wire.ParticipantInfo, t *wire.TrackInfo) {
	if !in.g.hooks.Active() {
		return
	}
	if p != nil {
		copied := *p // what is queued must not change
		p = &copied
	}
	in.g.hooks.Post(in.world, &wire.WebhookEvent{
		Event: event, ID: webhook.EventID(), CreatedAt: time.Now().Unix(),
		Room: in.describeRoom(), Participant: p, Track: t,
	})
}

// disconnectReason is LiveKit's word for why somebody left. in.mu is held.
func (in *Instance) disconnectReason(reason string) wire.DisconnectReason {
	switch {
	case in.room.closing:
		return wire.ReasonRoomDeleted
	case reason == protocol.ReasonLeft:
		return wire.ReasonClientInitiated
	case reason == protocol.ReasonLost:
		return wire.ReasonConnectionTimeout
	case reason == protocol.ReasonKicked:
		return wire.ReasonParticipantRemoved
	case reason == protocol.ReasonReplaced:
		return wire.ReasonDuplicateIdentity
	case reason == protocol.ReasonShutdown:
		return wire.ReasonServerShutdown
	}
	return wire.ReasonUnknown
}

// describeRoom is the instance as LiveKit's SDKs are told. in.mu is held.
func (in *Instance) describeRoom() *wire.Room {
	r, live := &in.room, in.live.Load()
	most := in.cfg.Load().Capacity
	if r.most > 0 {
		most = min(most, r.most)
	}
	d := &wire.Room{
		SID: livekit.RoomSID(in.id), Name: in.world, Metadata: r.metadata, MaxParticipants: uint32(most),
		EmptyTimeout: uint32(r.empty / time.Second), DepartureTimeout: uint32(r.departed / time.Second),
		NumParticipants: uint32(live.clients), ActiveRecording: in.taping != nil,
	}
	if !r.since.IsZero() {
		d.CreationTime, d.CreationTimeMS = r.since.Unix(), r.since.UnixMilli()
	}
	for _, s := range live.all {
		if s.resident == nil && (s.microphone() != nil || s.camera || s.screen) {
			d.NumPublishers++
		}
	}
	for _, mime := range []string{mimeOpus, "video/VP8", "video/H264", "video/VP9", "video/AV1"} {
		d.EnabledCodecs = append(d.EnabledCodecs, &wire.Codec{Mime: mime})
	}
	return d
}

// setRoomMetadata changes what is said of the room and tells LiveKit's clients.
// in.mu is held.
func (in *Instance) setRoomMetadata(metadata string) {
	in.room.metadata = metadata
	d := in.describeRoom()
	for _, s := range in.members {
		if l, ok := s.line.(liveKitLine); ok && s.opened.Load() {
			l.roomChanged(d)
		}
	}
}

// changeAbout changes what an application says of a participant and tells
// LiveKit's clients. Metadata that are empty stay; so do attributes that change
// does not name, and one whose value is empty is deleted.
func (in *Instance) changeAbout(s *session, change wire.UpdateMetadata) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if change.Name != "" && change.Name != s.name {
		return earshot.Errorf(earshot.CodeUnimplemented, "names are not changed while somebody is here: moderation judges them at the door; join again with a token of the new name")
	}
	next := s.about
	if change.Metadata != "" {
		next.metadata = change.Metadata
	}
	if len(change.Attributes) > 0 {
		next.attributes = maps.Clone(next.attributes) // what was handed out does not change
		if next.attributes == nil {
			next.attributes = make(map[string]string)
		}
		maps.Copy(next.attributes, change.Attributes)
		maps.DeleteFunc(next.attributes, func(_, value string) bool { return value == "" })
	}
	if err := livekit.CheckAbout(next.metadata, next.attributes); err != nil {
		return err
	}
	next.version++
	s.about = next
	in.tellChanged(s)
	return nil
}

// tellChanged tells LiveKit's clients how s is now. in.mu is held.
func (in *Instance) tellChanged(s *session) {
	info := s.info()
	for _, other := range in.members {
		if l, ok := other.line.(liveKitLine); ok && other.opened.Load() {
			l.participantChanged(info)
		}
	}
}
