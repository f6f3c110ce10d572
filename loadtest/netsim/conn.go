package netsim

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/transport/v4/deadline"
)

// linger is how long Close waits at most for packets that were sent before it.
const linger = time.Second

// Conn is a socket behind a network: what is written takes the way up, what is
// read came the way down. Writing never blocks. Read deadlines are exact;
// write deadlines mean nothing where packets are held, for nothing waits.
//
// It has a goroutine for each direction that holds packets. Those end with
// Close, which first lets what was sent leave, for at most a second, since a
// network does not lose the last words of somebody who hangs up.
type Conn struct {
	inner    net.PacketConn
	udp      *net.UDPConn // inner, where it is one: its addresses cost nothing
	up, down *way         // nil where nothing is changed

	deadline *deadline.Deadline // of reading
	expired  func() <-chan struct{}
	closing  chan struct{}
	abandon  chan struct{} // what is still to be sent is given up
	flushed  chan struct{}
	work     sync.WaitGroup
	close    sync.Once
	closeErr error
	closed   func(*Conn) // told of the end; may be nil
}

var _ net.PacketConn = (*Conn)(nil)

// Wrap puts a network between conn and its user, up for what is written and
// down for what is read, from now on. Closing the result closes conn. Where
// both profiles are zero that is conn itself, else a *Conn. Profiles must be
// valid.
func Wrap(conn net.PacketConn, up, down Profile, seed uint64) net.PacketConn {
	if up.Zero() && down.Zero() {
		return conn
	}
	return wrap(conn, Path{up, down}, seed, time.Now(), nil)
}

func wrap(conn net.PacketConn, path Path, seed uint64, start time.Time, closed func(*Conn)) *Conn {
	c := &Conn{
		inner: conn, deadline: deadline.New(), closed: closed,
		closing: make(chan struct{}), abandon: make(chan struct{}), flushed: make(chan struct{}),
		up: newWay(path.Up, 2*seed, start), down: newWay(path.Down, 2*seed+1, start),
	}
	c.expired = c.deadline.Done
	c.udp, _ = conn.(*net.UDPConn)
	if c.up.holds() {
		c.work.Go(c.deliver)
	} else {
		close(c.flushed)
	}
	if c.down.holds() {
		c.work.Go(c.pump)
	}
	return c
}

// Stats returns what happened both ways.
func (c *Conn) Stats() (up, down Stats) { return c.up.stats(), c.down.stats() }

// deliver writes what was sent when it is due.
func (c *Conn) deliver() {
	defer close(c.flushed)
	for {
		p, err := c.up.take(c.abandon, net.ErrClosed, never)
		if err != nil {
			return
		}
		_, _ = c.write(p.data, p.peer) // a network does not report
		c.up.recycle(p.data)
	}
}

func never() <-chan struct{} { return nil }

// pump reads what came and sends it on its way to whoever reads.
func (c *Conn) pump() {
	buf := make([]byte, maxPacket)
	for {
		n, p, err := c.read(buf)
		switch {
		case err == nil:
			c.down.put(buf[:n], p)
		case c.isClosed():
			return
		case errors.Is(err, net.ErrClosed):
			c.down.end(err)
			return
		default:
			c.down.fail(err, c.closing)
		}
	}
}

func (c *Conn) isClosed() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

func (c *Conn) read(b []byte) (int, peer, error) {
	if c.udp != nil {
		n, ap, err := c.udp.ReadFromUDPAddrPort(b)
		return n, peer{ap: unmapped(ap)}, err
	}
	n, addr, err := c.inner.ReadFrom(b)
	if err != nil {
		return n, peer{}, err
	}
	return n, peerOf(addr), nil
}

func (c *Conn) write(b []byte, p peer) (int, error) {
	if c.udp != nil && p.other == nil {
		return c.udp.WriteToUDPAddrPort(b, p.ap)
	}
	return c.inner.WriteTo(b, p.addr())
}

// receive is reading, for every form of address.
func (c *Conn) receive(b []byte) (int, peer, error) {
	if c.down.holds() {
		p, err := c.down.take(c.closing, net.ErrClosed, c.expired)
		if err != nil {
			return 0, peer{}, &net.OpError{Op: "read", Net: "udp", Source: c.LocalAddr(), Err: err}
		}
		n := copy(b, p.data)
		c.down.recycle(p.data)
		return n, p.peer, nil
	}
	for {
		n, p, err := c.read(b)
		if err != nil || c.down == nil || c.down.passes(n) {
			return n, p, err
		}
	}
}

// send is writing, for every form of address.
func (c *Conn) send(b []byte, p peer) (int, error) {
	switch {
	case c.isClosed():
		return 0, &net.OpError{Op: "write", Net: "udp", Source: c.LocalAddr(), Err: net.ErrClosed}
	case c.up.holds():
		c.up.put(b, p)
	case c.up == nil || c.up.passes(len(b)):
		return c.write(b, p)
	}
	return len(b), nil
}

// ReadFrom implements net.PacketConn.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, p, err := c.receive(b)
	if err != nil {
		return n, nil, err
	}
	return n, p.addr(), nil
}

// WriteTo implements net.PacketConn.
func (c *Conn) WriteTo(b []byte, addr net.Addr) (int, error) { return c.send(b, peerOf(addr)) }

// ReadFromAddrPort is ReadFrom without allocating an address (pion's
// ice.AddrPortReaderWriter).
func (c *Conn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, p, err := c.receive(b)
	return n, p.ap, err
}

// WriteToAddrPort is WriteTo without allocating an address.
func (c *Conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return c.send(b, peer{ap: unmapped(to)})
}

// LocalAddr implements net.PacketConn.
func (c *Conn) LocalAddr() net.Addr { return c.inner.LocalAddr() }

// SetDeadline implements net.PacketConn.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.PacketConn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.down.holds() {
		c.deadline.Set(t)
		return nil
	}
	return c.inner.SetReadDeadline(t)
}

// SetWriteDeadline implements net.PacketConn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.up.holds() {
		return nil
	}
	return c.inner.SetWriteDeadline(t)
}

// Close implements net.PacketConn. It returns when everything the Conn started
// has ended, and may be called again.
func (c *Conn) Close() error {
	c.close.Do(func() {
		close(c.closing)
		if c.up.holds() {
			c.up.end(net.ErrClosed)
		}
		patience := time.NewTimer(linger)
		defer patience.Stop()
		select {
		case <-c.flushed:
		case <-patience.C:
			close(c.abandon)
			<-c.flushed
		}
		c.closeErr = c.inner.Close()
		c.work.Wait()
		c.deadline.Set(time.Time{}) // stops its timer
		if c.closed != nil {
			c.closed(c)
		}
	})
	return c.closeErr
}
