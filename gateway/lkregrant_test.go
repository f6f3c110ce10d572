package gateway

import (
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/loadtest"
)

// permit has an administrator change what somebody may do.
func (a *admin) permit(identity string, p wire.ParticipantPermission) *wire.ParticipantInfo {
	a.t.Helper()
	return must[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{Room: "plaza", Identity: identity, Permission: &p})
}

// unpublished stops the line of a client's voice, as SDKs do that are told.
func (c *lkClient) unpublish() {
	c.n.t.Helper()
	for _, sender := range c.pc.GetSenders() {
		if sender.Track() != nil {
			if err := c.pc.RemoveTrack(sender); err != nil {
				c.n.t.Fatal(err)
			}
		}
	}
	c.offer(nil)
}

// TestLiveKitPermissionsChange: what an administrator takes from a client of
// LiveKit it has no more when the call returns, nor after it joined anew; what
// they give it has, also above its token.
func TestLiveKitPermissionsChange(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	ada, bob := n.livekit("ada", nil), n.livekit("bob", nil)
	ada.speak()
	eventually(t, "ada's voice", func() bool { return bob.packets(ada.id()) > 5 })
	sid := trackOf(a.seen("ada"), wire.SourceMicrophone).SID
	p := a.permit("ada", wire.ParticipantPermission{CanSubscribe: true})
	mic := n.plaza().live.Load().byID[ada.id()].microphone()
	if p.Permission.CanPublish || len(p.Tracks) != 0 || mic != nil {
		t.Errorf("may publish nothing: %+v, publishes %v, %v", p.Permission, p.Tracks, mic)
	}
	ada.until("the track taken back", func() bool {
		return slices.ContainsFunc(ada.all, func(r *wire.SignalResponse) bool {
			return r.TrackUnpublished != nil && r.TrackUnpublished.TrackSID == sid
		})
	})
	ada.until("the permission", func() bool {
		me := ada.people["ada"]
		return me != nil && !me.Permission.CanPublish && me.Permission.CanSubscribe
	})
	bob.until("ada without tracks", func() bool { return len(bob.people["ada"].Tracks) == 0 })
	pause(500 * time.Millisecond) // what was under way
	if got := bob.flows(ada.id()); got != 0 {
		t.Errorf("%d packets came of ada, who may not publish", got)
	}
	ada.unpublish()
	refused := func(c *lkClient) func() bool {
		return func() bool {
			return slices.ContainsFunc(c.all, func(r *wire.SignalResponse) bool {
				return r.RequestResponse != nil && r.RequestResponse.Reason == wire.RequestNotAllowed && r.RequestResponse.AddTrack != nil
			})
		}
	}
	ada.publish()
	ada.until("the refusal", refused(ada))
	ada.close()
	again := n.livekitClient("ada", nil)
	again.token = ada.token // which says that she may
	ada = again.begin()
	ada.until("the refusal again", refused(ada))
	a.permit("ada", wire.ParticipantPermission{CanSubscribe: true, CanPublish: true, CanPublishSources: []wire.TrackSource{wire.SourceMicrophone}})
	ada.unpublish()
	ada.publish()
	ada.speak()
	eventually(t, "ada's voice again", func() bool { return bob.flows(ada.id()) > 5 })
	ada.send(&wire.SignalRequest{AddTrack: &wire.AddTrack{CID: "cam", Type: wire.Video, Source: wire.SourceCamera}})
	ada.until("no camera", refused(ada))

	no := false
	eve := n.livekit("eve", func(c *livekit.Claims) { c.Video.CanPublish, c.Video.CanSubscribe = &no, &no })
	eve.until("the refusal", refused(eve))
	a.permit("eve", wire.ParticipantPermission{CanSubscribe: true, CanPublish: true})
	eve.unpublish()
	eve.publish()
	eve.speak()
	eventually(t, "eve's voice, and ada's at eve", func() bool { return bob.flows(eve.id()) > 5 && eve.flows(ada.id()) > 5 })
	p = a.permit("eve", wire.ParticipantPermission{CanPublish: true})
	pause(500 * time.Millisecond)
	if got := eve.flows(ada.id()); got != 0 || p.Permission.CanSubscribe {
		t.Errorf("eve, who may not subscribe, got %d packets; her permission is %+v", got, p.Permission)
	}
	if _, e := call[wire.ParticipantInfo](a, "UpdateParticipant", &wire.UpdateParticipantRequest{
		Room: "plaza", Identity: "eve", Permission: &wire.ParticipantPermission{Hidden: true},
	}); e == nil || e.Code != earshot.CodeUnimplemented {
		t.Errorf("hiding eve = %v", e)
	}
}

