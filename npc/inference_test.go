package npc

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/npc/router"

	"github.com/prometheus/client_golang/prometheus"
)

// started returns an Inference over the backends that runs until the test ends.
func started(t *testing.T, change func(*Config), backends ...BackendConfig) *Inference {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Discover = ""
	cfg.Backends = backends
	cfg.Router.Explore = 0
	if change != nil {
		change(&cfg)
	}
	in, err := New(cfg, Deps{Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v", err)
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		for _, e := range in.router.Estimates(nil, time.Now()) {
			if e.InFlight != 0 {
				t.Errorf("the router believes %d in flight on %s after the end", e.InFlight, e.Backend)
			}
		}
		if len(in.calls)+len(in.open) != 0 {
			t.Errorf("%d calls and %d streams are left over", len(in.calls), len(in.open))
		}
	})
	return in
}

// loaded spares a test the wait for the first probes.
func loaded(in *Inference, backends ...router.BackendID) {
	in.tell(func(r *router.Router) {
		for _, id := range backends {
			r.SetLoaded(id, "m", true)
		}
	})
}

// noticed waits until a fake notices that a chat was closed on it.
func noticed(t *testing.T, f *fake) (at time.Time) {
	t.Helper()
	select {
	case at = <-f.gone:
	case <-time.After(30 * time.Second):
		t.Error("the upstream was not closed")
	}
	return at
}

func ask(models ...string) Request {
	if len(models) == 0 {
		models = []string{"m"}
	}
	return Request{World: "plaza", Models: models, Region: "north", Messages: hello(), MaxTokens: 32}
}

// rest reads a Stream to its end.
func rest(s *Stream) (text string, err error) {
	for {
		piece, err := s.Next()
		if err == io.EOF {
			return text, nil
		}
		if err != nil {
			return text, err
		}
		text += piece
	}
}

func TestChatSaysWhoAnswers(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 3})
	in := started(t, nil, f.config("a"))
	s, err := in.Chat(t.Context(), ask())
	if err != nil {
		t.Fatal(err)
	}
	text, err := rest(s)
	if err != nil || text != "w0 w1 w2 " {
		t.Fatalf("answer %q, %v, want three words", text, err)
	}
	p := s.Placement()
	if p.Backend != "a" || p.Model != "m" || p.Attempts != 1 || p.Degraded != router.NotDegraded || p.TTFT <= 0 {
		t.Errorf("placement %+v, want a, m, one attempt", p)
	}
	if u := s.Usage(); u.OutputTokens != 3 {
		t.Errorf("usage %+v, want 3 out", u)
	}
	if _, err := s.Next(); err != io.EOF {
		t.Errorf("Next after the end = %v, want io.EOF", err)
	}
}

func TestDegradationIsSaid(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 1}, "m", "small")
	cfg := f.config("a")
	cfg.Models = append(cfg.Models, ModelConfig{Name: "small"})
	in := started(t, nil, cfg)
	req := ask("huge", "small")
	s, err := in.Chat(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if got := s.Placement().Degraded; got != router.SmallerModel {
		t.Errorf("degraded %v, want the smaller model", got)
	}
	req = ask()
	req.Region = "south"
	if s, err = in.Chat(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if got := s.Placement().Degraded; got != router.OtherRegion {
		t.Errorf("degraded %v, want the other region", got)
	}
}

// Barge-in: the backend notices within 20 ms of Close that nobody listens. Of ten
// times the quickest counts: others are at work on the machine.
func TestBargeInClosesUpstream(t *testing.T) {
	for _, api := range apis {
		f := newFake(t, api, script{tokens: 100_000, between: 5 * time.Millisecond})
		in := started(t, nil, f.config("a"))
		quickest := time.Hour
		for range 10 {
			s, err := in.Chat(t.Context(), ask())
			if err != nil {
				t.Fatal(err)
			}
			closed := time.Now()
			s.Close()
			quickest = min(quickest, noticed(t, f).Sub(closed))
		}
		if quickest > 20*time.Millisecond {
			t.Errorf("%s: closed upstream after %v, want at most 20ms", api, quickest)
		}
	}
}

// The caller's context does the same, before the first token too.
func TestContextClosesUpstream(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 1000, first: 30 * time.Millisecond, between: 5 * time.Millisecond})
	in := started(t, nil, f.config("a"))
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := in.Chat(ctx, ask()); err != nil {
		t.Fatal(err)
	}
	cancel()
	noticed(t, f)
	f.set(script{hang: true})
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := in.Chat(ctx, ask())
	if earshot.CodeOf(err) != earshot.CodeDeadlineExceeded {
		t.Errorf("Chat with an ended context = %v, want deadline_exceeded", err)
	}
	noticed(t, f)
}

