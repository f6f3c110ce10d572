package egress

import (
	"sync"
	"time"
)

// Limits of a batch: a system call's worth of packets.
const (
	batchPackets = 64
	batchBytes   = 32 << 10
)

// packet is a sealed packet on its way.
type packet struct {
	peer *Peer
	to   uint64 // the peer's address when it was sealed
	data []byte // in the batch's buffer
	left *sync.WaitGroup
	next int32 // while gathered: the next packet for the peer, -1 is none
}

// batch is a buffer of packets that leave together.
type batch struct {
	packets []packet
	used    int
	wire    wire
	buffer  [batchBytes]byte
}

func newBatch() *batch {
	return &batch{packets: make([]packet, 0, batchPackets), wire: newWire(batchPackets)}
}

func (b *batch) fits(size int) bool {
	return len(b.packets) < batchPackets && b.used+size <= batchBytes
}

func (b *batch) reset() {
	clear(b.packets)
	b.packets, b.used = b.packets[:0], 0
}

// Burst collects the packets that leave because of one event, such as a packet
// of a publication that goes to many sessions. Send must be called in the end.
// The zero Burst takes no packets.
type Burst struct {
	sender *Sender
	hold   time.Duration
	batch  *batch
}

// Hold says that more of the same is about to come, such as the other packets
// of a frame: until then, and at most for d, these wait even where packets leave
// at once. The next Burst without Hold sends them.
func (u *Burst) Hold(d time.Duration) { u.hold = d }

// Add seals a packet for a peer and returns how many bytes it has as RTP, its
// header included; 0 where it is dropped, which the Sender counts. The owner's
// mutex of s and f is held.
func (u *Burst) Add(p *Peer, s *Stream, f *Fence, h Header, payload []byte) int {
	if u.sender == nil {
		return 0
	}
	to, way := p.address.Load(), p.way.Load()
	size := headerSize + h.extensionSize() + len(payload) + tagSize
	if to == 0 && way == nil || size > batchBytes || len(h.Descriptor) > elementMost {
		u.sender.counters.unaddressed.Add(1)
		return 0
	}
	if u.batch != nil && !u.batch.fits(size) {
		u.part()
	}
	if u.batch == nil {
		u.batch = u.sender.take()
	}
	b := u.batch
	n := s.seal(b.buffer[b.used:b.used+size:b.used+size], h, payload)
	if n == 0 {
		u.sender.counters.refused.Add(1)
		return 0
	}
	if way != nil { // nothing of it stays in the batch
		(*way).WritePacket(b.buffer[b.used : b.used+n])
		u.sender.counters.streamed.Add(1)
		u.sender.counters.bytes.Add(uint64(n - tagSize))
		return n - tagSize
	}
	b.packets = append(b.packets, packet{peer: p, to: to, data: b.buffer[b.used : b.used+n], left: f.add()})
	b.used += n
	return n - tagSize
}

// part hands a full batch over. Where packets wait for the rest of a frame, it
// waits too: Send brings that.
func (u *Burst) part() {
	last := u.hold
	if u.sender.waiting.Load() != 0 {
		u.hold = max(last, partHold)
	}
	u.Send()
	u.hold = last
}

// partHold bounds how long a part of a Burst waits for the others.
const partHold = time.Millisecond

// Send hands over what was added. It returns when that has left or, where
// packets are gathered, waits with others.
func (u *Burst) Send() {
	if u.batch == nil {
		return
	}
	if len(u.batch.packets) == 0 { // all went other ways, or were refused
		u.sender.give(u.batch)
	} else {
		u.sender.submit(u.batch, u.hold)
	}
	u.batch = nil
}
