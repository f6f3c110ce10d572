package gateway

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/gateway/livekit/webhook"
	"earshot/presence"
	"earshot/presence/pose"
	"earshot/sfu/relay/wire"
)

// quays are two nodes with the same two worlds that share a border; spans are
// those whose instances are shared, too.
func quays(t *testing.T, spans ...string) (a, b *node) {
	t.Helper()
	return nodes(t, func(c *Config) {
		quay(c)
		c.Cluster.Spans = spans
	})
}

// The town is on one node, the harbour on another: it is as if both were on one.
func TestBorderAcrossNodes(t *testing.T) {
	t.Parallel()
	a, b := quays(t)
	ada, bob := crossBorder(t, a, b)
	blockAcross(t, a, b, ada, bob)
	// The other way round, too.
	blockAcross(t, a, b, bob, ada)
}

// Who leaves is gone on the other node at once, and so is everybody with the link,
// and comes back with it.
func TestBorderLinkComesBack(t *testing.T) {
	t.Parallel()
	a, b := quays(t)
	ada, bob := crossBorder(t, a, b)
	a.cluster.mesh.Links()[0].Close()
	expectEither(ada, bob.id())
	joinedOf(ada, bob.id())
	joinedOf(bob, ada.id())
	town := a.first("town")
	s := town.live.Load().byID[ada.id()]
	town.isolateNow(s, sanctions{isolated: true})
	expectEither(bob, ada.id())
	town.isolateNow(s, sanctions{})
	joinedOf(bob, ada.id())
	ada.conn.Close()
	expectEither(bob, ada.id())
}

// Both worlds are shared by both nodes: everybody of the other world is seen once
// on either node, with whatever node they are on.
func TestBorderOfSharedWorlds(t *testing.T) {
	t.Parallel()
	a, b := quays(t, "town", "harbour")
	ada, bob := crossBorder(t, a, b)
	eve := b.guest("eve", inWorld("town"))
	b.stands("town", eve, 10, 0, 0)
	if p := joinedOf(eve, bob.id()); p.Beyond != "harbour" {
		t.Errorf("eve was told of %+v, want bob in the harbour", p)
	}
	blockAcross(t, a, b, ada, bob)
	if v, _ := a.first("town").sees(eve.id()); v != nil {
		t.Error("eve is seen from beyond in her own world")
	}
	if s := a.first("town").live.Load().byID[eve.id()]; s == nil || s.ghost == nil {
		t.Error("eve is no ghost on the town's other node")
	}
}

// A node says what cannot be: nothing of it is seen.
func TestVisitRefuses(t *testing.T) {
	t.Parallel()
	n := startNode(t, quay)
	n.guest("bob", inWorld("harbour"))
	in := n.first("harbour")
	f := in.borders.to("town")
	v := &visit{at: in.beyond, border: f, byIndex: map[uint16]*stranger{}, index: map[earshot.ParticipantID]uint16{}}
	root := func(x, z float32) []byte {
		at := earshot.Standing(earshot.Vec3{X: x, Z: z}, 0)
		return append(pose.AppendRoot(nil, pose.AppendSnapshot(nil, &at)), 0)
	}
	person := func(id earshot.ParticipantID, index uint16, root []byte) *wire.Visitor {
		return &wire.Visitor{ID: id, Index: index, Name: string(id), Kind: KindPerson, Root: root}
	}
	now := time.Now()
	seen := func() int { return len(*in.beyond.live.Load()) }
	for name, p := range map[string]*wire.Visitor{
		"no root":                  person("pa_a", 1, nil),
		"half a root":              person("pa_a", 1, root(20, 0)[:5]),
		"somebody in the middle":   person("pa_a", 1, root(0, 0)),
		"somebody deep in harbour": person("pa_a", 1, root(35, 0)),
		"somebody past its end":    person("pa_a", 1, root(20, 40)),
	} {
		if v.add(p, now); seen() != 0 {
			t.Errorf("%s is seen", name)
		}
	}
	v.add(person("pa_a", 1, root(19, 0)), now)
	v.add(person("pa_b", 1, root(19, 1)), now) // the index is another's now
	v.add(person("pa_b", 2, root(19, 1)), now)
	if a, _ := in.sees("pa_a"); a != nil || seen() != 1 || len(v.byIndex) != 1 {
		t.Errorf("%d are seen, pa_a %v", seen(), a)
	}
	bob := in.live.Load().all[0].participant
	v.add(person(bob, 3, root(19, 2)), now) // is here himself
	if s, _ := in.sees(bob); s != nil {
		t.Error("bob is seen from beyond in his own world")
	}
	for i := range 2 * maxBeyond {
		v.add(person(earshot.ParticipantFor("test", string(rune('a'+i))), uint16(10+i), root(19, 3)), now)
	}
	if seen() > maxBeyond || len(v.byIndex) > maxBeyond {
		t.Errorf("%d are seen of %d, at most %d", seen(), len(v.byIndex), maxBeyond)
	}
	v.end()
	if seen() != 0 || len(v.byIndex)+len(v.index) != 0 {
		t.Errorf("%d are seen after the end", seen())
	}
}

