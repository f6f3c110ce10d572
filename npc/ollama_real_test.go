package npc

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot/npc/router"
)

// An Ollama that really runs, with a small real model: a chat cold, warm and
// prewarmed, and barge-in, seen by a relay between it and us.
//
//	EARSHOT_TEST_OLLAMA=http://127.0.0.1:11434 EARSHOT_TEST_OLLAMA_MODEL=smollm2:135m \
//	  go test -count=1 -run RealOllama -v ./npc
func TestRealOllama(t *testing.T) {
	address, model := os.Getenv("EARSHOT_TEST_OLLAMA"), os.Getenv("EARSHOT_TEST_OLLAMA_MODEL")
	if address == "" || model == "" {
		t.Skip("NOT RUN, NOTHING WAS SHOWN ABOUT A REAL OLLAMA: set EARSHOT_TEST_OLLAMA to its URL and EARSHOT_TEST_OLLAMA_MODEL to a model it has")
	}
	unload(t, address, model)
	between := newRelay(t, address)
	in := started(t, nil, BackendConfig{
		ID: "real", API: "ollama", URL: between.url(), Region: "north", Models: []ModelConfig{{Name: model, Context: 2048}}, Hang: time.Minute,
	})
	r := &realOllama{t: t, in: in, model: model, between: between}
	cold, _ := r.chat("Say hello.", 16)
	warm, _ := r.chat("Say hello.", 16)
	unload(t, address, model)
	if err := in.Prewarm(t.Context(), "real", model); err != nil {
		t.Fatal(err)
	}
	prewarmed, _ := r.chat("Say hello.", 16)
	t.Logf("first token: cold %v (load %v), warm %v (load %v), prewarmed %v (load %v)",
		cold.ttft, cold.usage.Load, warm.ttft, warm.usage.Load, prewarmed.ttft, prewarmed.usage.Load)
	if cold.usage.Load < 2*warm.usage.Load || cold.usage.Load < 2*prewarmed.usage.Load {
		t.Error("a model that was in memory took half as long to load as one that was not")
	}
	whole, text := r.chat("Count from one to two hundred, in words.", 300)
	t.Logf("a whole answer: %d tokens in %v: %q...", whole.usage.OutputTokens, whole.took, text[:min(len(text), 80)])
	r.bargeIn(whole.took)
}

// unload has the server forget the model.
func unload(t *testing.T, address, model string) {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"model": model, "keep_alive": 0})
	resp, err := http.Post(strings.TrimSuffix(address, "/")+"/api/generate", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s has no model %s: %s", address, model, resp.Status)
	}
}

// realOllama asks one real server.
type realOllama struct {
	t       *testing.T
	in      *Inference
	model   string
	between *relay
}

type realAnswer struct {
	ttft, took time.Duration
	usage      Usage
}

func (r *realOllama) begin(text string, tokens int) *Stream {
	r.t.Helper()
	s, err := r.in.Chat(r.t.Context(), Request{
		World: "plaza", Class: router.Dialogue, Models: []string{r.model}, Region: "north", MaxTokens: tokens, Patience: time.Minute,
		Messages: []Message{{"system", "You are Mara, who sells apples in the market. You answer at length."}, {"user", text}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *realOllama) chat(question string, tokens int) (a realAnswer, text string) {
	r.t.Helper()
	begun := time.Now()
	s := r.begin(question, tokens)
	a.ttft = s.Placement().TTFT
	text, err := rest(s)
	if err != nil || text == "" {
		r.t.Fatalf("answer %q, %v, want words", text, err)
	}
	a.took, a.usage = time.Since(begun), s.Usage()
	return a, text
}

// bargeIn closes ten answers after their third piece, and asks again at once:
// the server has one slot, so that what it still generated would be waited for.
func (r *realOllama) bargeIn(whole time.Duration) {
	var closing, after []time.Duration
	for range 10 {
		s := r.begin("Count from one to two hundred, in words.", 300)
		for range 3 {
			if _, err := s.Next(); err != nil {
				r.t.Fatal(err)
			}
		}
		r.between.forget()
		decided := time.Now()
		s.Close()
		select {
		case at := <-r.between.closed:
			closing = append(closing, at.Sub(decided))
		case <-time.After(5 * time.Second):
			r.t.Fatal("the upstream was not closed")
		}
		next := r.begin("And who are you?", 4)
		after = append(after, next.Placement().TTFT)
		rest(next)
	}
	slices.Sort(closing)
	slices.Sort(after)
	r.t.Logf("from Close to the upstream closed: %v", closing)
	r.t.Logf("first token of the next request: %v", after)
	if worst := closing[9]; worst > 20*time.Millisecond {
		r.t.Errorf("the upstream was closed after %v at worst, want at most 20ms", worst)
	}
	if median := after[5]; median > whole/2 {
		r.t.Errorf("the next request waited %v, of an answer's %v: the slot was not freed", median, whole)
	}
}
