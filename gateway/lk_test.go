package gateway

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/loadtest"
)

func (c *lkClient) id() earshot.ParticipantID { return livekit.ParticipantOf(c.join.Participant.SID) }

// flows returns how many packets of somebody come in a while.
func (c *lkClient) flows(of earshot.ParticipantID) int64 {
	before := c.packets(of)
	pause(300 * time.Millisecond)
	return c.packets(of) - before
}

// TestLiveKitHears: somebody who joined by our own protocol and somebody who
// came by LiveKit's hear each other, as do two of LiveKit's. A block by one of
// either door then holds for voice and data both ways, and is lifted again.
func TestLiveKitHears(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	ada := n.livekit("ada", nil)
	ada.speak()
	of := bot.Welcome().You.ID
	ada.until("the bot among the people", func() bool { return ada.people[string(of)] != nil })
	eventually(t, "the bot's voice", func() bool { return ada.packets(of) > 20 })
	eventually(t, "ada's voice at the bot", func() bool { return bot.Heard()[lkBot] > 20 })
	bob := n.livekit("bob", nil)
	ada.until("bob among the people", func() bool { return ada.people["bob"] != nil })
	eventually(t, "two voices", func() bool { return bob.packets(ada.id()) > 20 && bob.packets(of) > 20 })

	// The bot blocks ada.
	if err := bot.Send(&protocol.Block{Participant: ada.id(), Blocked: true}); err != nil {
		t.Fatal(err)
	}
	in := n.plaza()
	eventually(t, "the block", func() bool { return in.space.Blocked(of, ada.id()) })
	pause(500 * time.Millisecond) // what was under way
	if got := ada.flows(of); got != 0 {
		t.Errorf("ada heard %d packets of the bot that blocked her", got)
	}
	// Bob blocks ada, by our own message in a packet: no voice, no data.
	control := livekit.TopicControl
	bob.say("_reliable", &wire.DataPacket{User: &wire.UserPacket{
		Topic: &control, Payload: []byte(`{"type":"block","participant":"` + string(ada.id()) + `","blocked":true}`),
	}})
	bob.packet("the answer to block", func(p *wire.DataPacket) bool {
		return p.User != nil && bytes.Contains(p.User.Payload, []byte(`"blocked"`))
	})
	pause(200 * time.Millisecond)
	game := "game"
	ada.say("_reliable", &wire.DataPacket{User: &wire.UserPacket{Topic: &game, Payload: []byte("for bob")}})
	if got := bob.flows(ada.id()); got != 0 {
		t.Errorf("bob heard %d packets of ada, whom he blocked", got)
	}
	bob.mu.Lock()
	for _, p := range bob.got {
		if p.User != nil && string(p.User.Payload) == "for bob" {
			t.Error("bob got data of ada, whom he blocked")
		}
	}
	bob.mu.Unlock()
	bob.say("_reliable", &wire.DataPacket{User: &wire.UserPacket{
		Topic: &control, Payload: []byte(`{"type":"block","participant":"` + string(ada.id()) + `","blocked":false}`),
	}})
	eventually(t, "ada's voice after the block", func() bool { return bob.flows(ada.id()) > 5 })
}

