package egress

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/pion/ice/v4"
	"golang.org/x/sys/unix"
)

// What one system call reads. A longer datagram, which no WebRTC client sends,
// is dropped.
const (
	readPackets = 32
	readBytes   = 2048
)

// Socket is a UDP socket that reads several datagrams at a time. It has the
// methods by which pion's mux reads and writes without allocating; one
// goroutine at a time may read, and another pump.
type Socket struct {
	*net.UDPConn
	raw     syscall.RawConn
	noSplit atomic.Bool // the kernel does not do UDP_SEGMENT here

	// reading is held from when the reader got datagrams until it asks for more,
	// and by who pumps.
	reading sync.Mutex
	held    bool // reading, by the reader; it alone touches this
	own     inbox
	at      int
	receive func(fd uintptr) bool
	errno   syscall.Errno
	pumped  inbox

	singles sync.Pool // of *single
}

var _ ice.AddrPortReaderWriter = (*Socket)(nil)

// mmsghdr is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	size   uint32
}

// Open takes over an IPv4 socket. Nobody else may read from it any more.
func Open(conn *net.UDPConn) (*Socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &Socket{UDPConn: conn, raw: raw, singles: sync.Pool{New: func() any { return newSingle() }}}
	// A kernel that does not know UDP_SEGMENT may ignore it, and send many packets
	// as one datagram.
	if err := raw.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
		s.noSplit.Store(err != nil)
	}); err != nil {
		return nil, err
	}
	s.own.init()
	s.pumped.init()
	s.receive = s.read
	return s, nil
}

// ReadFromAddrPort returns the next datagram, cut to the length of b.
func (s *Socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		for s.at < s.own.have {
			i := s.at
			s.at++
			if data, from, ok := s.own.datagram(i); ok {
				return copy(b, data), from, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
}

// fill waits for datagrams. reading is held when it has some.
func (s *Socket) fill() error {
	s.own.have, s.at = 0, 0
	s.release()
	if err := s.raw.Read(s.receive); err != nil {
		s.release()
		return err
	}
	if s.errno != 0 {
		s.release()
		return &net.OpError{Op: "read", Net: "udp", Err: s.errno}
	}
	return nil
}

func (s *Socket) release() {
	if s.held {
		s.held = false
		s.reading.Unlock()
	}
}

func (s *Socket) read(fd uintptr) bool {
	s.reading.Lock()
	if s.errno = s.own.recvmmsg(fd); s.errno == unix.EAGAIN {
		s.reading.Unlock()
		return false
	}
	s.held = true
	return true
}

// Pump hands to take what has come, unless the reader is at it, and waits for
// nothing. It is for when the reader may not get to run for long: Go asks the
// network only when no goroutine is left to run, or after 10 ms. What take sees is
// good until it returns.
func (s *Socket) Pump(take func(datagram []byte, from netip.AddrPort)) {
	if !s.reading.TryLock() {
		return
	}
	defer s.reading.Unlock()
	_ = s.raw.Control(func(fd uintptr) { // closed: there is nothing
		if s.pumped.recvmmsg(fd) != 0 {
			return
		}
		for i := range s.pumped.have {
			if data, from, ok := s.pumped.datagram(i); ok {
				take(data, from)
			}
		}
	})
}

// ReadFrom is ReadFromAddrPort for those who do not know it.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}
