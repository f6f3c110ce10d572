package sfu

import (
	"encoding/binary"
	"io"
	"sync"

	"github.com/pion/transport/v4/packetio"
)

// inboxLeast is how many bytes an inbox begins with.
const inboxLeast = 2048

// inbox holds the packets of one SSRC until they are read, the oldest first.
type inbox struct {
	most int // bytes it may grow to, a power of two

	mu     sync.Mutex
	came   sync.Cond // of mu
	ring   []byte    // of packets, each after its length in two bytes; as long as a power of two
	first  int       // of what is in it
	size   int
	waits  bool // its reader, for a packet
	closed bool
}

func newInbox(most int) *inbox {
	b := &inbox{most: most, ring: make([]byte, inboxLeast)}
	b.came.L = &b.mu
	return b
}

// Write adds a packet and wakes who reads. One that finds no room is dropped:
// packetio.ErrFull. After Close it is io.ErrClosedPipe.
func (b *inbox) Write(packet []byte) (int, error) {
	n, err := b.put(packet)
	if err == nil {
		b.call()
	}
	return n, err
}

// put is Write without waking.
func (b *inbox) put(packet []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	need := 2 + len(packet)
	switch {
	case b.closed:
		return 0, io.ErrClosedPipe
	case len(packet) > 0xffff || b.size+need > b.most:
		return 0, packetio.ErrFull
	}
	if b.size+need > len(b.ring) {
		b.grow(b.size + need)
	}
	var length [2]byte
	binary.BigEndian.PutUint16(length[:], uint16(len(packet)))
	b.copyIn(b.size, length[:])
	b.copyIn(b.size+2, packet)
	b.size += need
	return len(packet), nil
}

// call wakes the reader, if it waits.
func (b *inbox) call() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waits {
		b.waits = false
		b.came.Broadcast()
	}
}

// Read takes a packet, which it waits for. It returns io.ErrShortBuffer where p
// is shorter than the packet, of which the rest is lost, and io.EOF after Close
// when nothing is left.
func (b *inbox) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.await()
	if b.size == 0 {
		return 0, io.EOF
	}
	var length [2]byte
	b.copyOut(length[:], 0)
	packet := int(binary.BigEndian.Uint16(length[:]))
	n := min(packet, len(p))
	b.copyOut(p[:n], 2)
	b.first = (b.first + 2 + packet) & (len(b.ring) - 1)
	b.size -= 2 + packet
	if n < packet {
		return n, io.ErrShortBuffer
	}
	return n, nil
}

// wait waits for something to read, or the end.
func (b *inbox) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.await()
}

// await is wait with mu held.
func (b *inbox) await() {
	for b.size == 0 && !b.closed {
		b.waits = true
		b.came.Wait()
	}
}

// ready reports whether Read would not wait.
func (b *inbox) ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size > 0 || b.closed
}

// Close lets nothing more in. What is there can be read.
func (b *inbox) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.waits = true, false
	b.came.Broadcast()
	return nil
}

// grow makes the ring long enough for so many bytes. mu is held.
func (b *inbox) grow(need int) {
	length := len(b.ring)
	for length < need {
		length *= 2
	}
	ring := make([]byte, length)
	b.copyOut(ring[:b.size], 0)
	b.ring, b.first = ring, 0
}

// copyIn puts bytes into the ring, at an offset from the first. mu is held.
func (b *inbox) copyIn(at int, p []byte) {
	from := (b.first + at) & (len(b.ring) - 1)
	n := copy(b.ring[from:], p)
	copy(b.ring, p[n:])
}

// copyOut takes bytes out of it. mu is held.
func (b *inbox) copyOut(p []byte, at int) {
	from := (b.first + at) & (len(b.ring) - 1)
	n := copy(p, b.ring[from:])
	copy(p[n:], b.ring)
}
