package gateway

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
	"earshot/presence/cluster"
	"earshot/presence/docket"
	"earshot/presence/store"
)

// moderatedNodes starts nodes with one store that all moderate, each with a
// journal of its own.
func moderatedNodes(t *testing.T, shared store.Store, count int, keys ...Key) []*node {
	t.Helper()
	change := func(c *Config) {
		mortal(c)
		if len(keys) > 0 {
			c.Keys = keys
		}
	}
	list := nodesWith(t, shared, count, change, func(d *Deps) {
		j, err := journal.NewMemory(journal.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() })
		d.Moderation = Moderation{Config: moderation.DefaultConfig(), Journal: j, Kept: "memory"}
	})
	if len(keys) > 0 {
		for _, n := range list {
			n.key = keys[0]
		}
	}
	return list
}

// severed cuts the docket as well.
func (s *severed) Enter(ctx context.Context, name string, entries []docket.Entry) error {
	if s.cut.Load() {
		return earshot.Errorf(earshot.CodeUnavailable, "cut")
	}
	return s.Store.Enter(ctx, name, entries)
}

func (s *severed) ReadDocket(ctx context.Context, name string, after docket.Head) (docket.Page, error) {
	if s.cut.Load() {
		return docket.Page{}, earshot.Errorf(earshot.CodeUnavailable, "cut")
	}
	return s.Store.ReadDocket(ctx, name, after)
}

func (s *severed) FollowDocket(ctx context.Context, name string, began func(), news func(docket.News)) error {
	return s.Store.FollowDocket(ctx, name, began, func(n docket.News) {
		if !s.cut.Load() {
			news(n)
		}
	})
}

// changing is a store that may come back as another one, empty.
type changing struct{ now atomic.Pointer[store.Memory] }

func (c *changing) use(next *store.Memory) {
	if old := c.now.Swap(next); old != nil {
		_ = old.Close()
	}
}

func (c *changing) Do(ctx context.Context, op cluster.Op) (cluster.Reply, error) {
	return c.now.Load().Do(ctx, op)
}

func (c *changing) Follow(ctx context.Context, id earshot.InstanceID, began func(), delta func(cluster.Delta)) error {
	return c.now.Load().Follow(ctx, id, began, delta)
}

func (c *changing) Send(ctx context.Context, to earshot.NodeID, message []byte) error {
	return c.now.Load().Send(ctx, to, message)
}

func (c *changing) Receive(ctx context.Context, node earshot.NodeID, began func(), message func([]byte)) error {
	return c.now.Load().Receive(ctx, node, began, message)
}

func (c *changing) Listen(ctx context.Context, began, changed func()) error {
	return c.now.Load().Listen(ctx, began, changed)
}

func (c *changing) Befriend(ctx context.Context, who earshot.ParticipantID, friends []earshot.ParticipantID, on bool, at cluster.Stamp) error {
	return c.now.Load().Befriend(ctx, who, friends, on, at)
}

func (c *changing) Friends(ctx context.Context, who earshot.ParticipantID) ([]earshot.ParticipantID, error) {
	return c.now.Load().Friends(ctx, who)
}

func (c *changing) Enter(ctx context.Context, name string, entries []docket.Entry) error {
	return c.now.Load().Enter(ctx, name, entries)
}

func (c *changing) ReadDocket(ctx context.Context, name string, after docket.Head) (docket.Page, error) {
	return c.now.Load().ReadDocket(ctx, name, after)
}

func (c *changing) FollowDocket(ctx context.Context, name string, began func(), news func(docket.News)) error {
	return c.now.Load().FollowDocket(ctx, name, began, news)
}

func (c *changing) Close() error { return nil }

