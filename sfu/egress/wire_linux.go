package egress

import (
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxMessages are sent by one system call, which takes about 3 µs for each and
// never waits. Go's scheduler is not told of it: told, it would give the
// processor to another thread after 20 µs, which costs more than it gains.
const maxMessages = 64

// wire is what sendmmsg(2) is given. One is used by one goroutine at a time.
type wire struct{ *wireState }

type wireState struct {
	messages []mmsghdr
	vectors  []unix.Iovec
	names    []unix.RawSockaddrInet4
	controls []segmentSize
	sizes    []int // packets of each message

	next, end int // messages to send
	calls     uint64
	errno     unix.Errno
	transmit  func(fd uintptr) bool
}

// segmentSize is a control message of UDP_SEGMENT, as cmsg(3) aligns it.
type segmentSize struct {
	header unix.Cmsghdr
	size   uint16
	_      [6]byte
}

func newWire(packets int) wire {
	w := &wireState{
		messages: make([]mmsghdr, packets),
		vectors:  make([]unix.Iovec, packets),
		names:    make([]unix.RawSockaddrInet4, packets),
		controls: make([]segmentSize, packets),
		sizes:    make([]int, packets),
	}
	for i := range w.controls {
		c := &w.controls[i].header
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(2))
	}
	w.transmit = w.sendmmsg
	return wire{w}
}

// send sends all packets, in their order for each address. What the kernel
// refuses is counted.
func (w wire) send(s *Socket, c *counters, packets []packet) {
	for len(packets) > 0 {
		packets = packets[w.sendSome(s, c, packets):]
	}
}

// sendSome sends as many packets as there is room for, or until the kernel
// refuses one message, and returns how many are dealt with.
func (w *wireState) sendSome(s *Socket, c *counters, packets []packet) int {
	planned := w.plan(packets, !s.noSplit.Load())
	w.next, w.calls, w.errno = 0, 0, 0
	err := s.raw.Write(w.transmit)
	c.calls.Add(w.calls)
	c.messages.Add(uint64(w.next))
	if w.next == w.end {
		return planned
	}
	sent := 0
	for _, n := range w.sizes[:w.next] {
		sent += n
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // pion interrupts a write of its own for a moment
		runtime.Gosched()
		return sent
	case err != nil: // closed
		c.failed.Add(uint64(len(packets) - sent))
		return len(packets)
	}
	return sent + w.sendSingly(s, c, packets[sent:sent+w.sizes[w.next]])
}

// sendSingly sends the packets of a message that the kernel refused one by one.
// Where it takes them like that, it is remembered that it splits none: EIO is a
// network device without checksums, EINVAL one without UDP_SEGMENT.
func (w *wireState) sendSingly(s *Socket, c *counters, packets []packet) int {
	c.singly.Add(1)
	failed := uint64(0)
	for i := range packets {
		if _, err := s.WriteToUDPAddrPort(packets[i].data, unpack(packets[i].to)); err != nil {
			failed++
		}
	}
	if failed == 0 && len(packets) > 1 && (w.errno == unix.EIO || w.errno == unix.EINVAL) {
		s.noSplit.Store(true)
	}
	c.failed.Add(failed)
	c.calls.Add(uint64(len(packets)))
	c.messages.Add(uint64(len(packets)))
	return len(packets)
}

// plan fills messages with packets and returns how many of them it took.
func (w *wireState) plan(packets []packet, split bool) (taken int) {
	w.end = 0
	packets = packets[:min(len(packets), len(w.vectors))]
	for taken < len(packets) {
		n := 1
		if split {
			n = run(packets[taken:])
		}
		w.message(packets[taken:taken+n], w.vectors[taken:taken+n])
		taken += n
	}
	return taken
}

func (w *wireState) message(packets []packet, vectors []unix.Iovec) {
	i := w.end
	w.end++
	w.sizes[i] = len(packets)
	for j := range packets {
		vectors[j].Base = &packets[j].data[0]
		vectors[j].SetLen(len(packets[j].data))
	}
	to := packets[0].to
	name := &w.names[i]
	name.Family = unix.AF_INET
	name.Addr = [4]byte{byte(to >> 40), byte(to >> 32), byte(to >> 24), byte(to >> 16)}
	*(*[2]byte)(unsafe.Pointer(&name.Port)) = [2]byte{byte(to >> 8), byte(to)}

	h := &w.messages[i].header
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(name)), unix.SizeofSockaddrInet4
	h.Iov = &vectors[0]
	h.SetIovlen(len(vectors))
	h.Control = nil
	h.SetControllen(0)
	if len(packets) > 1 {
		w.controls[i].size = uint16(len(packets[0].data))
		h.Control = (*byte)(unsafe.Pointer(&w.controls[i]))
		h.SetControllen(unix.CmsgSpace(2))
	}
}

// sendmmsg sends messages from next to end until the kernel refuses one. It
// returns false where the socket is full, to be called again when it is not.
func (w *wireState) sendmmsg(fd uintptr) bool {
	for w.next < w.end {
		n, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&w.messages[w.next])),
			uintptr(min(w.end-w.next, maxMessages)), unix.MSG_DONTWAIT, 0, 0)
		w.calls++
		switch e {
		case 0:
			w.next += int(n)
		case unix.EINTR, unix.ECONNREFUSED: // the latter is an ICMP answer to an earlier packet
		case unix.EAGAIN:
			return false
		default:
			w.errno = e
			return true
		}
	}
	return true
}
