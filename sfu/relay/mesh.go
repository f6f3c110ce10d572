package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"earshot"
	"earshot/sfu/relay/wire"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"
)

// How connections behave.
const (
	handshakeWithin = 5 * time.Second
	// deadAfter is how long nothing may come from a node before the link to it
	// has ended; aliveEvery keeps it from being idle.
	deadAfter  = 2 * time.Second
	aliveEvery = 500 * time.Millisecond
	// packetSize is what UDP carries from the first packet on: it leaves room
	// for the tunnels that clusters are built on.
	packetSize = 1350
	// redialMin and redialMax bound the pause between attempts to reach a peer.
	redialMin, redialMax = 200 * time.Millisecond, 3 * time.Second
)

// Deps is what a Mesh needs from outside.
type Deps struct {
	Log     *slog.Logger          // nil logs nothing
	Metrics prometheus.Registerer // nil registers nothing
	Handler Handler
	Socket  net.PacketConn // nil listens on Config.Listen
}

// Mesh links this node with its peers.
type Mesh struct {
	cfg      Config
	log      *slog.Logger
	handler  Handler
	identity *Identity
	epoch    time.Time
	socket   net.PacketConn
	quic     *quic.Transport

	// mu guards links, and turn that LinkUp and LinkDown of one peer alternate.
	mu    sync.Mutex
	links map[earshot.NodeID]*Link
	turns map[earshot.NodeID]*sync.Mutex
	total Counters // of links that have ended
}

// New opens the socket. Run must be called to serve and, in the end, to close it.
func New(cfg Config, deps Deps) (*Mesh, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	identity, err := NewIdentity(cfg.Node, cfg.Secrets)
	if err != nil {
		return nil, err
	}
	socket := deps.Socket
	if socket == nil {
		address, err := net.ResolveUDPAddr("udp", cfg.Listen)
		if err != nil {
			return nil, fmt.Errorf("relay: %w", err)
		}
		if socket, err = net.ListenUDP("udp", address); err != nil {
			return nil, fmt.Errorf("relay: %w", err)
		}
	}
	m := &Mesh{
		cfg: cfg, log: deps.Log, handler: deps.Handler, identity: identity, epoch: time.Now(), socket: socket,
		quic:  &quic.Transport{Conn: socket, DisableVersionNegotiationPackets: true},
		links: make(map[earshot.NodeID]*Link), turns: make(map[earshot.NodeID]*sync.Mutex),
	}
	for _, p := range cfg.Peers {
		m.turns[p.Node] = new(sync.Mutex)
	}
	if err := m.register(deps.Metrics); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return m, nil
}

// Addr returns where other nodes reach this one.
func (m *Mesh) Addr() net.Addr { return m.socket.LocalAddr() }

// Node returns this node's id.
func (m *Mesh) Node() earshot.NodeID { return m.cfg.Node }

// Peers returns the ids of the other nodes.
func (m *Mesh) Peers() []earshot.NodeID {
	ids := make([]earshot.NodeID, len(m.cfg.Peers))
	for i, p := range m.cfg.Peers {
		ids[i] = p.Node
	}
	return ids
}

// Links returns the links that work.
func (m *Mesh) Links() []*Link {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*Link, 0, len(m.links))
	for _, l := range m.links {
		all = append(all, l)
	}
	return all
}

// Run keeps links to all peers until ctx ends. It returns after every goroutine
// it started has returned.
func (m *Mesh) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listener, err := m.quic.Listen(m.identity.tlsConfig(true, m.admits), config())
	if err != nil {
		return errors.Join(fmt.Errorf("relay: %w", err), m.socket.Close())
	}
	var all sync.WaitGroup
	all.Go(func() { err = m.accept(ctx, listener, &all) })
	for _, p := range m.cfg.Peers {
		if m.cfg.Node < p.Node {
			all.Go(func() { m.keep(ctx, p) })
		}
	}
	all.Wait()
	listener.Close()
	_ = m.quic.Close()
	_ = m.socket.Close()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func config() *quic.Config {
	return &quic.Config{
		Versions: []quic.Version{quic.Version1}, HandshakeIdleTimeout: handshakeWithin, MaxIdleTimeout: deadAfter, KeepAlivePeriod: aliveEvery,
		MaxIncomingStreams: 1, MaxIncomingUniStreams: -1, EnableDatagrams: true, InitialPacketSize: packetSize,
	}
}

// admits reports whether a node is a peer.
func (m *Mesh) admits(node earshot.NodeID) bool { return m.turns[node] != nil }