// Who is muted on one node and joins another is muted there, is told why and
// until when, and is heard again when a moderator of a third node undoes it.
func TestAMuteHoldsOnAllNodes(t *testing.T) {
	t.Parallel()
	list := moderatedNodes(t, store.NewMemory(), 3)
	a, b := ownerOf(t, list, "in_plaza")
	var c *node
	for _, n := range list {
		if n != a && n != b {
			c = n
		}
	}
	troll := a.guest("troll", nil)
	var order struct{ Order string }
	at := a.moderator("mod")
	if status := at.call("POST", "/v1/moderation/people/"+string(troll.id())+"/act", map[string]any{"action": "mute", "for_s": 3600, "reason": "shouting"}, &order); status != http.StatusOK {
		t.Fatalf("act = %d", status)
	}
	if m := expect[*protocol.Muted](troll); !m.Muted || m.By != "moderator" {
		t.Errorf("told %+v, want the mute", m)
	}

	again := b.guest("troll", of("in_plaza_party"))
	if !again.me.You.Moderated || again.me.Instance != "in_plaza_party" {
		t.Fatalf("on the other node they are %+v in %s, want muted", again.me.You, again.me.Instance)
	}
	for again.orders[order.Order] == nil && again.next(patience) != nil {
	}
	told := again.orders[order.Order]
	if told == nil || len(told.Sanctions) != 1 || told.Sanctions[0].Until == "" || told.Statement.What == "" || !told.Appeal {
		t.Fatalf("they are told %+v, want why and until when", told)
	}
	again.say(&protocol.Appeal{Order: order.Order, Text: "it was a song"})
	expect[*protocol.Appealed](again)

	m := c.moderator("other")
	var queue struct{ Incidents []consoleIncident }
	eventually(t, "the appeal is known on the third node", func() bool {
		m.get("/v1/moderation/incidents?state=open", &queue)
		return len(queue.Incidents) == 1 && queue.Incidents[0].ID == order.Order
	})
	if status := m.call("POST", "/v1/moderation/appeals/"+order.Order+"/decide", map[string]any{"verdict": "overturned"}, nil); status != http.StatusOK {
		t.Fatalf("decide = %d", status)
	}
	for u := expect[*protocol.Muted](again); u.Muted; u = expect[*protocol.Muted](again) {
	}
	// The voice and the lines are given back by two ways, of which one may be later.
	eventually(t, "a line of who is muted no more", func() bool {
		again.say(&protocol.SendChat{Text: "thank you"})
		for {
			switch m := again.next(patience).(type) {
			case *protocol.Chat:
				return true
			case nil:
				t.Fatal("no line came")
			case *protocol.Error:
				t.Logf("refused: %s", m.Message)
				pause(time.Second) // the rate of chat
				return false
			}
		}
	})
	back := a.guest("troll", nil)
	if back.me.You.Moderated { // the first node may learn of it later than they come
		for u := expect[*protocol.Muted](back); u.Muted; u = expect[*protocol.Muted](back) {
		}
	}
}

// What is decided while the store is away holds where it was decided, comes to
// the others when it is back, and an undo outlives its node.
func TestModerationWithoutTheStore(t *testing.T) {
	t.Parallel()
	shared := store.NewMemory()
	list := moderatedNodes(t, shared, 2)
	a, b := ownerOf(t, list, "in_plaza")
	bob := a.guest("bob", nil)
	cut := &a.deps.Store.(*severed).cut
	cut.Store(true)
	var first, second struct{ Order string }
	m := a.moderator("mod")
	act := func(what string, into any) {
		t.Helper()
		if status := m.call("POST", "/v1/moderation/people/"+string(bob.id())+"/act", map[string]any{"action": what, "reason": "x"}, into); status != http.StatusOK {
			t.Fatalf("act = %d", status)
		}
	}
	act("mute", &first)
	if m := expect[*protocol.Muted](bob); !m.Muted {
		t.Errorf("told %+v, want the mute", m)
	}
	act("slow", &second)
	if status := m.call("POST", "/v1/moderation/orders/"+second.Order+"/undo", map[string]any{}, nil); status != http.StatusNoContent {
		t.Fatalf("undo = %d", status)
	}
	standing := func(n *node) (got []policy.Action) {
		o := n.pipeline.Standing("plaza", bob.id())
		for _, s := range o.InForce {
			got = append(got, s.Action)
		}
		return got
	}
	if got := standing(b); len(got) != 0 {
		t.Fatalf("without the store the other node knows of %v", got)
	}
	cut.Store(false)
	eventually(t, "the other node knows", func() bool {
		got := standing(b)
		return len(got) == 1 && got[0] == policy.Mute
	})
	items, err := b.deps.Moderation.Journal.History(t.Context(), bob.id(), 10)
	if err != nil || len(items) != 2 || items[0].Undo == nil || items[1].Undo != nil {
		t.Errorf("history there: %+v, %v; want what was undone, then the mute", items, err)
	}

	a.die()
	at := b.moderator("other")
	eventually(t, "the other node has the plaza", func() bool { return b.fleet.Admits("in_plaza") })
	bob = b.guest("bob", nil)
	if !bob.me.You.Moderated {
		t.Error("the mute went with its node")
	}
	if status := at.call("POST", "/v1/moderation/orders/"+first.Order+"/undo", map[string]any{}, nil); status != http.StatusNoContent {
		t.Fatalf("undo = %d", status)
	}
	for u := expect[*protocol.Muted](bob); u.Muted; u = expect[*protocol.Muted](bob) {
	}
	third := moderatedNodes(t, shared, 1, b.key)[0]
	third.guest("cleo", of("in_plaza_party"))
	if items, err := third.deps.Moderation.Journal.History(t.Context(), bob.id(), 10); err != nil || len(items) != 2 || len(standing(third)) != 0 {
		t.Errorf("a node that begins knows %+v, %v, and has %v in force", items, err, standing(third))
	}
}

