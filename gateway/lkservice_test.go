package gateway

import (
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
	token, err := livekit.Sign(a.key.ID, secret, livekit.Claims{Video: a.grant, Expires: time.Now().Add(time.Hour)}, time.Now())
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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
	t.Parallel()
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
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	n.guest("ada", func(c *Claims) { c.Grants = []string{protocol.GrantSubscribe, protocol.GrantChat} })
	for name, tc := range map[string]struct {
		want wire.ParticipantPermission
		code earshot.Code
	}{
		"hidden":       {wire.ParticipantPermission{CanSubscribe: true, CanPublishData: true, Hidden: true}, earshot.CodeUnimplemented},
		"a recorder":   {wire.ParticipantPermission{CanSubscribe: true, CanPublishData: true, Recorder: true}, earshot.CodeUnimplemented},
		"a microphone": {wire.ParticipantPermission{CanSubscribe: true, CanPublishData: true, CanPublish: true}, earshot.CodeFailedPrecondition},
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
	t.Parallel()
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
	if got := a.seen("ada"); got.Metadata != "m" || got.Name != "ada" {
		t.Errorf("after refusals: %+v", got)
	}
}

// A removal is a kick: everybody is told, and they stay out.
func TestAdministratorsRemove(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
