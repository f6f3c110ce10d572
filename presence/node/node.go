package node

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

const (
	// tick is how often the machine is told of the time.
	tick = 100 * time.Millisecond
	// maxCalls bounds the calls to the store at once; the rest wait in line.
	maxCalls = 256
	// maxMessages bounds those that wait to be sent. More are dropped, as on
	// their way: what matters is sent again.
	maxMessages = 1024
	// reconnect is how long after a broken subscription the next is tried.
	reconnect = 200 * time.Millisecond
)

// Handler does what events say.
type Handler interface {
	OnEvent(cluster.Event)
}

// Deps are what a Node needs from outside.
type Deps struct {
	Log     *slog.Logger
	Store   store.Store // closed by whoever opened it
	Handler Handler
	// Measure says how loaded the node is; called every second. Nil: not at all.
	Measure func() cluster.Load
}

// Node is this process in its cluster.
type Node struct {
	id    earshot.NodeID
	deps  Deps
	began time.Time

	answerWithin time.Duration

	// mu guards the machine and what follows. It is not held across a call into
	// the store or the handler.
	mu      sync.Mutex
	machine *cluster.Node
	waiting map[cluster.Key]chan cluster.Event // joins that wait for their end
	opening map[earshot.InstanceID][]chan cluster.Event
	seats   map[earshot.ParticipantID]*seat // who is here
	calls   []cluster.Call                  // that wait for their turn
	asking  int                             // calls at the store

	events   queue
	messages chan cluster.Message
	work     sync.WaitGroup // calls
	quit     chan struct{}  // closed when Run ends
}

// seat is a participant who was admitted here.
type seat struct {
	key    cluster.Key
	orders cluster.Orders
}

// New returns a Node that owns nothing yet. The error is that of cluster.New.
func New(cfg cluster.Config, record cluster.NodeRecord, deps Deps) (*Node, error) {
	machine, err := cluster.New(cfg, record)
	if err != nil {
		return nil, err
	}
	return &Node{
		id: record.Node, deps: deps, began: time.Now(), answerWithin: cfg.Answer, machine: machine,
		waiting: make(map[cluster.Key]chan cluster.Event), opening: make(map[earshot.InstanceID][]chan cluster.Event),
		seats:  make(map[earshot.ParticipantID]*seat),
		events: newQueue(), messages: make(chan cluster.Message, maxMessages), quit: make(chan struct{}),
	}, nil
}

// ID is the node's.
func (n *Node) ID() earshot.NodeID { return n.id }

// Run takes part in the cluster until ctx ends. It returns after every goroutine
// it started has. It does not drain: see Drain.
func (n *Node) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { n.events.deliver(ctx, n.deps.Handler.OnEvent) })
	all.Go(func() { n.sendMessages(ctx) })
	all.Go(func() { n.receive(ctx) })
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for beat := 0; ; beat++ {
		n.input(func(m *cluster.Node, now cluster.Now) {
			if beat%int(time.Second/tick) == 0 && n.deps.Measure != nil {
				m.Measure(n.deps.Measure(), now)
			}
			m.Tick(now)
		})
		select {
		case <-ctx.Done():
			n.mu.Lock()
			close(n.quit)
			n.calls = nil
			n.mu.Unlock()
			n.work.Wait()
			all.Wait()
			return nil
		case <-ticker.C:
		}
	}
}

// input gives the machine something and passes on what that brought about.
func (n *Node) input(f func(m *cluster.Node, now cluster.Now)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	wall := time.Now()
	f(n.machine, cluster.Now{Mono: wall.Sub(n.began), Wall: wall})
	out := n.machine.Output()
	for _, e := range out.Events {
		n.note(e)
	}
	for _, m := range out.Messages {
		select {
		case n.messages <- m:
		default:
		}
	}
	n.calls = append(n.calls, out.Calls...)
	n.ask()
}

// note keeps account of who is here, and hands e to who waits for it, or else to
// the handler. mu is held.
func (n *Node) note(e cluster.Event) {
	id := e.Key.Participant
	switch e.Kind {
	case cluster.Admitted:
		n.seats[id] = &seat{e.Key, e.Orders}
	case cluster.Enforce:
		if s := n.seats[id]; s != nil {
			s.orders.Merge(e.Order)
		}
	case cluster.Ended, cluster.Released: // Moved is still under the orders that hold here
		if s := n.seats[id]; s != nil && s.key == e.Key {
			delete(n.seats, id)
		}
	case cluster.Granted, cluster.Refused:
		if e.Kind == cluster.Granted || e.Key == (cluster.Key{}) {
			for _, c := range n.opening[e.Instance] {
				c <- e
			}
			delete(n.opening, e.Instance)
		}
	}
	if e.Kind == cluster.Admitted || e.Kind == cluster.Refused {
		if c, ok := n.waiting[e.Key]; ok {
			delete(n.waiting, e.Key)
			c <- e
			return
		}
	}
	n.events.put(e)
}

// ask sends as many of the waiting calls as may be under way. mu is held.
func (n *Node) ask() {
	select {
	case <-n.quit:
		n.calls = nil
		return
	default:
	}
	for len(n.calls) > 0 && n.asking < maxCalls {
		c := n.calls[0]
		n.calls = n.calls[1:]
		n.asking++
		n.work.Go(func() { n.do(c) })
	}
}

func (n *Node) do(c cluster.Call) {
	ctx, cancel := context.WithTimeout(context.Background(), n.answerWithin)
	defer cancel()
	reply, err := n.deps.Store.Do(ctx, c.Op)
	if err != nil {
		reply = cluster.Reply{}
		if earshot.CodeOf(err) == earshot.CodeInvalidArgument {
			n.deps.Log.Error("the store takes no such operation", "tag", c.Op.Tag(), "error", err)
		}
	}
	n.mu.Lock()
	n.asking--
	n.mu.Unlock()
	n.input(func(m *cluster.Node, now cluster.Now) { m.Answer(c.ID, reply, now) })
}

// sendMessages sends one after the other. A slow store costs messages, which the
// machine sends again, not calls.
func (n *Node) sendMessages(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-n.messages:
			if m.To == n.id {
				n.input(func(machine *cluster.Node, now cluster.Now) { machine.Receive(m, now) })
				continue
			}
			within, cancel := context.WithTimeout(ctx, n.answerWithin)
			_ = n.deps.Store.Send(within, m.To, Encode(m))
			cancel()
		}
	}
}

func (n *Node) receive(ctx context.Context) {
	for ctx.Err() == nil {
		_ = n.deps.Store.Receive(ctx, n.id, func() {}, func(data []byte) {
			m, err := Decode(data)
			if err != nil {
				n.deps.Log.Warn("a message of another node is damaged", "error", err)
				return
			}
			n.input(func(machine *cluster.Node, now cluster.Now) { machine.Receive(m, now) })
		})
		select {
		case <-ctx.Done():
		case <-time.After(reconnect):
		}
	}
}
