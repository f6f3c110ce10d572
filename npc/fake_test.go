package npc

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fake is a model server over real HTTP that does what a test says.
type fake struct {
	*httptest.Server
	t   *testing.T
	api string // "ollama" or "openai"

	mu     sync.Mutex
	script script
	loaded []string

	requests atomic.Int64
	prewarms atomic.Int64
	open     atomic.Int64
	gone     chan time.Time // when it noticed that a chat was closed on it
	auth     atomic.Value
}

// script is how a fake answers a chat.
type script struct {
	first   time.Duration // until the first token
	between time.Duration
	tokens  int
	status  int    // instead of an answer
	hang    bool   // never answers
	stall   bool   // sends one token and no more
	cut     bool   // ends after the first token without saying so
	early   bool   // ends before the first token
	garbage string // instead of an answer
	lie     string // the model it says it is
	remote  bool   // it forwarded the prompt to another host
	late    bool   // an error in the middle of the answer
}

func newFake(t *testing.T, api string, s script, models ...string) *fake {
	t.Helper()
	if len(models) == 0 {
		models = []string{"m"}
	}
	f := &fake{t: t, api: api, script: s, loaded: models, gone: make(chan time.Time, 64)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/chat", f.chat)
	mux.HandleFunc("POST /v1/chat/completions", f.chat)
	mux.HandleFunc("GET /api/tags", f.list)
	mux.HandleFunc("GET /api/ps", f.list)
	mux.HandleFunc("GET /v1/models", f.list)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

func (f *fake) set(s script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = s
}

func (f *fake) config(id string) BackendConfig {
	return BackendConfig{
		ID: id, API: f.api, URL: f.URL, Region: "north", Slots: 4,
		Models: []ModelConfig{{Name: "m", Context: 4096}}, Hang: 2 * time.Second, Total: 10 * time.Second,
	}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.script.status != 0 {
		w.WriteHeader(f.script.status)
		return
	}
	if r.URL.Path == "/v1/models" {
		data := []map[string]any{}
		for _, m := range f.loaded {
			data = append(data, map[string]any{"id": m})
		}
		json.NewEncoder(w).Encode(map[string]any{"data": data})
		return
	}
	models := []map[string]any{}
	for _, m := range f.loaded {
		models = append(models, map[string]any{"name": m})
	}
	if r.URL.Path == "/api/tags" {
		models = append(models, map[string]any{"name": "cold"}, map[string]any{"name": "cloud", "remote_host": "https://elsewhere.example"})
	}
	json.NewEncoder(w).Encode(map[string]any{"models": models})
}

func (f *fake) chat(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	f.open.Add(1)
	defer f.open.Add(-1)
	f.auth.Store(r.Header.Get("Authorization"))
	var req struct {
		Model    string
		Messages []Message
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	s := f.script
	f.mu.Unlock()
	if len(req.Messages) == 0 {
		f.prewarms.Add(1)
		fmt.Fprintf(w, `{"model":%q,"message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}`, req.Model)
		return
	}
	if s.status != 0 {
		http.Error(w, `{"error":"no"}`, s.status)
		return
	}
	if s.lie != "" {
		req.Model = s.lie
	}
	if f.wait(r, s.first) && f.begin(w, r, s) {
		f.answer(w, r, s, req.Model)
	}
}

// begin does what goes wrong before the first token, and reports whether to go on.
func (f *fake) begin(w http.ResponseWriter, r *http.Request, s script) bool {
	switch {
	case s.hang:
		f.wait(r, time.Hour)
		return false
	case s.early:
		panic(http.ErrAbortHandler)
	case s.garbage != "":
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write([]byte(s.garbage))
		return false
	}
	w.Header().Set("Content-Type", map[string]string{"ollama": "application/x-ndjson", "openai": "text/event-stream"}[f.api])
	return true
}

func (f *fake) answer(w http.ResponseWriter, r *http.Request, s script, model string) {
	for i := range max(s.tokens, 1) {
		if i > 0 && !f.wait(r, s.between) {
			return
		}
		f.piece(w, model, fmt.Sprintf("w%d ", i), s.remote)
		switch {
		case s.cut:
			panic(http.ErrAbortHandler)
		case s.stall:
			f.wait(r, time.Hour)
			return
		case s.late:
			fmt.Fprintln(w, map[string]string{"ollama": `{"error":"out of memory"}`, "openai": `data: {"error":{"message":"out of memory"}}`}[f.api])
			return
		}
	}
	if f.api == "ollama" {
		fmt.Fprintf(w, `{"model":%q,"message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":12,"eval_count":%d}`+"\n", model, s.tokens)
		return
	}
	fmt.Fprintf(w, "data: {\"model\":%q,\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":%d}}\n\n", model, s.tokens)
	fmt.Fprint(w, "data: [DONE]\n\n")
}

func (f *fake) piece(w http.ResponseWriter, model, text string, remote bool) {
	if f.api == "ollama" {
		host := ""
		if remote {
			host = `"remote_host":"https://elsewhere.example",`
		}
		fmt.Fprintf(w, `{"model":%q,%s"message":{"role":"assistant","content":%q},"done":false}`+"\n", model, host, text)
	} else {
		fmt.Fprintf(w, ": keep\nevent: x\ndata: {\"model\":%q,\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", model, text)
	}
	w.(http.Flusher).Flush()
}

// wait reports false if the chat was closed on the fake meanwhile.
func (f *fake) wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		select {
		case f.gone <- time.Now():
		default: // nobody counts so many
		}
		return false
	}
}

// dead returns the address of a port where nobody listens.
func dead(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func hello() []Message {
	return []Message{{Role: "system", Content: strings.Repeat("You sell apples. ", 8)}, {Role: "user", Content: "Hello"}}
}
