package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/loadtest"
)

func TestSendDataReachesEarshotsClients(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	ada, bo := n.guest("ada", nil), n.guest("bo", nil)
	topic := "score"
	must[wire.Empty](a, "SendData", &wire.SendDataRequest{Room: "plaza", Data: []byte("all"), Topic: &topic})
	must[wire.Empty](a, "SendData", &wire.SendDataRequest{Room: "plaza", Data: []byte("bo"), DestinationIdentities: []string{"bo"}})
	must[wire.Empty](a, "SendData", &wire.SendDataRequest{Room: "plaza", Data: []byte("ada"), DestinationSIDs: []string{livekit.ParticipantSID(ada.id())}})
	for _, tc := range []struct {
		who    *guest
		second string
	}{{ada, "ada"}, {bo, "bo"}} {
		if d := expect[*protocol.Data](tc.who); d.Topic != "score" || string(d.Data) != "all" {
			t.Errorf("first came %+v", d)
		}
		if d := expect[*protocol.Data](tc.who); d.Topic != "" || string(d.Data) != tc.second {
			t.Errorf("then came %+v, want %s", d, tc.second)
		}
	}
	if _, e := call[wire.Empty](a, "SendData", &wire.SendDataRequest{Room: "plaza", Data: make([]byte, maxDataBytes+1)}); e == nil || e.Code != earshot.CodeInvalidArgument {
		t.Errorf("too much: %v", e)
	}
	if _, e := call[wire.Empty](a, "SendData", &wire.SendDataRequest{Room: "plaza", DestinationIdentities: []string{"cy"}}); e == nil || e.Code != earshot.CodeNotFound {
		t.Errorf("to nobody: %v", e)
	}
}

// Each call asks for its own grant, and a token of Earshot's own has none.
func TestRoomServiceGrants(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.guest("ada", nil)
	none := &admin{n, livekit.VideoGrant{RoomJoin: true, Room: "plaza"}}
	other := &admin{n, livekit.VideoGrant{RoomAdmin: true, Room: "vault"}}
	for method, request := range map[string]any{
		"CreateRoom": &wire.CreateRoomRequest{Name: "plaza"}, "ListRooms": &wire.ListRoomsRequest{}, "DeleteRoom": &wire.DeleteRoomRequest{Room: "plaza"},
		"ListParticipants":    &wire.ListParticipantsRequest{Room: "plaza"},
		"GetParticipant":      &wire.RoomParticipantIdentity{Room: "plaza", Identity: "ada"},
		"RemoveParticipant":   &wire.RoomParticipantIdentity{Room: "plaza", Identity: "ada"},
		"MutePublishedTrack":  &wire.MuteRoomTrackRequest{Room: "plaza", Identity: "ada"},
		"UpdateParticipant":   &wire.UpdateParticipantRequest{Room: "plaza", Identity: "ada"},
		"UpdateSubscriptions": &wire.UpdateSubscriptionsRequest{Room: "plaza", Identity: "ada"},
		"SendData":            &wire.SendDataRequest{Room: "plaza"}, "UpdateRoomMetadata": &wire.UpdateRoomMetadataRequest{Room: "plaza"},
	} {
		for _, a := range []*admin{none, other} {
			if _, e := call[wire.Empty](a, method, request); e == nil || e.Code != earshot.CodePermissionDenied {
				t.Errorf("%s with %+v: %v, want %s", method, a.grant, e, earshot.CodePermissionDenied)
			}
		}
		status, body, _ := n.do("POST", "/twirp/livekit.RoomService/"+method, n.token(func(c *Claims) { c.Grants = AllGrants() }), "application/json", []byte("{}"))
		if status != http.StatusForbidden {
			t.Errorf("%s with a token of Earshot's own: %d %s", method, status, body)
		}
	}
	// The other way round, an access token of LiveKit's form opens no door of ours.
	status, body, _ := n.do("POST", "/v1/join", n.admin().bearer(), typeSDP, []byte(offer(t)))
	if status != http.StatusUnauthorized {
		t.Errorf("a LiveKit token at our own door: %d %s", status, body)
	}
}

