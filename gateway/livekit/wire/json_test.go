package wire

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestUnmarshalJSON(t *testing.T) {
	topic := "t"
	for _, tc := range []struct {
		name, text string
		want       any
	}{
		{"names of JSON", `{"room":"plaza","identity":"ada","trackSid":"TR_a","muted":true}`,
			&MuteRoomTrackRequest{Room: "plaza", Identity: "ada", TrackSID: "TR_a", Muted: true}},
		{"names of the .proto file", `{"room":"plaza","track_sid":"TR_a"}`, &MuteRoomTrackRequest{Room: "plaza", TrackSID: "TR_a"}},
		{"attributes keep their keys", `{"attributes":{"my_key":"a_b"}}`, &UpdateParticipantRequest{Attributes: map[string]string{"my_key": "a_b"}}},
		{"enumerations by name", `{"permission":{"can_publish_sources":["CAMERA",2]}}`,
			&UpdateParticipantRequest{Permission: &ParticipantPermission{CanPublishSources: []TrackSource{SourceCamera, SourceMicrophone}}}},
		{"bytes and presence", `{"data":"aGk=","kind":"LOSSY","topic":"t"}`, &SendDataRequest{Data: []byte("hi"), Kind: Lossy, Topic: &topic}},
		{"64 bits as text", `{"revokeTokenTs":"1795262400"}`, &RoomParticipantIdentity{RevokeTokenTS: 1795262400}},
		{"64 bits as a number", `{"revokeTokenTs":1795262400}`, &RoomParticipantIdentity{RevokeTokenTS: 1795262400}},
		{"null", `{"names":null}`, &ListRoomsRequest{}},
		{"more than is known", `{"names":["a"],"later":{"x":[{"y_z":1}]}}`, &ListRoomsRequest{Names: []string{"a"}}},
	} {
		got := reflect.New(reflect.TypeOf(tc.want).Elem()).Interface()
		if err := UnmarshalJSON([]byte(tc.text), got); err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %+v, %v, want %+v", tc.name, got, err, tc.want)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "a list": "[]", "text": `"x"`, "two": "{}{}", "cut": `{"room":`, "another kind": `{"room":1}`,
		"a name of no source": `{"permission":{"canPublishSources":["EAR"]}}`, "no number": `{"revokeTokenTs":"soon"}`,
	} {
		var into struct {
			RoomParticipantIdentity
			Permission *ParticipantPermission `json:"permission"`
		}
		if err := UnmarshalJSON([]byte(text), &into); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestMarshalJSON(t *testing.T) {
	got, err := json.Marshal(&ParticipantInfo{
		Identity: "ada", State: StateActive, Kind: KindAgent, JoinedAt: 1795262400, DisconnectReason: ReasonParticipantRemoved,
		Tracks: []*TrackInfo{{SID: "TR_a", Type: Video, Source: SourceScreenShare}, {SID: "TR_b", Source: TrackSource(77)}},
	})
	want := `{"identity":"ada","state":"ACTIVE","tracks":[{"sid":"TR_a","type":"VIDEO","source":"SCREEN_SHARE"},{"sid":"TR_b","source":77}],` +
		`"joinedAt":"1795262400","kind":"AGENT","disconnectReason":"PARTICIPANT_REMOVED"}`
	if err != nil || string(got) != want {
		t.Errorf("Marshal = %s, %v, want %s", got, err, want)
	}
}

// FuzzUnmarshalJSON gives the reader whatever may be posted.
func FuzzUnmarshalJSON(f *testing.F) {
	f.Add(`{"room":"plaza","permission":{"canPublishSources":["CAMERA"]}}`)
	f.Add(`{"a_":{"__b":[{"_":null}]}}`)
	f.Add(strings.Repeat(`{"a":`, 100))
	f.Fuzz(func(t *testing.T, text string) {
		_ = UnmarshalJSON([]byte(text), new(UpdateParticipantRequest))
		_ = UnmarshalJSON([]byte(text), new(SendDataRequest))
	})
}
