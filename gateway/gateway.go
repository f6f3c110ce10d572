package gateway

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/gateway/desk"
	"earshot/gateway/livekit/webhook"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/npc"
	"earshot/presence/store"
	"earshot/sfu"
	"earshot/sfu/record"
	"earshot/spatialaudio/opus"
)

// farewell is how long goodbyes may travel before connections are closed.
const farewell = 300 * time.Millisecond

// Deps are what a Gateway needs from outside.
type Deps struct {
	Log     *slog.Logger
	Metrics *prometheus.Registry // registered into, and served on the admin listener
	// SFU carries the media. The Gateway runs it and closes it.
	SFU *sfu.SFU
	// Inference routes to model servers. The Gateway runs it; nil where there
	// is none.
	Inference *npc.Inference
	// NPCs are what characters need.
	NPCs NPCs
	// Recordings is where instances are recorded. The Gateway runs it; nil: nothing is.
	Recordings *record.Library
	// Moderation is what judging people needs.
	Moderation Moderation
	// Opus decodes and encodes what is mixed; nil: a pool of its own.
	Opus *opus.Pool
	// Audit is told what every mix is made of: tests.
	Audit desk.Audit
	// Store is what this node shares with others; nil: it is alone.
	Store store.Store
	// Listener and AdminListener replace those that Config names: tests. Relay is
	// the same for the socket on which other nodes reach this one.
	Listener, AdminListener net.Listener
	Relay                   net.PacketConn
}

// Gateway admits participants to the instances of one node.
type Gateway struct {
	cfg       Config
	log       *slog.Logger
	deps      Deps
	keys      *Keys
	devKey    *Key // nil unless Config.Development
	epoch     time.Time
	metrics   *metrics
	app       *fiber.App
	entry     turnstile
	joiners   *pace // joins of each participant
	knocks    *pace // joins from each address
	arrangers *pace // requests of each participant for places and instances
	waiters   *pace // requests of each participant who waits
	patches   *pace // PATCH of each WHIP and WHEP session
	ready     atomic.Bool
	work      sync.WaitGroup // instances, NPCs and closing sessions
	cast      cast

	manager   *manager
	queues    *queues
	reviewer  *reviewer
	fleet     *fleet     // nil: no others share a store with this node
	crossings *crossings // nil where there is a fleet
	lookout   *lookout
	cluster   *spans // nil: no instance spans nodes
	desk      *desk.Desk
	pipeline  *moderation.Pipeline // nil: nothing is judged
	commons   *commons             // nil: what is decided here stays here
	hooks     *webhook.Sender      // tells applications what happens
	agents    agents               // that LiveKit's workers have to offer
	forwards  forwards             // LiveKit clients that other nodes serve

	federated *federated // nil: no other operators

	names   names      // of late, for moderators
	answers answers    // for reporters who are away
	tuning  sync.Mutex // serialises changes of worlds; taken before mu

	mu        sync.Mutex
	closed    bool
	start     func(*Instance)        // set by Run: instances end with it
	worlds    map[string]WorldConfig // as tuned
	instances map[earshot.InstanceID]*Instance
	sessions  map[earshot.SessionID]*session
}

