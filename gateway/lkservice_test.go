package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/model"
)

// admin is an application's server that calls a node.
type admin struct {
	*node
	grant livekit.VideoGrant
}

func (n *node) admin() *admin {
	return &admin{n, livekit.VideoGrant{RoomCreate: true, RoomList: true, RoomAdmin: true, Room: "plaza"}}
}

// bearer signs a token with the grants of a.
func (a *admin) bearer() string {
	a.t.Helper()
	secret, _ := a.keys.livekitSecret(a.key.ID)
	token, err := livekit.Sign(a.key.ID, secret, livekit.Claims{Video: a.grant, Expires: time.Now().Add(time.Minute)}, time.Now())
	if err != nil {
		a.t.Fatal(err)
	}
	return token
}

// call makes a call in JSON and decodes its answer into one of its type.
func call[Answer any](a *admin, method string, request any) (*Answer, *livekit.TwirpError) {
	a.t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		a.t.Fatal(err)
	}
	status, reply, header := a.do("POST", "/twirp/livekit.RoomService/"+method, a.bearer(), "application/json;charset=UTF-8", body)
	if got := header.Get("Content-Type"); got != "application/json" { // livekit-server-sdk wants just that
		a.t.Errorf("%s: Content-Type %q", method, got)
	}
	if status != http.StatusOK {
		var e livekit.TwirpError
		if err := json.Unmarshal(reply, &e); err != nil || e.Code == "" || e.Message == "" || status != livekit.TwirpStatus(e.Code) {
			a.t.Fatalf("%s: %d %s is no error of Twirp", method, status, reply)
		}
		return nil, &e
	}
	answer := new(Answer)
	if err := wire.UnmarshalJSON(reply, answer); err != nil {
		a.t.Fatalf("%s: %s: %v", method, reply, err)
	}
	return answer, nil
}

// must is call where no error is expected.
func must[Answer any](a *admin, method string, request any) *Answer {
	a.t.Helper()
	answer, e := call[Answer](a, method, request)
	if e != nil {
		a.t.Fatalf("%s: %s: %s", method, e.Code, e.Message)
	}
	return answer
}