// TestLiveKitData: packets go to all or to those named, with who sent them, by
// both channels; chat crosses to the other door and back.
func TestLiveKitData(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1)
	ada, bob, eve := n.livekit("ada", nil), n.livekit("bob", nil), n.livekit("eve", func(c *livekit.Claims) {
		no := false
		c.Video.CanPublishData = &no
	})
	for _, c := range []*lkClient{ada, bob, eve} {
		c.until("the others", func() bool { return len(c.people) >= 3 })
	}
	bob.say("_reliable", &wire.DataPacket{User: &wire.UserPacket{}}) // opens
	topic := "game"
	user := func(text string) *wire.UserPacket { return &wire.UserPacket{Topic: &topic, Payload: []byte(text)} }
	is := func(text string) func(*wire.DataPacket) bool {
		return func(p *wire.DataPacket) bool { return p.User != nil && string(p.User.Payload) == text }
	}
	ada.say("_reliable", &wire.DataPacket{User: user("all"), ParticipantIdentity: "forged"})
	if p := bob.packet("all", is("all")); p.ParticipantIdentity != "ada" || p.ParticipantSID != ada.join.Participant.SID || *p.User.Topic != topic {
		t.Errorf("a packet to all came as %+v", p)
	}
	eve.packet("all", is("all"))
	ada.say("_reliable", &wire.DataPacket{User: user("bob only"), DestinationIdentities: []string{"bob"}})
	ada.say("_lossy", &wire.DataPacket{Kind: 1, User: user("lossy")})
	eve.say("_reliable", &wire.DataPacket{User: user("not granted")})
	bob.packet("bob only", is("bob only"))
	bob.packet("lossy", is("lossy"))
	eve.packet("lossy", is("lossy"))
	eve.mu.Lock()
	for _, p := range eve.got {
		if is("bob only")(p) {
			t.Error("eve got what was for bob")
		}
	}
	eve.mu.Unlock()

	text := uint64(5)
	for _, p := range []*wire.DataPacket{
		{StreamHeader: &wire.StreamHeader{StreamID: "s", Topic: livekit.TopicChat, TotalLength: &text, TextHeader: &wire.TextHeader{}}},
		{StreamChunk: &wire.StreamChunk{StreamID: "s", Content: []byte("hello")}},
		{StreamTrailer: &wire.StreamTrailer{StreamID: "s"}},
	} {
		ada.say("_reliable", p)
	}
	eventually(t, "the line at the bot", func() bool {
		for _, m := range bot.Messages() {
			if c, ok := m.ServerMessage.(*protocol.Chat); ok && c.Text == "hello" && c.From == ada.id() {
				return true
			}
		}
		return false
	})
	bob.packet("the line as a message", func(p *wire.DataPacket) bool {
		return p.ChatMessage != nil && p.ChatMessage.Message == "hello" && p.ParticipantIdentity == "ada"
	})
	if err := bot.Send(&protocol.SendChat{Text: "to all"}); err != nil {
		t.Fatal(err)
	}
	ada.packet("the bot's line", func(p *wire.DataPacket) bool {
		return p.StreamChunk != nil && string(p.StreamChunk.Content) == "to all" && p.ParticipantIdentity == string(bot.Welcome().You.ID)
	})
	bob.mu.Lock()
	defer bob.mu.Unlock()
	for _, p := range bob.got {
		if is("not granted")(p) {
			t.Error("data came of one whose token does not allow it")
		}
		if p.StreamHeader != nil && p.StreamHeader.StreamID == "s" {
			t.Error("the stream of a line of chat was passed on as it was")
		}
	}
}

// TestLiveKitPlace: a place moves the participant, and from then on the poses
// of others come, with who they are of.
func TestLiveKitPlace(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1)
	ada := n.livekit("ada", nil)
	topic := livekit.TopicPose
	ada.say("_lossy", &wire.DataPacket{Kind: 1, User: &wire.UserPacket{Topic: &topic, Payload: []byte(`{"p":[2,0,-3],"q":[0,0.7071068,0,0.7071068]}`)}})
	in := n.plaza()
	eventually(t, "the place", func() bool {
		at, ok := in.space.Pose(ada.id())
		return ok && at.Root.Distance(earshot.Vec3{X: 2, Z: -3}) < 0.01 && at.Yaw > 1.5 && at.Yaw < 1.6
	})
	ada.packet("poses", func(p *wire.DataPacket) bool {
		return p.User != nil && p.User.Topic != nil && *p.User.Topic == topic && len(p.User.Payload) > 8
	})
	ada.packet("who they are of", func(p *wire.DataPacket) bool {
		return p.User != nil && *p.User.Topic == livekit.TopicPeople && bytes.Contains(p.User.Payload, []byte(bot.Welcome().You.ID))
	})
}

