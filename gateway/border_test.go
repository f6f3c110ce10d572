package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/presence/border"
	"earshot/presence/pose"
	"earshot/spatialaudio/zone"
)

// The town's quay is the harbour's near edge: x = 20 here is z = 0 there, and the
// harbour's own ground is at positive z.
var (
	townQuay    = BorderConfig{To: "harbour", Line: border.Line{{20, 10}, {20, -10}}, There: border.Line{{-10, 0}, {10, 0}}}
	harbourQuay = BorderConfig{To: "town", Line: border.Line{{10, 0}, {-10, 0}}, There: border.Line{{20, -10}, {20, 10}}}
)

// quay makes two worlds of a configuration that share a border.
func quay(c *Config) {
	town, harbour := DefaultWorld(), DefaultWorld()
	town.Title, harbour.Title = "Town", "Harbour"
	town.Borders, harbour.Borders = []BorderConfig{townQuay}, []BorderConfig{harbourQuay}
	c.Worlds = map[string]WorldConfig{"town": town, "harbour": harbour}
}

// inWorld is for a token for another world.
func inWorld(name string) func(*Claims) { return func(c *Claims) { c.World = name } }

// stands moves somebody by the poses of their client. Seq counts up.
func (n *node) stands(world string, g *guest, x, z, yaw float32) {
	n.t.Helper()
	n.first(world).space.Move(g.id(), earshot.Standing(earshot.Vec3{X: x, Z: z}, yaw), time.Now())
}

func (n *node) first(world string) *Instance {
	n.t.Helper()
	in, err := n.run(firstOf(world), world)
	if err != nil {
		n.t.Fatal(err)
	}
	return in
}

// sees reports whether somebody is seen in an instance beyond its border, and where.
func (in *Instance) sees(id earshot.ParticipantID) (*stranger, earshot.Pose) {
	in.beyond.mu.Lock()
	defer in.beyond.mu.Unlock()
	v := in.beyond.byID[id]
	if v == nil {
		return nil, earshot.Pose{}
	}
	at, _ := in.space.Pose(id)
	return v, at
}

// nearOf waits until somebody enters what g sees, or with false leaves it.
func nearOf(g *guest, id earshot.ParticipantID, enters bool) {
	g.t.Helper()
	for {
		m := expect[*protocol.Near](g)
		if enters && slices.Contains(m.Enter, id) || !enters && slices.Contains(m.Leave, id) {
			return
		}
	}
}

// Ada walks up to the quay in the town, Bob in the harbour: each sees the other
// where they are, as one of the other world, until Ada walks away.
func TestBorderIsSeenAcross(t *testing.T) {
	t.Parallel()
	n := startNode(t, quay)
	crossBorder(t, n, n)
}

// crossBorder is that story, with the town's people on one node and the
// harbour's on another, or the same.
func crossBorder(t *testing.T, a, b *node) (ada, bob *guest) {
	ada, bob = a.guest("ada", inWorld("town")), b.guest("bob", inWorld("harbour"))
	a.stands("town", ada, 15, 0, 0)
	b.stands("harbour", bob, 2, 4, 0)
	p, q := joinedOf(ada, bob.id()), joinedOf(bob, ada.id())
	if p.Name != "bob" || p.Beyond != "harbour" || p.Kind != KindPerson || q.Name != "ada" || q.Beyond != "town" {
		t.Errorf("ada was told of %+v, bob of %+v", p, q)
	}
	nearOf(ada, bob.id(), true)
	nearOf(bob, ada.id(), true)
	_, at := a.first("town").sees(bob.id())
	if want := (earshot.Vec3{X: 24, Z: -2}); at.Root.Distance(want) > 0.02 {
		t.Errorf("bob is seen at %v, want %v", at.Root, want)
	}
	if at.HeadWorld().Rotation.Forward().Distance(earshot.Vec3{X: -1}) > 0.02 {
		t.Errorf("bob, who looks at the town, is seen to face %v", at.HeadWorld().Rotation.Forward())
	}
	b.stands("harbour", bob, 2, 7, 0)
	eventually(t, "bob's step", func() bool {
		_, at := a.first("town").sees(bob.id())
		return at.Root.Distance(earshot.Vec3{X: 27, Z: -2}) < 0.02
	})
	return ada, bob
}

