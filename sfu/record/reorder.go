package record

import (
	"slices"
	"time"
)

// How long a packet that is missing is waited for: a voice comes again hardly
// ever, a video is repaired by NACK within a few round trips.
const (
	holdVoice = 200 * time.Millisecond
	holdVideo = 600 * time.Millisecond
	holdMost  = 1024 // packets
	seqReset  = 4096 // a step of more is another stream
)

// reorder puts the packets of a stream in order. It is pure.
type reorder struct {
	hold    time.Duration
	started bool
	newest  int64 // extended sequence number
	next    int64 // the one that is due
	held    []heldPacket
	late    uint64 // packets that came after their turn, or twice
}

type heldPacket struct {
	Packet
	seq int64
}

// reset begins a new stream with the next packet. All that is held was popped.
func (r *reorder) reset() { r.started = false }

// put takes a packet.
func (r *reorder) put(p Packet) {
	seq := r.newest + int64(int16(p.Seq-uint16(r.newest)))
	if step := seq - r.newest; !r.started || step > seqReset || step < -seqReset {
		r.renumber(p.Seq)
		seq = r.newest
	}
	if seq < r.next {
		r.late++
		return
	}
	r.newest = max(r.newest, seq)
	i, twice := slices.BinarySearchFunc(r.held, seq, func(h heldPacket, seq int64) int { return int(h.seq - seq) })
	if twice {
		r.late++
		return
	}
	r.held = slices.Insert(r.held, i, heldPacket{p, seq})
}

// renumber begins with a sequence number, above all that there was.
func (r *reorder) renumber(seq uint16) {
	r.newest = (r.newest+1<<17)&^0xffff | int64(seq)
	if len(r.held) == 0 {
		r.next = r.newest
	}
	r.started = true
}

// pop returns the next packet in order, and how many before it are lost. With
// flush nothing is waited for. now is since the recording began.
func (r *reorder) pop(now time.Duration, flush bool) (p Packet, lost int64, ok bool) {
	if len(r.held) == 0 {
		return p, 0, false
	}
	first := r.held[0]
	if first.seq != r.next && !flush && len(r.held) < holdMost && now-first.since < r.hold {
		return p, 0, false
	}
	if lost = first.seq - r.next; lost >= seqReset {
		lost = 0 // another stream
	}
	r.held = slices.Delete(r.held, 0, 1)
	r.next = first.seq + 1
	return first.Packet, lost, true
}
