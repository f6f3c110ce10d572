//go:build linux && (amd64 || arm64 || riscv64)

package loadtest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pollSocket is a connected UDP socket that is read without waiting, many
// packets at once, each with the time the kernel got it.
type pollSocket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
}

// dialPoll connects a socket to a remote address. ok is false where the system
// has none.
func dialPoll(remote netip.AddrPort) (s *pollSocket, ok bool, err error) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(remote))
	if err != nil {
		return nil, true, err
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1)
		})
	}
	if err != nil {
		conn.Close()
		return nil, true, err
	}
	return &pollSocket{conn, raw}, true, nil
}

func (s *pollSocket) write(b []byte) error {
	_, err := s.conn.Write(b)
	return err
}

func (s *pollSocket) close() error { return s.conn.Close() }

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// controlBytes holds one SCM_TIMESTAMPNS.
const controlBytes = 64

// batch is the memory for reading many packets at once.
type batch struct {
	headers [laneBatch]mmsghdr
	vectors [laneBatch]unix.Iovec
	control [laneBatch][controlBytes]byte
	packets [laneBatch][laneMTU]byte

	n       int // of the last read
	receive func(fd uintptr)
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.headers {
		b.vectors[i].Base = &b.packets[i][0]
		b.vectors[i].SetLen(laneMTU)
		h := &b.headers[i].header
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Control = &b.control[i][0]
	}
	b.receive = func(fd uintptr) {
		for i := range b.headers {
			b.headers[i].header.SetControllen(controlBytes)
		}
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.headers[0])),
			laneBatch, unix.MSG_DONTWAIT, 0, 0)
		b.n = int(n)
		if errno != 0 {
			b.n = 0 // nothing there, or an ICMP error: what else there is comes next time
		}
	}
	return b
}

// read takes what has arrived.
func (s *pollSocket) read(b *batch, take func(at time.Time, datagram []byte)) {
	for {
		if s.raw.Control(b.receive) != nil {
			return
		}
		for i := range b.n {
			take(b.stamp(i), b.packets[i][:b.headers[i].length])
		}
		if b.n < laneBatch {
			return
		}
	}
}

// stamp is when packet i arrived.
func (b *batch) stamp(i int) time.Time {
	c := b.control[i][:b.headers[i].header.Controllen]
	// struct cmsghdr is a length of 8 bytes, level and type; then comes a
	// struct timespec.
	if len(c) >= unix.SizeofCmsghdr+16 && binary.NativeEndian.Uint32(c[8:]) == unix.SOL_SOCKET &&
		binary.NativeEndian.Uint32(c[12:]) == unix.SO_TIMESTAMPNS_NEW {
		return time.Unix(int64(binary.NativeEndian.Uint64(c[16:])), int64(binary.NativeEndian.Uint64(c[24:])))
	}
	return time.Now()
}