// Who walks away, leaves, or is in the other world themselves is seen there no more.
func TestBorderEnds(t *testing.T) {
	t.Parallel()
	n := startNode(t, quay)
	ada, bob := crossBorder(t, n, n)
	n.stands("town", ada, 0, 0, 0)
	if left := expect[*protocol.Left](bob); left.Participant != ada.id() || left.Reason != protocol.ReasonBeyond {
		t.Errorf("bob was told %+v when ada walked away", left)
	}
	n.stands("town", ada, 18, 0, 0)
	joinedOf(bob, ada.id())
	both := n.guest("ada", inWorld("harbour")) // she comes to the harbour, and is in the town still
	if left := expect[*protocol.Left](bob); left.Participant != ada.id() || left.Reason != protocol.ReasonBeyond {
		t.Errorf("bob was told %+v when ada came", left)
	}
	if p := joinedOf(bob, ada.id()); p.Beyond != "" {
		t.Errorf("bob was told that ada is in %q", p.Beyond)
	}
	both.conn.Close()
	if p := joinedOf(bob, ada.id()); p.Beyond != "town" {
		t.Errorf("bob was told that ada is in %q, want the town", p.Beyond)
	}
	ada.conn.Close()
	if left := expect[*protocol.Left](bob); left.Participant != ada.id() || left.Reason != protocol.ReasonBeyond {
		t.Errorf("bob was told %+v when ada left", left)
	}
}

// Bob blocks Ada while they see one another: both lose sight at once and learn
// nothing more of one another, until the block is lifted.
func TestBorderBlock(t *testing.T) {
	t.Parallel()
	n := startNode(t, quay)
	ada, bob := crossBorder(t, n, n)
	blockAcross(t, n, n, ada, bob)
}

// blockAcross is that story: one of the two, of the town on node a and the
// harbour on node b, blocks the other.
func blockAcross(t *testing.T, a, b *node, other, by *guest) {
	t.Helper()
	by.say(&protocol.Block{Participant: other.id(), Blocked: true})
	expect[*protocol.Blocked](by)
	if left := expectEither(other, by.id()); left.Reason != protocol.ReasonBeyond {
		t.Errorf("the blocked was told %+v", left)
	}
	town, harbour := a.first("town"), b.first("harbour")
	eventually(t, "the block to hold on both sides", func() bool {
		return town.space.Blocked(by.id(), other.id()) && harbour.space.Blocked(by.id(), other.id())
	})
	for _, in := range []*Instance{town, harbour} {
		for _, pair := range [][2]earshot.ParticipantID{{by.id(), other.id()}, {other.id(), by.id()}} {
			if _, ok := in.space.Reach(pair[0], pair[1]); ok {
				t.Errorf("%s reaches %s in %s", pair[0], pair[1], in.id)
			}
			_, near := in.space.Neighbours(pair[0], nil, nil)
			for i := range near {
				if near[i].ID == pair[1] {
					t.Errorf("%s is near %s in %s after the block", pair[1], pair[0], in.id)
				}
			}
		}
	}
	// They walk about: nothing of it comes, on either side.
	ada, bob := other, by
	if worldOf(other.me.Instance) == "harbour" {
		ada, bob = by, other
	}
	a.stands("town", ada, 17, 1, 0)
	b.stands("harbour", bob, 1, 3, 0)
	silentFor(other, by.id(), 500*time.Millisecond)
	silentFor(by, other.id(), 500*time.Millisecond)
	by.say(&protocol.Block{Participant: other.id(), Blocked: false})
	joinedOf(other, by.id())
	nearOf(other, by.id(), true)
}

// expectEither passes over messages until g is told that somebody left.
func expectEither(g *guest, id earshot.ParticipantID) *protocol.Left {
	g.t.Helper()
	for {
		if left := expect[*protocol.Left](g); left.Participant == id {
			return left
		}
	}
}

// silentFor fails where g is told anything of somebody within d but that they
// left.
func silentFor(g *guest, id earshot.ParticipantID, d time.Duration) {
	g.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		g.say(&protocol.Ping{})
		switch m := g.next(d).(type) {
		case *protocol.Joined:
			for _, p := range m.Participants {
				if p.ID == id {
					g.t.Errorf("%s was told of %s", g.id(), id)
				}
			}
		case *protocol.Near:
			if slices.Contains(m.Enter, id) {
				g.t.Errorf("%s has %s near", g.id(), id)
			}
		case *protocol.Speaking:
			if slices.Contains(m.Start, id) {
				g.t.Errorf("%s sees %s talk", g.id(), id)
			}
		}
		pause(20 * time.Millisecond)
	}
}

