package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot/gateway/livekit"
	"earshot/gateway/livekit/webhook"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// hooked is a node that tells a receiver what happens, and what that was told.
type hooked struct {
	*node
	mu   sync.Mutex
	told []wire.WebhookEvent
}

func startHooked(t *testing.T) *hooked {
	t.Helper()
	h := &hooked{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		claims, err := livekit.Verify(r.Header.Get("Authorization"), h.keys.livekitSecret, time.Now())
		sum := sha256.Sum256(body)
		if err != nil || claims.SHA256 != base64.StdEncoding.EncodeToString(sum[:]) {
			t.Errorf("the token of a webhook says %+v, %v", claims, err)
		}
		var event wire.WebhookEvent
		if err := json.Unmarshal(body, &event); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.told = append(h.told, event)
	}))
	h.node = startNode(t, func(c *Config) { c.LiveKit.Webhooks.URLs = []string{server.URL} })
	t.Cleanup(func() { h.stop(); server.Close() })
	return h
}

// lines are the events in short: what, who, which track, why.
func (h *hooked) lines() (lines []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.told {
		line := e.Event
		if e.Participant != nil {
			line += " " + e.Participant.Name
		}
		if e.Track != nil {
			line += " " + e.Track.Name
		}
		if e.Participant != nil && e.Participant.DisconnectReason != 0 {
			line += fmt.Sprint(" ", e.Participant.DisconnectReason)
		}
		lines = append(lines, line)
	}
	return lines
}

// expected waits until the receiver was told of want, in that order.
func (h *hooked) expected(want []string) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); !slices.Equal(h.lines(), want); <-time.After(step) {
		if time.Now().After(deadline) {
			h.t.Fatalf("told of\n%s\nwant\n%s", strings.Join(h.lines(), "\n"), strings.Join(want, "\n"))
		}
	}
}

