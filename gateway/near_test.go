package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/store"
	"earshot/spatialaudio/zone"
)

// as is the token of a guest's name.
func (n *node) as(name string, change ...func(*Claims)) string {
	return n.token(func(c *Claims) {
		c.Subject, c.Name = name, name
		for _, f := range change {
			f(c)
		}
	})
}

// ask gets a page and decodes it; the code is that of an error, or "".
func ask[T any](n *node, method, path, token string) (reply T, code earshot.Code) {
	n.t.Helper()
	status, body, _ := n.do(method, path, token, "", nil)
	if status >= 400 {
		return reply, wireErrorOf(n.t, body).Code
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &reply); err != nil {
			n.t.Fatalf("%s %s: %v in %s", method, path, err, body)
		}
	}
	return reply, ""
}

// patientlyAsk gets a page within the rate in which that may be asked for.
func patientlyAsk[T any](n *node, path, token string) (reply T, code earshot.Code) {
	n.t.Helper()
	for {
		if reply, code = ask[T](n, http.MethodGet, path, token); code != earshot.CodeResourceExhausted {
			return reply, code
		}
		pause(300 * time.Millisecond)
	}
}

func (n *node) nearby(name, query string) ([]string, nearbyReply) {
	n.t.Helper()
	r, code := patientlyAsk[nearbyReply](n, "/v1/presence/nearby"+query, n.as(name))
	if code != "" {
		n.t.Fatalf("nearby as %s: %s", name, code)
	}
	var names []string
	for _, p := range r.People {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names, r
}

type friendsReply struct{ Friends []friendEntry }

func (n *node) friendsOf(name string) []friendEntry {
	n.t.Helper()
	r, code := patientlyAsk[friendsReply](n, "/v1/presence/friends", n.as(name))
	if code != "" {
		n.t.Fatalf("friends of %s: %s", name, code)
	}
	return r.Friends
}

func (n *node) befriend(a, b *guest, from, to string) {
	n.t.Helper()
	for _, f := range []struct {
		who   string
		other earshot.ParticipantID
	}{{from, b.id()}, {to, a.id()}} {
		if _, code := ask[any](n, http.MethodPut, "/v1/presence/friends/"+string(f.other), n.as(f.who)); code != "" {
			n.t.Fatalf("%s befriends: %s", f.who, code)
		}
	}
}

// Who is near is told to those who can be seen themselves, over all public
// instances, and not of whom either blocks, of observers and of a party.
func TestNearbyAlone(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) {
		w := DefaultWorld()
		w.MaxInstances, w.SpawnRadius, w.Stages = 3, 0, []StageConfig{{ID: "main", Position: [3]float32{0, 0, 100}}}
		c.Worlds = map[string]WorldConfig{"plaza": w}
	})
	if _, code := ask[nearbyReply](n, http.MethodGet, "/v1/presence/nearby", n.as("ada")); code != earshot.CodeFailedPrecondition {
		t.Errorf("who is not in the world asks: %q, want failed_precondition", code)
	}
	ada, bea, cem, dov := n.guest("ada", nil), n.guest("bea", nil), n.guest("cem", of("in_plaza_2")), n.guest("dov", of("in_plaza_party"))
	names, r := n.nearby("ada", "")
	if !slices.Equal(names, []string{"bea", "cem"}) || !r.Complete || r.World != "plaza" || r.Radius != 30 {
		t.Errorf("near ada: %v %+v; want bea and cem", names, r)
	}
	for _, p := range r.People {
		if p.Here != (p.Name == "bea") || p.Distance > 1 || p.Kind != "person" {
			t.Errorf("near ada: %+v", p)
		}
	}
	if names, _ := n.nearby("dov", ""); !slices.Equal(names, []string{"ada", "bea", "cem"}) {
		t.Errorf("near dov, at a party: %v", names)
	}
	if names, _ := n.nearby("ada", "?stage=main"); len(names) > 0 {
		t.Errorf("at the stage: %v", names)
	}
	if names, _ := n.nearby("ada", "?at=0,0,100&radius=200&limit=1"); len(names) != 1 {
		t.Errorf("the nearest of 200 m: %v", names)
	}
	ada.say(&protocol.Block{Participant: cem.id(), Blocked: true})
	expect[*protocol.Blocked](ada)
	if names, _ := n.nearby("ada", ""); !slices.Equal(names, []string{"bea"}) {
		t.Errorf("near ada, who blocks cem: %v", names)
	}
	if names, _ := n.nearby("cem", ""); !slices.Equal(names, []string{"bea"}) {
		t.Errorf("near cem, whom ada blocks: %v", names)
	}
	for query, want := range map[string]earshot.Code{
		"?radius=0": earshot.CodeInvalidArgument, "?radius=501": earshot.CodeInvalidArgument, "?radius=NaN": earshot.CodeInvalidArgument,
		"?limit=0": earshot.CodeInvalidArgument, "?limit=201": earshot.CodeInvalidArgument, "?at=1,2": earshot.CodeInvalidArgument,
		"?at=1,2,Inf": earshot.CodeInvalidArgument, "?stage=other": earshot.CodeNotFound, "?stage=main&at=0,0,0": earshot.CodeInvalidArgument,
	} {
		if _, code := ask[nearbyReply](n, http.MethodGet, "/v1/presence/nearby"+query, n.as("bea")); code != want {
			t.Errorf("%s: %q, want %q", query, code, want)
		}
	}
	mute := n.as("bea", func(c *Claims) { c.Grants = []string{protocol.GrantChat} })
	if _, code := ask[nearbyReply](n, http.MethodGet, "/v1/presence/nearby", mute); code != earshot.CodePermissionDenied {
		t.Errorf("without subscribe: %q", code)
	}
	in := n.runningAs("in_plaza")
	in.space.Isolate(bea.id(), true)
	if names, _ := n.nearby("ada", ""); len(names) > 0 {
		t.Errorf("near ada while bea is isolated: %v", names)
	}
	if _, code := ask[nearbyReply](n, http.MethodGet, "/v1/presence/nearby", n.as("bea")); code != earshot.CodeFailedPrecondition {
		t.Errorf("the isolated asks: %q", code)
	}
	_ = dov
}

