package gateway

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence"
	"earshot/sfu/relay"
	"earshot/sfu/relay/wire"
)

// crowdedQuay is a town and a harbour of one node with so many people each, all of
// them near the border.
func crowdedQuay(t testing.TB, people int) (town, harbour *Instance) {
	t.Helper()
	g := bareGateway(t, quay)
	open := func(world string) *Instance {
		w, _ := g.worldConfig(world)
		in, err := newInstance(g, firstOf(world), world, w)
		if err != nil {
			t.Fatal(err)
		}
		g.instances[in.id] = in
		now := time.Now()
		for i := range people {
			s := newSession(in, &Claims{
				Issuer: "test", Subject: fmt.Sprint(world, i), Name: fmt.Sprint(world, i), World: world, Kind: KindPerson,
				Expires: now.Add(time.Hour), Grants: []string{protocol.GrantSubscribe},
			}, now)
			s.line = mute{}
			if err := in.enter(s, now); err != nil {
				t.Fatal(err)
			}
			s.OnControlOpen()
			if err := s.onReady(&protocol.Ready{}); err != nil {
				t.Fatal(err)
			}
		}
		return in
	}
	return open("town"), open("harbour")
}

// walk puts everybody of both worlds somewhere near the border.
func walk(town, harbour *Instance, step int, now time.Time) {
	for i, s := range town.live.Load().all {
		town.space.Move(s.participant, earshot.Standing(earshot.Vec3{X: 13 + float32((i+step)%60)/10, Z: float32(i%20) - 9.5}, 0), now)
	}
	for i, s := range harbour.live.Load().all {
		harbour.space.Move(s.participant, earshot.Standing(earshot.Vec3{Z: 1 + float32((i+step)%60)/10, X: float32(i%20) - 9.5}, 0), now)
	}
}

// Once everybody near is seen, showing where they go allocates nothing, here and
// there.
func TestBorderDoesNotAllocate(t *testing.T) {
	town, harbour := crowdedQuay(t, 20)
	now, step := time.Now(), 0
	round := func() {
		step++
		now = now.Add(100 * time.Millisecond)
		walk(town, harbour, step, now)
		town.borders.tick(town.live.Load(), now)
		harbour.borders.tick(harbour.live.Load(), now)
		for _, in := range []*Instance{town, harbour} {
			in.mixer.voiced = in.beyond.voiced(in.mixer.voiced[:0])
			in.mixer.talking = in.beyond.talking(in.mixer.near, in.live.Load().all[0], nil, in.mixer.talking[:0])
		}
	}
	for range 20 {
		round()
	}
	if n := len(*harbour.beyond.live.Load()); n != 20 {
		t.Fatalf("%d are seen, want 20", n)
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%g allocations for a round, want none", n)
	}
}

// The same for those who are seen on another node: what leaves for there, and what
// comes from there.
func TestFarShoreDoesNotAllocate(t *testing.T) {
	town, harbour := crowdedQuay(t, 20)
	p := &peer{link: farLink(t)}
	fs := newFarShore(town.borders, place{peer: p, to: 7})
	v := &visit{
		at: harbour.beyond, border: harbour.borders.to("town"), byIndex: map[uint16]*stranger{}, index: map[earshot.ParticipantID]uint16{},
	}
	p.coasts.visits = map[uint16]*visit{fs.channel: v}
	now, step := time.Now(), 0
	walk(town, harbour, step, now)
	var all []*outward
	for _, s := range town.live.Load().all {
		o := &outward{session: s, name: s.name.Load()}
		fs.arrive(o, now)
		all = append(all, o)
	}
	for i := range fs.arriving {
		v.add(&fs.arriving[i], now)
	}
	if n := len(*harbour.beyond.live.Load()); n != 20 {
		t.Fatalf("%d are seen, want 20", n)
	}
	fs.arriving = nil
	if n := testing.AllocsPerRun(100, func() {
		step++
		now = now.Add(100 * time.Millisecond)
		walk(town, harbour, step, now)
		for _, o := range all {
			fs.move(o, now)
			p.onVisitor(&fs.record, uint32(step*100), now)
		}
	}); n != 0 {
		t.Errorf("%g allocations for a round, want none", n)
	}
	if at, _ := harbour.space.Pose(all[0].session.participant); !harbour.borders.list[0].geometry.Within(at.Root, 1) {
		t.Errorf("somebody of the town is seen at %v", at.Root)
	}
}

// farLink is a link that has ended: what is queued on it goes nowhere, and nobody
// but the test allocates.
func farLink(t testing.TB) *relay.Link {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	sockets := [2]net.PacketConn{udp(t), udp(t)}
	nodes := [2]earshot.NodeID{"nd_a", "nd_b"}
	first := linked{up: make(chan *relay.Link, 1)}
	handlers := [2]relay.Handler{first, linked{up: make(chan *relay.Link, 1)}}
	var ended sync.WaitGroup
	for i := range nodes {
		m, err := relay.New(relay.Config{
			Node: nodes[i], Listen: "127.0.0.1:0", Secrets: []string{spanSecret},
			Peers: []relay.Peer{{Node: nodes[1-i], Address: sockets[1-i].LocalAddr().String()}},
		}, relay.Deps{Handler: handlers[i], Socket: sockets[i]})
		if err != nil {
			t.Fatal(err)
		}
		ended.Go(func() { _ = m.Run(ctx) })
	}
	link := <-first.up
	cancel()
	ended.Wait()
	return link
}

// linked is a relay.Handler that takes no notice.
type linked struct{ up chan *relay.Link }

func (l linked) LinkUp(link *relay.Link) {
	select {
	case l.up <- link:
	default:
	}
}
func (linked) LinkDown(*relay.Link)                                       {}
func (linked) Message(*relay.Link, *wire.Message)                         {}
func (linked) Pose(*relay.Link, wire.Kind, *wire.Pose, uint32, time.Time) {}

// BenchmarkBorder is what a border costs a node that runs both sides, with so many
// people on either, all of whom move: showing them across it, ten times a second,
// and the work of one tick of the town, 60 times a second, with and without those
// who are seen of the harbour.
//
//	go test ./gateway -run '^$' -bench Border
func BenchmarkBorder(b *testing.B) {
	for _, people := range []int{10, 100} {
		town, harbour := crowdedQuay(b, people)
		now, step := time.Now(), 0
		b.Run(fmt.Sprintf("show/%d", people), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				step++
				now = now.Add(100 * time.Millisecond)
				walk(town, harbour, step, now)
				b.StartTimer()
				town.borders.tick(town.live.Load(), now)
			}
			b.ReportMetric(float64(len(*harbour.beyond.live.Load())), "seen")
		})
		tick := func(b *testing.B) {
			var out presence.Tick
			bytes := 0
			for b.Loop() {
				step++
				now = now.Add(time.Second / 60)
				b.StopTimer()
				walk(town, harbour, step, now)
				if step%6 == 0 {
					harbour.borders.tick(harbour.live.Load(), now)
				}
				b.StartTimer()
				town.space.Tick(now, &out)
				for i := range out.Datagrams {
					bytes += len(out.Datagrams[i].Bytes)
				}
			}
			b.ReportMetric(float64(bytes)*60/float64(b.N)/float64(people), "B/s/person")
		}
		b.Run(fmt.Sprintf("tick/%d", people), tick)
		harbour.borders.close()
		harbour.borders.closed = true
		b.Run(fmt.Sprintf("tick-alone/%d", people), tick)
	}
}
