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
	most     int           // participants besides NPCs and agents; 0: the capacity of the world
	empty    time.Duration // how long it stays open before anybody came
	departed time.Duration // how long after the last left
	visited  bool
	idle     time.Time // since when nobody is there; zero: somebody is
	closing  bool      // everybody is being sent out
	// withheld are the videos that an administrator took away from somebody:
	// coming back does not bring them back.
	withheld  map[earshot.ParticipantID]map[protocol.Source]bool
	regranted map[earshot.ParticipantID]regranted
}

// openRoom opens the room, if it is not open, as asked, which may be nil. in.mu
// is held.
func (in *Instance) openRoom(asked *wire.RoomConfiguration, now time.Time) *room {
	r := &in.room
	if r.open {
		return r
	}
	*r = room{open: true, since: now, empty: emptyFor, departed: departedFor, idle: now}
	if asked == nil {
		asked = &wire.RoomConfiguration{}
	}
	r.metadata, r.most = asked.Metadata, int(min(asked.MaxParticipants, 1<<20))
	if asked.EmptyTimeout > 0 {
		r.empty = min(time.Duration(asked.EmptyTimeout)*time.Second, maxIdle)
	}
	if asked.DepartureTimeout > 0 {
		r.departed = min(time.Duration(asked.DepartureTimeout)*time.Second, maxIdle)
	}
	in.hook(wire.EventRoomStarted, nil, nil)
	in.agentsOpen(asked.Agents, now)
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
		in.closeRoom(now)
	}
}

// closeRoom is the end of the room; the next to come opens another. in.mu is
// held.
func (in *Instance) closeRoom(now time.Time) {
	in.agentsClose(now)
	if !in.onward.passed.Load() {
		in.hook(wire.EventRoomFinished, nil, nil)
	}
	in.room = room{}
}

// crowded reports whether no more may come than an application said.
func (in *Instance) crowded(live *roster) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.room.most > 0 && live.people >= in.room.most
}

// noteEnter, noteJoin, noteTracks and noteLeave are called where a participant
// has become a member, was welcomed, published or took back something, and is a
// member no more: the room follows, and webhooks are told. NPCs do not count.
// in.mu is held.
func (in *Instance) noteEnter(s *session, now time.Time) {
	if s.resident != nil {
		return
	}
	in.onward.passed.Store(false)
	var asked *wire.RoomConfiguration
	if s.door != nil {
		asked = s.door.guest.token.RoomConfig
	}
	r := in.openRoom(asked, now)
	if !s.isAgent() {
		r.visited, r.idle = true, time.Time{}
	}
	s.withheld = r.withheld[s.participant]
}

func (in *Instance) noteJoin(s *session) {
	if s.resident != nil {
		return
	}
	now := time.Now()
	in.agentsEnter(s, now)
	in.agentsPublish(s, now)
	if !in.g.hooks.Active() {
		return
	}
	if !s.knownAlready() {
		in.hook(wire.EventParticipantJoined, s.info(), nil)
	}
	in.noteTracks(s)
}

func (in *Instance) noteTracks(s *session) {
	if s.resident != nil || !s.opened.Load() || in.members[s.participant] != s {
		return
	}
	in.agentsPublish(s, time.Now())
	if !in.g.hooks.Active() {
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
		if before[t.SID] == nil && s.unannounced(t) {
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
	if s.resident != nil || s.ghost != nil {
		return
	}
	if in.g.hooks.Active() && !s.follows.Load() {
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
	in.agentsLeave(s, reason, now)
	if in.live.Load().people == 0 && in.room.idle.IsZero() {
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
	in.g.hooks.Post(in.roomName(), &wire.WebhookEvent{
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
		SID: livekit.RoomSID(in.id), Name: in.roomName(), Metadata: r.metadata, MaxParticipants: uint32(most),
		EmptyTimeout: uint32(r.empty / time.Second), DepartureTimeout: uint32(r.departed / time.Second),
		NumParticipants: uint32(live.people - live.hidden), ActiveRecording: in.taping != nil,
	}
	if !r.since.IsZero() {
		d.CreationTime, d.CreationTimeMS = r.since.Unix(), r.since.UnixMilli()
	}
	for _, s := range live.all {
		if s.door != nil && s.door.grant.Load().Recorder {
			d.ActiveRecording = true
		}
		if s.resident == nil && !s.isAgent() && (s.microphone() != nil || s.camera || s.screen) {
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
// LiveKit's clients, and everybody of another name. Names and metadata that are
// empty stay; so do attributes that change does not name, and one whose value is
// empty is deleted.
func (in *Instance) changeAbout(s *session, change wire.UpdateMetadata) error {
	name := s.called()
	if change.Name != "" {
		name = in.judgedName(s, change.Name)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
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
	in.rename(s, name)
	in.tellChanged(s)
	return nil
}

// tellChanged tells LiveKit's clients how s is now. in.mu is held.
func (in *Instance) tellChanged(s *session) {
	info := s.info()
	for _, other := range in.members {
		if l, ok := other.line.(liveKitLine); ok && other.opened.Load() && (other == s || !s.hidden) {
			l.participantChanged(info)
		}
	}
}
