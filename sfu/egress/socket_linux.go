package egress

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

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
// goroutine at a time may read.
type Socket struct {
	*net.UDPConn
	raw     syscall.RawConn
	noSplit atomic.Bool // the kernel does not do UDP_SEGMENT here

	reads     [readPackets]mmsghdr
	vectors   [readPackets]unix.Iovec
	names     [readPackets]unix.RawSockaddrInet4
	buffers   [readPackets][readBytes]byte
	have, at  int
	receive   func(fd uintptr) bool
	receiveNo syscall.Errno

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
	for i := range s.reads {
		s.vectors[i].Base = &s.buffers[i][0]
		s.vectors[i].SetLen(readBytes)
		h := &s.reads[i].header
		h.Name = (*byte)(unsafe.Pointer(&s.names[i]))
		h.Iov = &s.vectors[i]
		h.SetIovlen(1)
	}
	s.receive = s.recvmmsg
	return s, nil
}

// ReadFromAddrPort returns the next datagram, cut to the length of b.
func (s *Socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		for s.at < s.have {
			i := s.at
			s.at++
			m := &s.reads[i]
			if m.header.Flags&unix.MSG_TRUNC == 0 && s.names[i].Family == unix.AF_INET {
				return copy(b, s.buffers[i][:m.size]), s.from(i), nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
}

func (s *Socket) from(i int) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&s.names[i].Port))
	return netip.AddrPortFrom(netip.AddrFrom4(s.names[i].Addr), uint16(port[0])<<8|uint16(port[1]))
}

func (s *Socket) fill() error {
	s.have, s.at = 0, 0
	for i := range s.reads {
		s.reads[i].header.Namelen = unix.SizeofSockaddrInet4
	}
	if err := s.raw.Read(s.receive); err != nil {
		return err
	}
	if s.receiveNo != 0 {
		return &net.OpError{Op: "read", Net: "udp", Err: s.receiveNo}
	}
	return nil
}

// recvmmsg never waits, and Go's scheduler is not told of it: see single.sendto.
func (s *Socket) recvmmsg(fd uintptr) bool {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&s.reads[0])), readPackets, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case unix.EINTR, unix.ECONNREFUSED: // the latter is an ICMP answer to something sent
			continue
		case unix.EAGAIN:
			return false
		}
		s.have, s.receiveNo = int(n), e
		if e != 0 {
			s.have = 0
		}
		return true
	}
}

// ReadFrom is ReadFromAddrPort for those who do not know it.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}
