package npc

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// contestant is a machine behind HTTP.
type contestant struct {
	*machine
	t      testing.TB
	server *httptest.Server
	life   context.Context // ends when the machine dies
	die    context.CancelFunc
	chats  atomic.Int64
	seen   sync.Map // worlds whose prompts came here
	fault  *faults
}

// faults are the shares of chats in which a machine does not answer.
type faults struct {
	busy, cut, garbage, hang float64

	mu   sync.Mutex
	rand *rand.Rand
}

// next returns what to do wrong now, "" for nothing.
func (f *faults) next() string {
	if f == nil {
		return ""
	}
	f.mu.Lock()
	x := f.rand.Float64()
	f.mu.Unlock()
	for _, k := range []struct {
		name  string
		share float64
	}{{"busy", f.busy}, {"cut", f.cut}, {"garbage", f.garbage}, {"hang", f.hang}} {
		if x -= k.share; x < 0 {
			return k.name
		}
	}
	return ""
}

func newContestant(t testing.TB, s spec, seed uint64, wrong *faults) *contestant {
	c := &contestant{machine: newMachine(s, seed), t: t, fault: wrong}
	if wrong != nil {
		wrong.rand = rand.New(rand.NewPCG(seed, hashed(s.id)+1))
	}
	c.life, c.die = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	if s.api == "ollama" {
		mux.HandleFunc("POST /api/chat", c.chat)
		mux.HandleFunc("GET /api/tags", c.list)
		mux.HandleFunc("GET /api/ps", c.list)
	} else {
		mux.HandleFunc("POST /v1/chat/completions", c.chat)
		mux.HandleFunc("GET /v1/models", c.list)
	}
	c.server = httptest.NewServer(mux)
	return c
}

// kill has the machine die as one whose power fails: connections end, nobody
// listens any more.
func (c *contestant) kill() {
	c.server.Listener.Close()
	c.die()
	c.server.CloseClientConnections()
}

func (c *contestant) close() {
	c.die()
	c.server.CloseClientConnections()
	c.server.Close()
}

func (c *contestant) list(w http.ResponseWriter, r *http.Request) {
	if !pause(r.Context(), c.rtt) {
		return
	}
	names := c.models
	if r.URL.Path == "/api/ps" {
		names = c.loaded()
	}
	models := []map[string]any{}
	for _, name := range names {
		models = append(models, map[string]any{"name": name, "id": name})
	}
	json.NewEncoder(w).Encode(map[string]any{"models": models, "data": models})
}

func (c *contestant) chat(w http.ResponseWriter, r *http.Request) {
	c.chats.Add(1)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	var req struct {
		Model     string
		Messages  []Message
		MaxTokens int `json:"max_tokens"`
		Options   struct {
			Predict int `json:"num_predict"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil || len(req.Messages) == 0 {
		http.Error(w, `{"error":"no prompt"}`, http.StatusBadRequest)
		return
	}
	c.seen.Store(worldOf(req.Messages), true)
	if !pause(ctx, c.rtt) || c.wrong(ctx, w) {
		return
	}
	j := c.take(ctx, req.Model, req.Messages)
	if c.life.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	if j == nil {
		return
	}
	defer j.leave()
	c.answer(ctx, w, j, max(req.MaxTokens+req.Options.Predict, 1))
}

// wrong does what faults say, and reports whether that was the whole answer.
func (c *contestant) wrong(ctx context.Context, w http.ResponseWriter) bool {
	switch c.fault.next() {
	case "busy":
		http.Error(w, `{"error":"server busy"}`, http.StatusServiceUnavailable)
	case "cut":
		panic(http.ErrAbortHandler)
	case "garbage":
		fmt.Fprint(w, "<html>It works!</html>")
	case "hang":
		<-ctx.Done()
	default:
		return false
	}
	return true
}

// answer sends tokens as they are made.
func (c *contestant) answer(ctx context.Context, w http.ResponseWriter, j *job, tokens int) {
	w.Header().Set("Content-Type", map[string]string{"ollama": "application/x-ndjson", "openai": "text/event-stream"}[c.api])
	piece, end := `{"model":%q,"message":{"role":"assistant","content":"word "},"done":false}`+"\n",
		`{"model":%q,"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":%d,"eval_count":%d}`+"\n"
	if c.api == "openai" {
		piece, end = `data: {"model":%q,"choices":[{"delta":{"content":"word "}}]}`+"\n\n",
			`data: {"model":%q,"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`+"\n\ndata: [DONE]\n\n"
	}
	for i := range tokens {
		if i > 0 && !j.next(ctx) {
			if c.life.Err() != nil {
				panic(http.ErrAbortHandler)
			}
			return
		}
		fmt.Fprintf(w, piece, j.model)
		w.(http.Flusher).Flush()
	}
	fmt.Fprintf(w, end, j.model, j.prompt, tokens)
}

// field are the twelve machines of one run.
type field []*contestant

func newField(t testing.TB, seed uint64, wrong map[string]*faults) field {
	var f field
	for _, s := range contestants() {
		var bad *faults
		if w := wrong[s.id]; w != nil {
			bad = &faults{busy: w.busy, cut: w.cut, garbage: w.garbage, hang: w.hang}
		}
		f = append(f, newContestant(t, s, seed, bad))
	}
	return f
}

func (f field) configs() (out []BackendConfig) {
	for _, c := range f {
		out = append(out, c.config(c.server.URL))
	}
	return out
}

// kill has a region die.
func (f field) kill(region string) {
	var all sync.WaitGroup
	for _, c := range f {
		if c.region == region {
			all.Go(c.kill)
		}
	}
	all.Wait()
}

func (f field) close() {
	var all sync.WaitGroup
	for _, c := range f {
		all.Go(c.close)
	}
	all.Wait()
}
