package egress

import (
	"net"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// single is one datagram on its way out of the socket.
type single struct {
	name  unix.RawSockaddrInet4
	data  []byte
	errno unix.Errno
	write func(fd uintptr) bool
}

func newSingle() *single {
	w := &single{}
	w.write = w.sendto
	return w
}

// sendto returns false where the socket is full, to be called again when it is
// not. Go's scheduler is not told of the call, for the reason given at
// maxMessages: an idle process has put its monitor to sleep, which every call
// that it is told of would wake for milliseconds.
func (w *single) sendto(fd uintptr) bool {
	var data unsafe.Pointer
	if len(w.data) > 0 {
		data = unsafe.Pointer(&w.data[0])
	}
	for {
		_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(data), uintptr(len(w.data)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&w.name)), unix.SizeofSockaddrInet4)
		switch e {
		case unix.EINTR, unix.ECONNREFUSED: // the latter is an ICMP answer to an earlier packet
			continue
		case unix.EAGAIN:
			return false
		}
		w.errno = e
		return true
	}
}

// WriteToAddrPort sends one datagram.
func (s *Socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	ip := to.Addr().Unmap()
	if !ip.Is4() {
		return s.WriteToUDPAddrPort(b, to) // says what is wrong with it
	}
	w := s.singles.Get().(*single)
	w.name.Family, w.name.Addr = unix.AF_INET, ip.As4()
	*(*[2]byte)(unsafe.Pointer(&w.name.Port)) = [2]byte{byte(to.Port() >> 8), byte(to.Port())}
	w.data = b
	err := s.raw.Write(w.write)
	errno := w.errno
	w.data, w.errno = nil, 0
	s.singles.Put(w)
	if err == nil && errno != 0 {
		err = &net.OpError{Op: "write", Net: "udp", Addr: net.UDPAddrFromAddrPort(to), Err: os.NewSyscallError("sendto", errno)}
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// WriteTo is WriteToAddrPort for those who do not know it.
func (s *Socket) WriteTo(b []byte, to net.Addr) (int, error) {
	if to, ok := to.(*net.UDPAddr); ok && to != nil {
		return s.WriteToAddrPort(b, to.AddrPort())
	}
	return s.UDPConn.WriteTo(b, to)
}