// A day in a room: somebody comes, talks, is followed by another, is removed;
// the room is closed, and opened by who comes next.
func TestWebhooksTellWhatHappens(t *testing.T) {
	t.Parallel()
	h := startHooked(t)
	a := h.admin()
	ada := h.guest("ada", nil)
	bot := h.talker(1)
	want := []string{"room_started", "participant_joined ada", "participant_joined bot 1", "track_published bot 1 microphone"}
	h.expected(want)
	s := h.plaza().live.Load().byID[bot.ID()]
	h.plaza().mu.Lock()
	s.camera = true // as if its camera had gone on: the bot has none
	h.plaza().noteTracks(s)
	s.camera = false
	h.plaza().noteTracks(s)
	h.plaza().mu.Unlock()
	ada.say(&protocol.Leave{})
	want = append(want, "track_published bot 1 camera", "track_unpublished bot 1 camera", "participant_left ada 1")
	h.expected(want)
	must[wire.Empty](a, "RemoveParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: string(bot.ID())})
	want = append(want, "track_unpublished bot 1 microphone 4", "participant_left bot 1 4")
	h.expected(want)
	must[wire.Empty](a, "DeleteRoom", &wire.DeleteRoomRequest{Room: "plaza"})
	h.guest("bo", nil)
	want = append(want, "room_finished", "room_started", "participant_joined bo")
	h.expected(want)
	must[wire.Empty](a, "DeleteRoom", &wire.DeleteRoomRequest{Room: "plaza"})
	want = append(want, "participant_left bo 5", "room_finished")
	h.expected(want)

	h.mu.Lock()
	defer h.mu.Unlock()
	ids := map[string]bool{}
	for _, e := range h.told {
		if e.ID == "" || ids[e.ID] || e.CreatedAt == 0 || e.Room == nil || e.Room.Name != "plaza" || e.NumDropped != 0 {
			t.Errorf("%s: id %q, at %d, room %+v", e.Event, e.ID, e.CreatedAt, e.Room)
		}
		ids[e.ID] = true
	}
	if n := h.told[2].Room.NumParticipants; n != 2 {
		t.Errorf("when the second came there were %d", n)
	}
}

// The end of the server is told too, before the process ends.
func TestWebhooksTellTheEnd(t *testing.T) {
	t.Parallel()
	h := startHooked(t)
	h.guest("ada", nil)
	h.expected([]string{"room_started", "participant_joined ada"})
	h.stop()
	if got := h.lines(); len(got) != 3 || got[2] != "participant_left ada 3" {
		t.Errorf("told of %v", got)
	}
}

// Who comes and never opens the control channel has not joined.
func TestWebhooksTellOfWhoNeverCame(t *testing.T) {
	t.Parallel()
	h := startHooked(t)
	status, _, header := h.do("POST", "/v1/join", h.token(nil), typeSDP, []byte(offer(t)))
	if status != http.StatusCreated {
		t.Fatalf("join: %d", status)
	}
	h.do("DELETE", header.Get("Location"), h.token(nil), "", nil)
	h.expected([]string{"room_started", "participant_connection_aborted Ada 1"})
}

// A room closes when nobody has been there for a while: sooner after somebody
// was than before anybody came.
func TestRoomsCloseByThemselves(t *testing.T) {
	began := time.Now()
	in := closing(t)
	at := func(d time.Duration) bool {
		in.closeIdle(began.Add(d))
		in.mu.Lock()
		defer in.mu.Unlock()
		return in.room.open
	}
	in.mu.Lock()
	in.openRoom(nil, began)
	in.mu.Unlock()
	if !at(emptyFor-time.Second) || at(emptyFor) {
		t.Error("a room where nobody came closed at another time than after 5 min")
	}
	visitor := &session{claims: &Claims{}}
	in.mu.Lock()
	in.noteEnter(visitor, began)
	in.mu.Unlock()
	if !at(time.Hour) {
		t.Error("a room closed though somebody is there")
	}
	in.mu.Lock()
	in.room.idle = began.Add(time.Hour)
	in.mu.Unlock()
	if !at(time.Hour+departedFor-time.Second) || at(time.Hour+departedFor) {
		t.Error("a room that all left closed at another time than after 20 s")
	}
}

// closing is an instance that does not run.
func closing(t *testing.T) *Instance {
	t.Helper()
	in, err := newInstance(&Gateway{hooks: webhook.New(webhook.Config{}, webhook.Deps{Metrics: prometheus.NewRegistry()})}, "in_plaza", "plaza", DefaultWorld())
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestWebhookConfig(t *testing.T) {
	key := func(id, algorithm string) Key { return Key{ID: id, Algorithm: algorithm, Secret: testSecret} }
	for name, tc := range map[string]struct {
		urls []string
		api  string
		keys []Key
		want string // "" is accepted
	}{
		"none":             {nil, "", nil, ""},
		"one key":          {[]string{"https://example.org/hook"}, "", []Key{key("a", "")}, ""},
		"one of two":       {[]string{"http://localhost:1/hook"}, "b", []Key{key("a", ""), key("b", AlgorithmHS256)}, ""},
		"the only HS256":   {[]string{"http://localhost:1/hook"}, "", []Key{key("a", AlgorithmEdDSA), key("b", AlgorithmHS256)}, ""},
		"development":      {[]string{"http://localhost:1/hook"}, "", nil, "configure keys"},
		"no key named":     {[]string{"http://localhost:1/hook"}, "", []Key{key("a", ""), key("b", "")}, "name the id of one"},
		"a key of EdDSA":   {[]string{"http://localhost:1/hook"}, "a", []Key{key("a", AlgorithmEdDSA)}, "not the id"},
		"a file":           {[]string{"file:///etc/passwd"}, "", []Key{key("a", "")}, "urls[0]"},
		"no host":          {[]string{"https:///hook"}, "", []Key{key("a", "")}, "urls[0]"},
		"twice":            {[]string{"http://a/", "http://a/"}, "", []Key{key("a", "")}, "twice"},
		"more than enough": {slices.Repeat([]string{"http://a/"}, maxWebhooks+1), "", []Key{key("a", "")}, "at most"},
	} {
		c := LiveKitConfig{Webhooks: WebhooksConfig{URLs: tc.urls, APIKey: tc.api}}
		err := c.validate(tc.keys)
		if (err == nil) != (tc.want == "") || err != nil && (!strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "livekit.webhooks")) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
