package livekit

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"earshot"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// Out collects what a client is to be told, in order.
type Out struct {
	Signals []*wire.SignalResponse
	Packets []*wire.DataPacket // reliable
}

func (o *Out) signal(r *wire.SignalResponse) { o.Signals = append(o.Signals, r) }

// View is what one LiveKit client knows of its instance. Take turns the
// messages of our own protocol into those of LiveKit. It belongs to one
// goroutine.
type View struct {
	You earshot.ParticipantID
	// Info describes a participant, nil for one who is not here. It may take
	// locks.
	Info func(earshot.ParticipantID) *wire.ParticipantInfo
	// Level is how loud a participant is, 0 to 1.
	Level func(earshot.ParticipantID) float32
	// Mine takes down that a track of the client itself was muted, and says
	// whether that is news to it. Own returns the sid of one, "" if there is
	// none.
	Mine func(source wire.TrackSource, muted bool) (news bool)
	Own  func(source wire.TrackSource) (sid string)
	// Slots is the mode in which everybody is heard through the lines of
	// virtual participants: real ones publish nothing then.
	Slots bool
	// Mixed is the mode in which voices come as one mix, by the virtual
	// participant of MixInfo; Slots is then set too.
	Mixed bool
	// Control passes messages on that LiveKit has no word for.
	Control bool
	// Poses says that the client reads poses, and so has to know of whom.
	Poses bool
	// Now is Unix milliseconds.
	Now func() int64

	people  map[earshot.ParticipantID]person
	serial  int
	welcome []byte // as it came; sent when Control begins
}

type person struct {
	info  *wire.ParticipantInfo
	index uint16
}

// Knows reports whether the client was told of a participant.
func (v *View) Knows(id earshot.ParticipantID) bool { return v.people[id].info != nil }

// Take translates one message. raw is its JSON.
func (v *View) Take(m protocol.ServerMessage, raw []byte, out *Out) {
	switch m := m.(type) {
	case *protocol.Joined:
		v.joined(m, out)
	case *protocol.Left:
		v.left(m, out)
	case *protocol.Muted:
		v.changed(m.Participant, wire.SourceMicrophone, m.Muted, out)
	case *protocol.Published:
		v.changed(m.Participant, SourceNamed(string(m.Source)), !m.Active, out)
	case *protocol.Speaking:
		v.speaking(m, out)
	case *protocol.Slots:
		v.slots(m, out)
	case *protocol.Layers:
		out.signal(&wire.SignalResponse{SubscribedQualityUpdate: v.layers(m)})
	case *protocol.Chat:
		if m.From != v.You { // who wrote it shows it already
			out.Packets = AppendChat(out.Packets, v.author(m.From), m, v.Now())
		}
	case *protocol.Caption:
		v.serial++
		out.Packets = AppendCaption(out.Packets, v.author(m.Participant), m, v.microphone(m.Participant), v.Now(), strconv.Itoa(v.serial))
	case *protocol.Error:
		out.signal(&wire.SignalResponse{RequestResponse: &wire.RequestResponse{Reason: reasonOf(m.Code), Message: m.Message}})
		v.control(raw, out)
	case *protocol.Bye:
		out.signal(&wire.SignalResponse{Leave: LeaveOf(m)})
	case *protocol.Welcome:
		v.welcome = slices.Clone(raw)
	case *protocol.Token, *protocol.Pong: // refresh_token and pong say it
	case *protocol.Renamed: // so does Refresh
	default:
		v.control(raw, out)
	}
}

// control passes a message on as it is.
func (v *View) control(raw []byte, out *Out) {
	if v.Control {
		out.Packets = append(out.Packets, Packet(TopicControl, slices.Clone(raw)))
	}
}

// Packet returns a user packet of the server.
func Packet(topic string, payload []byte) *wire.DataPacket {
	return &wire.DataPacket{User: &wire.UserPacket{Payload: payload, Topic: &topic}}
}

// joined tells of those who came. People says under which index their poses are.
func (v *View) joined(m *protocol.Joined, out *Out) {
	update := &wire.ParticipantUpdate{}
	var list []entry
	for _, p := range m.Participants {
		info := v.Info(p.ID)
		if info == nil {
			continue // gone already, which is not worth telling
		}
		v.know(p.ID, p.Index, info)
		update.Participants = append(update.Participants, v.shown(info))
		list = append(list, entry{Index: p.Index, ID: p.ID, Identity: info.Identity, SID: info.SID, Name: info.Name})
	}
	if len(list) > 0 {
		out.signal(&wire.SignalResponse{Update: update})
		v.tellPeople(list, out)
	}
}

// entry is a participant in a packet of earshot.people.
type entry struct {
	Index    uint16                `json:"index"`
	ID       earshot.ParticipantID `json:"id"`
	Identity string                `json:"identity"`
	SID      string                `json:"sid"`
	Name     string                `json:"name"`
}

