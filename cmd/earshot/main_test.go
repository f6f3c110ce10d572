package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot/gateway"
)

func TestHelp(t *testing.T) {
	for _, args := range []string{"help", "-h", "--help", "help help"} {
		if out, _, code := earshotCommand(t, nil, strings.Fields(args)...); code != 0 || out != helpText {
			t.Errorf("earshot %s: exit %d, %q", args, code, out)
		}
	}
	for _, command := range []string{"serve", "token", "config", "replay"} {
		for _, args := range [][]string{{command, "-help"}, {"help", command}} {
			out, log, code := earshotCommand(t, nil, args...)
			if code != 0 || log != "" || !strings.Contains(out, "Examples\n") || !strings.Contains(out, "-config") {
				t.Errorf("earshot %v: exit %d, %q, %q; want examples and flags", args, code, out, log)
			}
		}
	}
}

func TestWrongCommands(t *testing.T) {
	for args, says := range map[string]string{
		"":           "say what to do",
		"srve":       `no command "srve"`,
		"help srve":  `no command "srve"`,
		"serve now":  `"now" is not a flag`,
		"serve -dev": "not defined",
		"replay":     "give one folder",
		"replay .":   "no manifest.json",
	} {
		_, log, code := earshotCommand(t, nil, strings.Fields(args)...)
		if code != exitUsage || !strings.Contains(log, says) {
			t.Errorf("earshot %s: exit %d, %q; want exit 2 with %q", args, code, log, says)
		}
	}
}

func TestVersion(t *testing.T) {
	if out, _, code := earshotCommand(t, nil, "version"); code != 0 || !strings.HasPrefix(out, "earshot ") || !strings.Contains(out, "go1") {
		t.Errorf("earshot version: exit %d, %q", code, out)
	}
}

func TestToken(t *testing.T) {
	file := writeFile(t, "keys: [{id: main, secret: '"+testSecret+"'}, {id: second, secret: '"+testSecret+" too'}]\nworlds: {hall: {}}\n")
	keys, err := gateway.NewKeys([]gateway.Key{{ID: "main", Secret: testSecret}, {ID: "second", Secret: testSecret + " too"}})
	if err != nil {
		t.Fatal(err)
	}
	secretInEnv := map[string]string{"EARSHOT_KEY_SECRET": testSecret}
	for _, tc := range []struct {
		env    map[string]string
		args   string
		issuer string
	}{
		{nil, "-config " + file, "main"},
		{nil, "-config " + file + " -key-id second", "second"},
		{map[string]string{"EARSHOT_CONFIG": file}, "", "main"},
		{secretInEnv, "-key-id main", "main"},
		{nil, "-key-id main -key-secret-file " + writeFile(t, testSecret+"\n"), "main"},
	} {
		args := append([]string{"token", "-world", "hall", "-name", "Ada", "-grant", "chat,moderate", "-ttl", "8h"}, strings.Fields(tc.args)...)
		out, log, code := earshotCommand(t, tc.env, args...)
		if code != 0 {
			t.Errorf("earshot %v: exit %d, %q", args, code, log)
			continue
		}
		claims, err := keys.Verify(strings.TrimSpace(out), time.Now())
		if err != nil {
			t.Errorf("earshot %v: %v", args, err)
			continue
		}
		if claims.Issuer != tc.issuer || claims.Name != "Ada" || claims.World != "hall" || !claims.Can("moderate") || claims.Can("subscribe") {
			t.Errorf("earshot %v: claims %+v", args, claims)
		}
	}
}