// Whatever one backend does before its first token, another answers.
func TestRetryBeforeFirstToken(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    script
	}{
		{"503", script{status: 503}}, {"500", script{status: 500}}, {"404", script{status: 404}},
		{"ends early", script{early: true}}, {"garbage", script{garbage: "<html>"}},
		{"lies", script{lie: "tiny"}}, {"hangs", script{hang: true}},
	} {
		bad, good := newFake(t, "openai", tc.s), newFake(t, "ollama", script{tokens: 2})
		second := good.config("good")
		second.Region = "south" // so that the bad one is asked first
		in := started(t, func(c *Config) { c.Router.RegionCost = 5; c.Probe = time.Hour }, bad.config("bad"), second)
		loaded(in, "bad", "good")
		var s *Stream
		var err error
		for _, patience := range []time.Duration{400 * time.Millisecond, 4 * time.Second, 40 * time.Second} { // a busy machine takes longer
			req := ask()
			req.Patience = patience
			if s, err = in.Chat(t.Context(), req); earshot.CodeOf(err) != earshot.CodeDeadlineExceeded {
				break
			}
		}
		if err != nil {
			t.Errorf("%s: %v, want an answer of the other backend", tc.name, err)
			continue
		}
		if text, err := rest(s); err != nil || text == "" || s.Placement().Backend != "good" {
			t.Errorf("%s: %q, %v from %s, want an answer from good", tc.name, text, err, s.Placement().Backend)
		}
	}
}

// After the first token nothing is tried again: it may have been spoken.
func TestNoRetryAfterFirstToken(t *testing.T) {
	bad, good := newFake(t, "ollama", script{cut: true}), newFake(t, "ollama", script{tokens: 2})
	second := good.config("good")
	second.Region = "south"
	in := started(t, func(c *Config) { c.Router.RegionCost = 5 }, bad.config("bad"), second)
	s, err := in.Chat(t.Context(), ask())
	if err != nil {
		t.Fatal(err)
	}
	text, err := rest(s)
	wantFailure(t, "cut answer", err, FailedCut)
	if text != "w0 " || good.requests.Load() != 0 {
		t.Errorf("said %q with %d requests to the other backend, want one word and none", text, good.requests.Load())
	}
	if earshot.CodeOf(err) != earshot.CodeUnavailable {
		t.Errorf("code %q, want unavailable", earshot.CodeOf(err))
	}
}

// A request that is itself wrong is not passed on from backend to backend.
func TestRefusedRequestIsNotRetried(t *testing.T) {
	a, b := newFake(t, "ollama", script{status: 400}), newFake(t, "ollama", script{status: 400})
	in := started(t, func(c *Config) { c.Probe = time.Hour }, a.config("a"), b.config("b"))
	_, err := in.Chat(t.Context(), ask())
	if earshot.CodeOf(err) != earshot.CodeInvalidArgument || a.requests.Load()+b.requests.Load() != 1 {
		t.Errorf("Chat = %v after %d requests, want invalid_argument after 1", err, a.requests.Load()+b.requests.Load())
	}
}