// TestPermissionsOfOurClients: one who joined by our own protocol may be kept from
// hearing and writing, and get both back.
func TestPermissionsOfOurClients(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	bot := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	ada := n.livekit("ada", nil)
	ada.speak()
	eventually(t, "ada's voice", func() bool { return bot.Heard()[lkBot] > 5 })
	may := wire.ParticipantPermission{CanPublish: true}
	p := a.permit(string(bot.ID()), may)
	if p.Permission.CanSubscribe || p.Permission.CanPublishData || !p.Permission.CanPublish {
		t.Errorf("permission = %+v", p.Permission)
	}
	pause(200 * time.Millisecond)
	before := bot.Heard()[lkBot]
	pause(300 * time.Millisecond)
	if got := bot.Heard()[lkBot] - before; got != 0 {
		t.Errorf("the bot, which may not subscribe, heard %d packets", got)
	}
	if err := bot.Send(&protocol.SendChat{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the refusal", func() bool {
		return slices.ContainsFunc(bot.Messages(), func(m loadtest.Message) bool {
			e, ok := m.ServerMessage.(*protocol.Error)
			return ok && e.Code == earshot.CodePermissionDenied
		})
	})
	may.CanSubscribe, may.CanPublishData = true, true
	a.permit(string(bot.ID()), may)
	eventually(t, "ada's voice again", func() bool { return bot.Heard()[lkBot] > before+5 })
}

// TestLiveKitHidden: of a hidden participant nobody learns, by either door; it
// hears, and sends nothing. Without the operator's word there is none.
func TestLiveKitHidden(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) { c.LiveKit.Hidden = true })
	a := n.admin()
	bot := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	ada := n.livekit("ada", nil)
	ada.speak()
	spy := n.livekit("spy", func(c *livekit.Claims) { c.Video.Hidden, c.Video.Recorder = true, true })
	in := n.plaza()
	eventually(t, "ada's voice at the spy", func() bool { return spy.packets(ada.id()) > 20 })
	spy.until("who is here", func() bool { return spy.people["ada"] != nil && spy.people[string(bot.ID())] != nil })
	spy.until("that it may not publish", func() bool {
		return slices.ContainsFunc(spy.all, func(r *wire.SignalResponse) bool {
			return r.RequestResponse != nil && r.RequestResponse.Reason == wire.RequestNotAllowed
		})
	})
	topic, control := "game", livekit.TopicControl
	spy.say("_reliable", &wire.DataPacket{User: &wire.UserPacket{Topic: &topic, Payload: []byte("boo")}})
	spy.say("_reliable", &wire.DataPacket{User: &wire.UserPacket{Topic: &control, Payload: []byte(`{"type":"chat","text":"boo"}`)}})
	yes := true
	spy.send(&wire.SignalRequest{UpdateMetadata: &wire.UpdateMetadata{Attributes: map[string]string{"a": "b"}}})
	if err := in.moderate(&protocol.Moderate{Action: protocol.ActionMute, Participant: spy.id()}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if p := a.seen("spy"); !p.Permission.Hidden || !p.Permission.Recorder || p.Permission.CanPublish || p.Permission.CanPublishData {
		t.Errorf("the administrator sees %+v", p.Permission)
	}
	rooms := must[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{}).Rooms
	if len(rooms) != 1 || rooms[0].NumParticipants != 2 || !rooms[0].ActiveRecording {
		t.Errorf("rooms: %+v", rooms[0])
	}
	if in.size() != 2 {
		t.Errorf("%d are said to be here, want 2", in.size())
	}
	bob := n.livekit("bob", nil) // who comes later
	if err := bot.Send(&protocol.SendChat{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	spy.packet("chat nearby", func(p *wire.DataPacket) bool { return p.StreamChunk != nil && string(p.StreamChunk.Content) == "hello" })
	spy.send(&wire.SignalRequest{Simulate: &wire.Simulate{ServerLeave: &yes}})
	eventually(t, "the spy gone", func() bool { return in.live.Load().byID[spy.id()] == nil })
	pause(300 * time.Millisecond)
	for name, c := range map[string]*lkClient{"ada": ada, "bob": bob} {
		c.mu.Lock()
		for _, r := range c.all {
			if r.TrackSubscribed != nil && name == "ada" {
				continue // the bot has it
			}
			for _, p := range infosOf(r) {
				if p.Identity == "spy" || p.SID == livekit.ParticipantSID(spy.id()) {
					t.Errorf("%s was told of the spy: %+v", name, p)
				}
			}
		}
		for _, p := range c.got {
			if p.User != nil && string(p.User.Payload) == "boo" || p.ChatMessage != nil && p.ChatMessage.Message == "boo" {
				t.Errorf("%s got what the spy sent", name)
			}
		}
		c.mu.Unlock()
	}
	for _, m := range bot.Messages() {
		switch m := m.ServerMessage.(type) {
		case *protocol.Joined:
			for _, p := range m.Participants {
				if p.ID == spy.id() {
					t.Error("the bot was told of the spy")
				}
			}
		case *protocol.Left:
			if m.Participant == spy.id() {
				t.Error("the bot was told that the spy left")
			}
		case *protocol.Muted:
			if m.Participant == spy.id() {
				t.Error("the bot was told that the spy is muted")
			}
		case *protocol.Near:
			if slices.Contains(m.Enter, spy.id()) || slices.Contains(m.Leave, spy.id()) {
				t.Error("the bot was told that the spy is near")
			}
		}
	}
}

func infosOf(r *wire.SignalResponse) []*wire.ParticipantInfo {
	switch {
	case r.Join != nil:
		return r.Join.OtherParticipants
	case r.Update != nil:
		return r.Update.Participants
	}
	return nil
}