// TestLiveKitResume: a client whose signal connection breaks comes back to the
// same session, restarts ICE, and is told what happened meanwhile.
func TestLiveKitResume(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1)
	ada := n.livekit("ada", nil)
	of := bot.Welcome().You.ID
	eventually(t, "the bot's voice", func() bool { return ada.packets(of) > 5 })
	before := n.plaza().live.Load().byID[ada.id()]
	_ = ada.ws.Close()
	ada.until("the end of the connection", func() bool { return ada.closed })
	bob := n.livekit("bob", nil)
	bob.until("who is here", func() bool { return bob.people["ada"] != nil })

	ada.ws = ada.dial(&wire.JoinRequest{Reconnect: true, ParticipantSID: ada.join.Participant.SID, ConnectionSettings: &wire.ConnectionSettings{AutoSubscribe: true}})
	ada.mu.Lock()
	ada.closed = false
	told := len(ada.all)
	ada.mu.Unlock()
	go ada.read(ada.ws)
	ada.until("the response", func() bool { return len(ada.all) > told })
	if r := ada.response(told); r.Reconnect == nil {
		t.Fatalf("the first response to who resumes is %+v", r)
	}
	ada.until("bob, who came meanwhile", func() bool { return ada.people["bob"] != nil })
	ada.offer(&webrtc.OfferOptions{ICERestart: true})
	eventually(t, "voice after the restart", func() bool { return ada.flows(of) > 5 })
	if after := n.plaza().live.Load().byID[ada.id()]; after != before {
		t.Error("the session is another one")
	}

	// One that is not here joins anew.
	ghost := n.livekitToken("ghost", nil)
	c := &lkClient{n: n, token: ghost, people: map[string]*wire.ParticipantInfo{}}
	c.ws = c.dial(&wire.JoinRequest{Reconnect: true, ParticipantSID: "PA_ghost"})
	defer c.ws.Close()
	go c.read(c.ws)
	c.until("the refusal", func() bool {
		return len(c.all) > 0 && c.all[0].Leave != nil && c.all[0].Leave.Action == wire.ActionReconnect && c.all[0].Leave.Reason == wire.ReasonStateMismatch
	})
}

// TestLiveKitMuted: a client mutes itself, a moderator mutes it and removes it.
func TestLiveKitMuted(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	ada, bob := n.livekit("ada", nil), n.livekit("bob", nil)
	ada.speak()
	eventually(t, "ada's voice", func() bool { return bob.packets(ada.id()) > 5 })
	muted := func(want bool) func() bool {
		return func() bool {
			p := bob.people["ada"]
			return p != nil && len(p.Tracks) == 1 && p.Tracks[0].Muted == want
		}
	}
	bob.until("ada's track", muted(false))
	sid := bob.person("ada").Tracks[0].SID
	ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: sid, Muted: true}})
	bob.until("ada muted", muted(true))
	// Silence that ends the talkspurt still comes.
	eventually(t, "nothing of ada, who muted herself", func() bool { return bob.flows(ada.id()) == 0 })
	ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: sid}})
	bob.until("ada heard again", muted(false))
	in := n.plaza()
	if err := in.moderate(&protocol.Moderate{Action: protocol.ActionMute, Participant: ada.id()}, time.Now()); err != nil {
		t.Fatal(err)
	}
	ada.until("the order", func() bool {
		for _, r := range ada.all {
			if r.Mute != nil && r.Mute.Muted && r.Mute.SID == sid {
				return true
			}
		}
		return false
	})
	ada.send(&wire.SignalRequest{Mute: &wire.MuteTrack{SID: sid}}) // which does not help
	pause(200 * time.Millisecond)
	if got := bob.flows(ada.id()); got > 0 {
		t.Errorf("%d packets came of ada, whom a moderator muted", got)
	}
	if err := in.moderate(&protocol.Moderate{Action: protocol.ActionKick, Participant: ada.id()}, time.Now()); err != nil {
		t.Fatal(err)
	}
	ada.until("the goodbye", func() bool {
		last := ada.all[len(ada.all)-1]
		return last.Leave != nil && last.Leave.Reason == wire.ReasonParticipantRemoved && last.Leave.Action == wire.ActionDisconnect
	})
	bob.until("ada gone", func() bool { return bob.people["ada"] == nil })
}

