package wire

import (
	"bytes"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestRoundTrip(t *testing.T) {
	pong, topic := int64(0), ""
	inline := []byte("hi")
	for _, msg := range []any{
		&SignalResponse{Pong: &pong},
		&SignalResponse{Join: &JoinResponse{
			Room:              &Room{SID: "RM_x", CreationTime: -1},
			OtherParticipants: []*ParticipantInfo{{SID: "PA_a", Attributes: map[string]string{"a": "1", "b": ""}}, {}},
			PingTimeout:       15,
		}},
		&SignalRequest{AddTrack: &AddTrack{CID: "c", AudioFeatures: []AudioFeature{FeatureNoDTX, FeatureStereo}}},
		&SignalResponse{SpeakersChanged: &SpeakersChanged{Speakers: []*SpeakerInfo{{SID: "PA_a", Level: 0.5, Active: true}}}},
		&DataPacket{User: &UserPacket{Payload: []byte{0, 1}, Topic: &topic}, DestinationIdentities: []string{"a", ""}},
		&DataPacket{StreamHeader: &StreamHeader{InlineContent: &inline, TextHeader: &TextHeader{}}},
	} {
		data := Marshal(msg)
		got := reflect.New(reflect.TypeOf(msg).Elem()).Interface()
		if err := Unmarshal(data, got); err != nil {
			t.Fatalf("Unmarshal(%T): %v", msg, err)
		}
		if !reflect.DeepEqual(got, msg) {
			t.Errorf("round trip of %+v gave %+v", msg, got)
		}
		if again := Marshal(got); !bytes.Equal(again, data) {
			t.Errorf("Marshal(%T) twice: %x, then %x", msg, data, again)
		}
	}
}

// TestGolden holds the numbers and types of livekit_rtc.proto: the bytes were
// written by hand from the specification of the encoding.
func TestGolden(t *testing.T) {
	pong := int64(5)
	for _, c := range []struct {
		msg  any
		want string
	}{
		{&SignalResponse{Pong: &pong}, "\x90\x01\x05"},
		{&SignalRequest{Mute: &MuteTrack{SID: "T", Muted: true}}, "\x2a\x05\x0a\x01T\x10\x01"},
		{&ParticipantPermission{CanPublishSources: []TrackSource{SourceMicrophone, SourceCamera}}, "\x4a\x02\x02\x01"},
		{&SessionDescription{MIDToTrackID: map[string]string{"0": "a"}}, "\x22\x06\x0a\x010\x12\x01a"},
		{&SpeakerInfo{Level: 1}, "\x15\x00\x00\x80\x3f"},
	} {
		if got := Marshal(c.msg); string(got) != c.want {
			t.Errorf("Marshal(%+v) = %x, want %x", c.msg, got, c.want)
		}
	}
}

func TestUnknownAndMalformed(t *testing.T) {
	unknown := protowire.AppendString(protowire.AppendTag(nil, 999, protowire.BytesType), "later")
	var req SignalRequest
	if err := Unmarshal(append(unknown, "\x2a\x02\x10\x01"...), &req); err != nil || req.Mute == nil || !req.Mute.Muted {
		t.Errorf("with an unknown field first: %+v, %v", req.Mute, err)
	}
	unpacked := "\x48\x02\x48\x01"
	var perm ParticipantPermission
	if err := Unmarshal([]byte(unpacked), &perm); err != nil || len(perm.CanPublishSources) != 2 {
		t.Errorf("unpacked numbers: %v, %v", perm.CanPublishSources, err)
	}
	for name, data := range map[string]string{
		"cut":                  "\x2a\x05\x0a",
		"number for a message": "\x28\x01",
		"bytes no UTF-8":       "\x2a\x03\x0a\x01\xff",
		"text for a number":    "\x2a\x03\x12\x01x",
		"tag zero":             "\x00",
	} {
		if err := Unmarshal([]byte(data), new(SignalRequest)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var many []byte
	for range maxElements + 1 {
		many = append(many, "\x0a\x00"...)
	}
	if Unmarshal(many, new(ParticipantUpdate)) == nil {
		t.Errorf("%d elements were accepted", maxElements+1)
	}
}

// FuzzUnmarshal: any bytes give a message or an error, and what was read and
// written again is read as the same.
func FuzzUnmarshal(f *testing.F) {
	pong := int64(1)
	f.Add(Marshal(&SignalResponse{Pong: &pong}))
	f.Add(Marshal(&SignalRequest{AddTrack: &AddTrack{CID: "c", Layers: []*VideoLayer{{Width: 1}}}}))
	f.Add(Marshal(&JoinRequest{ParticipantAttributes: map[string]string{"a": "b"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, msg := range []any{new(SignalRequest), new(SignalResponse), new(JoinRequest), new(WrappedJoinRequest), new(DataPacket)} {
			if Unmarshal(data, msg) != nil {
				continue
			}
			again := Marshal(msg)
			got := reflect.New(reflect.TypeOf(msg).Elem()).Interface()
			if err := Unmarshal(again, got); err != nil {
				t.Fatalf("Unmarshal of what Marshal wrote: %v", err)
			}
			if !bytes.Equal(Marshal(got), again) {
				t.Fatalf("%T changes in a round trip", msg)
			}
		}
	})
}
