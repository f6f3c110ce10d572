package netsim

import (
	"net"
	"sync"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// Net is the network interface of one pion client, with a network behind it:
// every socket of ListenUDP and ListenPacket is wrapped, TCP and names are not.
// ICE takes its host sockets from there. Blackouts count from NewNet, so that
// a restart of ICE does not evade them. It has nothing to close: the sockets
// end what they started.
type Net struct {
	transport.Net
	path  Path
	seed  uint64
	start time.Time

	mu       sync.Mutex
	made     uint64
	open     map[*Conn]struct{}
	up, down Stats // of sockets that are closed
}

var _ transport.Net = (*Net)(nil)

// NewNet returns inner behind a valid path. Many may share one inner.
func NewNet(inner transport.Net, path Path, seed uint64) *Net {
	return &Net{Net: inner, path: path, seed: seed, start: time.Now(), open: map[*Conn]struct{}{}}
}

// NewSystemNet returns the machine's own network behind a valid path.
func NewSystemNet(path Path, seed uint64) (*Net, error) {
	inner, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return NewNet(inner, path, seed), nil
}

// ListenUDP implements transport.Net.
func (n *Net) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := n.Net.ListenUDP(network, local)
	if err != nil || n.path.Zero() {
		return conn, err
	}
	return &udpConn{Conn: n.wrap(conn), inner: conn}, nil
}

// ListenPacket implements transport.Net.
func (n *Net) ListenPacket(network, address string) (net.PacketConn, error) {
	conn, err := n.Net.ListenPacket(network, address)
	if err != nil || n.path.Zero() {
		return conn, err
	}
	return n.wrap(conn), nil
}

func (n *Net) wrap(conn net.PacketConn) *Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	c := wrap(conn, n.path, n.seed<<16+n.made, n.start, n.forget)
	n.open[c] = struct{}{}
	return c
}

func (n *Net) forget(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	up, down := c.Stats()
	n.up.Add(&up)
	n.down.Add(&down)
	delete(n.open, c)
}

// Stats returns what happened both ways on all sockets together.
func (n *Net) Stats() (up, down Stats) {
	n.mu.Lock()
	defer n.mu.Unlock()
	up, down = n.up, n.down
	for c := range n.open {
		u, d := c.Stats()
		up.Add(&u)
		down.Add(&d)
	}
	return up, down
}
