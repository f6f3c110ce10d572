package wire

import (
	"reflect"
	"slices"
	"testing"
)

func TestRelay(t *testing.T) {
	topic := "game"
	sent := Marshal(&DataPacket{
		Kind: 1, ParticipantIdentity: "forged", ParticipantSID: "PA_forged", Sequence: 7,
		DestinationIdentities: []string{"a"},
		User: &UserPacket{
			Payload: []byte("x"), Topic: &topic, ParticipantIdentity: "forged", ParticipantSID: "PA_forged",
			DestinationIdentities: []string{"b"},
		},
	})
	e, err := OpenPacket(sent)
	if err != nil || e.Topic != topic || e.Member != MemberUser || e.Sequence != 7 || !slices.Equal(e.Destinations, []string{"a", "b"}) {
		t.Fatalf("OpenPacket = %+v, %v", e, err)
	}
	var got DataPacket
	if err := Unmarshal(e.AppendPacket(nil, "me", "PA_me"), &got); err != nil {
		t.Fatal(err)
	}
	want := DataPacket{
		Kind: 1, ParticipantIdentity: "me", ParticipantSID: "PA_me",
		User: &UserPacket{Payload: []byte("x"), Topic: &topic, ParticipantIdentity: "me", ParticipantSID: "PA_me"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("relayed as %+v, want %+v", got, want)
	}
}

func TestRelayRefuses(t *testing.T) {
	two := append(Marshal(&DataPacket{User: &UserPacket{}}), Marshal(&DataPacket{ChatMessage: &ChatMessage{}})...)
	for name, packet := range map[string][]byte{
		"nothing":       nil,
		"speakers":      {0x1a, 0x00},
		"two members":   two,
		"sids":          Marshal(&DataPacket{User: &UserPacket{DestinationSIDs: []string{"PA_a"}}}),
		"cut":           {0x12, 0x05, 0x00},
		"user no bytes": {0x10, 0x01},
	} {
		if _, err := OpenPacket(packet); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzRelay: what OpenPacket takes is passed on as a packet of one sender.
func FuzzRelay(f *testing.F) {
	topic := "t"
	f.Add(Marshal(&DataPacket{User: &UserPacket{Payload: []byte("x"), Topic: &topic}}))
	f.Add(Marshal(&DataPacket{StreamChunk: &StreamChunk{StreamID: "s", Content: []byte("x")}, Sequence: 3}))
	f.Fuzz(func(t *testing.T, packet []byte) {
		e, err := OpenPacket(packet)
		if err != nil {
			return
		}
		again, err := OpenPacket(e.AppendPacket(nil, "me", "PA_me"))
		if err != nil || again.Member != e.Member || again.Topic != e.Topic || len(again.Destinations) != 0 {
			t.Fatalf("relayed packet: %+v, %v", again, err)
		}
	})
}
