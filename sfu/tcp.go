package sfu

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	doors "earshot/sfu/gate"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4"
)

// Limits of media over TCP (RFC 6544), for networks that let no UDP out.
const (
	tcpUnproven    = 64               // of one address: many people share the one of a company
	tcpProveWithin = 10 * time.Second // until the first valid check
	tcpFirstPacket = 5 * time.Second  // until the first check at all
	tcpReads       = 16               // packets read before anybody takes them
	tcpSystem      = 64 << 10         // asked of the system for what is written, in bytes
)

// portTries is how often a free port is looked for that is free for UDP and TCP.
const portTries = 16

// tcpDoor accepts connections on the TCP port that has the number of the UDP
// port. The mux of pion reads from them and answers; what it answers, a valid
// check of a session's secret, proves a connection. By its address RTP finds
// the connection that ICE chose.
type tcpDoor struct {
	*doors.Listener
	rewritten bool // clients are told other addresses than this machine's
	counters  tcpCounters

	mu    sync.Mutex
	conns map[netip.AddrPort]*tcpConn
}

var _ net.Listener = (*tcpDoor)(nil)

// listenBoth opens the UDP socket and, where cfg wants it, a TCP listener of
// the same port number. A simulated network has no TCP.
func listenBoth(cfg Config, n transport.Net) (net.PacketConn, net.Listener, error) {
	for try := 1; ; try++ {
		socket, err := listen(cfg.UDP, n)
		if err != nil || !cfg.TCP || n != nil {
			return socket, nil, err
		}
		at, _ := socket.LocalAddr().(*net.UDPAddr)
		listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: at.IP, Port: at.Port})
		if err == nil {
			return socket, listener, nil
		}
		err = errors.Join(fmt.Errorf("sfu: media over TCP needs the port of UDP, %d, too (tcp: false does without): %w", at.Port, err), socket.Close())
		if _, port, _ := net.SplitHostPort(cfg.UDP); port != "0" || try == portTries {
			return nil, nil, err
		}
	}
}

// openDoor begins to accept; a nil listener has no door.
func openDoor(cfg Config, listener net.Listener) *tcpDoor {
	if listener == nil {
		return nil
	}
	return &tcpDoor{
		Listener: doors.Listen(listener, doors.Limits{
			Connections: cfg.MaxTCP, Unproven: tcpUnproven, ProveWithin: tcpProveWithin, WriteBuffer: tcpSystem,
		}),
		rewritten: len(cfg.PublicIPs) > 0,
		conns:     make(map[netip.AddrPort]*tcpConn),
	}
}

// mux returns pion's side of the door.
func (d *tcpDoor) mux(log pionLogs) ice.TCPMux {
	mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: d, Logger: log.NewLogger("tcp"), ReadBufferSize: tcpReads,
		FirstStunBindTimeout: tcpFirstPacket, AliveDurationForConnFromStun: tcpProveWithin,
	})
	if d.rewritten {
		return anyAddress{mux}
	}
	return mux
}

// Accept returns the next connection, a *tcpConn.
func (d *tcpDoor) Accept() (net.Conn, error) {
	accepted, err := d.Next()
	if err != nil {
		return nil, err
	}
	return newTCPConn(d, accepted), nil
}

// connection returns the open connection from an address, or nil.
func (d *tcpDoor) connection(from netip.AddrPort) *tcpConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conns[from]
}

func (d *tcpDoor) add(c *tcpConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns[c.from] = c
}

func (d *tcpDoor) remove(c *tcpConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns[c.from] == c {
		delete(d.conns, c.from)
	}
}

// anyAddress is a mux that knows a session by its credentials alone. pion tells
// sessions apart by the address of this machine, too, and where public
// addresses stand for it, it keeps the one of the first interface: a connection
// that came by another would belong to nobody.
type anyAddress struct{ *ice.TCPMuxDefault }

func (m anyAddress) GetConnByUfrag(ufrag string, isIPv6 bool, _ net.IP) (net.PacketConn, error) {
	return m.TCPMuxDefault.GetConnByUfrag(ufrag, isIPv6, net.IPv4zero)
}