// TestLiveKitVersion0: a client with two connections hears and is heard, gets
// data and resumes; an offer of the server carries whoever comes later.
func TestLiveKitVersion0(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	old := n.livekit0("old", nil)
	old.speak()
	of := bot.Welcome().You.ID
	eventually(t, "the bot's voice", func() bool { return old.packets(of) > 20 })
	eventually(t, "the client's voice at the bot", func() bool { return bot.Heard()[lkBot] > 20 })
	ada := n.livekit("ada", nil)
	ada.speak()
	eventually(t, "two voices", func() bool { return old.packets(ada.id()) > 20 && ada.packets(old.id()) > 20 })
	topic := "game"
	is := func(p *wire.DataPacket) bool { return p.User != nil && string(p.User.Payload) == "x" }
	ada.say("_reliable", &wire.DataPacket{User: &wire.UserPacket{Topic: &topic, Payload: []byte("x")}})
	old.packet("data", is)
	old.say("_reliable", &wire.DataPacket{User: &wire.UserPacket{Topic: &topic, Payload: []byte("x")}})
	ada.packet("data", is)

	_ = old.ws.Close()
	old.until("the end of the connection", func() bool { return old.closed })
	old.ws = old.dial0("&reconnect=1&sid=" + old.join.Participant.SID)
	go old.read(old.ws)
	old.offer(&webrtc.OfferOptions{ICERestart: true})
	eventually(t, "voices after the resume", func() bool { return old.flows(of) > 5 && ada.flows(old.id()) > 5 })
}

// TestLiveKitReturns: who is let go to join anew is heard again by those who
// stayed.
func TestLiveKitReturns(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bob, ada := n.livekit("bob", nil), n.livekit("ada", nil)
	ada.speak()
	eventually(t, "ada's voice", func() bool { return bob.packets(ada.id()) > 20 })
	yes := true
	ada.send(&wire.SignalRequest{Simulate: &wire.Simulate{FullReconnect: &yes}})
	ada.until("the goodbye", func() bool {
		last := ada.all[len(ada.all)-1]
		return last.Leave != nil && last.Leave.Action == wire.ActionReconnect
	})
	ada.close()
	again := n.livekit("ada", nil)
	again.speak()
	eventually(t, "ada's voice again", func() bool { return bob.flows(ada.id()) > 5 })
}

// TestLiveKitPermission: whoever a client does not let subscribe gets nothing of
// it from then on, by either door, until it may again.
func TestLiveKitPermission(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	ada, bob := n.livekit("ada", nil), n.livekit("bob", nil)
	ada.speak()
	eventually(t, "ada's voice", func() bool { return bob.packets(ada.id()) > 5 && bot.Heard()[lkBot] > 5 })
	ada.send(&wire.SignalRequest{SubscriptionPermission: &wire.SubscriptionPermission{
		TrackPermissions: []*wire.TrackPermission{{ParticipantIdentity: "eve", AllTracks: true}},
	}})
	bob.until("the word of it", func() bool {
		return slices.ContainsFunc(bob.all, func(r *wire.SignalResponse) bool {
			return r.SubscriptionPermissionUpdate != nil && !r.SubscriptionPermissionUpdate.Allowed
		})
	})
	pause(200 * time.Millisecond) // what was under way
	before := bot.Heard()[lkBot]
	if got := bob.flows(ada.id()); got != 0 || bot.Heard()[lkBot] != before {
		t.Errorf("bob got %d packets and the bot %d of ada, who lets neither subscribe", got, bot.Heard()[lkBot]-before)
	}
	eve := n.livekit("eve", nil)
	eventually(t, "ada's voice at eve", func() bool { return eve.packets(ada.id()) > 5 })
	ada.send(&wire.SignalRequest{SubscriptionPermission: &wire.SubscriptionPermission{AllParticipants: true}})
	eventually(t, "ada's voice again", func() bool { return bob.flows(ada.id()) > 5 })
}

// TestLiveKitSlots: with slots voices come by virtual participants, who say
// whom they carry; nobody else publishes anything.
func TestLiveKitSlots(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1)
	ada := n.livekit("ada", func(c *livekit.Claims) {
		c.Attributes = map[string]string{"earshot.audio": "slots", "earshot.slots": "5"}
	})
	of := bot.Welcome().You.ID
	ada.until("five slots", func() bool { return ada.people["slot-5"] != nil && ada.people["slot-6"] == nil })
	ada.until("the bot in one", func() bool {
		for _, p := range ada.people {
			if p.Attributes["earshot.participant"] == string(of) && strings.HasPrefix(p.Identity, "slot-") {
				return true
			}
		}
		return false
	})
	eventually(t, "voice", func() bool { return ada.packets(livekit.SlotTrack(0, false).Of) > 20 })
	ada.until("no tracks of the bot", func() bool { return len(ada.people[string(of)].Tracks) == 0 })
	ada.until("five lines", func() bool { return len(ada.mids) == 5 })
}

