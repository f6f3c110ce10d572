package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// small makes the plaza a world of several instances with so many places each.
func small(capacity, instances int) func(*Config) {
	return func(c *Config) {
		w := DefaultWorld()
		w.Capacity, w.MaxInstances = capacity, instances
		c.Worlds = map[string]WorldConfig{"plaza": w}
	}
}

// goTo is guest with a query, following nodes that send it elsewhere.
func goTo(t *testing.T, list []*node, name, query string, change func(*Claims)) *guest {
	t.Helper()
	n := list[0]
	url := n.url
	token := n.token(func(c *Claims) {
		c.Subject, c.Name = name, name
		if change != nil {
			change(c)
		}
	})
	for range 6 {
		conn, _, err := websocket.DefaultDialer.Dial("ws"+url[len("http"):]+"/v1/control?"+query, http.Header{"Authorization": {"Bearer " + token}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		g := &guest{t: t, conn: conn, orders: map[string]*protocol.Order{}}
		switch m := g.next(patience).(type) {
		case *protocol.Welcome:
			g.me = *m
			g.say(&protocol.Ready{})
			return g
		case *protocol.Bye:
			if m.URL == "" {
				t.Fatalf("%s: %+v", name, m)
			}
			url = m.URL
			if m.Instance != "" {
				query = "instance=" + string(m.Instance) + "&" + strings.TrimPrefix(query, "instance=")
			}
		default:
			t.Fatalf("%s: %T", name, m)
		}
	}
	t.Fatalf("%s was sent from node to node", name)
	return nil
}

func (n *node) refusedWith(name, query string, change func(*Claims)) *protocol.Bye {
	n.t.Helper()
	token := n.token(func(c *Claims) {
		c.Subject, c.Name = name, name
		if change != nil {
			change(c)
		}
	})
	conn, _, err := websocket.DefaultDialer.Dial("ws"+n.url[len("http"):]+"/v1/control?"+query, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		n.t.Fatal(err)
	}
	defer conn.Close()
	return expect[*protocol.Bye](&guest{t: n.t, conn: conn, orders: map[string]*protocol.Order{}})
}

// Two instances with room, and in the fuller one somebody whom the newcomer has
// blocked: they go to the other.
func TestNewcomersAvoidWhomTheyBlocked(t *testing.T) {
	t.Parallel()
	n := startNode(t, small(10, 2))
	pest := n.guest("pest", nil)
	n.guest("bea", of("in_plaza_2"))
	ada := n.guest("ada", nil)
	if ada.me.Instance != "in_plaza" {
		t.Fatalf("ada came to %s", ada.me.Instance)
	}
	ada.say(&protocol.Block{Participant: pest.id(), Blocked: true})
	expect[*protocol.Blocked](ada)
	ada.conn.Close()
	eventually(t, "ada has left", func() bool { return clientsOf(n, "in_plaza") == 1 })
	if again := n.guest("ada", nil); again.me.Instance != "in_plaza_2" {
		t.Errorf("ada came back to %s, where whom she blocked is", again.me.Instance)
	}
	if cyd := n.guest("cyd", nil); cyd.me.Instance != "in_plaza_2" {
		t.Errorf("cyd came to %s, want the fuller", cyd.me.Instance)
	}
}

// Those whose tokens name the same party come together, wherever the first went
// and though it is nearly full; another issuer's or nobody's does not.
func TestPartiesComeTogether(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			var list []*node
			if nodes == 1 {
				list = append(list, startNode(t, small(4, 4)))
			} else {
				list = nodesOf(t, store.NewMemory(), nodes, small(4, 4))
			}
			party := func(name string) func(*Claims) { return func(c *Claims) { c.Party = name } }
			for i := range 4 { // fills in_plaza up
				goTo(t, list, fmt.Sprint("p", i), "", nil)
			}
			lead := goTo(t, list, "ada", "", party("friday"))
			if lead.me.Instance == "in_plaza" {
				t.Fatalf("ada came to %s", lead.me.Instance)
			}
			if nodes > 1 {
				eventually(t, "the directory says that the plaza is full", func() bool {
					return slices.ContainsFunc(list[0].fleet.Instances(), func(r cluster.InstanceRecord) bool {
						return r.Instance == "in_plaza" && r.State == cluster.HardFull
					})
				})
			}
			away := goTo(t, list, "p0", "instance=in_plaza", nil) // keeps their place
			away.conn.Close()
			for _, name := range []string{"bea", "cyd", "dot"} {
				if g := goTo(t, list, name, "", party("friday")); g.me.Instance != lead.me.Instance {
					t.Errorf("%s came to %s, the party is in %s", name, g.me.Instance, lead.me.Instance)
				}
			}
			if g := goTo(t, list, "eve", "", party("monday")); g.me.Instance == lead.me.Instance {
				t.Errorf("another party came to %s, which is full", g.me.Instance)
			}
		})
	}
}

