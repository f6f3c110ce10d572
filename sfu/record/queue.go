package record

import (
	"encoding/binary"
	"sync"
	"time"

	"earshot/sfu/record/format"
)

// Packet is one RTP packet of a publication.
type Packet struct {
	At        time.Time // when it came
	Codec     format.Codec
	Layer     uint8 // of the publication; each counts for itself
	Marker    bool
	Seq       uint16
	Timestamp uint32
	Payload   []byte

	since time.Duration // At, since the recording began
	epoch uint32        // packets of two are of two streams
}

const packetHeader = 8 + 1 + 1 + 1 + 2 + 4 + 4 + 2 // bytes before a payload in a queue

// queue keeps packets between media and disk, in a ring of bytes. Its methods
// may be called from any goroutine; none of them allocates but pop.
type queue struct {
	mu      sync.Mutex
	ring    []byte
	at      int // where the oldest byte is
	used    int
	dropped uint64 // packets for which there was no room
	taken   uint64
}

// put copies a packet in and reports whether there was room: where there is
// none the packet, which is the newest, is dropped and counted.
func (q *queue) put(p *Packet) bool {
	var h [packetHeader]byte
	binary.LittleEndian.PutUint64(h[0:], uint64(p.since))
	h[8], h[9] = byte(p.Codec), p.Layer
	if p.Marker {
		h[10] = 1
	}
	binary.LittleEndian.PutUint16(h[11:], p.Seq)
	binary.LittleEndian.PutUint32(h[13:], p.Timestamp)
	binary.LittleEndian.PutUint32(h[17:], p.epoch)
	binary.LittleEndian.PutUint16(h[21:], uint16(len(p.Payload)))
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ring)-q.used < packetHeader+len(p.Payload) || len(p.Payload) > 1<<16-1 {
		q.dropped++
		return false
	}
	q.write(h[:])
	q.write(p.Payload)
	q.taken++
	return true
}

// write appends bytes that fit. mu is held.
func (q *queue) write(b []byte) {
	end := (q.at + q.used) % len(q.ring)
	n := copy(q.ring[end:], b)
	copy(q.ring, b[n:])
	q.used += len(b)
}

// pop returns the oldest packet, whose payload is the caller's.
func (q *queue) pop() (p Packet, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used == 0 {
		return p, false
	}
	var h [packetHeader]byte
	q.read(h[:])
	p.since = time.Duration(binary.LittleEndian.Uint64(h[0:]))
	p.Codec, p.Layer, p.Marker = format.Codec(h[8]), h[9], h[10] == 1
	p.Seq = binary.LittleEndian.Uint16(h[11:])
	p.Timestamp = binary.LittleEndian.Uint32(h[13:])
	p.epoch = binary.LittleEndian.Uint32(h[17:])
	p.Payload = make([]byte, binary.LittleEndian.Uint16(h[21:]))
	q.read(p.Payload)
	return p, true
}

// read takes the oldest bytes. mu is held.
func (q *queue) read(b []byte) {
	n := copy(b, q.ring[q.at:])
	copy(b[n:], q.ring)
	q.at = (q.at + len(b)) % len(q.ring)
	q.used -= len(b)
}

// counts returns how many packets were taken and dropped so far.
func (q *queue) counts() (taken, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken, q.dropped
}
