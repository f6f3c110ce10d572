package relay

import (
	"bufio"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/relay/wire"

	"github.com/quic-go/quic-go"
)

const (
	// maxInlets is how many publications of a peer are taken at once.
	maxInlets = 4096
	// maxSaid is how many messages wait to be sent; whoever is slower than that
	// begins anew.
	maxSaid = 4096
	// asking is how often lost datagrams are looked for while there are any.
	asking = 4 * time.Millisecond
	// congested is for how long a refused packet of video counts as a sign.
	congested = 2 * time.Second
)

// Inlet takes the packets of one publication of the other node, on the
// goroutine that reads datagrams: it must not block, nor keep the packet.
type Inlet interface {
	Media(m *wire.Media, now time.Time)
}

// Handler is told what comes by links. See the package comment.
type Handler interface {
	// LinkUp is called when a link to a peer works, LinkDown when it does not
	// any more. They are called in turn for each peer.
	LinkUp(l *Link)
	LinkDown(l *Link)
	// Message takes a message, in order.
	Message(l *Link, m *wire.Message)
	// Pose takes a pose; clock is its datagram's time, the sender's clock in ms.
	Pose(l *Link, kind wire.Kind, p *wire.Pose, clock uint32, now time.Time)
}

// Link is the connection to another node while it works.
type Link struct {
	peer   earshot.NodeID
	mesh   *Mesh
	conn   *quic.Conn
	stream *quic.Stream
	out    *outbox
	said   chan []byte
	lost   chan struct{} // a datagram did not come

	scratch struct { // of the goroutine that reads datagrams
		media wire.Media
		pose  wire.Pose
		seen  Counters
		seqs  [wire.MaxAsked]uint32
	}

	refused atomic.Int64 // when video was refused last, Unix ns

	// mu guards what follows.
	mu     sync.Mutex
	repair wire.Repair
	in     Counters // what came

	inlets   [maxInlets]atomic.Pointer[Inlet]
	numbered uint16 // the last number given; guarded by mu
}

func newLink(m *Mesh, peer earshot.NodeID, conn *quic.Conn, stream *quic.Stream) *Link {
	return &Link{
		peer: peer, mesh: m, conn: conn, stream: stream, out: newOutbox(),
		said: make(chan []byte, maxSaid), lost: make(chan struct{}, 1),
	}
}

// Peer returns which node is at the other end.
func (l *Link) Peer() earshot.NodeID { return l.peer }

// Done is closed when the link has ended.
func (l *Link) Done() <-chan struct{} { return l.conn.Context().Done() }

// Media queues a packet of a publication that the other node asked for. It
// returns false where it is dropped: video that the link has no room for.
func (l *Link) Media(m *wire.Media, video bool) bool {
	if l.out.media(m, video) {
		return true
	}
	if video {
		l.refused.Store(time.Now().UnixNano())
	}
	return false
}

// Pose queues a pose: the payload is that of clients for KindPose, and for
// KindVisitor a root with flags.
func (l *Link) Pose(p *wire.Pose, kind wire.Kind) { l.out.pose(p, kind) }

// Strike takes the packets of a publication out of everything that was not sent
// yet, and out of what is kept for repair. What QUIC has been given counts as
// sent, as what is on a wire does.
func (l *Link) Strike(number uint16) { l.out.strike(wire.KindMedia, number) }

// StrikePoses is Strike for the poses of a person, by their index.
func (l *Link) StrikePoses(index uint16) {
	l.out.strike(wire.KindPose, index)
	l.out.strike(wire.KindRoot, index)
}

// StrikeVisitor is Strike for the roots of somebody near a border.
func (l *Link) StrikeVisitor(index uint16) { l.out.strike(wire.KindVisitor, index) }

// Send queues a message. Messages arrive in order, or the link ends.
func (l *Link) Send(m *wire.Message) {
	data, err := wire.Append(nil, m)
	if err != nil {
		l.mesh.log.Error("a relay message cannot be sent", "peer", l.peer, "error", err)
		return
	}
	select {
	case l.said <- data:
	default:
		l.end("the peer is too slow to follow")
	}
}

// Attach gives an inlet a number, by which the other node is to send to it. It
// returns false where there is no number left.
func (l *Link) Attach(in Inlet) (number uint16, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range maxInlets { // round robin: a number rests as long as can be
		l.numbered = (l.numbered + 1) % maxInlets
		if l.inlets[l.numbered].CompareAndSwap(nil, &in) {
			return l.numbered, true
		}
	}
	return 0, false
}

// Detach takes a number back. A packet that is being handled meanwhile may still
// be given to the inlet.
func (l *Link) Detach(number uint16) {
	if number < maxInlets {
		l.inlets[number].Store(nil)
	}
}

// Congested reports whether video was refused of late.
func (l *Link) Congested(now time.Time) bool {
	at := l.refused.Load()
	return at != 0 && now.UnixNano()-at < int64(congested)
}

// RTT returns the round trip as QUIC measures it.
func (l *Link) RTT() time.Duration { return l.conn.ConnectionStats().SmoothedRTT }

// Counters returns what the link has done.
func (l *Link) Counters() Counters {
	c := l.out.counters()
	l.mu.Lock()
	defer l.mu.Unlock()
	c.MediaIn, c.PosesIn, c.DatagramsIn, c.BytesIn = l.in.MediaIn, l.in.PosesIn, l.in.DatagramsIn, l.in.BytesIn
	c.Doubled, c.Malformed = l.in.Doubled, l.in.Malformed
	return c
}

