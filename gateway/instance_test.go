package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// Two people meet, talk, and one of them blocks the other: from then on
// neither sees a line of the other.
func TestChatIsLocalAndHonoursBlocks(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	ada, bob := n.guest("ada", nil), n.guest("bob", nil)
	if j := expect[*protocol.Joined](ada); j.Participants[0].ID != bob.id() {
		t.Fatalf("ada was told of %v, want %v", j.Participants, bob.id())
	}
	bob.say(&protocol.SendChat{Text: "hello"})
	if c := expect[*protocol.Chat](ada); c.From != bob.id() || c.Text != "hello" {
		t.Errorf("chat %+v, want hello from %s", c, bob.id())
	}

	ada.say(&protocol.Block{Participant: bob.id(), Blocked: true})
	expect[*protocol.Blocked](ada)
	bob.say(&protocol.SendChat{Text: "are you there?"})
	expect[*protocol.Chat](bob) // "hello"
	expect[*protocol.Chat](bob)
	ada.say(&protocol.SendChat{Text: "anybody?"})
	if c := expect[*protocol.Chat](ada); c.Text != "anybody?" {
		t.Errorf("ada got %q of one she blocked", c.Text)
	}
}

// A second join of the same person replaces the first.
func TestSecondJoinReplaces(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	witness := n.guest("witness", nil)
	first := n.guest("ada", nil)
	second := n.guest("ada", nil)
	if first.id() != second.id() {
		t.Errorf("ids %s and %s, want the same", first.id(), second.id())
	}
	if bye := expect[*protocol.Bye](first); bye.Code != earshot.CodeAborted || bye.Reconnect {
		t.Errorf("bye %+v, want %s without reconnect", bye, earshot.CodeAborted)
	}
	if left := expect[*protocol.Left](witness); left.Reason != protocol.ReasonReplaced {
		t.Errorf("left %+v, want reason %s", left, protocol.ReasonReplaced)
	}
}

func TestModeratorMutesAndKicks(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	mod := n.guest("mod", func(c *Claims) { c.Grants = append(c.Grants, protocol.GrantModerate) })
	bob := n.guest("bob", nil)
	mod.say(&protocol.Moderate{Action: protocol.ActionMute, Participant: bob.id()})
	if m := expect[*protocol.Muted](bob); !m.Muted || m.By != "moderator" {
		t.Errorf("muted %+v, want by the moderator", m)
	}
	bob.say(&protocol.Mute{Muted: false})
	if m := expect[*protocol.Muted](bob); !m.Muted {
		t.Error("a moderated participant unmuted themselves")
	}
	mod.say(&protocol.Moderate{Action: protocol.ActionKick, Participant: bob.id(), Reason: "noise"})
	if bye := expect[*protocol.Bye](bob); bye.Code != earshot.CodePermissionDenied {
		t.Errorf("bye %+v, want %s", bye, earshot.CodePermissionDenied)
	}
	if left := expect[*protocol.Left](mod); left.Reason != protocol.ReasonKicked {
		t.Errorf("left %+v, want %s", left, protocol.ReasonKicked)
	}
	token := n.token(func(c *Claims) { c.Subject = "bob" })
	if status, body, _ := n.do("POST", "/v1/join", token, typeSDP, []byte(offer(t))); status != http.StatusForbidden {
		t.Errorf("POST /v1/join after a kick = %d %s, want 403", status, body)
	}
}

func TestRenewedTokenIsGood(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	ada := n.guest("ada", nil)
	ada.say(&protocol.Renew{})
	renewed := expect[*protocol.Token](ada)
	claims, err := n.keys.Verify(renewed.Token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if claims.Participant() != ada.id() || claims.Name != "ada" || !claims.Can(protocol.GrantChat) {
		t.Errorf("renewed claims %+v, want ada's", claims)
	}
}

// Shutdown says goodbye and takes less than two seconds.
func TestShutdownSaysGoodbye(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	ada := n.guest("ada", nil)
	status, _, _ := n.do("POST", "/v1/join", n.token(func(c *Claims) { c.Subject = "bob" }), typeSDP, []byte(offer(t)))
	if status != http.StatusCreated {
		t.Fatalf("POST /v1/join = %d, want 201", status)
	}
	n.stop()
	if bye := expect[*protocol.Bye](ada); bye.Code != earshot.CodeUnavailable || !bye.Reconnect {
		t.Errorf("bye %+v, want %s with reconnect", bye, earshot.CodeUnavailable)
	}
}

// Who is told to end while the listeners are only about to serve ends as well.
func TestEndedBeforeItListens(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	log := slog.New(slog.DiscardHandler)
	for range 50 {
		media := sfu.DefaultConfig()
		media.UDP, media.Loopback = "127.0.0.1:0", true
		metrics := prometheus.NewRegistry()
		plane, err := sfu.New(media, sfu.Deps{Log: log, Metrics: metrics})
		if err != nil {
			t.Fatal(err)
		}
		g, err := New(DefaultConfig(), Deps{Log: log, Metrics: metrics, SFU: plane, Listener: listen(t), AdminListener: listen(t)})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		if wellEnded(t, ended); t.Failed() {
			return
		}
	}
}

func TestAdminTellsWhatRuns(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	ada := n.guest("ada", nil)
	resp, err := http.Get(n.adm + "/v1/instances/in_plaza/participants")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list []adminParticipant
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].ID != ada.id() || !list[0].Open {
		t.Errorf("participants %+v, want ada", list)
	}
	for path, want := range map[string]int{
		"/metrics": 200, "/healthz": 200, "/readyz": 200, "/v1/instances": 200, "/debug/pprof/cmdline": 200,
		"/v1/instances/in_plaza/pairs": 200, "/v1/instances/in_none/pairs": 404,
	} {
		resp, err := http.Get(n.adm + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET %s = %d, want %d", path, resp.StatusCode, want)
		}
	}
}
