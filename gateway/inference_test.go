package gateway

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc"
)

// modelServer is a real HTTP server that speaks OpenAI's API and says word for
// word what it is told, forever if it is told nothing.
type modelServer struct {
	*httptest.Server
	words []string
	gone  chan struct{} // a request was given up by the other side
}

func startModelServer(t *testing.T, words ...string) *modelServer {
	m := &modelServer{words: words, gone: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"tiny","object":"model"}]}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", m.chat)
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

func (m *modelServer) chat(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	say := func(text string) {
		data, _ := json.Marshal(text)
		fmt.Fprintf(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", data)
		w.(http.Flusher).Flush()
	}
	for _, word := range m.words {
		say(word)
	}
	for len(m.words) == 0 {
		select {
		case <-r.Context().Done():
			m.gone <- struct{}{}
			return
		case <-time.After(20 * time.Millisecond):
			say("la ")
		}
	}
	fmt.Fprint(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// startInferring starts a node that routes to servers, each named after its place.
func startInferring(t *testing.T, change func(*Config), servers ...*modelServer) *node {
	t.Helper()
	return startNodeWith(t, change, newInference(t, servers...))
}

func newInference(t *testing.T, servers ...*modelServer) *npc.Inference {
	t.Helper()
	cfg := npc.DefaultConfig()
	cfg.Discover = ""
	for i, s := range servers {
		cfg.Backends = append(cfg.Backends, npc.BackendConfig{
			ID: fmt.Sprintf("gpu%d", i), API: "openai", URL: s.URL, Slots: 4, Labels: []string{fmt.Sprintf("place%d", i)},
			Models: []npc.ModelConfig{{Name: "tiny"}},
		})
	}
	inference, err := npc.New(cfg, npc.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	return inference
}

func (n *node) inferenceToken() string {
	return n.token(func(c *Claims) { c.Grants = []string{protocol.GrantInference} })
}

const hello = `{"model":"tiny","messages":[{"role":"user","content":[{"type":"text","text":"hello"}]}]`

func TestCompletion(t *testing.T) {
	t.Parallel()
	n := startInferring(t, nil, startModelServer(t, "Good ", "evening"))
	status, body, header := n.do("POST", "/v1/chat/completions", n.inferenceToken(), "application/json", []byte(hello+"}"))
	var answer completion
	if err := json.Unmarshal(body, &answer); status != http.StatusOK || err != nil {
		t.Fatalf("POST /v1/chat/completions = %d %s", status, body)
	}
	if got := answer.Choices[0].Message.Content; got != "Good evening" || *answer.Choices[0].Finish != "stop" {
		t.Errorf("answer %s, want Good evening", body)
	}
	if header.Get("Earshot-Backend") != "gpu0" || header.Get("Earshot-Degraded") != "none" {
		t.Errorf("headers %v, want the backend and no degradation", header)
	}
}

func TestStreamedCompletion(t *testing.T) {
	t.Parallel()
	n := startInferring(t, nil, startModelServer(t, "Good ", "evening"))
	_, body, header := n.do("POST", "/v1/chat/completions", n.inferenceToken(), "application/json", []byte(hello+`,"stream":true}`))
	if got := header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q, want text/event-stream", got)
	}
	var said strings.Builder
	events := strings.Split(strings.TrimSpace(string(body)), "\n\n")
	for _, e := range events[:len(events)-1] {
		var chunk completion
		if err := json.Unmarshal([]byte(strings.TrimPrefix(e, "data: ")), &chunk); err != nil {
			t.Fatalf("%q: %v", e, err)
		}
		said.WriteString(chunk.Choices[0].Delta.Content)
	}
	if said.String() != "Good evening" || events[len(events)-1] != "data: [DONE]" {
		t.Errorf("events %q, want Good evening and [DONE]", events)
	}
}

// Somebody interrupts: the client closes, and so does the upstream.
func TestClosedStreamClosesTheUpstream(t *testing.T) {
	t.Parallel()
	m := startModelServer(t)
	n := startInferring(t, nil, m)
	req, err := http.NewRequest("POST", n.url+"/v1/chat/completions", strings.NewReader(hello+`,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+n.inferenceToken())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	select {
	case <-m.gone:
	case <-time.After(patience):
		t.Error("the model server still talks to nobody")
	}
}

// What a world demands of the place where an answer is made cannot be asked away.
func TestWorldDecidesWhoSeesItsWords(t *testing.T) {
	t.Parallel()
	n := startInferring(t, func(c *Config) {
		w := c.Worlds["plaza"]
		w.DataLabels = []string{"place1"}
		c.Worlds["plaza"] = w
	}, startModelServer(t, "no"), startModelServer(t, "yes"))
	for range 10 {
		_, body, header := n.do("POST", "/v1/chat/completions", n.inferenceToken(), "application/json", []byte(hello+"}"))
		if got := header.Get("Earshot-Backend"); got != "gpu1" {
			t.Fatalf("answered by %q, want gpu1: %s", got, body)
		}
	}
	status, body, _ := n.do("POST", "/v1/chat/completions", n.inferenceToken(), "application/json",
		[]byte(hello+`,"earshot":{"labels":["place0"]}}`))
	if e := wireErrorOf(t, body); status != http.StatusPreconditionFailed || e.Code != earshot.CodeFailedPrecondition {
		t.Errorf("labels that no backend has: %d %s, want 412", status, body)
	}
}

func TestRefusedCompletions(t *testing.T) {
	t.Parallel()
	n := startInferring(t, nil, startModelServer(t, "x"))
	for _, c := range []struct {
		name, token, body string
		status            int
		code              earshot.Code
	}{
		{"no token", "", hello + "}", 401, earshot.CodeUnauthenticated},
		{"no grant", n.token(nil), hello + "}", 403, earshot.CodePermissionDenied},
		{"no JSON", n.inferenceToken(), "{", 400, earshot.CodeInvalidArgument},
		{"no model", n.inferenceToken(), `{"messages":[{"role":"user","content":"x"}]}`, 400, earshot.CodeInvalidArgument},
		{"no messages", n.inferenceToken(), `{"model":"tiny"}`, 400, earshot.CodeInvalidArgument},
		{"unknown role", n.inferenceToken(), `{"model":"tiny","messages":[{"role":"king","content":"x"}]}`, 400, earshot.CodeInvalidArgument},
		{"picture", n.inferenceToken(), `{"model":"tiny","messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 400, earshot.CodeInvalidArgument},
		{"unknown class", n.inferenceToken(), hello + `,"earshot":{"class":"gossip"}}`, 400, earshot.CodeInvalidArgument},
		{"too many tokens", n.inferenceToken(), hello + `,"max_tokens":1000000}`, 400, earshot.CodeInvalidArgument},
		{"unknown model", n.inferenceToken(), `{"model":"huge","messages":[{"role":"user","content":"x"}]}`, 412, earshot.CodeFailedPrecondition},
	} {
		status, body, _ := n.do("POST", "/v1/chat/completions", c.token, "application/json", []byte(c.body))
		if e := wireErrorOf(t, body); status != c.status || e.Code != c.code || e.Message == "" {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, body, c.status, c.code)
		}
	}
}

// A model server registers itself, is used, and is gone when it says so.
func TestModelServersRegister(t *testing.T) {
	t.Parallel()
	n := startInferring(t, nil)
	m := startModelServer(t, "here")
	admin := func(method, path, body string) int {
		req, err := http.NewRequest(method, n.adm+"/v1/inference/backends/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	description := fmt.Sprintf(`{"api":"openai","url":%q,"slots":1,"models":[{"name":"tiny"}]}`, m.URL)
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"PUT", "late?lease=bad", description, 400},
		{"PUT", "late", `{"url":1}`, 400},
		{"PUT", "late", `{"id":"other"}`, 400},
		{"POST", "late/renew", "", 404},
		{"PUT", "late?lease=30s", description, 200},
		{"POST", "late/renew?lease=10s", "", 200},
	} {
		if got := admin(c.method, c.path, c.body); got != c.want {
			t.Errorf("%s %s %s = %d, want %d", c.method, c.path, c.body, got, c.want)
		}
	}
	status, body, _ := n.do("POST", "/v1/chat/completions", n.inferenceToken(), "application/json", []byte(hello+"}"))
	if status != http.StatusOK {
		t.Errorf("with the registered server: %d %s, want 200", status, body)
	}
	_, list, _ := n.do("GET", "/v1/inference/backends", n.inferenceToken(), "", nil)
	if !strings.Contains(string(list), `"id":"late"`) || strings.Contains(string(list), m.URL) {
		t.Errorf("backends %s, want late without its address", list)
	}
	if got := admin("DELETE", "late", ""); got != http.StatusNoContent {
		t.Errorf("DELETE = %d, want 204", got)
	}
	if status, _, _ := n.do("POST", "/v1/chat/completions", n.inferenceToken(), "application/json", []byte(hello+"}")); status == http.StatusOK {
		t.Error("a server that left still answers")
	}
}
