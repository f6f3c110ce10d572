package netsim

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
)

const (
	defaultClients = 256
	// idle is how long a client may be silent before it is forgotten, as a NAT
	// would; evictable how long before it makes room for another.
	idle      = 2 * time.Minute
	evictable = 10 * time.Second
)

// Config is a Relay.
type Config struct {
	Listen string // UDP address to listen on, such as 127.0.0.1:0
	To     string // UDP address of the server
	Path   Path   // of every client; each has its own
	Seed   uint64
	// MaxClients is how many have a network at a time; 0 is 256. Packets of
	// others are dropped and counted.
	MaxClients int
}

// Relay passes UDP between clients and one server, with a network between
// them: one socket towards the server for each client, as a NAT has it.
type Relay struct {
	cfg    Config
	conn   *Conn                          // towards clients; changes nothing
	dial   func() (net.PacketConn, error) // makes a socket towards the server
	to     netip.AddrPort
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	made     uint64
	refused  int64
	clients  map[netip.AddrPort]*client
	leaving  map[*client]struct{} // whose sockets are being closed
	up, down Stats                // of clients that are gone
}

// client is one of a Relay.
type client struct {
	addr netip.AddrPort
	conn *Conn        // towards the server
	seen atomic.Int64 // when it last sent, ns since 1970
}

// RelayStats is what a Relay did: of all clients, those who are gone included.
type RelayStats struct {
	Clients  int   // now
	Refused  int64 // packets of clients beyond MaxClients
	Up, Down Stats
}

// Listen starts a relay, which runs until ctx ends or Close is called. The
// *earshot.Error is invalid_argument for a bad config, unavailable where the
// address cannot be listened on.
func Listen(ctx context.Context, cfg Config) (*Relay, error) {
	if err := cfg.Path.Validate(); err != nil {
		return nil, err
	}
	if cfg.MaxClients == 0 {
		cfg.MaxClients = defaultClients
	}
	to, err := net.ResolveUDPAddr("udp", cfg.To)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "to is %q: %v", cfg.To, err)
	}
	local, err := net.ResolveUDPAddr("udp", cfg.Listen)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "listen is %q: %v", cfg.Listen, err)
	}
	conn, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "cannot listen on %s: %v", cfg.Listen, err)
	}
	dial := func() (net.PacketConn, error) { return net.ListenUDP("udp", nil) }
	return newRelay(ctx, cfg, conn, dial, to.AddrPort()), nil
}

func newRelay(ctx context.Context, cfg Config, conn net.PacketConn, dial func() (net.PacketConn, error), to netip.AddrPort) *Relay {
	ctx, cancel := context.WithCancel(ctx)
	r := &Relay{
		cfg: cfg, conn: wrap(conn, Path{}, 0, time.Time{}, nil), dial: dial, to: unmapped(to), cancel: cancel,
		clients: map[netip.AddrPort]*client{}, leaving: map[*client]struct{}{},
	}
	r.work.Go(r.run)
	r.work.Go(func() { r.sweep(ctx) })
	return r
}

// Addr returns where clients reach the relay.
func (r *Relay) Addr() *net.UDPAddr { return r.conn.LocalAddr().(*net.UDPAddr) }

// Close ends the relay and returns when everything it started has ended.
func (r *Relay) Close() error {
	r.cancel()
	r.work.Wait()
	return nil
}

// Stats returns what the relay did so far.
func (r *Relay) Stats() RelayStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := RelayStats{Clients: len(r.clients), Refused: r.refused, Up: r.up, Down: r.down}
	for _, c := range r.clients {
		c.addTo(&s.Up, &s.Down)
	}
	for c := range r.leaving {
		c.addTo(&s.Up, &s.Down)
	}
	return s
}

// run takes what clients send.
func (r *Relay) run() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := r.conn.ReadFromAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // of an earlier packet, to somebody who is gone
			continue
		}
		if c := r.client(from); c != nil {
			c.seen.Store(time.Now().UnixNano())
			_, _ = c.conn.WriteToAddrPort(buf[:n], r.to)
		}
	}
}

// client returns the client at an address, a new one where there is room.
func (r *Relay) client(addr netip.AddrPort) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.clients[addr]; c != nil {
		return c
	}
	if r.closed || !r.room() {
		r.refused++
		return nil
	}
	socket, err := r.dial()
	if err != nil { // no more sockets: the client will try again
		r.refused++
		return nil
	}
	r.made++
	c := &client{addr: addr, conn: wrap(socket, r.cfg.Path, r.cfg.Seed<<16+r.made, time.Now(), nil)}
	c.seen.Store(time.Now().UnixNano())
	r.clients[addr] = c
	r.work.Go(func() { r.answer(c) })
	return c
}

// room makes some where a client has been silent. mu is held.
func (r *Relay) room() bool {
	if len(r.clients) < r.cfg.MaxClients {
		return true
	}
	var oldest *client
	for _, c := range r.clients {
		if oldest == nil || c.seen.Load() < oldest.seen.Load() {
			oldest = c
		}
	}
	if oldest == nil || oldest.silent() < evictable {
		return false
	}
	r.drop(oldest)
	return true
}

func (c *client) silent() time.Duration { return time.Since(time.Unix(0, c.seen.Load())) }

// drop forgets a client. mu is held.
func (r *Relay) drop(c *client) {
	delete(r.clients, c.addr)
	r.leaving[c] = struct{}{}
	r.work.Go(func() {
		_ = c.conn.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.leaving, c)
		c.addTo(&r.up, &r.down)
	})
}

// addTo adds what became of the client's packets.
func (c *client) addTo(up, down *Stats) {
	u, d := c.conn.Stats()
	up.Add(&u)
	down.Add(&d)
}

// answer passes what the server sends to a client, until that is dropped.
func (r *Relay) answer(c *client) {
	buf := make([]byte, maxPacket)
	for {
		n, from, err := c.conn.ReadFromAddrPort(buf)
		switch {
		case c.conn.isClosed() || errors.Is(err, net.ErrClosed):
			return
		case err == nil && from == r.to:
			_, _ = r.conn.WriteToAddrPort(buf[:n], c.addr)
		}
	}
}

// sweep drops clients that are silent, and everything when ctx ends.
func (r *Relay) sweep(ctx context.Context) {
	ticker := time.NewTicker(idle / 4)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
		r.mu.Lock()
		r.closed = ctx.Err() != nil
		for _, c := range r.clients {
			if r.closed || c.silent() > idle {
				r.drop(c)
			}
		}
		r.mu.Unlock()
	}
	_ = r.conn.Close()
}
