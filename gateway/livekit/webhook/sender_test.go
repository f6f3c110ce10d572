package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
)

const secret = "a secret of the tests, 32 bytes and more"

// receiver is the other end of a Sender: it answers what answer says, after
// delay, and keeps what it took.
type receiver struct {
	t      *testing.T
	delay  time.Duration
	answer func(event string) (int, error)

	mu    sync.Mutex
	took  map[string][]wire.WebhookEvent // by host
	tries int
	at    []time.Time
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(r.delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	claims, err := livekit.Verify(req.Header.Get("Authorization"), func(id string) ([]byte, bool) { return []byte(secret), id == "main" }, time.Now())
	sum := sha256.Sum256(body)
	if err != nil || claims.SHA256 != base64.StdEncoding.EncodeToString(sum[:]) || claims.Video.RoomAdmin {
		r.t.Errorf("the token says %+v, %v", claims, err)
	}
	if got := req.Header.Get("Content-Type"); got != "application/webhook+json" {
		r.t.Errorf("Content-Type %q", got)
	}
	var event wire.WebhookEvent
	if err := json.Unmarshal(body, &event); err != nil {
		r.t.Errorf("%s: %v", body, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	r.at = append(r.at, time.Now())
	status := http.StatusOK
	if r.answer != nil {
		if status, err = r.answer(event.Event); err != nil {
			return nil, err
		}
	}
	if status == http.StatusOK {
		r.took[req.URL.Host] = append(r.took[req.URL.Host], event)
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{"Location": {"http://inside/"}}, Request: req}, nil
}

// sending runs play with a Sender in a bubble of synctest, and ends it.
func sending(t *testing.T, r *receiver, urls []string, play func(s *Sender, log *strings.Builder)) (reg *prometheus.Registry) {
	t.Helper()
	reg = prometheus.NewRegistry()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r.t, r.took = t, make(map[string][]wire.WebhookEvent)
		s := New(Config{URLs: urls, Key: "main", Secret: []byte(secret)}, Deps{
			Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: reg, Client: &http.Client{Transport: r, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := s.Run(ctx); err != nil {
				t.Errorf("Run = %v", err)
			}
		}()
		play(s, &log)
		cancel()
		<-ended
	})
	return reg
}

func event(name string) *wire.WebhookEvent {
	return &wire.WebhookEvent{Event: name, ID: EventID(), Room: &wire.Room{Name: "plaza"}}
}

func names(events []wire.WebhookEvent) (list []string) {
	for _, e := range events {
		list = append(list, e.Event)
	}
	return list
}

// Each address gets the events of a room in their order, though the first are
// refused for a while.
func TestEventsKeepTheirOrder(t *testing.T) {
	failures := 3
	r := &receiver{delay: 50 * time.Millisecond}
	r.answer = func(string) (int, error) {
		if failures--; failures >= 0 {
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, nil
	}
	var want []string
	reg := sending(t, r, []string{"http://a/hook", "http://b/hook"}, func(s *Sender, _ *strings.Builder) {
		for i := range 20 {
			want = append(want, fmt.Sprint("e", i))
			s.Post("plaza", event(want[i]))
		}
		time.Sleep(time.Minute)
	})
	for _, host := range []string{"a", "b"} {
		if got := names(r.took[host]); !slices.Equal(got, want) {
			t.Errorf("%s got %v, want %v", host, got, want)
		}
	}
	if got := value(t, reg, "earshot_livekit_webhook_retries_total", ""); got != 3 {
		t.Errorf("%g retries, want 3", got)
	}
	if got := value(t, reg, "earshot_livekit_webhooks_total", "delivered"); got != 40 {
		t.Errorf("%g delivered, want 40", got)
	}
}

// A room whose events cannot be told holds up no other.
func TestRoomsDoNotWaitForOneAnother(t *testing.T) {
	r := &receiver{answer: func(name string) (int, error) {
		if name == "stuck" {
			return 0, errors.New("connection refused")
		}
		return http.StatusOK, nil
	}}
	sending(t, r, []string{"http://a/hook"}, func(s *Sender, _ *strings.Builder) {
		s.Post("plaza", event("stuck"))
		s.Post("vault", event("free"))
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := names(r.took["a"]); !slices.Equal(got, []string{"free"}) {
			t.Errorf("got %v at once, want only that of the other room", got)
		}
	})
}

// Who answers with an error is asked again, ever more rarely, and then no more.
func TestRetriesEnd(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fail  func(string) (int, error)
		tries int
	}{
		{"no connection", func(string) (int, error) { return 0, errors.New("refused") }, maxAttempts},
		{"overloaded", func(string) (int, error) { return http.StatusTooManyRequests, nil }, maxAttempts},
		{"broken", func(string) (int, error) { return http.StatusInternalServerError, nil }, maxAttempts},
		{"not wanted", func(string) (int, error) { return http.StatusNotFound, nil }, 1},
		{"somewhere else", func(string) (int, error) { return http.StatusFound, nil }, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &receiver{answer: func(name string) (int, error) {
				if name == "lost" {
					return tc.fail(name)
				}
				return http.StatusOK, nil
			}}
			var logged string
			sending(t, r, []string{"http://a:1/hook?key=hidden"}, func(s *Sender, log *strings.Builder) {
				s.Post("plaza", event("lost"))
				s.Post("plaza", event("next"))
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				logged = log.String()
			})
			if r.tries != tc.tries+1 || !slices.Equal(names(r.took["a:1"]), []string{"next"}) {
				t.Errorf("%d attempts, of which came %v; want %d and the next event", r.tries, names(r.took["a:1"]), tc.tries+1)
			}
			if !strings.Contains(logged, "given up") || strings.Contains(logged, "hidden") || strings.Contains(logged, secret) {
				t.Errorf("the log says %s", logged)
			}
			for i := 2; i < len(r.at)-1; i++ {
				if a, b := r.at[i-1].Sub(r.at[i-2]), r.at[i].Sub(r.at[i-1]); b < a && b < longest/2 {
					t.Errorf("waited %v and then %v", a, b)
				}
			}
		})
	}
}

// What is more than a queue holds is dropped, counted, and told of.
func TestQueuesAreBounded(t *testing.T) {
	stuck := true
	r := &receiver{delay: time.Second}
	r.answer = func(string) (int, error) {
		if stuck {
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, nil
	}
	const over = 10
	reg := sending(t, r, []string{"http://a/hook"}, func(s *Sender, _ *strings.Builder) {
		for range maxQueuedOfRoom + over {
			s.Post("plaza", event("many"))
		}
		time.Sleep(2 * time.Second)
		r.mu.Lock()
		stuck = false
		r.mu.Unlock()
		time.Sleep(20 * time.Minute)
		s.Post("plaza", event("later"))
		time.Sleep(10 * time.Second)
	})
	took := r.took["a"]
	if len(took) != maxQueuedOfRoom+1 {
		t.Fatalf("%d events came, want %d", len(took), maxQueuedOfRoom+1)
	}
	if got := value(t, reg, "earshot_livekit_webhooks_total", "dropped"); got != over {
		t.Errorf("%g dropped, want %d", got, over)
	}
	if took[0].NumDropped != 0 || took[len(took)-1].NumDropped != over {
		t.Errorf("the first says %d were dropped, the last %d; want 0 and %d", took[0].NumDropped, took[len(took)-1].NumDropped, over)
	}
}

// value is that of a metric, of one result where it has several.
func value(t *testing.T, reg *prometheus.Registry, name, result string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == name && (result == "" || m.Label[0].GetValue() == result) {
				return m.Counter.GetValue()
			}
		}
	}
	t.Fatalf("no %s of %q", name, result)
	return 0
}

// At the end what is queued is told, if that takes no more than a moment.
func TestTheLastEventsAreTold(t *testing.T) {
	r := &receiver{delay: 10 * time.Millisecond}
	sending(t, r, []string{"http://a/hook"}, func(s *Sender, _ *strings.Builder) {
		for range 5 {
			s.Post("plaza", event("last"))
		}
	})
	if got := len(r.took["a"]); got != 5 {
		t.Errorf("%d events came, want 5", got)
	}
	slow := &receiver{delay: time.Hour}
	var began time.Time
	sending(t, slow, []string{"http://a/hook"}, func(s *Sender, _ *strings.Builder) {
		s.Post("plaza", event("last"))
		began = time.Now()
	})
	if slow.tries != 0 || began.IsZero() {
		t.Error("a receiver that never answers answered")
	}
}

// Without addresses nothing is kept.
func TestNobodyToTell(t *testing.T) {
	sending(t, &receiver{}, nil, func(s *Sender, _ *strings.Builder) {
		if s.Active() {
			t.Error("active without addresses")
		}
		s.Post("plaza", event("unheard"))
	})
}

func TestBackoff(t *testing.T) {
	for attempt, want := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 5: 8 * time.Second, 9: 8 * time.Second} {
		if got := backoff(attempt, 0); got != want/2 {
			t.Errorf("backoff(%d, 0) = %v, want %v", attempt, got, want/2)
		}
		if got := backoff(attempt, 1); got != want {
			t.Errorf("backoff(%d, 1) = %v, want %v", attempt, got, want)
		}
	}
}