// TestLiveKitBinaural: a client that asks for it hears everybody in one mix, by
// one virtual participant.
func TestLiveKitBinaural(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1)
	ada := n.livekit("ada", func(c *livekit.Claims) { c.Attributes = map[string]string{"earshot.audio": "binaural"} })
	ada.until("the mix among the people", func() bool { return ada.people["binaural"] != nil && ada.people["slot-1"] == nil })
	eventually(t, "the mix", func() bool { return ada.packets(livekit.MixTrack().Of) > 20 })
	s := n.plaza().live.Load().byID[ada.id()]
	eventually(t, "the bot in it", func() bool { return s.ears.mix.Load() != nil })
	ada.until("one voice line", func() bool { return len(ada.mids) == 1 })
	ada.until("no tracks of the bot", func() bool { return len(ada.people[string(bot.Welcome().You.ID)].Tracks) == 0 })
}

// TestLiveKitRefuses: what a token does not allow is refused before the
// WebSocket, with a status that the SDKs read and a reason for people.
func TestLiveKitRefuses(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	late := n.livekitToken("late", func(c *livekit.Claims) { c.Expires = time.Now().Add(time.Second) })
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"fine":     {n.livekitToken("ada", nil), http.StatusOK},
		"none":     {"", http.StatusUnauthorized},
		"ours":     {n.token(nil), http.StatusForbidden},
		"forged":   {late[:len(late)-4] + "AAAA", http.StatusUnauthorized},
		"no room":  {n.livekitToken("ada", func(c *livekit.Claims) { c.Video.Room = "nowhere" }), http.StatusForbidden},
		"no grant": {n.livekitToken("ada", func(c *livekit.Claims) { c.Video.RoomJoin = false }), http.StatusForbidden},
		"pa_":      {n.livekitToken("pa_abcdefgh", nil), http.StatusForbidden},
		"hidden":   {n.livekitToken("ada", func(c *livekit.Claims) { c.Video.Hidden = true }), http.StatusForbidden},
	} {
		req, _ := http.NewRequest(http.MethodGet, n.url+"/rtc/v1/validate?access_token="+url.QueryEscape(c.token), nil)
		req.Header.Set("Origin", "https://game.example")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, c.want)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: no CORS headers, so that a page cannot read the answer", name)
		}
	}
}

// TestLiveKitGarbage: ten thousand frames that are noise, or real requests with
// bytes changed, disturb nobody else; the sender is removed at most.
func TestLiveKitGarbage(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	bot := n.talker(1)
	of := bot.Welcome().You.ID
	bob := n.livekit("bob", nil)
	eventually(t, "the bot's voice", func() bool { return bob.packets(of) > 5 })
	random := rand.New(rand.NewPCG(1, 2))
	sid := bob.person(string(of)).Tracks[0].SID
	seeds := [][]byte{
		wire.Marshal(&wire.SignalRequest{Offer: &wire.SessionDescription{Type: "offer", SDP: "v=0\r\n"}}),
		wire.Marshal(&wire.SignalRequest{AddTrack: &wire.AddTrack{CID: "x", Type: wire.Video, Layers: []*wire.VideoLayer{{Width: 1}}}}),
		wire.Marshal(&wire.SignalRequest{Subscription: &wire.UpdateSubscription{TrackSIDs: []string{sid}}}),
		wire.Marshal(&wire.SignalRequest{TrackSetting: &wire.UpdateTrackSettings{TrackSIDs: []string{sid}, Height: 1 << 31}}),
		wire.Marshal(&wire.SignalRequest{UpdateMetadata: &wire.UpdateMetadata{Name: "x", Attributes: map[string]string{"a": "b"}}}),
		wire.Marshal(&wire.SignalRequest{SyncState: &wire.SyncState{}}),
		wire.Marshal(&wire.SignalRequest{Trickle: &wire.Trickle{CandidateInit: "{}"}}),
	}
	for sent := 0; sent < 10_000; {
		ada := n.livekit("ada", nil)
		for range 1000 {
			frame := bytes.Clone(seeds[random.IntN(len(seeds))])
			for range 1 + random.IntN(4) {
				frame[random.IntN(len(frame))] = byte(random.Uint32())
			}
			ada.write(frame)
			sent++
		}
		ada.close()
	}
	eventually(t, "the bot's voice after all that", func() bool { return bob.flows(of) >= 8 })
}
