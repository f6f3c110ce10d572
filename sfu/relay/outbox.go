package relay

import (
	"sync"
	"time"

	"earshot/sfu/relay/wire"
)

// How many datagrams wait to be sent at most.
const (
	// maxVideoWaiting is from when on video is refused: what is congested is
	// the network between two nodes, and only video gives way.
	maxVideoWaiting = 64
	// maxWaiting is from when on the oldest are dropped.
	maxWaiting = 192
	// repairFor is how old a datagram is still sent again.
	repairFor = 250 * time.Millisecond
)

// outbox holds the datagrams of one direction of a link, those to be sent and
// those that were, in a ring by sequence number. Records are added to the last
// until it is full or leaves.
type outbox struct {
	wake chan struct{} // there is something to send

	// mu guards what follows. It is never held across a call of the network.
	mu    sync.Mutex
	ring  [wire.RepairWindow]datagram
	next  uint32   // to be sent; all before it were, or dropped
	last  uint32   // that is being filled
	again []uint32 // to be sent once more
	count Counters
}

type datagram struct {
	batch wire.Batch
	seq   uint32
	sent  time.Time // zero: not yet
	bytes []byte    // sealed
}

// Counters are what a link has done, in both directions.
type Counters struct {
	Media, Poses         uint64 // records that were queued
	Datagrams, Bytes     uint64 // that were sent
	Repaired             uint64 // datagrams sent again
	Struck               uint64 // records that were struck out before they could leave, or leave again
	DroppedOld           uint64 // records of datagrams that waited too long behind others
	DroppedVideo         uint64 // packets of video that were refused
	DroppedLong          uint64 // packets that no datagram holds
	MediaIn, PosesIn     uint64 // records that came
	DatagramsIn, BytesIn uint64
	Asked                uint64 // datagrams that were asked for again
	Doubled              uint64 // datagrams that came twice, or too late to know
	Malformed            uint64
}

func newOutbox() *outbox {
	o := &outbox{wake: make(chan struct{}, 1)}
	o.ring[0].batch.Begin()
	return o
}

// media queues a packet. It allocates nothing.
func (o *outbox) media(m *wire.Media, video bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !m.Fits() {
		o.count.DroppedLong++
		return false
	}
	if video && o.last-o.next >= maxVideoWaiting {
		o.count.DroppedVideo++
		return false
	}
	room := o.room(m.Size())
	o.ring[o.last%wire.RepairWindow].batch.Add(m.Append(room))
	o.count.Media++
	o.signal()
	return true
}

// pose queues a pose. It allocates nothing.
func (o *outbox) pose(p *wire.Pose, kind wire.Kind) {
	o.mu.Lock()
	defer o.mu.Unlock()
	room := o.room(p.Size())
	o.ring[o.last%wire.RepairWindow].batch.Add(p.Append(room, kind))
	o.count.Poses++
	o.signal()
}

// missing queues the request for datagrams.
func (o *outbox) missing(seqs []uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	room := o.room(wire.MissingSize(len(seqs)))
	o.ring[o.last%wire.RepairWindow].batch.Add(wire.AppendMissing(room, seqs))
	o.count.Asked += uint64(len(seqs))
	o.signal()
}

// room returns where a record of a size goes. mu is held.
func (o *outbox) room(size int) []byte {
	if room := o.ring[o.last%wire.RepairWindow].batch.Room(size); room != nil {
		return room
	}
	o.begin()
	return o.ring[o.last%wire.RepairWindow].batch.Room(size)
}

// begin makes the next datagram the one that is filled, and drops the oldest
// where too many wait. mu is held.
func (o *outbox) begin() {
	if o.last-o.next >= maxWaiting {
		o.count.DroppedOld += uint64(o.ring[o.next%wire.RepairWindow].batch.Len())
		o.ring[o.next%wire.RepairWindow].bytes = nil
		o.next++
	}
	o.last++
	d := &o.ring[o.last%wire.RepairWindow]
	d.seq, d.bytes, d.sent = o.last, nil, time.Time{}
	d.batch.Begin()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take copies the next datagram to send into dst, false where there is none.
func (o *outbox) take(dst []byte, clock uint32, now time.Time) ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.again) > 0 {
		d := &o.ring[o.again[0]%wire.RepairWindow]
		seq := o.again[0]
		o.again = o.again[1:]
		if d.seq == seq && d.bytes != nil && now.Sub(d.sent) < repairFor {
			o.count.Repaired++
			return append(dst[:0], d.bytes...), true
		}
	}
	d := &o.ring[o.next%wire.RepairWindow]
	if d.batch.Len() == 0 {
		return nil, false
	}
	if o.next == o.last {
		o.begin()
	}
	o.next++
	d.sent = now
	d.bytes = d.batch.Seal(d.seq, clock)
	o.count.Datagrams++
	o.count.Bytes += uint64(len(d.bytes))
	return append(dst[:0], d.bytes...), true
}

// resend queues datagrams that the other node misses.
func (o *outbox) resend(seqs []uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.again)+len(seqs) > 4*wire.MaxAsked {
		return // who asks for so much is better served by what comes
	}
	o.again = append(o.again, seqs...)
	o.signal()
}

// strike takes the records of a publication, or a person, out of everything that
// was not sent and everything that might be sent again.
func (o *outbox) strike(kind wire.Kind, number uint16) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.ring {
		if o.ring[i].batch.Len() > 0 {
			o.count.Struck += uint64(o.ring[i].batch.Strike(kind, number))
		}
	}
}

// counters returns a copy.
func (o *outbox) counters() Counters {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count
}

// waiting returns how many datagrams wait.
func (o *outbox) waiting() uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last - o.next
}
