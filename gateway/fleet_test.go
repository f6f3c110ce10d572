package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// nodesOf starts nodes with one store and one key.
func nodesOf(t *testing.T, shared store.Store, count int, change func(*Config)) []*node {
	t.Helper()
	return nodesWith(t, shared, count, change, func(*Deps) {})
}

// nodesWith is nodesOf with something more of each. Their leases, and the steps of
// a handoff, may take long: what stands still is the machine of the test.
func nodesWith(t *testing.T, shared store.Store, count int, change func(*Config), more func(*Deps)) []*node {
	t.Helper()
	key := GenerateDevelopmentKey()
	key.ID = "test"
	var list []*node
	for range count {
		listener := listen(t)
		n := startNodeWith(t, func(c *Config) {
			c.Keys = []Key{key}
			w := DefaultWorld()
			c.Worlds = map[string]WorldConfig{"plaza": w}
			c.Fleet.URL, c.Fleet.Drain = "http://"+listener.Addr().String(), 0
			p := &c.Fleet.Timing
			p.TTL, p.JoinWithin, p.PrepareWithin = 20*time.Second, 20*time.Second, 20*time.Second
			p.AttachWithin, p.Linger = 30*time.Second, time.Minute
			if change != nil {
				change(c)
			}
		}, nil, func(d *Deps) { d.Store, d.Listener = &severed{Store: shared}, listener }, more)
		n.key = key
		list = append(list, n)
	}
	for _, n := range list {
		eventually(t, "the nodes and an owner of the plaza are known everywhere", func() bool {
			return len(n.fleet.Nodes()) >= count && n.fleet.lists("in_plaza")
		})
	}
	return list
}

// mortal is for nodes of which one dies: others notice by its leases.
func mortal(c *Config) { c.Fleet.Timing = cluster.DefaultConfig() }

// ownerOf returns the node that owns an instance, and another.
func ownerOf(t *testing.T, list []*node, id earshot.InstanceID) (owner, other *node) {
	t.Helper()
	eventually(t, "an owner admits", func() bool {
		for i, n := range list {
			if n.fleet.Admits(id) {
				owner, other = n, list[(i+1)%len(list)]
				return true
			}
		}
		return false
	})
	return owner, other
}

// Two nodes, one world: who comes to the one that does not have it is told where
// to go, by all three doors.
func TestMisdirected(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		w := c.Worlds["plaza"]
		w.Stages = []StageConfig{{ID: "main"}}
		c.Worlds["plaza"] = w
	})
	owner, other := ownerOf(t, list, "in_plaza")
	token := other.token(nil)

	status, body, header := other.do(http.MethodPost, "/v1/join", token, typeSDP, []byte(offer(t)))
	if want := owner.url + "/v1/join?instance=in_plaza"; status != http.StatusMisdirectedRequest || header.Get("Location") != want {
		t.Errorf("POST /v1/join: %d %s, Location %q; want 421, %q", status, body, header.Get("Location"), want)
	}
	req, err := http.NewRequest(http.MethodPost, other.url+"/v1/whip/plaza", strings.NewReader(offer(t)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {typeSDP}}
	stays := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stays.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := owner.url + "/v1/whip/plaza"; resp.StatusCode != http.StatusTemporaryRedirect || resp.Header.Get("Location") != want {
		t.Errorf("WHIP: %s, Location %q; want 307, %q", resp.Status, resp.Header.Get("Location"), want)
	}
	conn, _, err := websocket.DefaultDialer.Dial("ws"+other.url[len("http"):]+"/v1/control", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	bye := expect[*protocol.Bye](&guest{t: t, conn: conn})
	if bye.URL != owner.url || bye.Instance != "in_plaza" || !bye.Reconnect {
		t.Errorf("the WebSocket was told %+v", bye)
	}
	me := owner.guest("ada", nil).me
	if len(me.Alternates) != 1 || me.Alternates[0] != other.url {
		t.Errorf("alternates %v, want %s", me.Alternates, other.url)
	}
}

// Nodes that come while somebody is in are told to them with a pong, once.
func TestNewNodesAreTold(t *testing.T) {
	t.Parallel()
	shared := store.NewMemory()
	first := nodesOf(t, shared, 1, nil)[0]
	ada := first.guest("ada", nil)
	if len(ada.me.Alternates) != 0 {
		t.Fatalf("alternates %v, want none", ada.me.Alternates)
	}
	second := nodesOf(t, shared, 1, nil)[0]
	eventually(t, "ada is told of the second node", func() bool {
		pause(100 * time.Millisecond) // within the rate of messages
		ada.say(&protocol.Ping{})
		return slices.Equal(expect[*protocol.Pong](ada).Alternates, []string{second.url})
	})
	ada.say(&protocol.Ping{})
	if again := expect[*protocol.Pong](ada).Alternates; again != nil {
		t.Errorf("told again: %v", again)
	}
}

// A block, a moderator's mute, and where somebody stood outlive their node: the
// other takes the instance over, and whoever comes back finds it so.
func TestNodeDies(t *testing.T) {
	t.Parallel()
	shared := store.NewMemory()
	list := nodesOf(t, shared, 2, mortal)
	owner, other := ownerOf(t, list, "in_plaza")
	ada, bea := owner.guest("ada", nil), owner.guest("bea", nil)
	in := owner.runningAs("in_plaza")
	eventually(t, "both are in", func() bool { return in.size() == 2 })
	ada.say(&protocol.Block{Participant: bea.me.You.ID, Blocked: true})
	expect[*protocol.Blocked](ada)
	mod := owner.guest("mod", func(c *Claims) { c.Grants = append(c.Grants, protocol.GrantModerate) })
	mod.say(&protocol.Moderate{Action: protocol.ActionMute, Participant: bea.me.You.ID})
	eventually(t, "bea is muted", func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		return in.members[bea.me.You.ID].moderated
	})
	at, _ := in.space.Pose(ada.me.You.ID)
	eventually(t, "the directory has where ada stands, and that bea is muted", func() bool {
		place, _ := shared.Do(t.Context(), cluster.ReadInstance{Instance: "in_plaza"})
		orders, _ := shared.Do(t.Context(), cluster.Find{Participant: bea.me.You.ID})
		return len(orders.Orders) > 0 && slices.ContainsFunc(place.Members, func(p cluster.Presence) bool {
			return p.Participant == ada.me.You.ID && len(p.State) > 0
		})
	})
	owner.die()

	eventually(t, "the other node has it", func() bool { return other.fleet.Admits("in_plaza") })
	ada, bea = other.guest("ada", nil), other.guest("bea", nil)
	in = other.runningAs("in_plaza")
	if back, _ := in.space.Pose(ada.me.You.ID); back.Root.Distance(at.Root) > 0.1 {
		t.Errorf("ada came back at %v, and was at %v", back.Root, at.Root)
	}
	if !in.space.Blocked(ada.me.You.ID, bea.me.You.ID) {
		t.Error("the block was lost")
	}
	if !bea.me.You.Moderated {
		t.Error("the mute was lost")
	}
}

