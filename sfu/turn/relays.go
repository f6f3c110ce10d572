package turn

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	pion "github.com/pion/turn/v5"
)

// Refusals of an allocation, for pion's log.
var (
	errKind = errors.New("turn: only UDP over IPv4 is relayed, from any port")
	errRoom = errors.New("turn: too many allocations")
)

// relays makes the relayed addresses, within the limits, and closes them.
type relays struct {
	server *Server

	// mu guards what follows.
	mu     sync.Mutex
	closed bool
	open   map[*relay]struct{}
	users  map[string]int // allocations of each
}

var _ pion.RelayAddressGenerator = (*relays)(nil)

// Validate finds nothing wrong.
func (r *relays) Validate() error { return nil }

// AllocatePacketConn opens a relayed address: a socket connected to media.
func (r *relays) AllocatePacketConn(c pion.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	if c.Network != "udp4" || c.RequestedPort != 0 || c.UserID == "" {
		return nil, nil, errKind
	}
	media := r.server.media()
	socket, err := net.DialUDP("udp4", nil, media)
	if err != nil {
		return nil, nil, fmt.Errorf("turn: relayed address: %w", err)
	}
	rate := r.server.cfg.MaxBitrate
	conn := &relay{UDPConn: socket, relays: r, user: c.UserID, up: newBucket(rate), down: newBucket(rate)}
	if !r.add(conn) {
		return nil, nil, errors.Join(errRoom, socket.Close())
	}
	at := *socket.LocalAddr().(*net.UDPAddr)
	if at.IP = media.IP; len(r.server.deps.PublicIPs) > 0 {
		at.IP = net.ParseIP(r.server.deps.PublicIPs[0])
	}
	return conn, &at, nil
}

// AllocateListener and AllocateConn refuse to relay TCP (RFC 6062).
func (r *relays) AllocateListener(pion.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errKind
}

func (r *relays) AllocateConn(pion.AllocateConnConfig) (net.Conn, error) { return nil, errKind }

// room reports whether a user may have one more, so that the answer is the right
// one; add decides.
func (r *relays) room(user, _ string, _ net.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.roomLocked(user)
}

func (r *relays) roomLocked(user string) bool {
	ok := !r.closed && len(r.open) < r.server.cfg.MaxAllocations && r.users[user] < r.server.cfg.MaxPerParticipant
	if !ok {
		r.server.counters.refusedAllocations.Add(1)
	}
	return ok
}

func (r *relays) add(c *relay) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.roomLocked(c.user) {
		return false
	}
	r.open[c] = struct{}{}
	r.users[c.user]++
	return true
}

func (r *relays) remove(c *relay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.open[c]; !ok {
		return
	}
	delete(r.open, c)
	if r.users[c.user]--; r.users[c.user] == 0 {
		delete(r.users, c.user)
	}
}

func (r *relays) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// close ends all relayed addresses, and that there are new ones.
func (r *relays) close() {
	r.mu.Lock()
	r.closed = true
	all := make([]*relay, 0, len(r.open))
	for c := range r.open {
		all = append(all, c)
	}
	r.mu.Unlock()
	for _, c := range all {
		_ = c.Close() // nothing is written that could be lost
	}
}

// media returns where packets are relayed to: the media socket, on this machine
// alone where it listens on every address.
func (s *Server) media() *net.UDPAddr {
	if s.deps.Media.IP.IsUnspecified() {
		return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.deps.Media.Port}
	}
	return s.deps.Media
}

// relay is a relayed address. Its socket is connected, so the kernel sees to it
// that nobody but media sends to it or is sent to.
//
// One goroutine reads. One goroutine writes: the one that reads from the client.
type relay struct {
	*net.UDPConn
	relays   *relays
	user     string
	up, down bucket
	// peer is what the client calls media: the first of its addresses that it
	// sent to. All are the same socket, and answers come from the one asked.
	peer atomic.Pointer[net.UDPAddr]
}

// WriteTo sends what a client sends to a peer, if that is media; otherwise, and
// beyond the bitrate, it drops it.
func (c *relay) WriteTo(b []byte, to net.Addr) (int, error) {
	s := c.relays.server
	switch {
	case !c.named(to):
		s.counters.misdirected.Add(1)
	case !c.up.take(len(b), s.now()):
		s.counters.limited.Add(1)
	default:
		s.counters.up.Add(1)
		if _, err := c.Write(b); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			return 0, err
		}
	}
	return len(b), nil
}

// named reports whether an address is the client's name of media.
func (c *relay) named(to net.Addr) bool {
	at, ok := to.(*net.UDPAddr)
	if !ok {
		return false
	}
	peer := c.peer.Load()
	if peer == nil {
		s := c.relays.server
		if at.Port != s.deps.Media.Port || !s.ours(at.IP) {
			return false
		}
		peer = &net.UDPAddr{IP: append(net.IP(nil), at.IP...), Port: at.Port}
		c.peer.Store(peer)
	}
	return peer.Port == at.Port && peer.IP.Equal(at.IP)
}

// ReadFrom returns the next packet of media.
func (c *relay) ReadFrom(b []byte) (int, net.Addr, error) {
	s := c.relays.server
	for {
		n, err := c.Read(b)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		peer := c.peer.Load()
		if peer == nil {
			continue
		}
		if !c.down.take(n, s.now()) {
			s.counters.limited.Add(1)
			continue
		}
		s.counters.down.Add(1)
		return n, peer, nil
	}
}

// Close may be called more than once.
func (c *relay) Close() error {
	c.relays.remove(c)
	if err := c.UDPConn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// bucket lets a rate through, and what of it was saved in half a second.
type bucket struct {
	rate, most, left float64 // bytes a second, bytes
	last             time.Time
}

func newBucket(bitrate int) bucket {
	rate := float64(bitrate) / 8
	return bucket{rate: rate, most: rate / 2, left: rate / 2}
}

func (b *bucket) take(n int, now time.Time) bool {
	if passed := now.Sub(b.last).Seconds(); passed > 0 {
		b.left, b.last = min(b.most, b.left+passed*b.rate), now
	}
	if b.left < float64(n) {
		return false
	}
	b.left -= float64(n)
	return true
}