// Who is behind a sealed wall is nowhere for those outside, and in no density.
func TestNearbyBehindWalls(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) {
		w := DefaultWorld()
		w.Spawn, w.SpawnRadius = [3]float32{5, 0, 5}, 0
		w.Zones = zone.List{{ID: "table", Kind: zone.KindTable, Sealed: true,
			Shape: zone.Shape{Form: zone.FormCylinder, Height: 4, Center: [2]float64{5, 5}, Radius: 2}}}
		c.Worlds = map[string]WorldConfig{"plaza": w}
	})
	for _, name := range []string{"ada", "bea", "cem", "dov"} {
		n.guest(name, nil)
	}
	if names, r := n.nearby("ada", ""); len(names) > 0 || !r.Complete {
		t.Errorf("at a private table: %v", names)
	}
	if r, code := ask[densityReply](n, http.MethodGet, "/v1/presence/density", n.as("ada")); code != "" || len(r.Cells) > 0 {
		t.Errorf("density: %+v %s", r, code)
	}
	n.runningAs("in_plaza").rebuildWalls(nil)
	if r, code := ask[densityReply](n, http.MethodGet, "/v1/presence/density", n.as("ada")); code != "" || !r.Complete || r.Cell != 32 ||
		!slices.Equal(r.Cells, []densityCell{{0, 0, 4}}) {
		t.Errorf("density without walls: %+v %s, want 4 in (0, 0)", r, code)
	}
}

