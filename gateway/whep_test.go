package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// TestWHEPFollowsTheStream has players wait for a stream, follow it over a
// reconnect, and choose among two; the publisher may watch itself.
func TestWHEPFollowsTheStream(t *testing.T) {
	t.Parallel()
	n := startNode(t, withStages)
	ada := n.guest("ada", nil)
	first, side, own := n.player(n.viewerToken("wendy")), n.player(n.viewerToken("wendy")), n.player(n.token(func(c *Claims) {
		c.Subject = "main"
	}))
	first.connect("/v1/whep/plaza")
	side.connect("/v1/whep/plaza?stage=side")
	own.connect("/v1/whep/plaza?publisher=" + string(earshot.ParticipantFor("test", "main")))
	first.flows("before there is a stream", false, false)

	n.publisher(n.streamToken("main")).connect("/v1/whip/plaza")
	first.flows("the first stream", true, true)
	own.flows("the publisher's own", true, true)
	side.flows("another stage", false, false)

	n.publisher(n.streamToken("main")).connect("/v1/whip/plaza") // again: OBS came back
	first.flows("the stream that came back", true, true)

	n.publisher(n.streamToken("other")).connect("/v1/whip/plaza?stage=side")
	side.flows("the other stage", true, true)

	for msg := ada.next(200 * time.Millisecond); msg != nil; msg = ada.next(200 * time.Millisecond) {
		if j, ok := msg.(*protocol.Joined); ok && j.Participants[0].Kind != protocol.KindStream {
			t.Errorf("a player was announced: %+v", j)
		}
	}
	if got := n.running()[0]; got.size() != 3 || got.audience.size() != 3 {
		t.Errorf("%d participants and %d viewers, want 3 and 3", got.size(), got.audience.size())
	}

	candidate := "a=ice-ufrag:" + sdpValue(t, first.pc.LocalDescription().SDP, "ice-ufrag") + "\r\na=candidate:1 1 udp 1 192.0.2.1 4444 typ host\r\n"
	for fragment, want := range map[string]int{candidate: 204, strings.Replace(candidate, "ufrag:", "ufrag:other", 1): 400} {
		if status, text, _ := first.request("PATCH", first.url, fragment, "Content-Type", typeFragment); status != want {
			t.Errorf("PATCH without If-Match = %d %s, want %d", status, text, want)
		}
	}
	if status, text, _ := first.request("DELETE", first.url, ""); status != http.StatusOK {
		t.Errorf("DELETE = %d %s, want 200", status, text)
	}
	first.flows("after DELETE", false, false)
	if status, _, _ := first.request("DELETE", first.url, ""); status != http.StatusOK {
		t.Errorf("DELETE again = %d, want 200", status)
	}
	if status, _, _ := own.request("DELETE", side.url, ""); status != http.StatusForbidden {
		t.Errorf("DELETE of another's player = %d, want 403", status)
	}
}

// TestWHEPIsModerated checks that whatever may not pass does not pass to a
// player either: mutes, blocks, kicks.
func TestWHEPIsModerated(t *testing.T) {
	t.Parallel()
	n := startNode(t, withStages)
	stage := n.publisher(n.streamToken("main"))
	stage.connect("/v1/whip/plaza")
	who := earshot.ParticipantFor("test", "main")
	wendy, walter := n.player(n.viewerToken("wendy")), n.player(n.viewerToken("walter"))
	wendy.connect("/v1/whep/plaza")
	walter.connect("/v1/whep/plaza")
	wendy.flows("at first", true, true)

	mod := n.guest("mod", func(c *Claims) { c.Grants = append(c.Grants, protocol.GrantModerate) })
	mod.say(&protocol.Moderate{Action: protocol.ActionMute, Participant: who})
	expect[*protocol.Muted](mod)
	wendy.flows("muted", false, true)
	mod.say(&protocol.Moderate{Action: protocol.ActionUnmute, Participant: who})
	expect[*protocol.Muted](mod)
	wendy.flows("unmuted", true, true)

	// Wendy is in the world too, and blocks the stream: it is gone for her
	// alone, also from a player that comes later.
	self := n.guest("wendy", nil)
	self.say(&protocol.Block{Participant: who, Blocked: true})
	expect[*protocol.Blocked](self)
	wendy.flows("blocked", false, false)
	later := n.player(n.viewerToken("wendy"))
	later.connect("/v1/whep/plaza")
	later.flows("blocked before", false, false)
	walter.flows("not blocked", true, true)
	self.say(&protocol.Block{Participant: who})
	expect[*protocol.Blocked](self)
	wendy.flows("unblocked", true, true)

	mod.say(&protocol.Moderate{Action: protocol.ActionKick, Participant: self.id()})
	for l := expect[*protocol.Left](mod); l.Participant != self.id(); l = expect[*protocol.Left](mod) {
	}
	wendy.flows("kicked", false, false)
	if status, text, _ := later.request("POST", "/v1/whep/plaza", n.player("").offer(), "Content-Type", typeSDP); status != http.StatusForbidden {
		t.Errorf("POST of one who was kicked = %d %s, want 403", status, text)
	}
	walter.flows("somebody else kicked", true, true)

	mod.say(&protocol.Moderate{Action: protocol.ActionKick, Participant: who})
	for l := expect[*protocol.Left](mod); l.Participant != who; l = expect[*protocol.Left](mod) {
	}
	walter.flows("stream kicked", false, false)
	if status, text, _ := stage.request("POST", "/v1/whip/plaza", n.publisher("").offer(), "Content-Type", typeSDP); status != http.StatusForbidden {
		t.Errorf("POST of a stream that was kicked = %d %s, want 403", status, text)
	}
}