// Close ends the link; it comes back by itself while both nodes run.
func (l *Link) Close() { l.end("closed") }

// Codes with which a connection is closed.
const (
	codeBye     quic.ApplicationErrorCode = 0
	codeVersion quic.ApplicationErrorCode = 1
	codeGarbage quic.ApplicationErrorCode = 2
)

func (l *Link) end(why string) { _ = l.conn.CloseWithError(codeBye, why) }

// run serves the link until it ends, and returns when all its goroutines have.
func (l *Link) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { l.end("shutting down") })
	defer stop()
	l.mesh.handler.LinkUp(l)
	var all sync.WaitGroup
	done := l.conn.Context()
	all.Go(func() { l.write(done) })
	all.Go(func() { l.send(done) })
	all.Go(func() { l.receive(done) })
	all.Go(func() { l.ask(done) })
	err := l.read()
	if errors.As(err, new(*earshot.Error)) {
		l.mesh.log.Error("a relay peer said what cannot be understood", "peer", l.peer, "error", err)
		_ = l.conn.CloseWithError(codeGarbage, "malformed message")
	}
	l.end("the stream ended")
	all.Wait()
	l.mesh.handler.LinkDown(l)
}

func (l *Link) read() error {
	r := bufio.NewReader(l.stream)
	for {
		m, err := wire.Read(r)
		if err != nil {
			return err
		}
		l.mesh.handler.Message(l, m)
	}
}

func (l *Link) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case data := <-l.said:
			if _, err := l.stream.Write(data); err != nil {
				l.end("the stream broke")
				return
			}
		}
	}
}

// send sends datagrams, at least Gather apart: the first after a pause leaves at
// once, those that follow it closely wait for others.
func (l *Link) send(ctx context.Context) {
	buffer := make([]byte, 0, wire.MaxDatagram)
	gather := time.NewTimer(time.Hour)
	defer gather.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.out.wake:
		}
		if wait := l.mesh.cfg.Gather - time.Since(last); wait > 0 && l.out.waiting() == 0 {
			gather.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-gather.C:
			}
		}
		for {
			now := time.Now()
			datagram, ok := l.out.take(buffer, l.mesh.clock(now), now)
			if !ok {
				break
			}
			if err := l.conn.SendDatagram(datagram); err != nil && !l.tooLong(err) {
				return
			}
		}
		last = time.Now()
	}
}

// tooLong reports whether only the one datagram cannot be sent: the network
// between the nodes takes no packets as long.
func (l *Link) tooLong(err error) bool {
	if !errors.As(err, new(*quic.DatagramTooLargeError)) {
		return false
	}
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.count.DroppedLong++
	return true
}

func (l *Link) receive(ctx context.Context) {
	for {
		datagram, err := l.conn.ReceiveDatagram(ctx)
		if err != nil {
			return
		}
		l.take(datagram, time.Now())
	}
}

// take handles one datagram. It allocates nothing, unless something is missed.
func (l *Link) take(datagram []byte, now time.Time) {
	r, err := wire.ParseDatagram(datagram)
	if !l.came(&r, len(datagram), err, now) {
		return
	}
	media, pose, seen := &l.scratch.media, &l.scratch.pose, &l.scratch.seen
	*seen = Counters{}
	defer l.saw()
	for {
		kind, body, ok := r.Next()
		if !ok {
			return
		}
		switch kind {
		case wire.KindMedia:
			if err = media.Parse(body); err == nil {
				seen.MediaIn++
				l.deliver(media, now)
			}
		case wire.KindPose, wire.KindRoot, wire.KindVisitor:
			if err = pose.Parse(body); err == nil {
				seen.PosesIn++
				l.mesh.handler.Pose(l, kind, pose, r.Time, now)
			}
		case wire.KindMissing:
			var again []uint32
			if again, err = wire.ParseMissing(l.scratch.seqs[:0], body); err == nil {
				l.out.resend(again)
			}
		}
		if err != nil {
			seen.Malformed++
		}
	}
}

func (l *Link) deliver(media *wire.Media, now time.Time) {
	if media.Number >= maxInlets {
		return
	}
	if in := l.inlets[media.Number].Load(); in != nil {
		(*in).Media(media, now)
	}
}

// came counts a datagram and reports whether to read it.
func (l *Link) came(r *wire.Reader, size int, err error, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in.DatagramsIn++
	l.in.BytesIn += uint64(size)
	if err != nil {
		l.in.Malformed++
		return false
	}
	gap := !l.repair.Next(r.Seq)
	fresh := l.repair.Came(r.Seq, now)
	if !fresh {
		l.in.Doubled++
	}
	if gap && fresh {
		select {
		case l.lost <- struct{}{}:
		default:
		}
	}
	return fresh
}

// saw counts what was in a datagram.
func (l *Link) saw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in.add(&l.scratch.seen)
}

// ask asks for what was lost, while something is.
func (l *Link) ask(ctx context.Context) {
	seqs := make([]uint32, 0, wire.MaxAsked)
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.lost:
		}
		ticker := time.NewTicker(asking)
		for busy := true; busy; {
			select {
			case <-ctx.Done():
				ticker.Stop()
				return
			case now := <-ticker.C:
				rtt := l.RTT()
				l.mu.Lock()
				seqs = l.repair.Missing(seqs[:0], rtt, now)
				busy = l.repair.Open(now)
				l.mu.Unlock()
				if len(seqs) > 0 {
					l.out.missing(seqs)
				}
			}
		}
		ticker.Stop()
	}
}
