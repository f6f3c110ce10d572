package npc

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

// ollamaAt serves the lists of a real Ollama for discovery.
type ollamaAt struct {
	tags  string
	shown map[string]string // by model
	asked int               // for details
}

func (o *ollamaAt) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/api/tags":
		_, _ = w.Write([]byte(o.tags))
	case "/api/show":
		var ask struct{ Model string }
		_ = json.NewDecoder(r.Body).Decode(&ask)
		o.asked++
		_, _ = w.Write([]byte(o.shown[ask.Model]))
	default:
		http.NotFound(w, r)
	}
}

// An Ollama at the usual address is used while it answers: its models that
// talk, fit an ordinary machine and run on it.
func TestDiscoverOllama(t *testing.T) {
	fake := &ollamaAt{
		tags: `{"models":[
			{"name":"smollm2:135m","size":98362432,"digest":"a","details":{"quantization_level":"Q4_1"}},
			{"name":"llama3.2:latest","size":2019393189,"digest":"b"},
			{"name":"nomic-embed-text:latest","size":274302450,"digest":"c"},
			{"name":"llama3.3:70b","size":42520413916,"digest":"d"},
			{"name":"gpt-oss:120b-cloud","size":384,"digest":"e","remote_host":"https://ollama.com"}]}`,
		shown: map[string]string{
			"smollm2:135m":            `{"capabilities":["completion"],"parameters":"num_ctx                        2048\nstop \"x\"","model_info":{"llama.context_length":8192}}`,
			"llama3.2:latest":         `{"capabilities":["completion","tools"],"model_info":{"llama.context_length":131072}}`,
			"nomic-embed-text:latest": `{"capabilities":["embedding"]}`,
		},
	}
	server := httptest.NewServer(fake)
	defer server.Close()
	cfg := DefaultConfig()
	cfg.Discover = server.URL
	in, err := New(cfg, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if got := in.Found(); got.URL != server.URL || got.Models != nil {
		t.Errorf("before the first look, Found() = %+v", got)
	}
	in.discover(t.Context())
	want := []string{"llama3.2", "smollm2:135m"}
	if got := in.Found().Models; !slices.Equal(got, want) {
		t.Errorf("Found().Models = %v, want %v", got, want)
	}
	if got := in.ChatModels(nil); !slices.Equal(got, want) {
		t.Errorf("ChatModels = %v, want %v", got, want)
	}
	if got := in.Snapshot(time.Now())[0].Models; got[0].Context != 4096 || got[1].Context != 2048 {
		t.Errorf("contexts %d and %d, want 4096, which Ollama loads with, and 2048 of the Modelfile", got[0].Context, got[1].Context)
	}

	asked := fake.asked
	in.discover(t.Context())
	if fake.asked != asked {
		t.Errorf("an unchanged list cost %d more requests", fake.asked-asked)
	}
	fake.tags = strings.Replace(fake.tags, `"llama3.2:latest"`, `"llama3.1:latest"`, 1)
	in.discover(t.Context())
	if got := in.Found().Models; !slices.Equal(got, []string{"smollm2:135m"}) {
		t.Errorf("after a model was removed, Found().Models = %v", got)
	}

	server.Close()
	in.discover(t.Context())
	if got := in.Found().Models; len(got) > 0 {
		t.Errorf("after it went away, Found().Models = %v", got)
	}
	in.expire(time.Now().Add(foundLease + time.Second))
	if got := in.ChatModels(nil); len(got) > 0 {
		t.Errorf("after its lease, ChatModels = %v", got)
	}
}

// What an operator configured is not found a second time.
func TestDiscoverLeavesConfiguredAlone(t *testing.T) {
	for _, tc := range []struct {
		discover, id, url string
		want              bool
	}{
		{DefaultDiscover, "gpu1", "http://10.0.0.1:11434", true},
		{DefaultDiscover, "gpu1", "http://localhost:11434/", false},
		{DefaultDiscover, "gpu1", "http://127.0.0.1:8000", true},
		{DefaultDiscover, foundID, "http://10.0.0.1:11434", false},
		{"", "gpu1", "http://10.0.0.1:11434", false},
	} {
		cfg := Config{Discover: tc.discover, Backends: []BackendConfig{{ID: tc.id, URL: tc.url}}}
		if got := cfg.discovers(); got != tc.want {
			t.Errorf("with %s at %s, discovers(%q) = %v, want %v", tc.id, tc.url, tc.discover, got, tc.want)
		}
	}
	cfg := DefaultConfig()
	cfg.Discover = "ftp://ollama"
	if err := cfg.Validate(); earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), "discover") {
		t.Errorf("Validate with discover ftp: %v, want invalid_argument that names it", err)
	}
}