// TestOrdersHoldForPlayers has moderation isolate a stream and suspend a
// viewer.
func TestOrdersHoldForPlayers(t *testing.T) {
	t.Parallel()
	n := startModerated(t, withStages)
	n.publisher(n.streamToken("main")).connect("/v1/whip/plaza")
	wendy, walter := n.player(n.viewerToken("wendy")), n.player(n.viewerToken("walter"))
	wendy.connect("/v1/whep/plaza")
	walter.connect("/v1/whep/plaza")
	wendy.flows("at first", true, true)

	mod := n.moderator("mod")
	act := func(who, action string) {
		t.Helper()
		path := "/v1/moderation/people/" + string(earshot.ParticipantFor("test", who)) + "/act"
		if status := mod.call("POST", path, map[string]any{"action": action, "for_s": 3600, "reason": "a test"}, nil); status != http.StatusOK {
			t.Fatalf("%s of %s = %d", action, who, status)
		}
	}
	act("wendy", "suspend")
	wendy.flows("suspended", false, false)
	walter.flows("another is suspended", true, true)
	if status, text, _ := n.player(n.viewerToken("wendy")).request("POST", "/v1/whep/plaza", n.player("").offer(), "Content-Type", typeSDP); status != http.StatusForbidden {
		t.Errorf("POST of one who is suspended = %d %s, want 403", status, text)
	}
	act("main", "isolate")
	walter.flows("the stream is isolated", false, false)
	late := n.player(n.viewerToken("late"))
	late.connect("/v1/whep/plaza")
	late.flows("isolated before", false, false)
}

// TestViewersAreLimited fills an instance with players.
func TestViewersAreLimited(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) {
		w := DefaultWorld()
		w.MaxViewers = 1
		c.Worlds["plaza"] = w
	})
	first, second := n.player(n.viewerToken("a")), n.player(n.viewerToken("b"))
	first.connect("/v1/whep/plaza")
	status, text, _ := second.request("POST", "/v1/whep/plaza", second.offer(), "Content-Type", typeSDP)
	if status != http.StatusTooManyRequests || wireErrorOf(t, []byte(text)).Code != earshot.CodeResourceExhausted {
		t.Errorf("POST = %d %s, want 429", status, text)
	}
	if err := first.pc.GracefulClose(); err != nil { // without DELETE
		t.Fatal(err)
	}
	eventually(t, "a player that closed its connection is gone", func() bool { return n.running()[0].audience.size() == 0 })
}

// TestStreamEndsWithItsToken lets tokens expire.
func TestStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	n := startNode(t, withStages)
	stage, player := n.publisher(n.streamToken("main")), n.player(n.viewerToken("wendy"))
	stage.connect("/v1/whip/plaza")
	player.connect("/v1/whep/plaza")
	in, later := n.running()[0], time.Now().Add(2*time.Hour)
	s := in.live.Load().all[0]
	if reason, _ := s.overdue(later); reason != protocol.ReasonExpired {
		t.Errorf("two hours later the stream is %q, want expired", reason)
	}
	in.showStreams(later)
	if in.audience.size() != 0 {
		t.Error("two hours later the player still watches")
	}
	player.flows("expired", false, false)
}
