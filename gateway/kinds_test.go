package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

func TestMadeKind(t *testing.T) {
	for id, want := range map[earshot.InstanceID]string{
		"in_plaza": "", "in_plaza_2": "", "in_plaza_birthday": "", "in_plaza_private": "", "in_plaza_private-x": "",
		"in_plaza_private-aaaaaaaaaaaaaaaa": "private", "in_plaza_public-aaaaaaaaaaaaaaaa": "",
		"in_plaza_friends-aaaaaaaaaaaaaaaa": "friends", "in_plaza_private-aaaaaaaaaaaaaaaaa": "",
		madeID("plaza", cluster.KindEvent): "event", madeID("plaza", cluster.KindPrivate): "private",
	} {
		kind, ok := madeKind(id)
		if ok != (want != "") || ok && kindNames[kind] != want {
			t.Errorf("madeKind(%s) = %d, %v, want %q", id, kind, ok, want)
		}
	}
	for kind := range kindNames {
		if id := madeID("a-world-of-thirty-two-characters", cluster.Kind(kind)); worldOf(id) == "" {
			t.Errorf("%s is no id", id)
		}
	}
}

// make asks for an instance as somebody with the grants host and design.
func (n *node) make(name string, ask any, change func(*Claims)) (int, instanceReply, []byte) {
	n.t.Helper()
	body, err := json.Marshal(ask)
	if err != nil {
		n.t.Fatal(err)
	}
	token := n.token(func(c *Claims) {
		c.Subject, c.Name = name, name
		c.Grants = append(c.Grants, protocol.GrantHost, protocol.GrantDesign)
		if change != nil {
			change(c)
		}
	})
	status, data, _ := n.do(http.MethodPost, "/v1/worlds/plaza/instances", token, "application/json", body)
	var reply instanceReply
	if status == http.StatusCreated {
		if err := json.Unmarshal(data, &reply); err != nil {
			n.t.Fatal(err)
		}
	}
	return status, reply, data
}

func (n *node) listed(name string, change func(*Claims)) (ids []earshot.InstanceID) {
	n.t.Helper()
	token := n.token(func(c *Claims) {
		c.Subject, c.Name = name, name
		if change != nil {
			change(c)
		}
	})
	status, data, _ := n.do(http.MethodGet, "/v1/worlds/plaza/instances", token, "", nil)
	var reply struct{ Instances []instanceReply }
	if err := json.Unmarshal(data, &reply); err != nil || status != http.StatusOK {
		n.t.Fatalf("listing: %d %s", status, data)
	}
	for _, in := range reply.Instances {
		ids = append(ids, in.Instance)
	}
	return ids
}

// Who may enter what, by the WebSocket and by the join with media, on one node
// and on two, where it is made on the one and entered from the other; and who
// gets to know of it.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			list, good := []*node{startNode(t, small(20, 1))}, offer(t)
			var shared *store.Memory
			if nodes > 1 {
				shared = store.NewMemory()
				list = nodesOf(t, shared, nodes, small(20, 1))
				ownerOf(t, list, "in_plaza")
				at := cluster.Stamp{HLC: cluster.At(time.Now()), Node: "nd_t"}
				if err := shared.Befriend(t.Context(), earshot.ParticipantFor("test", "host"), []earshot.ParticipantID{earshot.ParticipantFor("test", "friend")}, true, at); err != nil {
					t.Fatal(err)
				}
			}
			group := func(c *Claims) { c.Groups = []string{"g"} }
			made := list[0]
			other := list[len(list)-1]
			for _, kind := range []struct {
				ask    fiberMap
				enter  []string // besides the host
				listed []string
			}{
				{fiberMap{"kind": "private", "subjects": []string{"guest"}}, []string{"guest"}, []string{"host", "guest"}},
				{fiberMap{"kind": "friends", "subjects": []string{"guest"}}, []string{"guest", "friend"}, []string{"host", "guest", "friend"}},
				{fiberMap{"kind": "group", "group": "g"}, []string{"member"}, []string{"host", "member"}},
				{fiberMap{"kind": "event"}, []string{"guest", "friend", "member", "stranger"}, []string{"host", "guest", "friend", "member", "stranger"}},
				{fiberMap{"kind": "dev"}, []string{"guest", "friend", "member", "stranger"}, []string{"host"}},
			} {
				claims := map[string]func(*Claims){"member": group, "host": group}
				status, in, body := made.make("host", kind.ask, group)
				if status != http.StatusCreated {
					t.Fatalf("%v: %d %s", kind.ask, status, body)
				}
				if nodes > 1 {
					eventually(t, "the other node knows it", func() bool { return other.fleet.lists(in.Instance) })
				}
				for _, name := range []string{"host", "guest", "friend", "member", "stranger"} {
					may := name == "host" || slices.Contains(kind.enter, name)
					known := slices.Contains(kind.listed, name)
					if nodes == 1 && name == "friend" && kind.ask["kind"] == "friends" {
						may, known = false, false // nobody said who is a friend
					}
					if got := slices.Contains(other.listed(name, claims[name]), in.Instance); got != known {
						t.Errorf("%v: %s is told of it: %v", kind.ask, name, got)
					}
					if may {
						goTo(t, []*node{other, made}, name, "instance="+string(in.Instance), claims[name])
						continue
					}
					if bye := other.refusedWith(name, "instance="+string(in.Instance), claims[name]); bye.Code != earshot.CodePermissionDenied {
						t.Errorf("%v: %s was told %+v", kind.ask, name, bye)
					}
					token := made.token(func(c *Claims) { c.Subject, c.Name = name, name })
					if status, body, _ := made.do(http.MethodPost, "/v1/join?instance="+string(in.Instance), token, typeSDP, []byte(good)); status != http.StatusForbidden {
						t.Errorf("%v: %s by media: %d %s", kind.ask, name, status, body)
					}
					if in.Invitation == "" {
						continue
					}
					goTo(t, []*node{other, made}, name, "instance="+string(in.Instance)+"&invitation="+in.Invitation, claims[name])
				}
				token := made.token(func(c *Claims) { c.Subject, c.Name = "host", "host" })
				if status, body, _ := made.do(http.MethodDelete, "/v1/instances/"+string(in.Instance), token, "", nil); status != http.StatusNoContent {
					t.Errorf("%v: ending it: %d %s", kind.ask, status, body)
				}
				eventually(t, "it has ended", func() bool { return !made.runs(in.Instance) })
			}
			_, data, _ := made.do(http.MethodGet, "/v1/worlds", "", "", nil)
			if strings.Contains(string(data), "private-") || strings.Contains(string(data), "event-") {
				t.Errorf("GET /v1/worlds tells everybody: %s", data)
			}
		})
	}
}