// tellPeople says whom poses are of, to a client that reads them.
func (v *View) tellPeople(list []entry, out *Out) {
	if !v.Poses {
		return
	}
	payload, err := json.Marshal(map[string]any{"people": list})
	if err == nil { // always
		out.Packets = append(out.Packets, Packet(TopicPeople, payload))
	}
}

// Welcome tells a client that begins to read our messages of the world it is
// in and of its own place there.
func (v *View) Welcome(out *Out) { v.control(v.welcome, out) }

// People tells a client that begins to read poses whom they are of.
func (v *View) People(out *Out) {
	list := make([]entry, 0, len(v.people))
	for id, p := range v.people {
		list = append(list, entry{Index: p.index, ID: id, Identity: p.info.Identity, SID: p.info.SID, Name: p.info.Name})
	}
	slices.SortFunc(list, func(a, b entry) int { return int(a.Index) - int(b.Index) })
	v.tellPeople(list, out)
}

func (v *View) know(id earshot.ParticipantID, index uint16, info *wire.ParticipantInfo) {
	if v.people == nil {
		v.people = make(map[earshot.ParticipantID]person)
	}
	v.people[id] = person{info: info, index: index}
}

// shown is info as this client is told of it.
func (v *View) shown(info *wire.ParticipantInfo) *wire.ParticipantInfo {
	if !v.Slots || info.SID == ParticipantSID(v.You) {
		return info
	}
	bare := *info
	bare.Tracks = nil
	return &bare
}

// Refresh tells of what changed about a participant whom the client knows.
func (v *View) Refresh(info *wire.ParticipantInfo, out *Out) {
	id := ParticipantOf(info.SID)
	p, known := v.people[id]
	if !known && id != v.You {
		return
	}
	if known {
		v.know(id, p.index, info)
	}
	out.signal(&wire.SignalResponse{Update: &wire.ParticipantUpdate{Participants: []*wire.ParticipantInfo{v.shown(info)}}})
}

func (v *View) left(m *protocol.Left, out *Out) {
	p, known := v.people[m.Participant]
	if !known {
		return
	}
	delete(v.people, m.Participant)
	info := *p.info
	info.State, info.Tracks, info.DisconnectReason = wire.StateDisconnected, nil, reasonOfLeft(m.Reason)
	info.Version++
	out.signal(&wire.SignalResponse{Update: &wire.ParticipantUpdate{Participants: []*wire.ParticipantInfo{&info}}})
}

// changed tells of a track that was muted or published. Of its own a client
// hears only what others did to it.
func (v *View) changed(id earshot.ParticipantID, source wire.TrackSource, muted bool, out *Out) {
	if id == v.You {
		if v.Mine(source, muted) {
			out.signal(&wire.SignalResponse{Mute: &wire.MuteTrack{SID: v.Own(source), Muted: muted}})
		}
		return
	}
	if info := v.Info(id); info != nil {
		v.Refresh(info, out)
	}
}

func (v *View) speaking(m *protocol.Speaking, out *Out) {
	changed := &wire.SpeakersChanged{}
	for _, id := range m.Start {
		changed.Speakers = append(changed.Speakers, &wire.SpeakerInfo{SID: ParticipantSID(id), Level: v.Level(id), Active: true})
	}
	for _, id := range m.Stop {
		changed.Speakers = append(changed.Speakers, &wire.SpeakerInfo{SID: ParticipantSID(id)})
	}
	out.signal(&wire.SignalResponse{SpeakersChanged: changed})
}

// layers says which sizes of its video a client need send. LiveKit's words for
// them are low, medium and high, from the smallest up.
func (v *View) layers(m *protocol.Layers) *wire.SubscribedQualityUpdate {
	wanted, of := len(m.RIDs), 3
	if m.Of > 0 {
		wanted, of = m.Spatial, m.Of
	}
	var qualities []*wire.SubscribedQuality
	for q := range min(of, 3) {
		qualities = append(qualities, &wire.SubscribedQuality{Quality: wire.VideoQuality(q), Enabled: q < wanted})
	}
	return &wire.SubscribedQualityUpdate{
		TrackSID:            v.Own(SourceNamed(string(m.Source))),
		SubscribedQualities: qualities,
	}
}

// author is who a packet is from.
func (v *View) author(id earshot.ParticipantID) Author {
	a := Author{Identity: string(id), SID: ParticipantSID(id)}
	if p, known := v.people[id]; known {
		a.Identity = p.info.Identity
	}
	return a
}

// microphone returns the sid of a participant's, "" if there is none.
func (v *View) microphone(id earshot.ParticipantID) string {
	if p, known := v.people[id]; known {
		for _, t := range p.info.Tracks {
			if t.Source == wire.SourceMicrophone {
				return t.SID
			}
		}
	}
	return ""
}

// identity returns the LiveKit identity of a participant.
func (v *View) identity(id earshot.ParticipantID) string { return v.author(id).Identity }