// With -livekit it is an access token, of the same rights in LiveKit's words.
func TestTokenForLiveKit(t *testing.T) {
	file := writeFile(t, "keys: [{id: main, secret: '"+testSecret+"'}]\nworlds: {hall: {}}\n")
	out, log, code := earshotCommand(t, nil, "token", "-livekit", "-config", file, "-world", "hall", "-name", "Ada", "-grant", "publish.audio,subscribe")
	parts := strings.Split(strings.TrimSpace(out), ".")
	if code != 0 || len(parts) != 3 || !strings.Contains(log, `room "hall"`) {
		t.Fatalf("exit %d, %q, %q", code, out, log)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	want := `"video":{"roomJoin":true,"room":"hall","canPublish":true,"canSubscribe":true,"canPublishData":false,"canPublishSources":["microphone"]}`
	if err != nil || !strings.Contains(string(payload), want) || !strings.Contains(string(payload), `"iss":"main","sub":"earshot-token:Ada"`) {
		t.Errorf("it says %s, %v", payload, err)
	}
}

func TestTokenRefuses(t *testing.T) {
	file := writeFile(t, "keys: [{id: main, secret: '"+testSecret+"'}]\n")
	for args, says := range map[string]string{
		"-world plaza":                          "-name",
		"-name Ada":                             "-world",
		"-name Ada -world plaza":                "no key to sign with",
		"-name Ada -world moon -config " + file: `no world "moon"`,
		"-name Ada -world plaza -key-id no -config " + file:          `no key "no"`,
		"-name Ada -world plaza -grant fly -config " + file:          `"fly"`,
		"-name Ada -world plaza -ttl 25h -config " + file:            "24 h",
		"-name Ada -world plaza -ttl -1h -config " + file:            "before it begins",
		"-name Ada -world plaza -livekit -stage main":                "-stage",
		"-name Ada -world plaza -livekit -grant fly -config " + file: `"fly"`,
		"-name Ada -world plaza -key-secret sesame":                  "-key-id",
		"-name Ada -world plaza -key-secret sesame -key-id main":     "has 6 bytes",
		"-name Ada -world plaza -config " + writeFile(t, "{}"):       "has no keys",
	} {
		out, log, code := earshotCommand(t, nil, append([]string{"token"}, strings.Fields(args)...)...)
		if code != exitUsage || out != "" || !strings.Contains(log, says) || strings.Contains(log, "sesame") {
			t.Errorf("earshot token %s: exit %d, %q, %q; want exit 2 with %q", args, code, out, log, says)
		}
	}
}

func TestTokenOfAServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/dev/token" || r.URL.Query().Get("world") != "plaza" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code":"not_found","message":"no such page"}`)
			return
		}
		_, _ = io.WriteString(w, `{"token":"t.o.ken","expires":"2026-11-21T12:00:00Z"}`)
	}))
	defer server.Close()
	if out, log, code := earshotCommand(t, nil, "token", "-url", server.URL+"/", "-name", "Ada"); code != 0 || out != "t.o.ken\n" {
		t.Errorf("exit %d, %q, %q", code, out, log)
	}
	if _, log, code := earshotCommand(t, nil, "token", "-url", server.URL, "-name", "Ada", "-world", "moon"); code != exitFailed || !strings.Contains(log, "not_found") {
		t.Errorf("refused: exit %d, %q", code, log)
	}
	server.Close()
	if _, log, code := earshotCommand(t, nil, "token", "-url", server.URL, "-name", "Ada"); code != exitFailed || !strings.Contains(log, "no server answers") {
		t.Errorf("no server: exit %d, %q", code, log)
	}
}

// A node without a file serves its page and a token, and ends when told to.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		p := program{out: writer, log: io.Discard, goodbye: patience}
		ended <- p.run(ctx, []string{"serve", "-listen", "localhost:0", "-admin", "localhost:0", "-udp", "0"})
		writer.Close()
	}()
	lines := bufio.NewReader(reader)
	page, _ := lines.ReadString('\n')
	admin, _ := lines.ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	page = strings.TrimSpace(strings.TrimPrefix(page, "Earshot is on "))
	admin = strings.TrimSpace(strings.TrimPrefix(admin, "Metrics and profiles are on "))

	for url, want := range map[string]string{
		page + "/healthz": "ok", page + "/v1/worlds": `"plaza"`, page + "/": "<html",
		page + "/v1/dev/token?world=plaza&name=Ada": `"token"`, admin: "earshot_",
	} {
		if got := get(t, url); !strings.Contains(got, want) {
			t.Errorf("GET %s = %.200q, want %q in it", url, got, want)
		}
	}
	if out, log, code := earshotCommand(t, nil, "token", "-url", page, "-name", "Ada"); code != 0 || strings.Count(out, ".") != 2 {
		t.Errorf("earshot token -url: exit %d, %q, %q", code, out, log)
	}
	if _, log, code := earshotCommand(t, nil, "serve", "-listen", strings.TrimPrefix(page, "http://")); code != exitUsage || !strings.Contains(log, "in use") {
		t.Errorf("a second node on the same address: exit %d, %q", code, log)
	}
	cancel()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("exit %d after an interrupt, want 0", code)
		}
	case <-time.After(patience):
		t.Errorf("still running %v after an interrupt", patience)
	}
}

// A node that is told to end before it has begun did not fail, wherever in its
// beginning that is.
func TestServeEndedAtOnce(t *testing.T) {
	for step := 0; ; step++ {
		ctx := &countdown{left: step}
		ctx.Context, ctx.end = context.WithTimeout(t.Context(), patience)
		log := &beginning{served: ctx.end}
		p := program{out: io.Discard, log: log, goodbye: patience}
		if code := p.run(ctx, []string{"serve", "-listen", "localhost:0", "-admin", "localhost:0", "-udp", "0"}); code != 0 || strings.Contains(log.String(), "ERROR") {
			t.Fatalf("told to end at its step %d: exit %d, want 0 and no error:\n%s", step, code, log.String())
		}
		if errors.Is(ctx.Context.Err(), context.DeadlineExceeded) {
			t.Fatalf("step %d: it neither served nor ended within %v:\n%s", step, patience, log.String())
		}
		if strings.Contains(log.String(), "msg=serving") {
			t.Logf("told to end at each of %d steps", step)
			return
		}
	}
}

// countdown is a context that ends when it was asked often enough whether it did.
type countdown struct {
	context.Context
	end context.CancelFunc

	mu   sync.Mutex
	left int
}

func (c *countdown) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		c.end()
	}
	c.left--
	return c.Context.Err()
}

// beginning is the log of a node that is told to end when it serves.
type beginning struct {
	served context.CancelFunc

	mu  sync.Mutex
	log strings.Builder
}

func (b *beginning) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("msg=serving")) {
		b.served()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(line)
}

func (b *beginning) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