func (m *Mesh) accept(ctx context.Context, listener *quic.Listener, all *sync.WaitGroup) error {
	for {
		conn, err := listener.Accept(ctx)
		if err != nil {
			return err
		}
		all.Go(func() { m.welcome(ctx, conn) })
	}
}

// welcome serves a connection that a peer has opened.
func (m *Mesh) welcome(ctx context.Context, conn *quic.Conn) {
	node, err := m.who(conn, true)
	if err != nil {
		_ = conn.CloseWithError(codeBye, "")
		return
	}
	within, cancel := context.WithTimeout(ctx, handshakeWithin)
	defer cancel()
	stream, err := conn.AcceptStream(within)
	if err != nil {
		_ = conn.CloseWithError(codeBye, "no stream")
		return
	}
	m.serve(ctx, node, conn, stream)
}

// keep dials a peer again and again.
func (m *Mesh) keep(ctx context.Context, p Peer) {
	pause := redialMin
	for ctx.Err() == nil {
		began := time.Now()
		if err := m.dial(ctx, p); err != nil && ctx.Err() == nil {
			m.log.Warn("no link to a node", "peer", p.Node, "address", p.Address, "error", err)
		}
		if time.Since(began) > redialMax {
			pause = redialMin
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, redialMax)
	}
}

// dial serves a link to a peer until it ends. The error says why there was none.
func (m *Mesh) dial(ctx context.Context, p Peer) error {
	address, err := net.ResolveUDPAddr("udp", p.Address)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, handshakeWithin)
	defer cancel()
	conn, err := m.quic.Dial(within, address, m.identity.tlsConfig(false, func(node earshot.NodeID) bool { return node == p.Node }), config())
	if err != nil {
		return err
	}
	stream, err := conn.OpenStreamSync(within)
	if err != nil {
		_ = conn.CloseWithError(codeBye, "no stream")
		return err
	}
	return m.serve(ctx, p.Node, conn, stream)
}

// who returns which peer a connection is with.
func (m *Mesh) who(conn *quic.Conn, server bool) (earshot.NodeID, error) {
	state := conn.ConnectionState().TLS
	if len(state.PeerCertificates) == 0 {
		return "", errors.New("relay: no certificate")
	}
	return m.identity.verify(&state, usageOf(server), time.Now(), m.admits)
}

// serve says hello and serves the link until it ends.
func (m *Mesh) serve(ctx context.Context, peer earshot.NodeID, conn *quic.Conn, stream *quic.Stream) error {
	hello, err := wire.Append(nil, &wire.Message{Hello: &wire.Hello{Version: wire.Version, Node: m.cfg.Node}})
	if err != nil {
		return err
	}
	_ = stream.SetDeadline(time.Now().Add(handshakeWithin))
	if _, err := stream.Write(hello); err != nil {
		return err
	}
	theirs, err := wire.Read(stream)
	switch {
	case err != nil:
	case theirs.Hello == nil || theirs.Hello.Node != peer:
		err = errors.New("relay: the peer did not say hello as who it is")
	case theirs.Hello.Version != wire.Version:
		err = fmt.Errorf("relay: the peer speaks version %d, this node %d: run the same release on both", theirs.Hello.Version, wire.Version)
	}
	if err != nil {
		_ = conn.CloseWithError(codeVersion, "hello")
		return err
	}
	_ = stream.SetDeadline(time.Time{})
	l := newLink(m, peer, conn, stream)
	if old := m.replace(l); old != nil {
		old.end("the peer connected anew")
	}
	turn := m.turns[peer]
	turn.Lock()
	defer turn.Unlock()
	m.log.Info("linked with a node", "peer", peer)
	l.run(ctx)
	m.log.Info("the link to a node ended", "peer", peer, "cause", context.Cause(conn.Context()))
	m.forget(l)
	return nil
}

func (m *Mesh) replace(l *Link) (old *Link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old = m.links[l.peer]
	m.links[l.peer] = l
	return old
}

func (m *Mesh) forget(l *Link) {
	counters := l.Counters()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total.add(&counters)
	if m.links[l.peer] == l {
		delete(m.links, l.peer)
	}
}

// clock is this node's, in ms, as datagrams have it.
func (m *Mesh) clock(now time.Time) uint32 { return uint32(now.Sub(m.epoch).Milliseconds()) }

// Counters returns what all links have done.
func (m *Mesh) Counters() Counters {
	m.mu.Lock()
	total := m.total
	m.mu.Unlock()
	for _, l := range m.Links() {
		c := l.Counters()
		total.add(&c)
	}
	return total
}