// A block that is there before either comes near, on either side: neither ever
// learns of the other.
func TestBorderBlockedBefore(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"the town's", "the harbour's"} {
		t.Run(who, func(t *testing.T) {
			n := startNode(t, quay)
			ada, bob := n.guest("ada", inWorld("town")), n.guest("bob", inWorld("harbour"))
			by, other := ada, bob
			if who == "the harbour's" {
				by, other = bob, ada
			}
			by.say(&protocol.Block{Participant: other.id(), Blocked: true})
			expect[*protocol.Blocked](by)
			n.stands("town", ada, 19, 0, 0)
			n.stands("harbour", bob, 0, 1, 0)
			eventually(t, "both to be shown", func() bool {
				a, _ := n.first("town").sees(bob.id())
				b, _ := n.first("harbour").sees(ada.id())
				return a != nil && b != nil
			})
			silentFor(ada, bob.id(), 500*time.Millisecond)
			silentFor(bob, ada.id(), 500*time.Millisecond)
			// What came along with somebody goes with them.
			n.stands("town", ada, 0, 0, 0)
			n.stands("harbour", bob, 0, 30, 0)
			eventually(t, "both to be gone", func() bool {
				a, _ := n.first("town").sees(bob.id())
				b, _ := n.first("harbour").sees(ada.id())
				return a == nil && b == nil
			})
			if own := n.first(worldOf(by.me.Instance)).space.Shuns(by.id(), other.id()); !own {
				t.Error("the block is forgotten where it was made")
			}
			if there := n.first(worldOf(other.me.Instance)).space.Shuns(by.id(), other.id()); there {
				t.Error("the block stays where nobody made it")
			}
		})
	}
}

// Somebody who is isolated by a moderator, or watches unseen, is not seen beyond
// the border either, at once.
func TestBorderHidesTheIsolated(t *testing.T) {
	t.Parallel()
	n := startNode(t, quay)
	ada, bob := crossBorder(t, n, n)
	town := n.first("town")
	s := town.live.Load().byID[ada.id()]
	town.isolateNow(s, sanctions{isolated: true})
	if v, _ := n.first("harbour").sees(ada.id()); v != nil {
		t.Error("ada is seen in the harbour after her isolation")
	}
	if left := expectEither(bob, ada.id()); left.Reason != protocol.ReasonBeyond {
		t.Errorf("bob was told %+v", left)
	}
	if _, ok := town.space.Reach(ada.id(), bob.id()); ok {
		t.Error("ada sees bob after her isolation")
	}
	silentFor(bob, ada.id(), 300*time.Millisecond)
	town.isolateNow(s, sanctions{})
	joinedOf(bob, ada.id())
}

// Poses of those beyond come in the datagrams of all others.
func TestBorderPoses(t *testing.T) {
	t.Parallel()
	n := startNode(t, quay)
	ada, bob := crossBorder(t, n, n)
	v, _ := n.first("town").sees(bob.id())
	n.stands("harbour", bob, -3, 5, 0)
	eventually(t, "a pose of bob at his new place", func() bool {
		var data []byte
		select {
		case data = <-ada.poses:
		case <-time.After(patience):
			t.Fatal("no poses came")
		}
		r, err := pose.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		for b, ok := r.Next(); ok; b, ok = r.Next() {
			if at, ok := b.Pose(); ok && b.Index == v.index && at.Root.Distance(earshot.Vec3{X: 25, Z: 3}) < 0.02 {
				return true
			}
		}
		return false
	})
}

// Of more people than are shown, the nearest are; the rest when there is room.
func TestBorderIsBounded(t *testing.T) {
	t.Parallel()
	n := startNode(t, quay)
	n.guest("bob", inWorld("harbour"))
	var crowd []*guest
	for i := range maxBeyond + 6 {
		g := n.guest("guest "+string(rune('a'+i/26))+string(rune('a'+i%26)), inWorld("town"))
		crowd = append(crowd, g)
		n.stands("town", g, 20-float32(i)*0.1, 0, 0)
	}
	harbour := n.first("harbour")
	eventually(t, "as many as there is room for", func() bool { return len(*harbour.beyond.live.Load()) == maxBeyond })
	if v, _ := harbour.sees(crowd[0].id()); v == nil {
		t.Error("the nearest is not seen")
	}
	last := crowd[len(crowd)-1]
	n.stands("town", crowd[0], 0, 0, 0)
	n.stands("town", last, 20, 0, 0)
	eventually(t, "who came near instead", func() bool {
		v, _ := harbour.sees(last.id())
		return v != nil
	})
	if got := harbour.live.Load().clients; got != 1 {
		t.Errorf("%d are in the harbour, want bob alone", got)
	}
}

// Copies of a world border those of their number; private ones nothing.
func TestTwin(t *testing.T) {
	for id, want := range map[earshot.InstanceID]earshot.InstanceID{
		"in_town": "in_harbour", "in_town_2": "in_harbour_2", "in_town_birthday": "",
		madeID("town", 2): "", "in_": "",
	} {
		if got := twin(id, "harbour"); got != want {
			t.Errorf("twin(%s) = %q, want %q", id, got, want)
		}
	}
}

