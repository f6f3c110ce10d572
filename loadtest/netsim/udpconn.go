package netsim

import (
	"net"

	"github.com/pion/transport/v4"

	"earshot"
)

// udpConn is a Conn with the other methods that pion asks of a UDP socket. It
// is not connected: what needs a remote address is the inner socket's to
// refuse.
type udpConn struct {
	*Conn
	inner transport.UDPConn
}

var _ transport.UDPConn = (*udpConn)(nil)

// RemoteAddr implements transport.UDPConn.
func (c *udpConn) RemoteAddr() net.Addr { return c.inner.RemoteAddr() }

// SetReadBuffer implements transport.UDPConn.
func (c *udpConn) SetReadBuffer(bytes int) error { return c.inner.SetReadBuffer(bytes) }

// SetWriteBuffer implements transport.UDPConn.
func (c *udpConn) SetWriteBuffer(bytes int) error { return c.inner.SetWriteBuffer(bytes) }

// Read implements transport.UDPConn.
func (c *udpConn) Read(b []byte) (int, error) {
	n, _, err := c.receive(b)
	return n, err
}

// Write implements transport.UDPConn.
func (c *udpConn) Write(b []byte) (int, error) { return c.inner.Write(b) }

// ReadFromUDP implements transport.UDPConn.
func (c *udpConn) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	n, p, err := c.receive(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(p.ap), nil
}

// WriteToUDP implements transport.UDPConn.
func (c *udpConn) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) {
	return c.send(b, peerOf(addr))
}

// ReadMsgUDP implements transport.UDPConn, without control messages.
func (c *udpConn) ReadMsgUDP(b, _ []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, addr, err = c.ReadFromUDP(b)
	return n, 0, 0, addr, err
}

// WriteMsgUDP implements transport.UDPConn. It refuses control messages, which
// a packet that waits cannot carry.
func (c *udpConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if len(oob) > 0 {
		return 0, 0, earshot.Errorf(earshot.CodeUnimplemented, "control messages do not pass a simulated network: send without")
	}
	n, err = c.send(b, peerOf(addr))
	return n, 0, err
}