// What is asked for is checked, and nobody has more than a few.
func TestMakingInstances(t *testing.T) {
	t.Parallel()
	n := startNode(t, small(20, 1))
	plain := func(c *Claims) { c.Grants = []string{protocol.GrantHost, protocol.GrantSubscribe} }
	for _, tc := range []struct {
		ask    fiberMap
		change func(*Claims)
		want   int
	}{
		{fiberMap{"kind": "private"}, func(c *Claims) { c.Grants = []string{protocol.GrantSubscribe} }, http.StatusForbidden},
		{fiberMap{"kind": "private"}, of("in_plaza"), http.StatusForbidden},
		{fiberMap{"kind": "public"}, nil, http.StatusBadRequest},
		{fiberMap{"kind": "secret"}, nil, http.StatusBadRequest},
		{fiberMap{"kind": "private", "capacity": 21}, nil, http.StatusBadRequest},
		{fiberMap{"kind": "private", "title": "a\nb"}, nil, http.StatusBadRequest},
		{fiberMap{"kind": "private", "invited": []string{"bea"}}, nil, http.StatusBadRequest},
		{fiberMap{"kind": "private", "misspelt": 1}, nil, http.StatusBadRequest},
		{fiberMap{"kind": "group", "group": "g"}, nil, http.StatusForbidden},
		{fiberMap{"kind": "event"}, plain, http.StatusForbidden},
		{fiberMap{"kind": "dev"}, plain, http.StatusForbidden},
	} {
		name := fmt.Sprint(tc.ask)
		if status, _, body := n.make(name[:min(len(name), 20)], tc.ask, tc.change); status != tc.want {
			t.Errorf("%v: %d %s, want %d", tc.ask, status, body, tc.want)
		}
	}
	for i := range maxMade + 1 {
		want := http.StatusCreated
		if i == maxMade {
			want = http.StatusTooManyRequests
		}
		if status, _, body := n.make("ada", fiberMap{"kind": "private"}, plain); status != want {
			t.Errorf("the %d. instance: %d %s", i+1, status, body)
		}
	}
}

// An instance that somebody made holds as many as they said, is no place for
// newcomers, and ends when nobody is in it.
func TestMadeInstanceEnds(t *testing.T) {
	t.Parallel()
	n := startNode(t, small(20, 4))
	_, in, _ := n.make("ada", fiberMap{"kind": "event", "capacity": 2, "title": "Reading"}, nil)
	ada := goTo(t, []*node{n}, "ada", "instance="+string(in.Instance), nil)
	bea := goTo(t, []*node{n}, "bea", "instance="+string(in.Instance), nil)
	if bye := n.refusedWith("cyd", "instance="+string(in.Instance), nil); bye.Code != earshot.CodeResourceExhausted {
		t.Errorf("the third of two was told %+v", bye)
	}
	if cyd := n.guest("cyd", nil); cyd.me.Instance != "in_plaza" {
		t.Errorf("a newcomer came to %s", cyd.me.Instance)
	}
	ada.conn.Close()
	bea.conn.Close()
	eventually(t, "both have left", func() bool { return clientsOf(n, in.Instance) == 0 })
	running := n.runningAs(in.Instance)
	now := time.Now()
	running.closeIdle(now.Add(time.Hour))
	running.retire(now)
	if !running.retire(now.Add(time.Hour)) {
		t.Fatal("it goes on")
	}
	eventually(t, "it is gone", func() bool { return !n.runs(in.Instance) })
	if bye := n.refusedWith("bea", "instance="+string(in.Instance), nil); bye.Code != earshot.CodeNotFound {
		t.Errorf("who came too late was told %+v", bye)
	}
}