// New checks cfg and prepares a Gateway. Without keys in cfg it generates a
// development key: see DevelopmentKey.
func New(cfg Config, deps Deps) (*Gateway, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	g := &Gateway{
		cfg: cfg, log: deps.Log, deps: deps,
		epoch:     time.Now(),
		metrics:   newMetrics(deps.Metrics),
		entry:     newTurnstile(cfg.MaxJoins),
		joiners:   newPace(protocol.JoinPerSecond, protocol.JoinBurst),
		patches:   newPace(protocol.PatchPerSecond, protocol.PatchBurst),
		arrangers: newPace(arrangePerSecond, arrangeBurst),
		waiters:   newPace(waitPerSecond, waitBurst),
		knocks:    newPace(float64(cfg.MaxJoinsPerAddress), 3*float64(cfg.MaxJoinsPerAddress)),
		worlds:    maps.Clone(cfg.Worlds),
		instances: make(map[earshot.InstanceID]*Instance),
		sessions:  make(map[earshot.SessionID]*session),
	}
	g.queues = newQueues(g)
	g.cast = cast{g: g, roles: make(map[string][]*role)}
	keys := cfg.Keys
	if cfg.Development() {
		key := GenerateDevelopmentKey()
		g.devKey, keys = &key, []Key{key}
	}
	if deps.Opus == nil {
		deps.Opus = new(opus.Pool)
	}
	var err error
	if g.desk, err = desk.New(cfg.Mix, desk.Deps{Log: deps.Log, Metrics: deps.Metrics, SFU: deps.SFU, Opus: deps.Opus, Audit: deps.Audit}); err != nil {
		return nil, err
	}
	if g.keys, err = NewKeys(keys); err != nil {
		return nil, err
	}
	if g.pipeline, err = g.newPipeline(); err != nil {
		return nil, err
	}
	if g.hooks, err = g.newWebhooks(); err != nil {
		return nil, err
	}
	if g.manager, err = newManager(g, cfg.Instances); err != nil {
		return nil, err
	}
	g.reviewer = newReviewer(g, cfg.Instances.Placement)
	var shared store.Store
	if deps.Store == nil {
		g.crossings = newCrossings(g)
	} else {
		if !g.keys.shareRenewal() {
			g.log.Warn("renewed tokens are good on this node only: give all nodes an HS256 key in common")
		}
		shared = newMeteredStore(deps.Store, deps.Metrics)
		g.manager.store = shared
		if g.fleet, err = newFleet(g, cfg.Fleet, shared); err != nil {
			return nil, err
		}
	}
	g.commons = newCommons(g, shared)
	if g.lookout, err = newLookout(g, shared); err != nil {
		return nil, err
	}
	if g.federated, err = newFederated(g); err != nil {
		return nil, err
	}
	if g.cluster, err = newSpans(g); err != nil { // last: it opens a socket
		return nil, err
	}
	g.app = g.routes()
	return g, nil
}

// DevelopmentKey returns the key that New generated, or nil where keys are
// configured.
func (g *Gateway) DevelopmentKey() *Key { return g.devKey }

// Run serves until ctx ends. It then says goodbye to everybody and returns
// after every goroutine it started has returned.
func (g *Gateway) Run(ctx context.Context) error {
	listener, admin, err := g.listen()
	if err != nil {
		return err
	}
	if err := g.recallPolicies(ctx); err != nil { // first: the cast is judged by them
		return err
	}
	if err := g.cast.load(ctx); err != nil {
		return err
	}
	// Media and instances outlive ctx by the farewell.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g.mu.Lock()
	g.start = func(in *Instance) { g.work.Go(func() { in.run(inner) }) }
	g.mu.Unlock()

	failed := make(chan error, 11) // room for each of those below: none waits to end
	var servers sync.WaitGroup
	servers.Go(func() { failed <- g.deps.SFU.Run(inner) })
	servers.Go(func() { failed <- g.app.Listener(listener) })
	if admin != nil {
		servers.Go(func() { failed <- g.serveAdmin(inner, admin) })
	}
	if g.deps.Inference != nil {
		servers.Go(func() { failed <- g.deps.Inference.Run(inner) })
	}
	if g.deps.Recordings != nil {
		servers.Go(func() { failed <- g.deps.Recordings.Run(inner) })
	}
	servers.Go(func() { failed <- g.desk.Run(inner) })
	servers.Go(func() { failed <- g.lookout.run(inner) })
	servers.Go(func() { g.reviewer.run(inner) })
	servers.Go(func() { g.queues.run(inner) })
	if g.fleet != nil {
		servers.Go(func() { failed <- g.fleet.Run(inner) })
		servers.Go(func() { g.fleet.openWorlds(ctx) })
	}
	if g.cluster != nil {
		servers.Go(func() { failed <- g.cluster.mesh.Run(inner) })
	}
	if g.federated != nil {
		servers.Go(func() { g.federated.run(inner) })
	}
	servers.Go(func() { g.cast.follow(inner) })
	servers.Go(func() { g.followAgents(inner) })
	if g.pipeline != nil {
		servers.Go(func() { failed <- g.pipeline.Run(inner) })
	}
	if g.commons != nil {
		servers.Go(func() { g.commons.run(inner) })
	}
	told, finish := context.WithCancel(context.WithoutCancel(ctx)) // until the last has been told of
	defer finish()
	var hooks sync.WaitGroup
	hooks.Go(func() { failed <- g.hooks.Run(told) })
	g.ready.Store(true)
	g.log.Info("serving", "listen", listener.Addr().String(), "media", g.deps.SFU.Addr().String(),
		"development", g.devKey != nil)

	select {
	case <-ctx.Done():
	case err = <-failed:
		if err == nil {
			err = errors.New("gateway: a listener ended by itself")
		}
	}
	g.ready.Store(false)
	if g.fleet != nil && err == nil {
		g.fleet.drain()
	}
	g.queues.close()
	g.goodbye()
	g.lookout.close()
	g.forwards.close()
	g.closeAgents()
	_ = g.app.ShutdownWithTimeout(farewell)
	_ = listener.Close() // of which that knows only where it is served already
	stop()
	servers.Wait()
	g.work.Wait()
	g.commons.finish()
	finish()
	hooks.Wait()
	return err
}

