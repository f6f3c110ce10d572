package loadtest

import (
	"net"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// meteredNet is a network whose UDP sockets are counted.
type meteredNet struct {
	transport.Net
	meters *meters
}

// metered wraps inner; nil is the operating system's network.
func metered(inner transport.Net, m *meters) (transport.Net, error) {
	inner, err := systemNet(inner)
	if err != nil {
		return nil, err
	}
	return &meteredNet{inner, m}, nil
}

// systemNet is n, or the operating system's network where n is nil.
func systemNet(n transport.Net) (transport.Net, error) {
	if n != nil {
		return n, nil
	}
	return stdnet.NewNet()
}

// ListenUDP opens a socket that is counted.
func (n *meteredNet) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	return &meteredConn{c, n.meters}, nil
}

type meteredConn struct {
	transport.UDPConn
	meters *meters
}

// ReadFrom is that of net.PacketConn.
func (c *meteredConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.UDPConn.ReadFrom(b)
	if err == nil {
		c.meters.down.add(kindOf(b[:n]), n)
	}
	return n, from, err
}

// WriteTo is that of net.PacketConn.
func (c *meteredConn) WriteTo(b []byte, to net.Addr) (int, error) {
	n, err := c.UDPConn.WriteTo(b, to)
	if err == nil {
		c.meters.up.add(kindOf(b), n)
	}
	return n, err
}
