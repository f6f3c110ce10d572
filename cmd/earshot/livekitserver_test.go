package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/model"
)

// TestE2ELiveKitServer is livekit-server-sdk, as npm has it, against a world with
// bots of Earshot's own protocol and a participant of @livekit/rtc-node: rooms,
// participants, tokens, mutes, removals, data, webhooks. See livekit-server.mjs.
func TestE2ELiveKitServer(t *testing.T) {
	needE2E(t)
	token, err := gateway.IssueLiveKit(livekitTestKey(), gateway.Claims{
		Subject: "max", Name: "Max", World: "plaza", Grants: []string{protocol.GrantAdmin}, Expires: time.Now().Add(time.Hour),
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	runNode(t, "e2e/livekit-server.mjs", append(hostLiveKit(t), "EARSHOT_LIVEKIT_TOKEN="+token)...)
}

// TestE2ELiveKitServerPython is livekit-api, as PyPI has it, which speaks protobuf.
func TestE2ELiveKitServerPython(t *testing.T) {
	needE2E(t)
	cmd := exec.Command(python(t, "livekit-api==1.2.2", "from livekit import api"), "e2e/livekit_server.py")
	cmd.Dir, cmd.Env = webTest, append(os.Environ(), hostLiveKit(t)...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("livekit_server.py: %v", err)
	}
}

// hostLiveKit starts a server and what goes with it, and names both for a script.
func hostLiveKit(t *testing.T) (env []string) {
	t.Helper()
	h := &livekitHost{t: t, bots: make(map[string]*loadtest.Bot)}
	host := httptest.NewServer(h.routes())
	t.Cleanup(host.Close)
	config := fmt.Sprintf("keys: [{id: test, algorithm: HS256, secret: %q}]\nlivekit: {webhooks: {urls: [%q]}}\n", livekitSecret, host.URL+"/hook")
	h.page, _ = startServer(t, config+alone)
	return append(livekitDoor{url: h.page}.env(), "EARSHOT_HOST="+host.URL)
}

func livekitTestKey() gateway.Key { return gateway.Key{ID: "test", Secret: livekitSecret} }

// livekitHost takes the webhooks of a server, before the script that judges them
// runs, and joins bots for it.
type livekitHost struct {
	t    *testing.T
	page string

	mu    sync.Mutex
	hooks []postedHook
	bots  map[string]*loadtest.Bot
}

// postedHook is a webhook as it came.
type postedHook struct {
	Body          string `json:"body"`
	Authorization string `json:"authorization"`
}

func (h *livekitHost) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hook", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.hooks = append(h.hooks, postedHook{string(body), r.Header.Get("Authorization")})
	})
	mux.HandleFunc("GET /hooks", func(w http.ResponseWriter, _ *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		_ = json.NewEncoder(w).Encode(h.hooks)
	})
	mux.HandleFunc("POST /bots/{name}", h.join)
	mux.HandleFunc("GET /bots/{name}", h.show)
	return mux
}

// join lets a bot in that talks without a pause and hears four others.
func (h *livekitHost) join(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	h.mu.Lock()
	defer h.mu.Unlock()
	number := uint32(len(h.bots) + 1)
	token, _, err := gateway.Issue(livekitTestKey(), gateway.Claims{
		Subject: name, Name: name, World: "plaza", Kind: gateway.KindBot, Expires: time.Now().Add(time.Hour),
		Grants: []string{protocol.GrantPublishAudio, protocol.GrantPublishPose, protocol.GrantSubscribe, protocol.GrantChat},
	}, time.Now())
	if err != nil {
		h.t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	defer cancel()
	bot, err := loadtest.Join(ctx, loadtest.Config{
		URL: h.page, Token: token, Number: number, Seed: uint64(number), Slots: 4, Speak: true, Talk: model.Unending(), KeepMessages: 10_000,
	})
	if err != nil {
		h.t.Error(err)
		return
	}
	h.t.Cleanup(func() { _ = bot.Close() })
	h.bots[name] = bot
	_ = json.NewEncoder(w).Encode(map[string]any{"id": bot.ID(), "number": number})
}

// show says what a bot was told and how many frames it heard of each bot.
func (h *livekitHost) show(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	bot := h.bots[r.PathValue("name")]
	h.mu.Unlock()
	if bot == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	told := []json.RawMessage{}
	for _, m := range bot.Messages() {
		told = append(told, protocol.Encode(m.ServerMessage))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"told": told, "heard": bot.Heard()})
}
