package gateway

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/webhook"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// FuzzRoomService gives the room service whatever one may post who has a token
// with every grant: each answer is a message or an error with words, and those
// who are in a room of which the token does not speak stay as they are.
func FuzzRoomService(f *testing.F) {
	f.Add("MutePublishedTrack", []byte(`{"room":"plaza","identity":"x","trackSid":"TR_x_c","muted":true}`), false)
	f.Add("UpdateParticipant", []byte(`{"room":"plaza","identity":"x","permission":{"canPublish":true,"canPublishSources":["CAMERA"]},"attributes":{"a":"b"}}`), false)
	f.Add("RemoveParticipant", []byte(`{"room":"plaza","identity":"x","revokeTokenTs":"9223372036854775807"}`), false)
	f.Add("CreateRoom", []byte(`{"name":"plaza","maxParticipants":1,"emptyTimeout":4294967295}`), false)
	f.Add("SendData", wire.Marshal(&wire.SendDataRequest{Room: "plaza", Data: []byte("x"), DestinationIdentities: []string{"x"}}), true)
	f.Add("DeleteRoom", wire.Marshal(&wire.DeleteRoomRequest{Room: "plaza"}), true)
	f.Add("UpdateSubscriptions", wire.Marshal(&wire.UpdateSubscriptionsRequest{Room: "vault", Identity: "y", TrackSIDs: []string{"TR_"}}), true)
	f.Add("Explode", []byte(nil), true)
	cfg := DefaultConfig()
	cfg.Worlds = map[string]WorldConfig{"plaza": DefaultWorld(), "vault": DefaultWorld()}
	now := time.Now()
	enter := func(t *testing.T, g *Gateway, world, who string) *session {
		in, err := g.open(earshot.InstanceID("in_"+world), world, g.worlds[world])
		if err != nil {
			t.Fatal(err)
		}
		s := newSession(in, &Claims{
			Subject: who, Name: who, World: world, Expires: now.Add(time.Minute), Issuer: "main",
			Grants: []string{protocol.GrantSubscribe, protocol.GrantPublishVideo, protocol.GrantChat},
		}, now)
		s.line = mute{}
		if err := in.enter(s, now); err != nil {
			t.Fatal(err)
		}
		s.OnControlOpen()
		return s
	}
	f.Fuzz(func(t *testing.T, method string, body []byte, binary bool) {
		g := &Gateway{
			cfg: cfg, log: slog.New(slog.DiscardHandler), metrics: newMetrics(prometheus.NewRegistry()),
			worlds: cfg.Worlds, sessions: make(map[earshot.SessionID]*session), instances: make(map[earshot.InstanceID]*Instance),
			hooks: webhook.New(webhook.Config{}, webhook.Deps{Metrics: prometheus.NewRegistry()}),
			start: func(*Instance) {},
		}
		g.cast = cast{g: g, roles: make(map[string][]*role)}
		var err error
		if g.manager, err = newManager(g, cfg.Instances); err != nil {
			t.Fatal(err)
		}
		x, y := enter(t, g, "plaza", "x"), enter(t, g, "vault", "y")
		by := &livekit.Claims{Key: "main", Video: livekit.VideoGrant{RoomAdmin: true, Room: "plaza", RoomList: true}}
		by.Video.RoomCreate = method != "DeleteRoom" || !strings.Contains(string(body), "vault")
		call := roomCall{g: g, by: by, body: body, binary: binary, now: now}
		answer, err := call.route(method)
		var e *earshot.Error
		if (answer == nil) != (err != nil) || err != nil && (!errors.As(err, &e) || e.Message == "") {
			t.Fatalf("%s: %v, %v", method, answer, err)
		}
		if y.ending.Load() || y.moderated || len(y.withheld) > 0 || y.about.version > 0 {
			t.Fatalf("%s changed somebody in another room", method)
		}
		for _, s := range []*session{x, y} {
			s.end(protocol.ReasonLeft, nil)
		}
		g.work.Wait()
	})
}