// slots says in the attributes of the virtual participants whom they carry.
func (v *View) slots(m *protocol.Slots, out *Out) {
	if !v.Slots {
		return
	}
	update := &wire.ParticipantUpdate{}
	for i, list := range [...][]protocol.Slot{m.Voice, m.Video} {
		for _, s := range list {
			if v.Mixed && i == 0 {
				continue
			}
			info := SlotInfo(s.Slot, i == 1)
			if s.Participant != "" {
				p := v.people[s.Participant]
				maps.Copy(info.Attributes, map[string]string{
					"earshot.participant": string(s.Participant), "earshot.identity": v.identity(s.Participant),
					"earshot.source": string(s.Source),
				})
				if p.info != nil {
					info.Name = p.info.Name
				}
			}
			update.Participants = append(update.Participants, info)
		}
	}
	if len(update.Participants) > 0 {
		out.signal(&wire.SignalResponse{Update: update})
	}
}

// Views is how many virtual participants carry video where Slots is set.
const Views = 4

// SlotTrack returns the track of a virtual participant: of voice slot-1 and so
// on, of video view-1 and so on.
func SlotTrack(slot int, video bool) Track {
	if video {
		return Track{Of: earshot.ParticipantID("pa_view-" + strconv.Itoa(slot+1)), Source: wire.SourceCamera}
	}
	return Track{Of: earshot.ParticipantID("pa_slot-" + strconv.Itoa(slot+1)), Source: wire.SourceMicrophone}
}

// SlotInfo describes a virtual participant with nobody in it.
func SlotInfo(slot int, video bool) *wire.ParticipantInfo {
	t := SlotTrack(slot, video)
	track := &wire.TrackInfo{SID: t.SID(), Source: t.Source, MimeType: "audio/opus"}
	if video {
		track.Type, track.MimeType = wire.Video, "video/VP8"
	}
	return &wire.ParticipantInfo{
		SID: ParticipantSID(t.Of), Identity: string(t.Of[len("pa_"):]), State: wire.StateActive,
		IsPublisher: true, Tracks: []*wire.TrackInfo{track},
		Attributes: map[string]string{"earshot.slot": strconv.Itoa(slot + 1), "earshot.participant": "", "earshot.identity": ""},
	}
}

// MixTrack is the track of the virtual participant who carries a binaural mix.
func MixTrack() Track { return Track{Of: "pa_binaural", Source: wire.SourceMicrophone} }

// MixInfo describes them.
func MixInfo() *wire.ParticipantInfo {
	t := MixTrack()
	return &wire.ParticipantInfo{
		SID: ParticipantSID(t.Of), Identity: "binaural", Name: "Everyone around you", State: wire.StateActive, IsPublisher: true,
		Tracks: []*wire.TrackInfo{{
			SID: t.SID(), Source: t.Source, MimeType: "audio/opus", Stereo: true, AudioFeatures: []wire.AudioFeature{wire.FeatureStereo},
		}},
		Attributes: map[string]string{"earshot.mix": "binaural"},
	}
}

// LeaveOf says goodbye.
func LeaveOf(m *protocol.Bye) *wire.Leave {
	leave := &wire.Leave{CanReconnect: m.Reconnect}
	if m.Reconnect {
		leave.Action = wire.ActionReconnect
	}
	switch m.Code {
	case earshot.CodeCanceled:
		leave.Reason, leave.Action, leave.CanReconnect = wire.ReasonClientInitiated, wire.ActionDisconnect, false
	case earshot.CodeAborted:
		leave.Reason = wire.ReasonDuplicateIdentity
	case earshot.CodePermissionDenied:
		leave.Reason = wire.ReasonParticipantRemoved
	case earshot.CodeUnavailable:
		leave.Reason = wire.ReasonServerShutdown
	case earshot.CodeResourceExhausted:
		if !m.Reconnect {
			leave.Reason = wire.ReasonParticipantRemoved
		}
	}
	return leave
}

func reasonOfLeft(reason string) wire.DisconnectReason {
	switch reason {
	case protocol.ReasonLeft:
		return wire.ReasonClientInitiated
	case protocol.ReasonLost:
		return wire.ReasonConnectionTimeout
	case protocol.ReasonKicked:
		return wire.ReasonParticipantRemoved
	case protocol.ReasonReplaced:
		return wire.ReasonDuplicateIdentity
	case protocol.ReasonShutdown:
		return wire.ReasonServerShutdown
	}
	return wire.ReasonUnknown
}

func reasonOf(code earshot.Code) wire.RequestReason {
	switch code {
	case earshot.CodeNotFound:
		return wire.RequestNotFound
	case earshot.CodePermissionDenied, earshot.CodeUnauthenticated, earshot.CodeFailedPrecondition:
		return wire.RequestNotAllowed
	case earshot.CodeResourceExhausted:
		return wire.RequestLimitExceeded
	case earshot.CodeUnimplemented:
		return wire.RequestUnsupportedType
	}
	return wire.RequestUnclassified
}

// ReasonOf says of an error why a request failed.
func ReasonOf(err error) wire.RequestReason { return reasonOf(earshot.CodeOf(err)) }