func TestRoomServiceRefusals(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	good := a.bearer()
	for name, tc := range map[string]struct {
		method, path, token, contentType, body string
		status                                 int
		code                                   earshot.Code
	}{
		"no token":        {"POST", "livekit.RoomService/ListRooms", "", "application/json", "{}", 401, earshot.CodeUnauthenticated},
		"a foreign token": {"POST", "livekit.RoomService/ListRooms", good[:len(good)-4] + "AAAA", "application/json", "{}", 401, earshot.CodeUnauthenticated},
		"GET":             {"GET", "livekit.RoomService/ListRooms", good, "application/json", "", 404, livekit.BadRoute},
		"another type":    {"POST", "livekit.RoomService/ListRooms", good, "text/plain", "{}", 404, livekit.BadRoute},
		"no such call":    {"POST", "livekit.RoomService/Explode", good, "application/json", "{}", 404, livekit.BadRoute},
		"no such service": {"POST", "livekit.Rooms/ListRooms", good, "application/json", "{}", 404, livekit.BadRoute},
		"egress":          {"POST", "livekit.Egress/ListEgress", good, "application/json", "{}", 501, earshot.CodeUnimplemented},
		"no dispatch":     {"POST", "livekit.AgentDispatchService/Explode", good, "application/json", "{}", 404, livekit.BadRoute},
		"another room":    {"POST", "livekit.AgentDispatchService/CreateDispatch", good, "application/json", `{"room":"vault"}`, 403, earshot.CodePermissionDenied},
		"list, not open":  {"POST", "livekit.AgentDispatchService/ListDispatch", good, "application/json", `{"room":"plaza"}`, 404, earshot.CodeNotFound},
		"moving":          {"POST", "livekit.RoomService/MoveParticipant", good, "application/json", "{}", 501, earshot.CodeUnimplemented},
		"no JSON":         {"POST", "livekit.RoomService/ListRooms", good, "application/json", "{", 400, livekit.Malformed},
		"no protobuf":     {"POST", "livekit.RoomService/ListRooms", good, "application/protobuf", "\xff\xff", 400, livekit.Malformed},
		"no such world":   {"POST", "livekit.RoomService/CreateRoom", good, "application/json", `{"name":"vault"}`, 404, earshot.CodeNotFound},
		"egress wanted":   {"POST", "livekit.RoomService/CreateRoom", good, "application/json", `{"name":"plaza","egress":{"room":{}}}`, 501, earshot.CodeUnimplemented},
		"not open":        {"POST", "livekit.RoomService/UpdateRoomMetadata", good, "application/json", `{"room":"plaza"}`, 404, earshot.CodeNotFound},
	} {
		status, body, _ := n.do(tc.method, "/twirp/"+tc.path, tc.token, tc.contentType, []byte(tc.body))
		var e livekit.TwirpError
		if err := json.Unmarshal(body, &e); err != nil || status != tc.status || e.Code != tc.code || e.Message == "" {
			t.Errorf("%s: %d %s, want %d %s", name, status, body, tc.status, tc.code)
		}
		if tc.token != "" && bytes.Contains(body, []byte(tc.token)) {
			t.Errorf("%s: the error repeats the token", name)
		}
	}
}

// SDKs of other languages speak protobuf.
func TestRoomServiceInProtobuf(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	ada := n.guest("ada", nil)
	status, body, header := n.do("POST", "/twirp/livekit.RoomService/GetParticipant", a.bearer(), "application/protobuf",
		wire.Marshal(&wire.RoomParticipantIdentity{Room: "plaza", Identity: "ada"}))
	var p wire.ParticipantInfo
	if err := wire.Unmarshal(body, &p); err != nil || status != http.StatusOK || header.Get("Content-Type") != "application/protobuf" || p.Identity != string(ada.id()) {
		t.Errorf("%d %q: %+v, %v", status, header.Get("Content-Type"), p, err)
	}
}