// Two nodes, two instances: who comes goes where most friends are, of those who
// have them as a friend too.
func TestFriendsAttract(t *testing.T) {
	t.Parallel()
	shared := store.NewMemory()
	list := nodesOf(t, shared, 2, small(20, 2))
	owner, other := ownerOf(t, list, "in_plaza")
	for i := range 6 {
		owner.guest(fmt.Sprint("crowd", i), nil)
	}
	bea := other.guest("bea", of("in_plaza_2"))
	befriend := func(a, b earshot.ParticipantID) {
		t.Helper()
		if err := shared.Befriend(t.Context(), a, []earshot.ParticipantID{b}, true, cluster.Stamp{HLC: cluster.At(time.Now()), Node: "nd_t"}); err != nil {
			t.Fatal(err)
		}
	}
	ada := earshot.ParticipantFor("test", "ada")
	befriend(ada, bea.id())
	eventually(t, "the directory lists both", func() bool { return len(owner.fleet.Instances()) == 2 && len(other.fleet.Instances()) == 2 })
	if g := goTo(t, list, "ada", "", nil); g.me.Instance != "in_plaza" {
		t.Errorf("ada was led to %s, to who does not have her as a friend", g.me.Instance)
	} else {
		g.say(&protocol.Leave{})
		expect[*protocol.Bye](g)
	}
	befriend(bea.id(), ada)
	eventually(t, "ada is nowhere", func() bool {
		r, _ := shared.Do(t.Context(), cluster.Find{Participant: ada})
		return r.At.Instance == ""
	})
	if g := goTo(t, list, "ada", "", nil); g.me.Instance != "in_plaza_2" {
		t.Errorf("ada came to %s, her friend is in in_plaza_2", g.me.Instance)
	}
}

// A new instance opens on the node that the planner says, though another was
// asked; the client is told where.
func TestOpensOnAnotherNode(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, small(2, 8))
	seen := map[earshot.InstanceID]int{}
	for i := range 8 {
		seen[goTo(t, list, fmt.Sprint("p", i), "", nil).me.Instance]++
	}
	for id, n := range seen {
		if n > 2 {
			t.Errorf("%d are in %s, which has two places", n, id)
		}
	}
	if len(seen) > 5 {
		t.Errorf("8 people are in %d instances of two places: %v", len(seen), seen)
	}
}

func (n *node) reserve(name string, ask any) (int, reservationReply, earshot.Error) {
	n.t.Helper()
	body, err := json.Marshal(ask)
	if err != nil {
		n.t.Fatal(err)
	}
	token := n.token(func(c *Claims) { c.Subject, c.Name = name, name })
	status, data, _ := n.do(http.MethodPost, "/v1/worlds/plaza/reservations", token, "application/json", body)
	var reply reservationReply
	if status == http.StatusCreated {
		if err := json.Unmarshal(data, &reply); err != nil {
			n.t.Fatal(err)
		}
		return status, reply, earshot.Error{}
	}
	return status, reply, wireErrorOf(n.t, data)
}

