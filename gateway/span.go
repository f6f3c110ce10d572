package gateway

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/relay"
	"earshot/sfu/relay/wire"
)

// A span is an instance that runs on several nodes at once. Each node owns the
// people who are connected to it; those of the others are ghosts here: members
// without a line, whose voices and pictures are sfu.Remote. For each other node
// that runs the instance there is an end, which says there what it must know of
// our people, copies to it what is wanted there, and takes what comes of theirs.
// Nothing of a ghost is passed on to a third node.

// spans links this node's spans with those of other nodes. It is nil where
// the node stands alone.
type spans struct {
	g    *Gateway
	cfg  *ClusterConfig
	mesh *relay.Mesh
	log  *slog.Logger

	// mu guards what follows. It is never held across a call.
	mu      sync.Mutex
	links   map[*relay.Link]*peer
	spans   map[earshot.InstanceID]*span
	channel uint16 // the last that was given to a span

	coasts coasts
}

// peer is another node while there is a link to it. mu guards it, and is never
// held across a call but of relay.
type peer struct {
	link   *relay.Link
	coasts peerCoasts

	mu     sync.Mutex
	ends   map[uint16]*end // by the other node's channel
	copies map[uint16]*outgoing
	orders map[uint64]func() // what to do when an order holds there
	order  uint64            // the last that was given
}

// span is what an Instance has of it; nil where it does not span.
type span struct {
	c           *spans
	in          *Instance
	channel     uint16
	incarnation uint64
	ends        atomic.Pointer[[]*end] // replaced under mu
	mu          sync.Mutex
}

var _ relay.Handler = (*spans)(nil)

// newCluster opens the socket for other nodes.
func newSpans(g *Gateway) (*spans, error) {
	if g.cfg.Cluster.Node == "" {
		return nil, nil
	}
	c := &spans{
		g: g, cfg: &g.cfg.Cluster, log: g.log, links: make(map[*relay.Link]*peer), spans: make(map[earshot.InstanceID]*span),
	}
	var err error
	deps := relay.Deps{Log: g.log, Handler: c, Socket: g.deps.Relay}
	if g.deps.Metrics != nil {
		deps.Metrics = g.deps.Metrics
	}
	c.mesh, err = relay.New(g.cfg.Cluster.relay(), deps)
	return c, err
}

// span makes an instance known to the other nodes; nil where its world is not
// shared.
func (c *spans) span(in *Instance) *span {
	if c == nil || !c.cfg.spans(in.world) {
		return nil
	}
	sp := &span{c: c, in: in, incarnation: rand.Uint64()}
	sp.ends.Store(&[]*end{})
	return sp
}

// open says to all other nodes that the instance runs here.
func (sp *span) open() {
	if sp == nil {
		return
	}
	c := sp.c
	c.mu.Lock()
	c.channel++
	sp.channel = c.channel
	c.spans[sp.in.id] = sp
	peers := c.peers()
	c.mu.Unlock()
	for _, p := range peers {
		p.link.Send(sp.opening(true))
	}
}

// close says that it does not any more.
func (sp *span) close() {
	if sp == nil {
		return
	}
	c := sp.c
	c.mu.Lock()
	delete(c.spans, sp.in.id)
	peers := c.peers()
	c.mu.Unlock()
	for _, p := range peers {
		p.link.Send(&wire.Message{Close: &wire.Close{Channel: sp.channel}})
	}
	for _, e := range *sp.ends.Load() {
		e.close()
	}
}

// home reports whether the instance's NPCs live on this node.
func (sp *span) home() bool { return sp != nil && sp.c.cfg.home() == sp.c.cfg.Node }

func (sp *span) opening(answer bool) *wire.Message {
	return &wire.Message{Open: &wire.Open{Channel: sp.channel, Instance: sp.in.id, Incarnation: sp.incarnation, Answer: answer}}
}

// peers lists the links. c.mu is held.
func (c *spans) peers() []*peer {
	all := make([]*peer, 0, len(c.links))
	for _, p := range c.links {
		all = append(all, p)
	}
	return all
}

func (c *spans) peer(l *relay.Link) *peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.links[l]
}

// LinkUp implements relay.Handler.
func (c *spans) LinkUp(l *relay.Link) {
	p := &peer{
		link: l, ends: make(map[uint16]*end), copies: make(map[uint16]*outgoing), orders: make(map[uint64]func()),
	}
	c.mu.Lock()
	c.links[l] = p
	spans := make([]*span, 0, len(c.spans))
	for _, sp := range c.spans {
		spans = append(spans, sp)
	}
	c.mu.Unlock()
	for _, sp := range spans {
		l.Send(sp.opening(true))
	}
	c.tellCoasts(p)
}