// A friend is one in both directions; a block ends it.
func TestFriendsAlone(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) { c.Worlds = map[string]WorldConfig{"plaza": DefaultWorld(), "forest": DefaultWorld()} })
	ada, bea := n.guest("ada", nil), n.guest("bea", func(c *Claims) { c.World = "forest" })
	if _, code := ask[any](n, http.MethodPut, "/v1/presence/friends/"+string(bea.id()), n.as("ada")); code != "" {
		t.Fatal(code)
	}
	if got := n.friendsOf("ada"); len(got) != 1 || got[0].Mutual || got[0].Online || got[0].World != "" {
		t.Errorf("a friend who has not said so: %+v", got)
	}
	n.befriend(ada, bea, "ada", "bea")
	got := n.friendsOf("ada")
	if len(got) != 1 || !got[0].Mutual || !got[0].Online || got[0].Instance != "in_forest" || got[0].Since == "" || got[0].Position == nil || got[0].Name != "bea" {
		t.Errorf("a friend: %+v", got)
	}
	for _, bad := range []string{"x", string(ada.id())} {
		if _, code := ask[any](n, http.MethodPut, "/v1/presence/friends/"+bad, n.as("ada")); code != earshot.CodeInvalidArgument {
			t.Errorf("%s as a friend: %q", bad, code)
		}
	}
	bea.say(&protocol.Block{Participant: ada.id(), Blocked: true})
	expect[*protocol.Blocked](bea)
	if got := n.friendsOf("ada"); len(got) != 1 || got[0].Online {
		t.Errorf("a friend who blocks: %+v", got)
	}
	if _, code := ask[any](n, http.MethodPut, "/v1/presence/friends/"+string(ada.id()), n.as("bea")); code != earshot.CodeFailedPrecondition {
		t.Errorf("bea befriends whom she blocks: %q", code)
	}
	bea.say(&protocol.Block{Participant: ada.id(), Blocked: false})
	expect[*protocol.Blocked](bea)
	eventually(t, "the block has ended the friendship", func() bool { got := n.friendsOf("ada"); return !got[0].Mutual })
	if _, code := ask[any](n, http.MethodDelete, "/v1/presence/friends/"+string(bea.id()), n.as("ada")); code != "" || len(n.friendsOf("ada")) != 0 {
		t.Errorf("a friendship ended by ada is there: %s", code)
	}
}

func TestNearLimits(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	codes, token, began := map[earshot.Code]int{}, n.as("ada"), time.Now()
	for codes[earshot.CodeResourceExhausted] == 0 {
		_, code := ask[densityReply](n, http.MethodGet, "/v1/presence/density", token)
		codes[code]++
		if float64(codes[""]) > asksBurst+1+asksPerSecond*time.Since(began).Seconds() {
			t.Fatalf("of the questions of %v: %v", time.Since(began), codes)
		}
	}
	if codes[""] < asksBurst {
		t.Errorf("of the questions at once: %v, want %d answered", codes, asksBurst)
	}
}

// subscriber is a connection to /v1/presence/subscribe.
type subscriber struct {
	t    *testing.T
	conn *websocket.Conn
}

func (n *node) subscribe(token string, say ...string) *subscriber {
	n.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+n.url[len("http"):]+"/v1/presence/subscribe", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { conn.Close() })
	s := &subscriber{n.t, conn}
	for _, text := range say {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			n.t.Fatal(err)
		}
	}
	return s
}

// heard is any message of the server.
type heard struct {
	Type, ID      string
	Code          earshot.Code
	Complete      bool
	People, Came  []struct{ Name, URL string }
	Moved         []struct{ Name string }
	Went          []earshot.ParticipantID
	Seq           uint64
	Seqs          map[string]uint64
	Message, Text string
}

// until returns the next message of which ok is true.
func (s *subscriber) until(what string, ok func(m *heard) bool) heard {
	s.t.Helper()
	for range 100 {
		_ = s.conn.SetReadDeadline(time.Now().Add(patience))
		_, data, err := s.conn.ReadMessage()
		if err != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
		var m heard
		if err := json.Unmarshal(data, &m); err != nil {
			s.t.Fatal(err)
		}
		if ok(&m) {
			return m
		}
	}
	s.t.Fatalf("%s never came", what)
	return heard{}
}

func isA(kind string) func(*heard) bool { return func(m *heard) bool { return m.Type == kind } }