// A party of three reserves: nobody else gets their places, and they come in by
// the token though the instance is full for others.
func TestReservations(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			list := []*node{startNode(t, small(4, 1))}
			if nodes > 1 {
				list = nodesOf(t, store.NewMemory(), nodes, small(4, 1))
				owner, other := ownerOf(t, list, "in_plaza")
				list = []*node{other, owner} // asked where it is not
			}
			n := list[0]
			status, r, refused := n.reserve("ada", fiberMap{"subjects": []string{"bea", "cyd"}})
			if status != http.StatusCreated || r.Instance != "in_plaza" || len(r.Participants) != 3 {
				t.Fatalf("reserving: %d %+v %+v", status, r, refused)
			}
			goTo(t, list, "first", "", nil)
			where := list[len(list)-1]
			if bye := where.refusedWith("second", "", nil); bye.Code != earshot.CodeResourceExhausted {
				t.Errorf("the second stranger was told %+v: three of four places are kept", bye)
			}
			if bye := where.refusedWith("second", "reservation="+r.Reservation, nil); bye.Code != earshot.CodeResourceExhausted {
				t.Errorf("a stranger with the party's token was told %+v", bye)
			}
			for _, name := range []string{"bea", "ada", "cyd"} {
				if g := goTo(t, list, name, "reservation="+r.Reservation, nil); g.me.Instance != r.Instance {
					t.Errorf("%s came to %s", name, g.me.Instance)
				}
			}
			if status, _, refused := n.reserve("dot", fiberMap{"subjects": []string{"eve"}}); status != http.StatusTooManyRequests {
				t.Errorf("reserving in a full world: %d %+v", status, refused)
			}
		})
	}
}

type fiberMap = map[string]any

// What is given back, or runs out, is others'.
func TestReservationsEnd(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) {
		small(2, 1)(c)
		c.Instances.Reserve = 3 * time.Second
	})
	_, r, _ := n.reserve("ada", fiberMap{"subjects": []string{"bea"}})
	if bye := n.refusedWith("cyd", "", nil); bye.Code != earshot.CodeResourceExhausted {
		t.Errorf("both places are kept, and cyd was told %+v", bye)
	}
	token := n.token(func(c *Claims) { c.Subject, c.Name = "bea", "bea" })
	if status, body, _ := n.do(http.MethodDelete, "/v1/reservations/"+r.Reservation, token, "", nil); status != http.StatusForbidden {
		t.Errorf("bea gives ada's reservation back: %d %s", status, body)
	}
	eventually(t, "the places are free", func() bool { return n.manager.kept("in_plaza", "") == 0 })
	n.guest("cyd", nil)
	if _, err := n.manager.redeemable(&Claims{Issuer: "test", Subject: "bea", World: "plaza"}, &asking{reservation: r.Reservation}, "", "plaza"); err != nil {
		t.Errorf("a reservation that has run out: %v; want to be placed as anybody", err)
	}
	_, r, _ = n.reserve("ada", nil)
	token = n.token(nil)
	if status, body, _ := n.do(http.MethodDelete, "/v1/reservations/"+r.Reservation, token, "", nil); status != http.StatusNoContent {
		t.Errorf("giving back: %d %s", status, body)
	}
	n.guest("dot", nil)
}

func FuzzReadReservation(f *testing.F) {
	r := reservation{Instance: "in_plaza", By: earshot.ParticipantFor("k", "s"), Reading: 1 << 60, Node: earshot.NewNodeID(), Until: 5}
	f.Add(r.token())
	f.Add("rs_e30")
	f.Fuzz(func(t *testing.T, token string) {
		r, err := readReservation(token)
		if err != nil {
			return
		}
		if again, err := readReservation(r.token()); err != nil || again != r {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}

func FuzzRTTs(f *testing.F) {
	f.Add("eu:23,us:140")
	f.Add("eu:-1")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := rttsOf(text)
		if len(list) > maxRTTs || err != nil && list != nil {
			t.Errorf("%d regions, %v", len(list), err)
		}
	})
}

// A node alone leads friends together too.
func TestFriendsAttractOnOneNode(t *testing.T) {
	t.Parallel()
	n := startNode(t, small(20, 2))
	for i := range 4 {
		n.guest(fmt.Sprint("crowd", i), nil)
	}
	bea := n.guest("bea", of("in_plaza_2"))
	ada := earshot.ParticipantFor("test", "ada")
	at := cluster.Stamp{HLC: cluster.At(time.Now()), Node: "nd_t"}
	for _, pair := range [][2]earshot.ParticipantID{{ada, bea.id()}, {bea.id(), ada}} {
		if err := n.lookout.friends.Befriend(t.Context(), pair[0], pair[1:], true, at); err != nil {
			t.Fatal(err)
		}
	}
	if g := n.guest("ada", nil); g.me.Instance != "in_plaza_2" {
		t.Errorf("ada came to %s, her friend is in in_plaza_2", g.me.Instance)
	}
}