// LinkDown implements relay.Handler: who is on the other node is gone from here,
// and nothing is copied to it any more.
func (c *spans) LinkDown(l *relay.Link) {
	c.mu.Lock()
	p := c.links[l]
	delete(c.links, l)
	c.mu.Unlock()
	p.mu.Lock()
	ends := make([]*end, 0, len(p.ends))
	for _, e := range p.ends {
		ends = append(ends, e)
	}
	p.mu.Unlock()
	for _, e := range ends {
		e.close()
	}
	c.endCoasts(p)
}

// Message implements relay.Handler.
func (c *spans) Message(l *relay.Link, m *wire.Message) {
	p := c.peer(l)
	switch {
	case m.Open != nil:
		c.onOpen(p, m.Open)
	case m.Close != nil:
		if e := p.end(m.Close.Channel); e != nil {
			e.close()
		}
	case m.Joined != nil:
		p.end(m.Joined.Channel).onJoined(m.Joined)
	case m.Left != nil:
		p.end(m.Left.Channel).onLeft(m.Left)
	case m.State != nil:
		p.end(m.State.Channel).onState(m.State)
		p.acknowledge(m.State.Order)
	case m.Block != nil:
		p.end(m.Block.Channel).onBlock(m.Block)
		p.acknowledge(m.Block.Order)
	case m.Ack != nil:
		p.onAck(m.Ack)
	case m.Want != nil:
		c.onWant(p, m.Want)
	case m.Look != nil:
		c.endOf(p, m.Look.Channel).onLook(m.Look)
	case m.KeyFrame != nil:
		p.onKeyFrame(m.KeyFrame)
	case m.Clock != nil:
		p.onClock(m.Clock)
	case m.Tell != nil:
		p.end(m.Tell.Channel).onTell(m.Tell)
	case m.Evict != nil:
		c.endOf(p, m.Evict.Channel).onEvict(m.Evict)
	case m.Moderate != nil:
		c.endOf(p, m.Moderate.Channel).onModerate(m.Moderate)
	case m.Coast != nil:
		c.onCoast(p, m.Coast)
	case m.Visitors != nil:
		c.onVisitors(p, m.Visitors, time.Now())
	case m.Gone != nil:
		p.onGone(m.Gone)
	case m.Shun != nil:
		p.onShun(m.Shun)
		p.acknowledge(m.Shun.Order)
	}
}

// Pose implements relay.Handler.
func (c *spans) Pose(l *relay.Link, kind wire.Kind, pose *wire.Pose, clock uint32, now time.Time) {
	p := c.peer(l)
	if p == nil {
		return
	}
	if kind == wire.KindVisitor {
		p.onVisitor(pose, clock, now)
		return
	}
	if e := p.end(pose.Channel); e != nil {
		e.onPose(kind, pose, clock, now)
	}
}

// onOpen begins to share an instance with another node.
func (c *spans) onOpen(p *peer, m *wire.Open) {
	c.mu.Lock()
	sp := c.spans[m.Instance]
	c.mu.Unlock()
	if sp == nil {
		if world := worldOf(m.Instance); c.cfg.spans(world) && c.cfg.home() == c.cfg.Node {
			c.g.work.Go(func() { _, _ = c.g.run(m.Instance, world) }) // for its NPCs: that says Open
		}
		return
	}
	for _, e := range *sp.ends.Load() {
		if e.peer != p {
			continue
		}
		if e.incarnation == m.Incarnation && e.theirs == m.Channel {
			if m.Answer {
				p.link.Send(sp.opening(false))
			}
			return
		}
		e.close() // it began anew there
	}
	if m.Answer {
		p.link.Send(sp.opening(false))
	}
	e := newEnd(sp, p, m)
	c.mu.Lock()
	runs := c.spans[m.Instance] == sp
	c.mu.Unlock()
	if !runs { // it has closed meanwhile, maybe without this end
		e.close()
	}
}

// end returns what the other node calls a channel, nil for none.
func (p *peer) end(theirs uint16) *end {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends[theirs]
}

// endOf returns the end of one of our channels, nil for none.
func (c *spans) endOf(p *peer, ours uint16) *end {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.ends {
		if e.span.channel == ours {
			return e
		}
	}
	return nil
}

// give sends an order and calls held when it holds there. A link that ends
// meanwhile takes everything along that the order is about.
func (p *peer) give(held func(), say func(order uint64) *wire.Message) {
	p.mu.Lock()
	p.order++
	p.orders[p.order] = held
	order := p.order
	p.mu.Unlock()
	p.link.Send(say(order))
}

// acknowledge says that an order holds here.
func (p *peer) acknowledge(order uint64) {
	if order != 0 {
		p.link.Send(&wire.Message{Ack: &wire.Ack{Order: order}})
	}
}

func (p *peer) onAck(m *wire.Ack) {
	p.mu.Lock()
	held := p.orders[m.Order]
	delete(p.orders, m.Order)
	p.mu.Unlock()
	if held != nil {
		held()
	}
}
