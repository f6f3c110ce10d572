package relay

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/sfu/relay/wire"
)

const testSecret = "a secret of a cluster that nobody else should ever know"

// party is one node of a test: a mesh whose handler writes down what comes.
type party struct {
	t    *testing.T
	mesh *Mesh
	stop func()

	mu    sync.Mutex
	link  *Link
	ups   int
	downs int
	said  []*wire.Message
	poses []string
	heard map[uint16]string // payload by sequence number
	order []uint16
	event chan struct{}
}

func (p *party) note(f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	select {
	case p.event <- struct{}{}:
	default:
	}
}

func (p *party) LinkUp(l *Link)                   { p.note(func() { p.link, p.ups = l, p.ups+1 }) }
func (p *party) LinkDown(*Link)                   { p.note(func() { p.link, p.downs = nil, p.downs+1 }) }
func (p *party) Message(_ *Link, m *wire.Message) { p.note(func() { p.said = append(p.said, m) }) }
func (p *party) Media(m *wire.Media, _ time.Time) {
	p.note(func() {
		p.heard[m.Seq] = string(m.Payload)
		p.order = append(p.order, m.Seq)
	})
}

func (p *party) Pose(_ *Link, _ wire.Kind, pose *wire.Pose, _ uint32, _ time.Time) {
	p.note(func() { p.poses = append(p.poses, string(pose.Payload)) })
}

// await waits until ok, which is asked under the party's lock.
func (p *party) await(what string, ok func() bool) {
	p.t.Helper()
	if !p.within(30*time.Second, ok) {
		p.t.Fatalf("%s: %s did not happen in 30 s", p.mesh.Node(), what)
	}
}

// within reports whether ok, which is asked under the party's lock, holds in time.
func (p *party) within(d time.Duration, ok func() bool) bool {
	late := time.After(d)
	for {
		p.mu.Lock()
		done := ok()
		p.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-p.event:
		case <-time.After(5 * time.Millisecond):
		case <-late:
			return false
		}
	}
}

func (p *party) linked() *Link {
	p.t.Helper()
	p.await("a link", func() bool { return p.link != nil })
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.link
}

// start runs a node on a socket.
func start(t *testing.T, node earshot.NodeID, socket net.PacketConn, secrets []string, peers ...Peer) *party {
	t.Helper()
	p := &party{t: t, event: make(chan struct{}, 1), heard: make(map[uint16]string)}
	mesh, err := New(Config{Node: node, Listen: "127.0.0.1:0", Peers: peers, Secrets: secrets, Gather: DefaultGather},
		Deps{Handler: p, Socket: socket, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	p.mesh = mesh
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mesh.Run(ctx) }()
	var once sync.Once
	p.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run() = %v", err)
			}
		})
	}
	t.Cleanup(p.stop)
	return p
}

