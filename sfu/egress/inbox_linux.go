package egress

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inbox is what recvmmsg(2) fills.
type inbox struct {
	reads   [readPackets]mmsghdr
	vectors [readPackets]unix.Iovec
	names   [readPackets]unix.RawSockaddrInet4
	buffers [readPackets][readBytes]byte
	have    int
}

func (in *inbox) init() {
	for i := range in.reads {
		in.vectors[i].Base = &in.buffers[i][0]
		in.vectors[i].SetLen(readBytes)
		h := &in.reads[i].header
		h.Name = (*byte)(unsafe.Pointer(&in.names[i]))
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
	}
}

// recvmmsg reads what has come, and never waits: EAGAIN is nothing. Go's scheduler
// is not told of it: see single.sendto.
func (in *inbox) recvmmsg(fd uintptr) syscall.Errno {
	in.have = 0
	for i := range in.reads {
		in.reads[i].header.Namelen = unix.SizeofSockaddrInet4
	}
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&in.reads[0])), readPackets, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case unix.EINTR, unix.ECONNREFUSED: // the latter is an ICMP answer to something sent
			continue
		case 0:
			in.have = int(n)
		}
		return e
	}
}

// datagram returns the i-th of what was read; false for one that is too long, or
// not from an IPv4 address.
func (in *inbox) datagram(i int) (data []byte, from netip.AddrPort, ok bool) {
	m := &in.reads[i]
	if m.header.Flags&unix.MSG_TRUNC != 0 || in.names[i].Family != unix.AF_INET {
		return nil, from, false
	}
	port := (*[2]byte)(unsafe.Pointer(&in.names[i].Port))
	from = netip.AddrPortFrom(netip.AddrFrom4(in.names[i].Addr), uint16(port[0])<<8|uint16(port[1]))
	return in.buffers[i][:m.size], from, true
}
