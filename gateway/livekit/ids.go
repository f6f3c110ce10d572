package livekit

import (
	"strings"

	"earshot"
	"earshot/gateway/livekit/wire"
)

// The ids that LiveKit's clients see. They are made of ours and so need no
// table: the same participant has the same sid in every session.
const (
	prefixParticipant = "PA_"
	prefixTrack       = "TR_"
	prefixRoom        = "RM_"

	maxTag = 16
)

// sources are those of LiveKit with what they are called here and the letter
// that marks them in a track's sid.
var sources = [...]struct {
	source wire.TrackSource
	name   string
	letter byte
	kind   wire.TrackType
}{
	{wire.SourceMicrophone, "microphone", 'm', wire.Audio},
	{wire.SourceCamera, "camera", 'c', wire.Video},
	{wire.SourceScreenShare, "screen", 's', wire.Video},
	{wire.SourceScreenShareAudio, "screen_audio", 'a', wire.Audio},
}

// SourceNamed returns LiveKit's word for one of our sources, or SourceUnknown.
func SourceNamed(name string) wire.TrackSource {
	for _, s := range sources {
		if s.name == name {
			return s.source
		}
	}
	return wire.SourceUnknown
}

// SourceName returns our word for a source, or "".
func SourceName(source wire.TrackSource) string {
	for _, s := range sources {
		if s.source == source {
			return s.name
		}
	}
	return ""
}

// TokenSource returns the word of tokens for a source, or "".
func TokenSource(source wire.TrackSource) string {
	switch source {
	case wire.SourceMicrophone:
		return SourceMicrophone
	case wire.SourceCamera:
		return SourceCamera
	case wire.SourceScreenShare:
		return SourceScreen
	case wire.SourceScreenShareAudio:
		return SourceScreenAudio
	}
	return ""
}

// ParticipantSID returns the sid of a participant.
func ParticipantSID(id earshot.ParticipantID) string {
	return prefixParticipant + strings.TrimPrefix(string(id), "pa_")
}

// ParticipantOf returns whose sid it is, or "" where it is nobody's.
func ParticipantOf(sid string) earshot.ParticipantID {
	rest, ok := strings.CutPrefix(sid, prefixParticipant)
	if id := earshot.ParticipantID("pa_" + rest); ok && id.Valid() {
		return id
	}
	return ""
}

// Track is what a participant publishes of a source. There is at most one at a
// time, and each has a sid of its own: clients take a track that they were told
// of before for the one they have.
type Track struct {
	Of     earshot.ParticipantID
	Source wire.TrackSource
	Tag    string // letters and digits that tell one from the one before
}

// SID returns the track's sid, or "" for none.
func (t Track) SID() string {
	for _, s := range sources {
		if s.source == t.Source {
			return prefixTrack + strings.TrimPrefix(string(t.Of), "pa_") + "_" + string(s.letter) + t.Tag
		}
	}
	return ""
}

// Stream returns the name of the media stream that the track is received in:
// clients find the participant by what stands before the bar.
func (t Track) Stream() string { return ParticipantSID(t.Of) + "|" + t.SID() }

// Video reports whether the track is one of video.
func (t Track) Video() bool {
	return t.Source == wire.SourceCamera || t.Source == wire.SourceScreenShare
}

// TrackOf returns the track that a sid names; ok is false where it names none.
func TrackOf(sid string) (t Track, ok bool) {
	rest, ok := strings.CutPrefix(sid, prefixTrack)
	bar := strings.LastIndexByte(rest, '_')
	if !ok || bar < 1 || bar+1 == len(rest) {
		return Track{}, false
	}
	for _, s := range sources {
		if s.letter == rest[bar+1] {
			t = Track{Of: earshot.ParticipantID("pa_" + rest[:bar]), Source: s.source, Tag: rest[bar+2:]}
			return t, t.Of.Valid() && len(t.Tag) <= maxTag
		}
	}
	return Track{}, false
}

// RoomSID returns the sid of an instance.
func RoomSID(id earshot.InstanceID) string {
	return prefixRoom + strings.TrimPrefix(string(id), "in_")
}