// What an application does reaches those who came with a LiveKit SDK as that
// expects it, and binds them as it binds others.
func TestRoomServiceReachesLiveKitClients(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	bot := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	ada, bob := n.livekit("ada", nil), n.livekit("bob", nil)
	ada.speak()
	eventually(t, "ada's voice at bob", func() bool { return bob.packets(ada.id()) > 5 })
	eventually(t, "ada's voice at the bot", func() bool { return bot.Heard()[lkBot] > 5 })

	list := must[wire.ListParticipantsResponse](a, "ListParticipants", &wire.ListParticipantsRequest{Room: "plaza"})
	if len(list.Participants) != 3 {
		t.Errorf("%d participants, want 3", len(list.Participants))
	}
	p := a.seen("ada")
	track := trackOf(p, wire.SourceMicrophone)
	if p.Identity != "ada" || p.SID != ada.join.Participant.SID || track == nil || track.SID != bob.person("ada").Tracks[0].SID || track.Muted {
		t.Errorf("ada is %+v with %+v", p, track)
	}

	must[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{Room: "plaza", Identity: "ada", Metadata: "m", Attributes: map[string]string{"team": "red"}})
	bob.until("ada's metadata", func() bool {
		p := bob.people["ada"]
		return p != nil && p.Metadata == "m" && p.Attributes["team"] == "red"
	})
	must[wire.Room](a, "UpdateRoomMetadata", &wire.UpdateRoomMetadataRequest{Room: "plaza", Metadata: "night"})
	bob.until("the room's metadata", func() bool {
		for _, r := range bob.all {
			if r.RoomUpdate != nil && r.RoomUpdate.Room.Metadata == "night" {
				return true
			}
		}
		return false
	})
	topic := "score"
	for kind, text := range map[wire.DataKind]string{wire.Reliable: "surely", wire.Lossy: "perhaps"} {
		must[wire.Empty](a, "SendData", &wire.SendDataRequest{Room: "plaza", Data: []byte(text), Topic: &topic, Kind: kind, DestinationIdentities: []string{"bob"}})
		got := bob.packet(text, func(p *wire.DataPacket) bool { return p.User != nil && string(p.User.Payload) == text })
		if *got.User.Topic != topic || got.ParticipantIdentity != "" {
			t.Errorf("%s came as %+v", text, got)
		}
	}

	muted := must[wire.MuteRoomTrackResponse](a, "MutePublishedTrack", &wire.MuteRoomTrackRequest{Room: "plaza", Identity: "ada", TrackSID: track.SID, Muted: true})
	if !muted.Track.Muted {
		t.Errorf("the muted track is %+v", muted.Track)
	}
	ada.until("the mute", func() bool {
		for _, r := range ada.all {
			if r.Mute != nil && r.Mute.Muted && r.Mute.SID == track.SID {
				return true
			}
		}
		return false
	})
	ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: track.SID}}) // which does not help
	// What comes yet is the silence that ends a talkspurt.
	eventually(t, "silence", func() bool { return bob.flows(ada.id()) == 0 })
	before := bot.Heard()[lkBot]
	if got := bob.flows(ada.id()); got > 0 || bot.Heard()[lkBot] != before {
		t.Errorf("%d packets came to bob and %d to the bot of one whom an administrator muted", got, bot.Heard()[lkBot]-before)
	}
	must[wire.Empty](a, "RemoveParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: "ada"})
	ada.until("the goodbye", func() bool {
		last := ada.all[len(ada.all)-1]
		return last.Leave != nil && last.Leave.Reason == wire.ReasonParticipantRemoved
	})
	bob.until("ada gone", func() bool { return bob.people["ada"] == nil })
}
