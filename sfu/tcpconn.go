package sfu

import (
	"bufio"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu/egress"
	doors "earshot/sfu/gate"
)

// What may wait for a connection over TCP, in bytes, and how long the other end
// may take none of it.
const (
	tcpQueue  = 128 << 10
	tcpRead   = 4 << 10
	tcpStalls = 10 * time.Second
)

// tcpCounters count over all connections.
type tcpCounters struct{ sent, dropped atomic.Uint64 }

// tcpConn is a connection on which packets travel in frames (RFC 4571). pion
// reads and writes it, and egress writes sealed packets between pion's. Neither
// ever waits: what the other end does not take is dropped, as a full UDP socket
// does it. One goroutine sends what waits, as much at once as there is.
type tcpConn struct {
	*doors.Conn
	door   *tcpDoor
	from   netip.AddrPort
	local  net.Addr
	reader *bufio.Reader
	wake   chan struct{}
	done   chan struct{}
	once   sync.Once

	// mu guards what waits.
	mu      sync.Mutex
	waiting []byte
	closed  bool
}

var _ egress.Way = (*tcpConn)(nil)

func newTCPConn(d *tcpDoor, accepted *doors.Conn) *tcpConn {
	c := &tcpConn{
		Conn: accepted, door: d, local: accepted.LocalAddr(), reader: bufio.NewReaderSize(accepted, tcpRead),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if a, ok := accepted.RemoteAddr().(*net.TCPAddr); ok {
		at := a.AddrPort()
		c.from = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	if a, ok := c.local.(*net.TCPAddr); ok && d.rewritten {
		c.local = &net.TCPAddr{IP: net.IPv4zero, Port: a.Port}
	}
	d.add(c)
	go c.send()
	return c
}

// LocalAddr returns the address by which the mux finds the session.
func (c *tcpConn) LocalAddr() net.Addr { return c.local }

// Read reads ahead.
func (c *tcpConn) Read(b []byte) (int, error) { return c.reader.Read(b) }

// Write queues what pion sends: one frame. pion writes to nobody before a valid
// check, so the other end is known.
func (c *tcpConn) Write(frame []byte) (int, error) {
	c.Prove()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	if c.room(len(frame)) {
		c.waiting = append(c.waiting, frame...)
		c.nudge()
	}
	return len(frame), nil
}

// WritePacket queues a packet.
func (c *tcpConn) WritePacket(packet []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && c.room(2+len(packet)) {
		c.waiting = binary.BigEndian.AppendUint16(c.waiting, uint16(len(packet)))
		c.waiting = append(c.waiting, packet...)
		c.nudge()
	}
}

// room reports whether so many bytes may be queued, and counts. mu is held.
func (c *tcpConn) room(n int) bool {
	if len(c.waiting)+n > tcpQueue {
		c.door.counters.dropped.Add(1)
		return false
	}
	c.door.counters.sent.Add(1)
	return true
}

func (c *tcpConn) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send writes what waits until the connection is closed.
func (c *tcpConn) send() {
	var leaving []byte
	for {
		select {
		case <-c.wake:
		case <-c.done:
			return
		}
		c.mu.Lock()
		leaving, c.waiting = c.waiting, leaving[:0]
		c.mu.Unlock()
		if len(leaving) == 0 {
			continue
		}
		_ = c.Conn.SetWriteDeadline(time.Now().Add(tcpStalls)) // fails where it is closed, as Write does then
		if _, err := c.Conn.Write(leaving); err != nil {
			_ = c.Close()
			return
		}
	}
}

// Close drops what waits. It may be called more than once.
func (c *tcpConn) Close() error {
	c.once.Do(func() {
		c.door.remove(c)
		c.mu.Lock()
		c.closed, c.waiting = true, nil
		c.mu.Unlock()
		close(c.done)
	})
	return c.Conn.Close()
}
