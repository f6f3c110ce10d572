package npc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

var apis = []string{"ollama", "openai"}

func open(t *testing.T, cfg BackendConfig) backend {
	t.Helper()
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	b, c, err := cfg.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return b
}

// say runs one chat to its end.
func say(ctx context.Context, b backend) (text string, u Usage, err error) {
	a, err := b.Chat(ctx, ChatRequest{Model: "m", Messages: hello(), MaxTokens: 64})
	if err != nil {
		return "", u, err
	}
	defer a.Close()
	for {
		piece, err := a.Next()
		if err == io.EOF {
			return text, a.Usage(), nil
		}
		if err != nil {
			return text, u, err
		}
		text += piece
	}
}

func TestChatReadsWholeAnswer(t *testing.T) {
	for _, api := range apis {
		f := newFake(t, api, script{tokens: 3})
		text, u, err := say(t.Context(), open(t, f.config("a")))
		if err != nil || text != "w0 w1 w2 " {
			t.Errorf("%s: answer %q, %v, want three words", api, text, err)
		}
		if u.PromptTokens != 12 || u.OutputTokens != 3 || u.Finish != "stop" {
			t.Errorf("%s: usage %+v, want 12 in, 3 out, stop", api, u)
		}
	}
}

// Each way to fail is told apart, whichever API is spoken.
func TestFailuresAreTyped(t *testing.T) {
	long := "data: " + strings.Repeat("x", maxLineBytes+10)
	for _, tc := range []struct {
		name string
		s    script
		want FailureKind
	}{
		{"hangs", script{hang: true}, FailedTimeout},
		{"stalls after a token", script{stall: true}, FailedTimeout},
		{"ends before the first token", script{early: true}, FailedCut},
		{"cuts the answer", script{cut: true, tokens: 3}, FailedCut},
		{"503", script{status: 503}, FailedBusy},
		{"429", script{status: 429}, FailedBusy},
		{"500", script{status: 500}, FailedServer},
		{"404", script{status: 404}, FailedModel},
		{"401", script{status: 401}, FailedAuth},
		{"400", script{status: 400}, FailedRequest},
		{"garbage", script{garbage: "<html>It works!</html>"}, FailedGarbage},
		{"garbage as data", script{garbage: "data: {]\n\n"}, FailedGarbage},
		{"an endless line", script{garbage: long}, FailedGarbage},
		{"lies about its model", script{lie: "tiny"}, FailedWrongModel},
		{"an error inside the answer", script{late: true}, FailedServer},
	} {
		for _, api := range apis {
			f := newFake(t, api, tc.s)
			cfg := f.config("a")
			if tc.s.hang || tc.s.stall {
				cfg.Hang = 50 * time.Millisecond
			}
			_, _, err := say(t.Context(), open(t, cfg))
			wantFailure(t, api+" "+tc.name, err, tc.want)
		}
	}
	f := newFake(t, "ollama", script{remote: true})
	_, _, err := say(t.Context(), open(t, f.config("a")))
	wantFailure(t, "forwards the prompt", err, FailedWrongModel)
	cfg := f.config("a")
	cfg.URL = dead(t)
	_, _, err = say(t.Context(), open(t, cfg))
	wantFailure(t, "nobody listens", err, FailedConnect)
}

func wantFailure(t *testing.T, what string, err error, want FailureKind) {
	t.Helper()
	var failure *Failure
	if !errors.As(err, &failure) || failure.Kind != want {
		t.Errorf("%s: error %v, want kind %s", what, err, want)
	}
}

func TestTotalBoundsAnAnswer(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 1000, between: 10 * time.Millisecond})
	cfg := f.config("a")
	cfg.Total = 100 * time.Millisecond
	_, _, err := say(t.Context(), open(t, cfg))
	wantFailure(t, "an answer without end", err, FailedTimeout)
}

// A credential goes to the backend it is for, and nowhere else.
func TestTokenAndRedirect(t *testing.T) {
	f := newFake(t, "openai", script{tokens: 1})
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := f.config("a")
	cfg.TokenFile = file
	if _, _, err := say(t.Context(), open(t, cfg)); err != nil {
		t.Fatal(err)
	}
	if got := f.auth.Load(); got != "Bearer s3cret" {
		t.Errorf("Authorization %q, want the token of the file", got)
	}
	elsewhere := httptest.NewServer(http.RedirectHandler(f.URL+"/v1/chat/completions", http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	before := f.requests.Load()
	cfg.URL = elsewhere.URL
	_, _, err := say(t.Context(), open(t, cfg))
	wantFailure(t, "redirect to another host", err, FailedGarbage)
	if f.requests.Load() != before {
		t.Error("the prompt followed a redirect to another host")
	}
}

func TestInventory(t *testing.T) {
	f := newFake(t, "ollama", script{}, "m:latest")
	inv, err := open(t, f.config("a")).Inventory(t.Context())
	if err != nil || !has(inv.Models, "m") || !has(inv.Models, "cold") || has(inv.Loaded, "cold") || !has(inv.Loaded, "m") {
		t.Errorf("inventory %+v, %v, want m loaded and cold not", inv, err)
	}
	if has(inv.Models, "cloud") {
		t.Error("a model that Ollama forwards elsewhere counts as had")
	}
	f = newFake(t, "openai", script{status: 404})
	if inv, err := open(t, f.config("a")).Inventory(t.Context()); err != nil || !inv.Silent {
		t.Errorf("without /v1/models: %+v, %v, want silent", inv, err)
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	for _, tc := range []struct {
		change func(*BackendConfig)
		want   string
	}{
		{func(b *BackendConfig) { b.ID = "A B" }, "id"},
		{func(b *BackendConfig) { b.API = "grpc" }, "api"},
		{func(b *BackendConfig) { b.URL = "ftp://x" }, "url"},
		{func(b *BackendConfig) { b.URL = "http://name:secret@x" }, "url"},
		{func(b *BackendConfig) { b.Hang = -1 }, "hang"},
		{func(b *BackendConfig) { b.Models[0].Capabilities = []string{"fly"} }, "models[0].capabilities"},
		{func(b *BackendConfig) { b.Models[0].Capabilities = []string{"speech"} }, "models[0].capabilities"},
		{func(b *BackendConfig) { b.TokenEnv, b.TokenFile = "X", "y" }, "token_file"},
	} {
		b := BackendConfig{ID: "a", API: "ollama", URL: "http://127.0.0.1:1", Models: []ModelConfig{{Name: "m"}}}
		tc.change(&b)
		cfg := DefaultConfig()
		cfg.Discover = ""
		cfg.Backends = []BackendConfig{b}
		err := cfg.Validate()
		if earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Validate() = %v, want %s named", err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Validate() = %v shows a password", err)
		}
	}
}

func TestSameModel(t *testing.T) {
	for _, tc := range []struct {
		want, got string
		ok        bool
	}{
		{"m", "m", true}, {"m", "m:latest", true}, {"m:1b", "m:3b", false}, {"gpt-4o", "gpt-4o-2024-08-06", true},
		{"gpt-4o", "gpt-4o-mini", false}, {"m", "", false},
	} {
		if ok := sameModel(tc.want, tc.got); ok != tc.ok {
			t.Errorf("sameModel(%q, %q) = %v, want %v", tc.want, tc.got, ok, tc.ok)
		}
	}
}