// The player hears a scripted line within the deadline, whatever happens.
func TestErrorWithinDeadline(t *testing.T) {
	a := newFake(t, "ollama", script{hang: true})
	in := started(t, nil, a.config("a"), a.config("b"))
	loaded(in, "a", "b")
	for _, patience := range []time.Duration{200 * time.Millisecond, 2 * time.Second, 20 * time.Second} { // a busy machine is late
		req := ask()
		req.Patience = patience
		begun := time.Now()
		_, err := in.Chat(t.Context(), req)
		took := time.Since(begun)
		if earshot.CodeOf(err) != earshot.CodeDeadlineExceeded {
			t.Errorf("Chat = %v, want deadline_exceeded", err)
		}
		noticed(t, a)
		if took <= 2*patience {
			return
		}
		t.Logf("gave up after %v, want about %v", took, patience)
	}
	t.Error("never gave up in time")
}

func TestLocalityIsNeverRelaxed(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 1})
	in := started(t, nil, f.config("a"))
	req := ask()
	req.Labels = []string{"eu"}
	_, err := in.Chat(t.Context(), req)
	var refusal *router.Refusal
	if !errors.As(err, &refusal) || refusal.Filter != router.ByLocality || f.requests.Load() != 0 {
		t.Errorf("Chat = %v after %d requests, want a refusal by locality and none", err, f.requests.Load())
	}
}

// A dead region loses no turn.
func TestDeadBackends(t *testing.T) {
	good := newFake(t, "openai", script{tokens: 2, first: time.Millisecond})
	configs := []BackendConfig{good.config("good")}
	configs[0].Region, configs[0].Slots = "south", 32
	for i := range 3 {
		c := good.config(fmt.Sprintf("dead%d", i))
		c.URL = dead(t)
		configs = append(configs, c)
	}
	in := started(t, nil, configs...)
	loaded(in, "good", "dead0", "dead1", "dead2")
	var turns sync.WaitGroup
	for range 40 {
		turns.Go(func() {
			s, err := in.Chat(t.Context(), ask())
			if err != nil {
				t.Errorf("a turn was lost: %v", err)
				return
			}
			if text, err := rest(s); err != nil || text != "w0 w1 " {
				t.Errorf("answer %q, %v", text, err)
			}
		})
	}
	turns.Wait()
}

// More than the backend works on waits here, where it can be reordered.
func TestConcurrencyIsBounded(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 2, between: 5 * time.Millisecond})
	cfg := f.config("a")
	cfg.Slots = 2
	in := started(t, nil, cfg)
	loaded(in, "a")
	var turns sync.WaitGroup
	var most int64
	var mu sync.Mutex
	for range 20 {
		turns.Go(func() {
			s, err := in.Chat(t.Context(), ask())
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			most = max(most, f.open.Load())
			mu.Unlock()
			rest(s)
		})
	}
	turns.Wait()
	if most > 3 { // a handler may still be returning when the next begins
		t.Errorf("%d chats at once on a backend of 2 slots", most)
	}
}

func TestLease(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 1})
	in := started(t, nil)
	if _, err := in.Chat(t.Context(), ask()); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
		t.Errorf("without backends: %v, want failed_precondition", err)
	}
	now := time.Now()
	if _, err := in.Register(f.config("a"), time.Minute, now); err != nil {
		t.Fatal(err)
	}
	if s, err := in.Chat(t.Context(), ask()); err != nil {
		t.Errorf("with a lease: %v", err)
	} else {
		rest(s)
	}
	if _, err := in.Renew("a", time.Minute, now.Add(30*time.Second)); err != nil {
		t.Error(err)
	}
	in.expire(now.Add(61 * time.Second))
	if len(in.Snapshot(now)) != 1 {
		t.Error("a renewed lease ended")
	}
	in.expire(now.Add(91 * time.Second))
	if len(in.Snapshot(now)) != 0 {
		t.Error("the lease did not end")
	}
	if _, err := in.Renew("a", 0, now); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("Renew after the end = %v, want not_found", err)
	}
	bad := f.config("b")
	bad.TokenFile = "keys"
	if _, err := in.Register(bad, 0, now); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("a registration that names our files: %v, want invalid_argument", err)
	}
}