func TestBorderConfig(t *testing.T) {
	for name, c := range map[string]struct {
		change func(town, harbour *WorldConfig)
		says   string
	}{
		"a world that there is not": {func(town, _ *WorldConfig) { town.Borders[0].To = "moon" }, `there is no world "moon"`},
		"itself":                    {func(town, _ *WorldConfig) { town.Borders[0].To = "town" }, "no border with itself"},
		"one that says nothing":     {func(_, harbour *WorldConfig) { harbour.Borders = nil }, "add {to: town, line: [[10, 0], [-10, 0]], there: [[20, -10], [20, 10]]} to worlds.harbour.borders"},
		"one that says otherwise":   {func(_, harbour *WorldConfig) { harbour.Borders[0].Line[0][1] = 1 }, "long here"},
		"one that is shifted": {func(_, harbour *WorldConfig) {
			harbour.Borders[0].Line[0][1], harbour.Borders[0].Line[1][1] = 1, 1
		}, "do not agree"},
		"one on the same side": {func(_, harbour *WorldConfig) {
			harbour.Borders[0].There = harbour.Borders[0].There.Reversed()
		}, "do not agree"},
		"a line the wrong way round": {func(town, harbour *WorldConfig) {
			town.Borders[0].There, harbour.Borders[0].Line = town.Borders[0].There.Reversed(), harbour.Borders[0].Line.Reversed()
		}, "worlds.harbour.borders[0].line: the spawn is beyond it"},
		"another width":          {func(town, _ *WorldConfig) { town.Borders[0].Width = 9 }, "do not agree"},
		"two borders with one":   {func(town, _ *WorldConfig) { town.Borders = append(town.Borders, town.Borders[0]) }, "two borders with harbour"},
		"a line of no length":    {func(town, _ *WorldConfig) { town.Borders[0].Line[1] = town.Borders[0].Line[0] }, "from end to end"},
		"more than can be":       {func(town, _ *WorldConfig) { town.Borders = make([]BorderConfig, maxBorders+1) }, "at most 8"},
		"a band as wide as that": {func(town, _ *WorldConfig) { town.Borders[0].Width = 51 }, "outside 1 to 50"},
	} {
		cfg := DefaultConfig()
		quay(&cfg)
		town, harbour := cfg.Worlds["town"], cfg.Worlds["harbour"]
		town.Borders, harbour.Borders = slices.Clone(town.Borders), slices.Clone(harbour.Borders)
		c.change(&town, &harbour)
		cfg.Worlds = map[string]WorldConfig{"town": town, "harbour": harbour}
		if err := cfg.Validate(); earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), c.says) {
			t.Errorf("a border with %s: %v, want one that says %q", name, err, c.says)
		}
	}
	cfg := DefaultConfig()
	quay(&cfg)
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

// That somebody talks is seen across the border, but nothing is heard; not what is
// said behind a sealed wall, on either side of it, nor by one who is muted.
func TestBorderShowsWhoTalks(t *testing.T) {
	t.Parallel()
	n := startNode(t, quay)
	_, heard := n.listener(2, func(c *loadtest.Config) { c.Token = n.token(inWorld("harbour")) })
	witness := n.guest("witness", inWorld("harbour"))
	n.talker(1, func(c *loadtest.Config) {
		c.Move, c.Token = statue{X: 18}, n.token(func(c *Claims) { c.Subject, c.World = "bot 1", "town" })
	})
	town, harbour, id := n.first("town"), n.first("harbour"), participantOfBot(1)
	eventually(t, "the talker to be in", func() bool { _, ok := town.space.Sight(id); return ok })
	n.stands("harbour", witness, 0, 2, 0)
	talks := func(want bool) {
		t.Helper()
		for {
			m := expect[*protocol.Speaking](witness)
			if want && slices.Contains(m.Start, id) || !want && slices.Contains(m.Stop, id) {
				return
			}
		}
	}
	talks(true)
	room := func(x, z float32) zone.List {
		return zone.List{{ID: "room", Kind: "room", Sealed: true, Shape: zone.Shape{Form: "box", Height: 4, Center: [2]float64{float64(x), float64(z)}, Size: [2]float64{4, 4}}}}
	}
	town.rebuildWalls(room(18, 0))
	talks(false)
	town.rebuildWalls(nil)
	talks(true)
	harbour.rebuildWalls(room(0, 2)) // around the witness
	talks(false)
	harbour.rebuildWalls(nil)
	talks(true)
	town.mu.Lock()
	s := town.members[id]
	s.moderated = true
	town.silence(s, "moderator")
	town.mu.Unlock()
	talks(false)
	if heard.heard(1) > 0 {
		t.Error("the talker is heard in the harbour")
	}
}