func socket(t *testing.T) net.PacketConn {
	t.Helper()
	s, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lossy loses packets that it is given to send once it is told to.
type lossy struct {
	net.PacketConn
	mu   sync.Mutex
	rand *rand.Rand
	rate float64
}

func (l *lossy) WriteTo(b []byte, to net.Addr) (int, error) {
	l.mu.Lock()
	lost := l.rand.Float64() < l.rate
	l.mu.Unlock()
	if lost {
		return len(b), nil
	}
	return l.PacketConn.WriteTo(b, to)
}

func (l *lossy) lose(rate float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = rate
}

// pair starts two nodes that know each other.
func pair(t *testing.T, sa, sb net.PacketConn) (a, b *party) {
	t.Helper()
	a = start(t, "nd_a", sa, []string{testSecret}, Peer{"nd_b", sb.LocalAddr().String()})
	b = start(t, "nd_b", sb, []string{testSecret}, Peer{"nd_a", sa.LocalAddr().String()})
	return a, b
}

// Two nodes meet: messages come in order, packets and poses too.
func TestLinkCarriesEverything(t *testing.T) {
	a, b := pair(t, socket(t), socket(t))
	la, lb := a.linked(), b.linked()
	if la.Peer() != "nd_b" || lb.Peer() != "nd_a" {
		t.Fatalf("peers %s and %s", la.Peer(), lb.Peer())
	}
	number, ok := lb.Attach(b)
	if !ok {
		t.Fatal("Attach() = false")
	}
	for i := range uint64(100) {
		la.Send(&wire.Message{Ack: &wire.Ack{Order: i}})
	}
	for i := range uint16(200) {
		la.Media(&wire.Media{Number: number, Codec: 1, Seq: i, Payload: []byte{byte(i), 1}}, false)
		la.Media(&wire.Media{Number: number + 1, Codec: 1, Seq: i, Payload: []byte("nobody's")}, false)
	}
	la.Pose(&wire.Pose{Payload: []byte("here")}, wire.KindPose)
	b.await("all of it", func() bool { return len(b.said) == 100 && len(b.heard) == 200 && len(b.poses) == 1 })
	for i, m := range b.said {
		if m.Ack == nil || m.Ack.Order != uint64(i) {
			t.Fatalf("message %d is %+v", i, m)
		}
	}
	if c := la.Counters(); c.Media != 400 || c.Poses != 1 || c.Datagrams > 100 {
		t.Errorf("counters %+v, want 400 packets in few datagrams", c)
	}
}

// One datagram of twenty is lost on the way: all packets come all the same, each
// once, and soon: what is older than repairFor is not sent again, so that a busy
// machine gets three tries.
func TestLossIsRepaired(t *testing.T) {
	const tries = 3
	for try := 1; !repaired(t); try++ {
		if try == tries {
			t.Fatal("lost packets did not come")
		}
		t.Log("lost packets did not come: trying again")
	}
}

func repaired(t *testing.T) bool {
	lossyA := &lossy{PacketConn: socket(t), rand: rand.New(rand.NewPCG(1, 2))}
	a, b := pair(t, lossyA, socket(t))
	la, lb := a.linked(), b.linked()
	number, _ := lb.Attach(b)
	lossyA.lose(0.05)
	const n = 600
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := range uint16(n) {
		la.Media(&wire.Media{Number: number, Codec: 1, Seq: i, Payload: []byte("voice")}, false)
		<-tick.C
	}
	lossyA.lose(0)
	for i := range uint16(20) { // so that the last loss is noticed
		la.Media(&wire.Media{Number: number, Codec: 1, Seq: n + i, Payload: []byte("voice")}, false)
		<-tick.C
	}
	whole := b.within(5*time.Second, func() bool { return len(b.heard) >= n+20-3 }) // two tries of 5 % leave next to nothing
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.order) != len(b.heard) {
		t.Errorf("%d packets came, %d of them twice", len(b.order), len(b.order)-len(b.heard))
	}
	if c := la.Counters(); c.Repaired == 0 {
		t.Error("nothing was sent again although packets were lost")
	}
	return whole
}

// A link is cut and comes back: both sides are told, in turn.
func TestLinkComesBack(t *testing.T) {
	a, b := pair(t, socket(t), socket(t))
	la := a.linked()
	b.linked()
	la.Close()
	for _, p := range []*party{a, b} {
		p.await("the link again", func() bool { return p.ups >= 2 && p.downs == p.ups-1 && p.link != nil })
	}
}

// A node without the secret is refused, and so is one that is no peer although
// it has the secret; a node whose secrets are being changed is not.
func TestForeignNodesAreRefused(t *testing.T) {
	sb := socket(t)
	address := sb.LocalAddr().String()
	b := start(t, "nd_b", sb, []string{testSecret, "the secret of yesterday, which still counts today"}, Peer{"nd_a", "127.0.0.1:9"})
	stranger := start(t, "nd_a", socket(t), []string{"another secret that is long enough but not the same"}, Peer{"nd_b", address})
	unknown := start(t, "nd_0", socket(t), []string{testSecret}, Peer{"nd_b", address})
	<-time.After(700 * time.Millisecond) // some attempts
	b.mu.Lock()
	if b.ups != 0 {
		t.Errorf("%d links with strangers", b.ups)
	}
	b.mu.Unlock()
	stranger.stop()
	unknown.stop()
	late := start(t, "nd_a", socket(t), []string{"the secret of yesterday, which still counts today", testSecret}, Peer{"nd_b", address})
	late.linked()
	b.linked()
}