func TestConfiguredBackendCannotBeReplaced(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 1})
	in := started(t, nil, f.config("a"))
	if _, err := in.Register(f.config("a"), 0, time.Now()); earshot.CodeOf(err) != earshot.CodeAlreadyExists {
		t.Errorf("Register = %v, want already_exists", err)
	}
}

// Probes find out what is loaded, what is missing, and who is down and back;
// what is to be loaded is prewarmed.
func TestProbe(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 1})
	cfg := f.config("a")
	cfg.Models = []ModelConfig{{Name: "m"}, {Name: "cold", Prewarm: true}, {Name: "cloud"}}
	cfg.Token = "s3cret"
	in := started(t, func(c *Config) { c.Probe = 100 * time.Millisecond }, cfg)
	status := func(ready func(BackendStatus) bool) BackendStatus {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
			if s := in.Snapshot(time.Now())[0]; ready(s) {
				return s
			}
			<-time.After(5 * time.Millisecond)
		}
		t.Fatalf("status %+v", in.Snapshot(time.Now())[0])
		return BackendStatus{}
	}
	s := status(func(s BackendStatus) bool { return s.Asked != nil && s.Models[1].Loaded })
	if !s.Models[0].Loaded || !s.Models[2].Missing || f.prewarms.Load() == 0 {
		t.Errorf("status %+v with %d prewarms, want m loaded, cold prewarmed, cloud missing", s, f.prewarms.Load())
	}
	f.set(script{status: 500})
	s = status(func(s BackendStatus) bool { return s.State == "down" })
	if s.Problem != string(FailedServer) {
		t.Errorf("problem %q, want server", s.Problem)
	}
	f.set(script{tokens: 1})
	status(func(s BackendStatus) bool { return s.State == "ready" })
}

func TestShutdownEndsEverything(t *testing.T) {
	f := newFake(t, "ollama", script{tokens: 1000, between: 5 * time.Millisecond})
	cfg := DefaultConfig()
	cfg.Discover = ""
	cfg.Backends = []BackendConfig{f.config("a")}
	in, err := New(cfg, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- in.Run(ctx) }()
	s, err := in.Chat(t.Context(), ask())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-ended
	if _, err = rest(s); err == nil {
		t.Error("the answer went on after Run returned")
	}
	if _, err := in.Chat(t.Context(), ask()); earshot.CodeOf(err) != earshot.CodeUnavailable {
		t.Errorf("Chat after Run = %v, want unavailable", err)
	}
}

func TestRequestNamesWhatIsWrong(t *testing.T) {
	in := started(t, nil)
	for _, tc := range []struct {
		messages []Message
		want     string
	}{
		{nil, "messages"}, {[]Message{{Role: "wizard"}}, "messages[0].role"},
		{[]Message{{Role: "user", Content: strings.Repeat("x", 1<<20)}}, "messages"},
	} {
		_, err := in.Chat(t.Context(), Request{Models: []string{"m"}, Messages: tc.messages})
		if earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Chat = %v, want %s named", err, tc.want)
		}
	}
}

// Equal beginnings share their hashes; what differs, and all after it, does not.
func TestPrefixChain(t *testing.T) {
	seed := maphash.MakeSeed()
	a := []Message{{Role: "system", Content: strings.Repeat("a", 1000)}, {Role: "user", Content: "x"}}
	b := []Message{{Role: "system", Content: strings.Repeat("a", 1000)}, {Role: "user", Content: strings.Repeat("y", 600)}}
	tokens, first := prefix(a, seed, 64)
	_, second := prefix(b, seed, 64)
	if len(first) != 3 || len(second) != 6 || tokens < 250 || tokens > 270 {
		t.Fatalf("chains of %d and %d blocks, %d tokens, want 3, 6 and about 258", len(first), len(second), tokens)
	}
	for i := range first {
		if first[i] != second[i] {
			t.Errorf("block %d differs in equal text", i)
		}
	}
	b[0].Content = "b" + b[0].Content[1:]
	if _, other := prefix(b, seed, 64); other[2] == second[2] {
		t.Error("a block does not cover what is before it")
	}
}