func (g *Gateway) listen() (listener, admin net.Listener, err error) {
	listener, admin = g.deps.Listener, g.deps.AdminListener
	if listener == nil {
		if listener, err = net.Listen("tcp", g.cfg.Listen); err != nil {
			return nil, nil, err
		}
	}
	if admin == nil && g.cfg.Admin != "" {
		if admin, err = net.Listen("tcp", g.cfg.Admin); err != nil {
			listener.Close()
			return nil, nil, err
		}
	}
	return listener, admin, nil
}

// goodbye ends every session with a word, and returns when they are closed.
func (g *Gateway) goodbye() {
	g.mu.Lock()
	g.closed = true
	all := make([]*session, 0, len(g.sessions))
	for _, s := range g.sessions {
		all = append(all, s)
	}
	g.mu.Unlock()
	for _, s := range all {
		s.end(protocol.ReasonShutdown, &protocol.Bye{
			Code:      earshot.CodeUnavailable,
			Message:   "the server is shutting down; join again in a moment",
			Reconnect: true,
		})
	}
	for _, s := range all {
		<-s.done
	}
}

// serverTime is the server clock in poses and messages: milliseconds since the start
// of the node, wrapping after 49 days.
func (g *Gateway) serverTime(now time.Time) uint32 {
	return uint32(now.Sub(g.epoch).Milliseconds())
}

// open returns an instance, which it starts where it does not run.
func (g *Gateway) open(id earshot.InstanceID, name string, world WorldConfig) (*Instance, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.start == nil {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "the server is starting or shutting down; join again in a moment")
	}
	if in, ok := g.instances[id]; ok && !in.retired.Load() {
		return in, nil
	}
	in, err := newInstance(g, id, name, world)
	if err != nil {
		return nil, err
	}
	g.instances[id] = in
	g.start(in)
	return in, nil
}

func (g *Gateway) session(id earshot.SessionID) (*session, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.sessions[id]
	return s, ok
}

func (g *Gateway) addSession(s *session) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return earshot.Errorf(earshot.CodeUnavailable, "the server is shutting down; join again in a moment")
	}
	g.sessions[s.id] = s
	g.metrics.sessions.Set(float64(len(g.sessions)))
	return nil
}

func (g *Gateway) dropSession(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sessions, s.id)
	g.metrics.sessions.Set(float64(len(g.sessions)))
}