// Somebody who joins at one node while they are at another leaves that.
func TestOneSessionInTheFleet(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, nil)
	owner, other := ownerOf(t, list, "in_plaza")
	ada := owner.guest("ada", nil)
	again := other.guest("ada", of("in_plaza_party"))
	if bye := expect[*protocol.Bye](ada); bye.Code != earshot.CodeAborted || again.me.Instance != "in_plaza_party" {
		t.Errorf("ada is in %s; the first session was told %+v", again.me.Instance, bye)
	}
}

// die ends a node as kill -9 does, as far as the others can see: nothing more of
// it comes to the store.
func (n *node) die() {
	n.deps.Store.(*severed).cut.Store(true)
	n.stop()
}

// severed is a way to a store that can be cut. The store is one that has been up
// for long, so that nobody can have what it does not know, and hears from every
// node that it is idle: what else the machine of the test does is no reason to
// lead people elsewhere.
type severed struct {
	store.Store
	cut atomic.Bool
}

func (s *severed) Do(ctx context.Context, op cluster.Op) (cluster.Reply, error) {
	if s.cut.Load() {
		return cluster.Reply{}, earshot.Errorf(earshot.CodeUnavailable, "cut")
	}
	switch at := op.(type) {
	case cluster.Announce:
		at.Record.Load.CPU, at.Record.Load.Headroom = 0, idleHeadroom
		return s.Store.Do(ctx, at)
	case cluster.Claim:
		r, err := s.Store.Do(ctx, op)
		r.Fresh = false
		return r, err
	}
	return s.Store.Do(ctx, op)
}

func (s *severed) Send(ctx context.Context, to earshot.NodeID, message []byte) error {
	if s.cut.Load() {
		return nil
	}
	return s.Store.Send(ctx, to, message)
}

// What one is told of a URL must be one.
func TestFleetConfig(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://a.example.org": true, "http://127.0.0.1:8080": true,
		"a.example.org": false, "https://a.example.org/path": false, "ftp://a": false, "https://a?x=1": false,
	} {
		c := DefaultFleetConfig()
		c.URL = url
		if err := c.validate(); (err == nil) != ok {
			t.Errorf("url %q: %v", url, err)
		} else if err != nil && !strings.Contains(err.Error(), "fleet.url") {
			t.Errorf("url %q: %v does not name the field", url, err)
		}
	}
}
