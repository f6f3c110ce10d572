package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/gateway/livekit/wire"
)

const (
	// maxQueued bounds the events that wait for one address, and
	// maxQueuedOfRoom those of one room among them.
	maxQueued       = 4096
	maxQueuedOfRoom = 512
	// maxAttempts is how often an event is posted before it is given up; with
	// the waits between, that takes a quarter of a minute and what the
	// attempts themselves take.
	maxAttempts = 6
	// attemptDeadline bounds one attempt.
	attemptDeadline = 5 * time.Second
	// drain is how long what is queued may still travel when Run ends.
	drain = time.Second
)

// Config says whom to tell, and as whom.
type Config struct {
	URLs []string // http or https
	// Key and Secret sign: the receiver knows them as API key and secret.
	Key    string
	Secret []byte
}

// Deps are what a Sender needs from outside.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	// Client replaces the Sender's own: tests.
	Client *http.Client
}

// Sender posts events to addresses.
type Sender struct {
	cfg     Config
	log     *slog.Logger
	client  *http.Client
	targets []*target
	wake    chan struct{} // of one: begun is not empty
	ending  chan struct{} // closed when there is no time for another attempt

	mu     sync.Mutex
	closed bool
	begun  []*queue // nobody empties them yet

	delivered, failed, dropped, retried prometheus.Counter
	queued                              prometheus.Gauge
}

// target is one address and what waits for it. The Sender's mu guards it.
type target struct {
	url    string
	rooms  map[string]*queue
	queued int
	lost   int32 // events since the last that was taken
}

// queue is what waits of one room for one address. One goroutine empties it as
// long as it is in target.rooms.
type queue struct {
	to     *target
	room   string
	events []*wire.WebhookEvent
}

// New prepares a Sender. Without URLs it takes events and drops them.
func New(cfg Config, deps Deps) *Sender {
	s := &Sender{cfg: cfg, log: deps.Log, client: deps.Client, wake: make(chan struct{}, 1), ending: make(chan struct{})}
	if s.client == nil {
		s.client = &http.Client{
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
			// A redirect would be an address that the operator did not name.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	for _, url := range cfg.URLs {
		s.targets = append(s.targets, &target{url: url, rooms: make(map[string]*queue)})
	}
	results := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "earshot_livekit_webhooks_total", Help: "Events for webhooks by result: delivered, failed (given up after retries), dropped (the queue was full).",
	}, []string{"result"})
	s.delivered, s.failed, s.dropped = results.WithLabelValues("delivered"), results.WithLabelValues("failed"), results.WithLabelValues("dropped")
	s.retried = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "earshot_livekit_webhook_retries_total", Help: "Attempts to post an event that failed and were repeated.",
	})
	s.queued = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "earshot_livekit_webhooks_queued", Help: "Events that wait to be posted, those under way included.",
	})
	deps.Metrics.MustRegister(results, s.retried, s.queued)
	return s
}

// Active reports whether anybody is told, so that callers need not describe
// what nobody reads.
func (s *Sender) Active() bool { return len(s.targets) > 0 }

// Post queues an event of a room for every address. It never blocks: where a
// queue is full the event is dropped and counted, and the next one that is taken
// for the address says so. event must not be changed any more.
func (s *Sender) Post(room string, event *wire.WebhookEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for _, t := range s.targets {
		s.queue(t, room, event)
	}
}

// queue adds event to what waits for t. s.mu is held.
func (s *Sender) queue(t *target, room string, event *wire.WebhookEvent) {
	q := t.rooms[room]
	if q != nil && len(q.events) >= maxQueuedOfRoom || t.queued >= maxQueued {
		s.dropped.Inc()
		t.lost++
		return
	}
	if q == nil {
		q = &queue{to: t, room: room}
		t.rooms[room] = q
		s.begun = append(s.begun, q)
		select {
		case s.wake <- struct{}{}:
		default: // Run has not yet looked
		}
	}
	if t.lost > 0 {
		told := *event
		told.NumDropped, t.lost = t.lost, 0
		event = &told
	}
	q.events = append(q.events, event)
	t.queued++
	s.queued.Inc()
}

// Run posts what is queued. It returns when ctx has ended and what was queued
// by then is posted, or a second has passed.
func (s *Sender) Run(ctx context.Context) error {
	attempts, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	var work sync.WaitGroup
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
		case <-s.wake:
		}
		for _, q := range s.take() {
			work.Go(func() { s.empty(attempts, q) })
		}
	}
	close(s.ending)
	late := time.AfterFunc(drain, abort)
	defer late.Stop()
	work.Wait()
	s.client.CloseIdleConnections()
	return nil
}

// take returns the queues that nobody empties yet.
func (s *Sender) take() []*queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := s.begun
	s.begun = nil
	return begun
}

// empty posts what waits in q until nothing does.
func (s *Sender) empty(ctx context.Context, q *queue) {
	for {
		event := s.next(q)
		if event == nil {
			return
		}
		s.tell(ctx, q, event)
		s.mu.Lock()
		q.events[0] = nil
		q.events = q.events[1:]
		q.to.queued--
		s.queued.Dec()
		s.mu.Unlock()
	}
}

// next returns the first event of q, or forgets q where there is none.
func (s *Sender) next(q *queue) *wire.WebhookEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(q.events) > 0 {
		return q.events[0]
	}
	delete(q.to.rooms, q.room)
	return nil
}

// EventID returns a new id of an event.
func EventID() string { return "EV_" + string(earshot.NewEventID())[len("ev_"):] }
