package gateway

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/pion/webrtc/v4"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/loadtest"
	"earshot/presence/store"
)

// A LiveKit client that knows one node gets to a room on another: it hears and is
// heard there, resumes there, and is moderated there by whoever asks here.
func TestLiveKitForwarded(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, nil)
	owner, other := ownerOf(t, list, "in_plaza")
	bot := owner.talker(1, func(c *loadtest.Config) { c.Slots = 4 })
	ada := other.livekit("ada", nil)
	ada.speak()
	if ada.n.inPlaza(ada.id()) != nil || owner.inPlaza(ada.id()) == nil {
		t.Fatal("ada is not at the owner alone")
	}
	eventually(t, "the bot's voice at ada", func() bool { return ada.packets(bot.Welcome().You.ID) > 20 })
	eventually(t, "ada's voice at the bot", func() bool { return bot.Heard()[lkBot] > 20 })
	if got := other.forwards.count(); got != 1 {
		t.Errorf("the other node passes on %d connections, want 1", got)
	}

	_ = ada.ws.Close()
	ada.until("the end of the connection", func() bool { return ada.closed })
	before := owner.inPlaza(ada.id())
	ada.ws = ada.dial(&wire.JoinRequest{Reconnect: true, ParticipantSID: ada.join.Participant.SID, ConnectionSettings: &wire.ConnectionSettings{AutoSubscribe: true}})
	ada.mu.Lock()
	ada.closed = false
	told := len(ada.all)
	ada.mu.Unlock()
	go ada.read(ada.ws)
	ada.until("the response", func() bool { return len(ada.all) > told })
	if r := ada.response(told); r.Reconnect == nil || owner.inPlaza(ada.id()) != before {
		t.Fatalf("the first response to who resumes is %+v", r)
	}
	ada.offer(&webrtc.OfferOptions{ICERestart: true})
	eventually(t, "voice after the restart", func() bool { return ada.flows(bot.Welcome().You.ID) > 5 })

	app := other.admin()
	if seen := app.seen("ada"); seen == nil {
		t.Error("the room service does not see ada")
	}
	if _, e := call[wire.Empty](app, "RemoveParticipant", map[string]string{"room": "plaza", "identity": "ada"}); e != nil {
		t.Errorf("RemoveParticipant: %+v", e)
	}
	ada.until("the end", func() bool { return ada.closed })
	eventually(t, "nothing is passed on any more", func() bool { return other.forwards.count() == 0 })
}

// A node that shuts down lets those go whom it passed on; their session goes on.
func TestForwardedSurviveTheirWay(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, nil)
	owner, other := ownerOf(t, list, "in_plaza")
	ada := other.livekit("ada", nil)
	before := owner.inPlaza(ada.id())
	other.stop()
	ada.until("the end of the connection", func() bool { return ada.closed })
	ada.n = owner
	ada.ws = ada.dial(&wire.JoinRequest{Reconnect: true, ParticipantSID: ada.join.Participant.SID})
	told := len(ada.all)
	go ada.read(ada.ws)
	ada.until("the response", func() bool { return len(ada.all) > told && ada.all[told].Reconnect != nil })
	if owner.inPlaza(ada.id()) != before || before == nil {
		t.Error("the session is another one")
	}
}

// What says that it was passed on is not passed on again, and only who has the
// nodes' key gets by the limit of an address.
func TestForwardedHeader(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) { c.MaxJoinsPerAddress = 1 })
	owner, other := ownerOf(t, list, "in_plaza")
	path := "/rtc/v1?access_token=" + other.livekitToken("eve", nil)
	ws, _, err := websocket.DefaultDialer.Dial(strings.Replace(other.url, "http", "ws", 1)+path, http.Header{headerForwarded: {"x.y"}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	_, data, err := ws.ReadMessage()
	var first wire.SignalResponse
	if err != nil || wire.Unmarshal(data, &first) != nil || first.Leave == nil || first.Leave.Action != wire.ActionReconnect {
		t.Errorf("the first message is %+v, %v; want leave, to come back", first, err)
	}
	if other.forwards.count() != 0 {
		t.Error("what was passed on is passed on again")
	}
	now := time.Now()
	sealed := other.keys.seal(&forwarded{To: owner.url, Address: "192.0.2.7", At: now.Unix()})
	for name, tc := range map[string]struct {
		value, url string
		at         time.Time
		good       bool
	}{
		"as sent":           {sealed, owner.url, now, true},
		"for another node":  {sealed, other.url, now, false},
		"late":              {sealed, owner.url, now.Add(time.Hour), false},
		"from the future":   {sealed, owner.url, now.Add(-time.Hour), false},
		"no key":            {sealed[:strings.Index(sealed, ".")+1], owner.url, now, false},
		"changed":           {"A" + sealed[1:], owner.url, now, false},
		"of other nodes":    {startNode(t, nil).keys.seal(&forwarded{To: owner.url, At: now.Unix()}), owner.url, now, false},
		"nothing":           {"", owner.url, now, false},
		"a node without":    {sealed, "", now, false},
		"too long":          {sealed + strings.Repeat("A", maxForwarded), owner.url, now, false},
		"signed, not JSON":  {sealText(owner.keys, "{"), owner.url, now, false},
		"signed, no base64": {"%." + base64.RawURLEncoding.EncodeToString(owner.keys.forwardMAC("%")), owner.url, now, false},
	} {
		if got := owner.keys.unseal(tc.value, tc.url, tc.at); (got != nil) != tc.good {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := owner.keys.Verify(sealed, now); err == nil {
		t.Error("what is sealed for a node is a token")
	}
	if _, err := livekit.Verify(sealed, owner.keys.livekitSecret, now); err == nil {
		t.Error("what is sealed for a node is a token of LiveKit")
	}
}

func sealText(ks *Keys, text string) string {
	body := base64.RawURLEncoding.EncodeToString([]byte(text))
	return body + "." + base64.RawURLEncoding.EncodeToString(ks.forwardMAC(body))
}

// inPlaza is somebody's session in the first instance of the plaza here.
func (n *node) inPlaza(id earshot.ParticipantID) *session {
	if in := n.plaza(); in != nil {
		return in.live.Load().byID[id]
	}
	return nil
}

func FuzzUnseal(f *testing.F) {
	keys, err := NewKeys([]Key{GenerateDevelopmentKey()})
	if err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	f.Add(keys.seal(&forwarded{To: "http://a", Address: "192.0.2.7", At: now.Unix()}), "http://a")
	f.Add("a.b", "http://a")
	f.Fuzz(func(t *testing.T, value, url string) {
		if got := keys.unseal(value, url, now); got != nil && got.To != url {
			t.Errorf("%q at %q is %+v", value, url, got)
		}
		if got := keys.unseal(sealText(keys, value), url, now); got != nil && got.To != url {
			t.Errorf("sealed %q at %q is %+v", value, url, got)
		}
	})
}