// What a node says of people near a border may be anything: nothing panics, nobody
// is where they cannot be, and nothing of it stays.
func FuzzVisit(f *testing.F) {
	g := bareGateway(f, quay)
	f.Add([]byte{0, 1, 2, 1, 1, 3, 2, 1, 9, 3, 1, 0})
	var out presence.Tick
	f.Fuzz(func(t *testing.T, steps []byte) {
		w, _ := g.worldConfig("harbour")
		in, err := newInstance(g, "in_harbour", "harbour", w)
		if err != nil {
			t.Fatal(err)
		}
		p := &peer{}
		c := &spans{log: g.log}
		c.coasts.ours = map[uint16]*coast{7: {in: in, channel: 7}}
		now := time.Unix(1000, 0)
		take := func() byte {
			if len(steps) == 0 {
				return 0
			}
			b := steps[0]
			steps = steps[1:]
			return b
		}
		id := func() earshot.ParticipantID { return earshot.ParticipantID("pa_" + string(rune('a'+take()%8))) }
		root := func() []byte {
			at := earshot.Standing(earshot.Vec3{X: float32(take()) / 8, Z: float32(int8(take())) / 8}, 0)
			return append(pose.AppendRoot(nil, pose.AppendSnapshot(nil, &at)), take())[:12-max(1, take()%12)]
		}
		for len(steps) > 0 {
			now = now.Add(time.Duration(take()) * time.Millisecond)
			channel := uint16(take() % 3)
			switch take() % 5 {
			case 0:
				c.onVisitors(p, &wire.Visitors{Channel: channel, To: 7, Instance: "in_town", People: []wire.Visitor{
					{ID: id(), Index: uint16(take() % 8), Root: root(), Blocks: []earshot.ParticipantID{id(), id()}},
				}}, now)
			case 1:
				p.onVisitor(&wire.Pose{Channel: channel, Index: uint16(take() % 8), Seq: uint16(take()), Age: take(), Payload: root()}, uint32(take()), now)
			case 2:
				p.onGone(&wire.Gone{Channel: channel, People: []earshot.ParticipantID{id()}, All: take()%4 == 0})
			case 3:
				p.onShun(&wire.Shun{Channel: channel, By: id(), Other: id(), On: take()%2 == 0})
			case 4:
				in.space.Tick(now, &out)
			}
			for _, v := range *in.beyond.live.Load() {
				at, ok := in.space.Sight(v.id)
				if !ok || !in.borders.list[0].geometry.Within(at.Root, 3) {
					t.Fatalf("%s is seen at %v", v.id, at.Root)
				}
			}
		}
		p.onGone(&wire.Gone{Channel: 0, All: true})
		p.onGone(&wire.Gone{Channel: 1, All: true})
		p.onGone(&wire.Gone{Channel: 2, All: true})
		if n := len(*in.beyond.live.Load()) + len(in.beyond.byID); n != 0 {
			t.Fatalf("%d stay", n)
		}
		for i := range 8 {
			if who := earshot.ParticipantID("pa_" + string(rune('a'+i))); len(in.space.Blocks(who)) > 0 {
				t.Fatalf("blocks of %s stay", who)
			}
		}
	})
}

// bareGateway is one that opens no sockets and runs nothing.
func bareGateway(t testing.TB, change func(*Config)) *Gateway {
	t.Helper()
	cfg := DefaultConfig()
	change(&cfg)
	g := &Gateway{
		cfg: cfg, log: slog.New(slog.DiscardHandler), worlds: cfg.Worlds,
		metrics: newMetrics(prometheus.NewRegistry()), sessions: make(map[earshot.SessionID]*session), instances: make(map[earshot.InstanceID]*Instance),
		hooks: webhook.New(webhook.Config{}, webhook.Deps{Metrics: prometheus.NewRegistry()}),
	}
	var err error
	if g.manager, err = newManager(g, cfg.Instances); err != nil {
		t.Fatal(err)
	}
	return g
}
