// Package gate accepts TCP connections of strangers within limits: so many at
// once, so many from one address of which nothing is known yet, each with a
// time within which it has to become known. Whoever uses a connection says so
// by Prove, when its other end has shown a secret.
//
// It owns the listening socket and the accepted connections until they are
// closed. It does not read from them, but for a TLS handshake where it is asked
// for one. Package sfu uses it for ICE over TCP, sfu/turn for TURN; all methods
// may be called from any goroutine.
package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits are what strangers may take.
type Limits struct {
	// Connections may be open at once, Unproven of one address of those that
	// nobody vouched for yet.
	Connections, Unproven int
	// ProveWithin is how long a connection may stay unproven, its TLS handshake
	// included.
	ProveWithin time.Duration
	// WriteBuffer is asked of the system for each connection, in bytes: what lies
	// there is late. 0 leaves it to the system.
	WriteBuffer int
	// TLS, unless it is nil, is done before a connection is handed out.
	TLS *tls.Config
}

// Waits after the system refused to accept, as when no file descriptor is left.
const (
	firstPause = 5 * time.Millisecond
	longPause  = time.Second
)

// Listener is a net.Listener within limits.
type Listener struct {
	inner   net.Listener
	limits  Limits
	ready   chan *Conn
	done    chan struct{}
	work    sync.WaitGroup
	refused atomic.Uint64

	// mu guards what follows.
	mu       sync.Mutex
	closed   bool
	conns    map[*Conn]struct{}
	unproven map[netip.Addr]int
}

var _ net.Listener = (*Listener)(nil)

// Listen takes a listener over and begins to accept.
func Listen(inner net.Listener, limits Limits) *Listener {
	l := &Listener{
		inner: inner, limits: limits, ready: make(chan *Conn), done: make(chan struct{}),
		conns: make(map[*Conn]struct{}), unproven: make(map[netip.Addr]int),
	}
	l.work.Go(l.run)
	return l
}

// Accept returns the next connection, a *Conn, or net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Next()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Next is Accept with the type.
func (l *Listener) Next() (*Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Addr returns the address it listens on.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Open returns how many connections are open.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// Refused returns how many connections were closed for a limit.
func (l *Listener) Refused() uint64 { return l.refused.Load() }

// Close ends listening and every connection. It returns when the goroutines
// of the listener have ended, and may be called more than once.
func (l *Listener) Close() error {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	all := make([]*Conn, 0, len(l.conns))
	for c := range l.conns {
		all = append(all, c)
	}
	l.mu.Unlock()
	var err error
	if first {
		close(l.done)
		err = l.inner.Close()
	}
	for _, c := range all {
		_ = c.Close() // its other end finds out
	}
	l.work.Wait()
	return err
}

// run accepts until the listener is closed. Other errors pass: a server that
// stops accepting because descriptors were short for a moment would never do so
// again.
func (l *Listener) run() {
	pause := firstPause
	for {
		conn, err := l.inner.Accept()
		if err == nil {
			pause = firstPause
			l.admit(conn)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-l.done:
			timer.Stop()
			return
		case <-timer.C:
			pause = min(2*pause, longPause)
		}
	}
}

func (l *Listener) admit(raw net.Conn) {
	if t, ok := raw.(*net.TCPConn); ok && l.limits.WriteBuffer > 0 {
		_ = t.SetWriteBuffer(l.limits.WriteBuffer)
	}
	c := &Conn{Conn: raw, gate: l, from: address(raw.RemoteAddr())}
	if !l.take(c) {
		l.refused.Add(1)
		_ = raw.Close()
		return
	}
	if l.limits.TLS == nil {
		l.hand(c)
		return
	}
	secure := tls.Server(raw, l.limits.TLS)
	c.Conn = secure
	l.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), l.limits.ProveWithin)
		defer cancel()
		if secure.HandshakeContext(ctx) != nil {
			_ = c.Close()
			return
		}
		l.hand(c)
	})
}

// take counts a connection, if there is room for it.
func (l *Listener) take(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.conns) >= l.limits.Connections || l.unproven[c.from] >= l.limits.Unproven {
		return false
	}
	l.conns[c] = struct{}{}
	l.unproven[c.from]++
	c.overdue = time.AfterFunc(l.limits.ProveWithin, func() {
		l.refused.Add(1)
		_ = c.Close()
	})
	return true
}

func (l *Listener) hand(c *Conn) {
	select {
	case l.ready <- c:
	case <-l.done:
		_ = c.Close()
	}
}

func address(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// Conn is an accepted connection.
type Conn struct {
	net.Conn
	gate    *Listener
	from    netip.Addr
	overdue *time.Timer
	proven  atomic.Bool // written under the gate's mutex
	ended   bool        // guarded by it
}

// Prove says that the other end is known: it may stay. Further calls do
// nothing, at the price of a load.
func (c *Conn) Prove() {
	if c.proven.Load() {
		return
	}
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	if c.ended || c.proven.Load() {
		return
	}
	c.overdue.Stop()
	c.known()
}

// known counts c as unproven no more. The gate's mutex is held.
func (c *Conn) known() {
	if c.proven.Swap(true) {
		return
	}
	if c.gate.unproven[c.from]--; c.gate.unproven[c.from] == 0 {
		delete(c.gate.unproven, c.from)
	}
}

// Close ends the connection. It may be called more than once.
func (c *Conn) Close() error {
	c.gate.mu.Lock()
	if c.ended {
		c.gate.mu.Unlock()
		return nil
	}
	c.ended = true
	c.overdue.Stop()
	c.known()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