// A store that comes back empty is told again by who is left what a node said
// that is gone.
func TestModerationAfterTheStoreForgot(t *testing.T) {
	t.Parallel()
	first := &changing{}
	first.use(store.NewMemory())
	list := moderatedNodes(t, first, 2)
	a, b := ownerOf(t, list, "in_plaza")
	if status := a.moderator("mod").call("POST", "/v1/moderation/people/pa_bob/act", map[string]any{"action": "suspend", "reason": "x"}, nil); status != http.StatusOK {
		t.Fatalf("act = %d", status)
	}
	suspended := func(n *node) bool {
		o := n.pipeline.Standing("plaza", "pa_bob")
		return len(o.InForce) == 1
	}
	eventually(t, "the other node knows", func() bool { return suspended(b) })
	a.die()
	empty := store.NewMemory()
	first.use(empty)
	eventually(t, "the store knows again", func() bool {
		p, err := empty.ReadDocket(t.Context(), commonDocket, docket.Head{})
		return err == nil && len(p.Entries) == 1 && !strings.Contains(string(p.Entries[0].Data), "pa_bob")
	})
	third := moderatedNodes(t, first, 1, b.key)[0]
	eventually(t, "a node that begins knows of the suspension", func() bool { return suspended(third) })
}

// A node that is killed before the others could be told tells them when it is
// back: what it acknowledged is in its journal.
func TestModerationOutlivesItsNode(t *testing.T) {
	t.Parallel()
	shared, dir := store.NewMemory(), t.TempDir()
	open := func(d *Deps) {
		j, err := journal.Open(dir, journal.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() })
		d.Moderation = Moderation{Config: moderation.DefaultConfig(), Journal: j, Kept: "file"}
	}
	a := nodesWith(t, shared, 1, nil, open)[0]
	b := moderatedNodes(t, shared, 1, a.key)[0]
	a.deps.Store.(*severed).cut.Store(true)
	if status := a.moderator("mod").call("POST", "/v1/moderation/people/pa_bob/act", map[string]any{"action": "suspend", "for_s": 3600, "reason": "x"}, nil); status != http.StatusOK {
		t.Fatalf("act = %d", status)
	}
	a.die()
	_ = a.deps.Moderation.Journal.Close()
	suspended := func() bool {
		o := b.pipeline.Standing("plaza", "pa_bob")
		return len(o.InForce) == 1
	}
	if suspended() {
		t.Fatal("nobody can have told the other node")
	}
	nodesWith(t, shared, 1, func(c *Config) { c.Keys = []Key{a.key} }, open)
	eventually(t, "the other node knows", suspended)
}