// seen is a participant as the room service shows it.
func (a *admin) seen(identity string) *wire.ParticipantInfo {
	a.t.Helper()
	return must[wire.ParticipantInfo](a, "GetParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: identity})
}

func trackOf(p *wire.ParticipantInfo, source wire.TrackSource) *wire.TrackInfo {
	for _, t := range p.Tracks {
		if t.Source == source {
			return t
		}
	}
	return nil
}

// Rooms are the instances of worlds: open while somebody is there, or because
// an application asked.
func TestRoomsOfTheRoomService(t *testing.T) {
	n := startNode(t, nil)
	a := n.admin()
	if list := must[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{}); len(list.Rooms) != 0 {
		t.Errorf("rooms before anybody came: %+v", list.Rooms)
	}
	room := must[wire.Room](a, "CreateRoom", &wire.CreateRoomRequest{Name: "plaza", Metadata: "first", MaxParticipants: 1, EmptyTimeout: 60})
	if room.Name != "plaza" || room.Metadata != "first" || room.MaxParticipants != 1 || room.CreationTime == 0 || room.EmptyTimeout != 60 {
		t.Errorf("CreateRoom = %+v", room)
	}
	ada := n.guest("ada", nil)
	list := must[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{Names: []string{"plaza", "vault"}})
	if len(list.Rooms) != 1 || list.Rooms[0].NumParticipants != 1 || list.Rooms[0].SID != room.SID {
		t.Errorf("ListRooms = %+v", list.Rooms)
	}
	if list := must[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{Names: []string{"vault"}}); len(list.Rooms) != 0 {
		t.Errorf("ListRooms of another = %+v", list.Rooms)
	}
	if got := must[wire.Room](a, "UpdateRoomMetadata", &wire.UpdateRoomMetadataRequest{Room: "plaza", Metadata: "second"}); got.Metadata != "second" {
		t.Errorf("UpdateRoomMetadata = %+v", got)
	}
	status, body, _ := n.do("POST", "/v1/join", n.token(func(c *Claims) { c.Subject = "bo" }), typeSDP, []byte(offer(t)))
	if e := wireErrorOf(t, body); status != http.StatusTooManyRequests || e.Code != earshot.CodeResourceExhausted {
		t.Errorf("a second participant of one: %d %v", status, e)
	}
	must[wire.Empty](a, "DeleteRoom", &wire.DeleteRoomRequest{Room: "plaza"})
	if bye := expect[*protocol.Bye](ada); bye.Reconnect || !strings.Contains(bye.Message, "closed") {
		t.Errorf("bye = %+v", bye)
	}
	if _, e := call[wire.Empty](a, "DeleteRoom", &wire.DeleteRoomRequest{Room: "plaza"}); e == nil || e.Code != earshot.CodeNotFound {
		t.Errorf("DeleteRoom of a closed one = %v", e)
	}
	n.guest("ada", nil) // may come back
	list = must[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{})
	if len(list.Rooms) != 1 || list.Rooms[0].Metadata != "" || list.Rooms[0].MaxParticipants != 250 {
		t.Errorf("the room opened anew is %+v", list.Rooms)
	}
}

// Who is in a room is listed whatever they came by, with what they publish; NPCs
// are shown and left alone.
func TestParticipantsOfTheRoomService(t *testing.T) {
	n := startCast(t, nil)
	a := n.admin()
	if list := must[wire.ListParticipantsResponse](a, "ListParticipants", &wire.ListParticipantsRequest{Room: "plaza"}); len(list.Participants) != 0 {
		t.Errorf("participants of a world that does not run: %+v", list.Participants)
	}
	ada := n.guest("ada", nil)
	bot := n.talker(1)
	list := must[wire.ListParticipantsResponse](a, "ListParticipants", &wire.ListParticipantsRequest{Room: "plaza"})
	kinds := map[wire.ParticipantKind]int{}
	for _, p := range list.Participants {
		kinds[p.Kind]++
	}
	if kinds[wire.KindStandard] != 2 || kinds[wire.KindAgent] != 1 {
		t.Errorf("kinds = %v, want two people and mara", kinds)
	}
	for _, identity := range []string{string(ada.id()), "ada"} { // by id, and by the subject of a token of the same key
		if p := a.seen(identity); p.Name != "ada" || p.Identity != string(ada.id()) || p.State != wire.StateActive || len(p.Tracks) != 0 || p.IsPublisher {
			t.Errorf("GetParticipant(%q) = %+v", identity, p)
		}
	}
	mic := trackOf(a.seen(string(bot.ID())), wire.SourceMicrophone)
	if mic == nil || mic.Type != wire.Audio || mic.Muted {
		t.Errorf("the bot's microphone is %+v", mic)
	}
	for _, p := range list.Participants {
		if p.Kind != wire.KindAgent {
			continue
		}
		if _, e := call[wire.Empty](a, "RemoveParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: p.Identity}); e == nil || e.Code != earshot.CodeFailedPrecondition {
			t.Errorf("RemoveParticipant of an NPC = %v", e)
		}
	}
	if _, e := call[wire.ParticipantInfo](a, "GetParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: "nobody"}); e == nil || e.Code != earshot.CodeNotFound {
		t.Errorf("GetParticipant of nobody = %v", e)
	}
}

// An administrator's mute is a moderator's: the owner cannot lift it, nothing is
// sent from when the call returns, and lifting it leaves what the owner chose.
func TestAdministratorsMuteVoices(t *testing.T) {
	n := startNode(t, nil)
	a := n.admin()
	bot := n.talker(1)
	s := n.plaza().live.Load().byID[bot.ID()]
	mic := trackOf(a.seen(string(bot.ID())), wire.SourceMicrophone)
	mute := func(on bool) *wire.TrackInfo {
		t.Helper()
		return must[wire.MuteRoomTrackResponse](a, "MutePublishedTrack", &wire.MuteRoomTrackRequest{
			Room: "plaza", Identity: string(bot.ID()), TrackSID: mic.SID, Muted: on,
		}).Track
	}
	if track := mute(true); !track.Muted || s.microphone().Active() {
		t.Errorf("muted: %+v, forwarded %t", track, s.microphone().Active())
	}
	if p := a.seen(string(bot.ID())).Permission; len(p.CanPublishSources) != 2 {
		t.Errorf("may publish %v", p.CanPublishSources)
	}
	if err := bot.Send(&protocol.Mute{Muted: false}); err != nil {
		t.Fatal(err)
	}
	_ = bot.Send(&protocol.Mute{Muted: true})
	eventually(t, "the bot's own mute", func() bool { n.plaza().mu.Lock(); defer n.plaza().mu.Unlock(); return s.muted })
	if s.microphone().Active() {
		t.Error("the owner lifted an administrator's mute")
	}
	if track := mute(false); !track.Muted || s.microphone().Active() {
		t.Errorf("lifted while muted by its owner: %+v, forwarded %t", track, s.microphone().Active())
	}
	mute(false) // twice is once
	_ = bot.Send(&protocol.Mute{Muted: false})
	eventually(t, "the voice is forwarded again", s.microphone().Active)
	if _, e := call[wire.MuteRoomTrackResponse](a, "MutePublishedTrack", &wire.MuteRoomTrackRequest{Room: "plaza", Identity: string(bot.ID()), TrackSID: "TR_x_m", Muted: true}); e == nil || e.Code != earshot.CodeNotFound {
		t.Errorf("a mute of no track = %v", e)
	}
}

// blank is a camera whose frames are all alike.
type blank struct{}

func (blank) Next(int, bool) ([]byte, bool) { return make([]byte, 200), true }

// A video that an administrator took away stays away until it is given back,
// and then begins only when its owner wants.
func TestAdministratorsTakeVideosAway(t *testing.T) {
	n := startNode(t, nil)
	a := n.admin()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	bot, err := loadtest.Join(ctx, loadtest.Config{
		URL: n.url, Token: n.token(nil), Number: 1, Seed: 1, Speak: true, Talk: model.Unending(), KeepMessages: 1000,
		Video: &loadtest.VideoConfig{Layers: []loadtest.Layer{{Width: 64, Height: 64, FPS: 10, Kbps: 30}}, Source: blank{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bot.Close() })
	who := string(bot.ID())
	in := n.plaza()
	camera := in.live.Load().byID[bot.ID()].media.Video("camera")
	eventually(t, "the camera is on", camera.Active)
	sid := trackOf(a.seen(who), wire.SourceCamera).SID
	show := func(on bool) {
		t.Helper()
		must[wire.MuteRoomTrackResponse](a, "MutePublishedTrack", &wire.MuteRoomTrackRequest{Room: "plaza", Identity: who, TrackSID: sid, Muted: !on})
	}
	show(false)
	if camera.Active() {
		t.Error("the camera is forwarded though taken away")
	}
	if err := in.publish(in.live.Load().byID[bot.ID()], protocol.SourceCamera, true); earshot.CodeOf(err) != earshot.CodePermissionDenied || camera.Active() {
		t.Errorf("publishing it again = %v, forwarded %t", err, camera.Active())
	}
	if track := trackOf(a.seen(who), wire.SourceCamera); track == nil || !track.Muted {
		t.Errorf("it is shown as %+v", track)
	}
	show(true)
	if camera.Active() || trackOf(a.seen(who), wire.SourceCamera) != nil {
		t.Error("the camera began by itself")
	}
	if err := in.publish(in.live.Load().byID[bot.ID()], protocol.SourceCamera, true); err != nil || !camera.Active() {
		t.Errorf("publishing it again = %v, forwarded %t", err, camera.Active())
	}
	permission := &wire.ParticipantPermission{CanSubscribe: true, CanPublishData: true}
	p := must[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{Room: "plaza", Identity: who, Permission: permission})
	mic := in.live.Load().byID[bot.ID()].microphone()
	if p.Permission.CanPublish || camera.Active() || mic.Active() {
		t.Errorf("may publish nothing: %+v, camera %t, microphone %t", p.Permission, camera.Active(), mic.Active())
	}
	permission.CanPublish, permission.CanPublishSources = true, []wire.TrackSource{wire.SourceMicrophone}
	p = must[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{Room: "plaza", Identity: who, Permission: permission})
	if !p.Permission.CanPublish || len(p.Permission.CanPublishSources) != 1 || !mic.Active() || camera.Active() {
		t.Errorf("may speak: %+v, camera %t, microphone %t", p.Permission, camera.Active(), mic.Active())
	}
}

// Coming back does not bring back a video that was taken away, until the room
// closes.
func TestVideosStayAwayOverARejoin(t *testing.T) {
	n := startNode(t, nil)
	a := n.admin()
	n.guest("ada", nil)
	in := n.plaza()
	id := earshot.ParticipantFor(n.key.ID, "ada")
	withheld := func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		return in.members[id].withheld[protocol.SourceCamera]
	}
	in.withhold(in.live.Load().byID[id], protocol.SourceCamera, true)
	n.guest("ada", nil)
	if !withheld() {
		t.Error("a rejoin gave the camera back")
	}
	if p := a.seen("ada").Permission; len(p.CanPublishSources) != 2 {
		t.Errorf("may publish %v", p.CanPublishSources)
	}
	must[wire.Empty](a, "DeleteRoom", &wire.DeleteRoomRequest{Room: "plaza"})
	n.guest("ada", nil)
	if withheld() {
		t.Error("the next room knows what was taken away in the last")
	}
}

// What a token does not grant cannot be given here, and what cannot be taken is
// said so and changes nothing.
func TestPermissionsThatCannotChange(t *testing.T) {
	n := startNode(t, nil)
	a := n.admin()
	n.guest("ada", func(c *Claims) { c.Grants = []string{protocol.GrantSubscribe, protocol.GrantChat} })
	for name, tc := range map[string]struct {
		want wire.ParticipantPermission
		code earshot.Code
	}{
		"no subscribing": {wire.ParticipantPermission{CanPublishData: true}, earshot.CodeUnimplemented},
		"no data":        {wire.ParticipantPermission{CanSubscribe: true}, earshot.CodeUnimplemented},
		"hidden":         {wire.ParticipantPermission{CanSubscribe: true, CanPublishData: true, Hidden: true}, earshot.CodeUnimplemented},
		"a microphone":   {wire.ParticipantPermission{CanSubscribe: true, CanPublishData: true, CanPublish: true}, earshot.CodeFailedPrecondition},
	} {
		if _, e := call[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{Room: "plaza", Identity: "ada", Permission: &tc.want}); e == nil || e.Code != tc.code {
			t.Errorf("%s: %v, want %s", name, e, tc.code)
		}
	}
	same := wire.ParticipantPermission{CanSubscribe: true, CanPublishData: true, CanUpdateMetadata: true}
	if p := must[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{Room: "plaza", Identity: "ada", Permission: &same}); !p.Permission.CanUpdateMetadata || p.Permission.CanPublish {
		t.Errorf("permission = %+v", p.Permission)
	}
}

func TestMetadataAndAttributes(t *testing.T) {
	n := startNode(t, nil)
	a := n.admin()
	n.guest("ada", nil)
	update := func(r *wire.UpdateParticipantRequest) (*wire.ParticipantInfo, *livekit.TwirpError) {
		t.Helper()
		r.Room, r.Identity = "plaza", "ada"
		return call[wire.ParticipantInfo](a, "UpdateParticipant", r)
	}
	p, _ := update(&wire.UpdateParticipantRequest{Metadata: "m", Attributes: map[string]string{"a_b": "1", "c": "2"}})
	if p.Metadata != "m" || p.Attributes["a_b"] != "1" || p.Attributes["c"] != "2" {
		t.Errorf("set: %+v", p)
	}
	before := p.Version
	p, _ = update(&wire.UpdateParticipantRequest{Attributes: map[string]string{"c": "", "d": "4"}})
	if _, there := p.Attributes["c"]; there || p.Attributes["a_b"] != "1" || p.Attributes["d"] != "4" || p.Metadata != "m" || p.Version <= before {
		t.Errorf("changed: %+v", p)
	}
	for name, r := range map[string]*wire.UpdateParticipantRequest{
		"long metadata":   {Metadata: strings.Repeat("m", 16<<10+1)},
		"long attributes": {Attributes: map[string]string{"a": strings.Repeat("m", 16<<10)}},
	} {
		if _, e := update(r); e == nil || e.Code != earshot.CodeResourceExhausted {
			t.Errorf("%s: %v", name, e)
		}
	}
	if _, e := update(&wire.UpdateParticipantRequest{Name: "Somebody else"}); e == nil || e.Code != earshot.CodeUnimplemented {
		t.Errorf("a new name: %v", e)
	}
	if got := a.seen("ada"); got.Metadata != "m" || got.Name != "ada" {
		t.Errorf("after refusals: %+v", got)
	}
}

// A removal is a kick: everybody is told, and they stay out.
func TestAdministratorsRemove(t *testing.T) {
	n := startNode(t, nil)
	a := n.admin()
	ada, bo := n.guest("ada", nil), n.guest("bo", nil)
	must[wire.Empty](a, "RemoveParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: "ada", RevokeTokenTS: 1})
	expect[*protocol.Bye](ada)
	if left := expect[*protocol.Left](bo); left.Participant != ada.id() || left.Reason != protocol.ReasonKicked {
		t.Errorf("left = %+v", left)
	}
	status, body, _ := n.do("POST", "/v1/join", n.token(func(c *Claims) { c.Subject = "ada" }), typeSDP, []byte(offer(t)))
	if e := wireErrorOf(t, body); status != http.StatusForbidden || !strings.Contains(e.Message, "removed you") {
		t.Errorf("coming back: %d %v", status, e)
	}
}

// A removal that revokes tokens outlasts every bar: those issued before admit
// nobody, later ones do.
func TestRevokedTokens(t *testing.T) {
	n := startModerated(t, nil) // where a kick alone keeps nobody out
	a := n.admin()
	ada := n.guest("ada", nil)
	join := func(issued time.Time) int {
		status, _, _ := n.do("POST", "/v1/join", n.token(func(c *Claims) { c.Subject, c.IssuedAt = "ada", issued }), typeSDP, []byte(offer(t)))
		return status
	}
	cut := time.Now().Add(-10 * time.Second)
	must[wire.Empty](a, "RemoveParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: "ada", RevokeTokenTS: wire.Int64(cut.Unix())})
	expect[*protocol.Bye](ada)
	if status := join(cut.Add(-time.Minute)); status != http.StatusForbidden {
		t.Errorf("an older token: %d", status)
	}
	if status := join(time.Now()); status != http.StatusCreated {
		t.Errorf("a newer token: %d", status)
	}
	r := make(revocations)
	now := time.Now()
	for i := range maxRevoked {
		if err := r.add(earshot.ParticipantFor("k", fmt.Sprint(i)), now, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.add("pa_more", now, now); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
		t.Errorf("one more than fit: %v", err)
	}
	if err := r.add("pa_more", now, now.Add(25*time.Hour)); err != nil || len(r) != 1 {
		t.Errorf("after a day: %v, %d kept", err, len(r))
	}
}

// What an administrator does where people are moderated goes into the journal,
// and is lifted there.
func TestAdministratorsActsAreRecorded(t *testing.T) {
	n := startModerated(t, nil)
	a := n.admin()
	bot := n.talker(1)
	s := n.plaza().live.Load().byID[bot.ID()]
	mic := trackOf(a.seen(string(bot.ID())), wire.SourceMicrophone)
	for _, on := range []bool{true, false} {
		track := must[wire.MuteRoomTrackResponse](a, "MutePublishedTrack", &wire.MuteRoomTrackRequest{Room: "plaza", Identity: string(bot.ID()), TrackSID: mic.SID, Muted: on}).Track
		if track.Muted != on || s.microphone().Active() == on {
			t.Errorf("when the call returned: %+v, forwarded %t", track, s.microphone().Active())
		}
	}
	items, err := n.recentItems(t.Context(), "plaza", 10)
	if err != nil || len(items) == 0 || items[len(items)-1].By != "livekit:test" {
		t.Errorf("the journal has %+v, %v", items, err)
	}
	must[wire.Empty](a, "RemoveParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: string(bot.ID())})
	if list := must[wire.ListParticipantsResponse](a, "ListParticipants", &wire.ListParticipantsRequest{Room: "plaza"}); len(list.Participants) != 0 {
		t.Errorf("after the removal: %+v", list.Participants)
	}
}

func TestSendDataReachesEarshotsClients(t *testing.T) {
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
		"dispatch":        {"POST", "livekit.AgentDispatchService/CreateDispatch", good, "application/json", "{}", 501, earshot.CodeUnimplemented},
		"moving":          {"POST", "livekit.RoomService/MoveParticipant", good, "application/json", "{}", 501, earshot.CodeUnimplemented},
		"no JSON":         {"POST", "livekit.RoomService/ListRooms", good, "application/json", "{", 400, livekit.Malformed},
		"no protobuf":     {"POST", "livekit.RoomService/ListRooms", good, "application/protobuf", "\xff\xff", 400, livekit.Malformed},
		"no such world":   {"POST", "livekit.RoomService/CreateRoom", good, "application/json", `{"name":"vault"}`, 404, earshot.CodeNotFound},
		"egress wanted":   {"POST", "livekit.RoomService/CreateRoom", good, "application/json", `{"name":"plaza","egress":{"room":{}}}`, 501, earshot.CodeUnimplemented},
		"agents wanted":   {"POST", "livekit.RoomService/CreateRoom", good, "application/json", `{"name":"plaza","agents":[{"agentName":"x"}]}`, 501, earshot.CodeUnimplemented},
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
	if p.Identity != "ada" || p.SID != ada.join.Participant.SID || track == nil || track.SID != bob.people["ada"].Tracks[0].SID || track.Muted {
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
	<-time.After(100 * time.Millisecond)
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