// A certificate is of one node and of one cluster.
func TestSecretsAreNotGuessable(t *testing.T) {
	id, err := NewIdentity("nd_a", []string{testSecret})
	if err != nil {
		t.Fatal(err)
	}
	one, err := id.certificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	again, _ := id.certificate(time.Now())
	later, _ := id.certificate(time.Now().Add(leafRenew + time.Minute))
	if again != one || later == one {
		t.Errorf("certificates: the same %v, then another %v; want both", again == one, later != one)
	}
}

// What an order has struck out is not sent, and not sent again.
func TestStruckPacketsDoNotLeave(t *testing.T) {
	o := newOutbox()
	now := time.Unix(1000, 0)
	for i := range uint16(100) {
		o.media(&wire.Media{Number: 1 + i%2, Codec: 1, Seq: i, Payload: make([]byte, 100)}, false)
	}
	sent, ok := o.take(nil, 0, now)
	if !ok {
		t.Fatal("nothing to send")
	}
	r, _ := wire.ParseDatagram(sent)
	o.strike(wire.KindMedia, 1)
	o.resend([]uint32{r.Seq})
	seen := 0
	for {
		b, ok := o.take(nil, 0, now)
		if !ok {
			break
		}
		r, err := wire.ParseDatagram(b)
		if err != nil {
			t.Fatal(err)
		}
		for {
			kind, body, ok := r.Next()
			if !ok {
				break
			}
			var m wire.Media
			if kind == wire.KindMedia {
				if err := m.Parse(body); err != nil || m.Number == 1 {
					t.Fatalf("packet %d of number %d left: %v", m.Seq, m.Number, err)
				}
				seen++
			}
		}
	}
	if want := 50; seen != want { // those sent already come again: they are number 2's
		t.Errorf("%d packets of the other publication left, want %d", seen, want)
	}
	if o.counters().Struck != 50 {
		t.Errorf("%d struck, want 50", o.counters().Struck)
	}
}

// A link that carries nothing: video is refused first, then the oldest voice is
// dropped, and what is left is the newest.
func TestQueueIsBounded(t *testing.T) {
	o := newOutbox()
	refused := 0
	for i := range uint16(100) {
		if !o.media(&wire.Media{Codec: 2, Seq: i, Payload: make([]byte, 1200)}, true) {
			refused++
		}
	}
	if refused != 100-maxVideoWaiting-1 {
		t.Errorf("%d videos refused, want all beyond %d", refused, maxVideoWaiting+1)
	}
	for i := range uint16(10_000) {
		o.media(&wire.Media{Number: 1, Codec: 1, Seq: i, Payload: make([]byte, 100)}, false)
	}
	if w := o.waiting(); w > maxWaiting {
		t.Errorf("%d datagrams wait, more than %d", w, maxWaiting)
	}
	newest := uint16(0)
	for {
		b, ok := o.take(nil, 0, time.Now())
		if !ok {
			break
		}
		r, _ := wire.ParseDatagram(b)
		for _, body, ok := r.Next(); ok; _, body, ok = r.Next() {
			var m wire.Media
			if m.Parse(body) == nil {
				newest = m.Seq
			}
		}
	}
	if c := o.counters(); newest != 9999 || c.DroppedOld == 0 || c.DroppedVideo != uint64(refused) {
		t.Errorf("newest %d, counters %+v", newest, c)
	}
}

func TestMediaDoesNotAllocate(t *testing.T) {
	l := &Link{mesh: &Mesh{handler: &party{}}, out: newOutbox(), lost: make(chan struct{}, 1)}
	count := 0
	number, _ := l.Attach(inletFunc(func(*wire.Media) { count++ }))
	m := wire.Media{Number: number, Codec: 1, HasLevel: true, Level: -30, Payload: make([]byte, 80)}
	buffer, now := make([]byte, 0, wire.MaxDatagram), time.Now()
	pass := func() {
		for range 20 {
			m.Seq++
			l.Media(&m, false)
		}
		for {
			b, ok := l.out.take(buffer, 0, now)
			if !ok {
				break
			}
			l.take(b, now)
		}
	}
	for range 50 {
		pass()
	}
	if n := testing.AllocsPerRun(500, pass); n != 0 {
		t.Errorf("%v allocations for 20 packets, want 0", n)
	}
	if count != 20*551 {
		t.Errorf("%d packets came, want %d", count, 20*551)
	}
}

type inletFunc func(*wire.Media)

func (f inletFunc) Media(m *wire.Media, _ time.Time) { f(m) }
