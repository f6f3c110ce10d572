package egress

import (
	"sync"
	"sync/atomic"
	"time"
)

// What may wait: so many packets, in so many batches of maybe one packet each.
// The one who adds the next sends them.
const (
	maxGathered = 1024
	maxBatches  = 64
)

// Sender sends the packets of all sessions on one Socket: at once, or gathered
// for as long as SetGather says.
type Sender struct {
	socket   *Socket
	free     chan *batch
	gather   atomic.Int64 // nanoseconds; 0 is at once
	waiting  atomic.Int64 // packets gathered and not sent yet
	counters counters

	// mu guards what is gathered.
	mu      sync.Mutex
	pending []*batch
	count   int
	timer   *time.Timer
	armed   bool
	closed  bool
	firing  sync.WaitGroup

	// sending is held while gathered packets are sent, and guards what follows
	// and the marks of peers.
	sending sync.Mutex
	batches []*batch
	order   []packet // by peer
	peers   []*Peer
	scratch []packet
	mark    uint64
	wire    wire
}

// NewSender returns a sender that gathers nothing.
func NewSender(socket *Socket) *Sender {
	s := &Sender{socket: socket, free: make(chan *batch, 2*maxBatches), wire: newWire(maxGathered)}
	s.timer = time.AfterFunc(time.Hour, s.fire)
	s.timer.Stop()
	return s
}

// Burst returns a collection for the packets of one event.
func (s *Sender) Burst() Burst { return Burst{sender: s} }

// SetGather says how long packets may wait for others; 0 sends them at once.
func (s *Sender) SetGather(d time.Duration) { s.gather.Store(int64(d)) }

// Gather returns how long packets may wait for others.
func (s *Sender) Gather() time.Duration { return time.Duration(s.gather.Load()) }

// Flush sends what is gathered and returns when it has left. It does not wait
// for a Burst that was not sent yet.
func (s *Sender) Flush() {
	if s.waiting.Load() != 0 {
		s.flush()
	}
}

// Close sends what is gathered and waits for the goroutine that may be sending.
// What is added afterwards is sent at once.
func (s *Sender) Close() {
	s.mu.Lock()
	s.closed = true
	s.disarm()
	s.mu.Unlock()
	s.flush()
	s.firing.Wait()
}

func (s *Sender) take() *batch {
	select {
	case b := <-s.free:
		return b
	default:
		return newBatch()
	}
}

func (s *Sender) give(b *batch) {
	b.reset()
	select {
	case s.free <- b:
	default:
	}
}

func (s *Sender) submit(b *batch, hold time.Duration) {
	gather := max(time.Duration(s.gather.Load()), hold)
	if gather == 0 && s.waiting.Load() == 0 {
		s.send(&b.wire, b.packets)
		s.give(b)
		return
	}
	s.mu.Lock()
	s.waiting.Add(int64(len(b.packets)))
	s.pending = append(s.pending, b)
	s.count += len(b.packets)
	now := s.count >= maxGathered || len(s.pending) >= maxBatches || gather == 0 || s.closed
	switch {
	case now:
		s.disarm()
	case !s.armed:
		s.armed = true
		s.firing.Add(1)
		s.timer.Reset(gather)
	}
	s.mu.Unlock()
	if now {
		s.flush()
	}
}

// disarm lets the timer rest: what it is to send leaves now. mu is held.
func (s *Sender) disarm() {
	if s.armed && s.timer.Stop() {
		s.armed = false
		s.firing.Done()
	}
}

func (s *Sender) fire() {
	defer s.firing.Done()
	s.mu.Lock()
	s.armed = false
	s.mu.Unlock()
	s.flush()
}

// flush sends what is gathered, sorted by peer.
func (s *Sender) flush() {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mu.Lock()
	s.batches, s.pending = s.pending, s.batches[:0]
	s.count = 0
	s.mu.Unlock()
	if len(s.batches) == 0 {
		return
	}
	s.sort()
	s.send(&s.wire, s.order)
	s.waiting.Add(-int64(len(s.order)))
	clear(s.order)
	clear(s.scratch)
	clear(s.peers)
	for i, b := range s.batches {
		s.give(b)
		s.batches[i] = nil
	}
}

// sort fills order with the packets of all batches, those for one peer together
// and as they came. sending is held.
func (s *Sender) sort() {
	s.mark++
	s.scratch, s.peers, s.order = s.scratch[:0], s.peers[:0], s.order[:0]
	for _, b := range s.batches {
		for i := range b.packets {
			s.link(b.packets[i])
		}
	}
	for _, p := range s.peers {
		for i := p.first; i >= 0; i = s.scratch[i].next {
			s.order = append(s.order, s.scratch[i])
		}
	}
}

func (s *Sender) link(p packet) {
	at, peer := int32(len(s.scratch)), p.peer
	p.next = -1
	s.scratch = append(s.scratch, p)
	if peer.mark != s.mark {
		peer.mark, peer.first, peer.last = s.mark, at, at
		s.peers = append(s.peers, peer)
		return
	}
	s.scratch[peer.last].next = at
	peer.last = at
}

// send writes packets, counts them, and says that they have left.
func (s *Sender) send(w *wire, packets []packet) {
	w.send(s.socket, &s.counters, packets)
	bytes := 0
	for i := range packets {
		bytes += len(packets[i].data) - tagSize
	}
	s.counters.packets.Add(uint64(len(packets)))
	s.counters.bytes.Add(uint64(bytes))
	for i := range packets {
		packets[i].left.Done()
	}
}