// "Tell me when a friend comes near": over two nodes with a store, with blocks,
// a drop in the numbers, one connection too many, and the end of the server.
func TestNearFleet(t *testing.T) {
	t.Parallel()
	shared := store.NewMemory()
	list := nodesOf(t, shared, 2, func(c *Config) {
		w := c.Worlds["plaza"]
		w.MaxInstances, w.SpawnRadius = 5, 0
		c.Worlds["plaza"] = w
	})
	one, two := ownerOf(t, list, "in_plaza")
	ada := one.guest("ada", nil)
	bea := two.guest("bea", of("in_plaza_2"))
	two.guest("cem", of("in_plaza_2"))
	two.guest("dov", of("in_plaza_party"))
	eventually(t, "the directory knows where ada is", func() bool {
		_, code := patientlyAsk[nearbyReply](one, "/v1/presence/nearby", one.as("ada"))
		return code == ""
	})
	eventually(t, "ada sees them on the other node", func() bool {
		names, r := one.nearby("ada", "")
		return slices.Equal(names, []string{"bea", "cem"}) && r.Complete && r.People[0].URL == two.url && !r.People[0].Here
	})
	one.befriend(ada, bea, "ada", "bea")
	watch := one.subscribe(one.as("ada"), `{"type":"watch","id":"f","radius":30,"friends":true}`, `{"type":"watch","id":"all","radius":30,"at":[0,0,9]}`)
	got := watch.until("bea came", func(m *heard) bool {
		return m.ID == "f" && len(m.People)+len(m.Came) == 1
	})
	if all := slices.Concat(got.People, got.Came); all[0].Name != "bea" || all[0].URL != two.url {
		t.Errorf("a friend came: %+v", got)
	}
	eventually(t, "ada is told where bea is", func() bool {
		f := one.friendsOf("ada")
		return len(f) == 1 && f[0].Online && f[0].Instance == "in_plaza_2" && f[0].URL == two.url && f[0].Since != ""
	})
	eventually(t, "bea is told where ada is", func() bool {
		f := two.friendsOf("bea")
		return len(f) == 1 && f[0].Instance == "in_plaza" && f[0].URL == one.url
	})
	eventually(t, "three are in a cell, over two nodes", func() bool {
		r, _ := ask[densityReply](two, http.MethodGet, "/v1/presence/density", two.as("bea"))
		return len(r.Cells) == 1 && r.Cells[0].Count == 3
	})
	bea.say(&protocol.Block{Participant: ada.id(), Blocked: true})
	watch.until("bea went", func(m *heard) bool { return m.ID == "all" && slices.Contains(m.Went, bea.id()) })
	if names, _ := one.nearby("ada", ""); !slices.Equal(names, []string{"cem"}) {
		t.Errorf("near ada, whom bea blocks: %v", names)
	}
	watch.conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"resync","id":"all"}`))
	watch.until("a snapshot", isA("snapshot"))
	third := one.subscribe(one.as("ada"))
	one.subscribe(one.as("ada"))
	watch.until("bye of the oldest", func(m *heard) bool { return m.Type == "bye" && m.Code == earshot.CodeAborted })
	if err := third.conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"watch","id":"x","radius":1}`)); err != nil {
		t.Error(err)
	}
	third.until("its snapshot", isA("snapshot"))
	one.stop()
	third.until("bye of the server", func(m *heard) bool { return m.Type == "bye" && m.Code == earshot.CodeUnavailable })
}

// In a browser the token is in the first message; whatever is wrong with it is
// said in bye.
func TestNearFirstWord(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.guest("ada", nil)
	for first, want := range map[string]earshot.Code{
		`{"type":"auth","token":"` + n.as("ada") + `"}`: "",
		`{"type":"auth","token":"x"}`:                   earshot.CodeUnauthenticated,
		`{"type":"watch","id":"a","radius":1}`:          earshot.CodeUnauthenticated,
		`{`:                                             earshot.CodeInvalidArgument,
	} {
		conn, _, err := websocket.DefaultDialer.Dial("ws"+n.url[len("http"):]+"/v1/presence/subscribe", nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &subscriber{t, conn}
		for _, text := range []string{first, `{"type":"watch","id":"a","radius":1}`} {
			_ = conn.WriteMessage(websocket.TextMessage, []byte(text)) // the second may find the socket closed
		}
		if got := s.until("an answer", func(m *heard) bool { return true }); got.Code != want || want == "" && got.Type != "snapshot" {
			t.Errorf("%s: %+v, want %q", first, got, want)
		}
		conn.Close()
	}
}
