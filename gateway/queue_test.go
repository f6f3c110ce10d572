package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/store"
)

// waiter is one who waits for a world that is full.
type waiter struct {
	t      *testing.T
	name   string
	token  string
	url    string // of the node to ask next
	status int
	queueReply
	refused earshot.Error
}

// wait asks for places at a node, as long as it takes.
func (n *node) wait(name, query string, ask any) *waiter {
	n.t.Helper()
	body, err := json.Marshal(ask)
	if err != nil {
		n.t.Fatal(err)
	}
	w := &waiter{t: n.t, name: name, url: n.url, token: n.token(func(c *Claims) { c.Subject, c.Name = name, name })}
	w.read(http.MethodPost, "/v1/worlds/plaza/reservations?wait=1"+query, body)
	return w
}

// ask asks how it is; known holds the request until that is another position.
func (w *waiter) ask(known int) {
	w.t.Helper()
	path := "/v1/queue/" + w.Queue
	if known > 0 {
		path += fmt.Sprint("?known=", known)
	}
	w.read(http.MethodGet, path, nil)
}

func (w *waiter) leave() {
	w.t.Helper()
	w.read(http.MethodDelete, "/v1/queue/"+w.Queue, nil)
}

// read makes a request, following nodes, and takes in the answer.
func (w *waiter) read(method, path string, body []byte) {
	w.t.Helper()
	for range 4 {
		n := &node{t: w.t, url: w.url}
		status, data, header := n.do(method, path, w.token, "application/json", body)
		if location := header.Get("Location"); status == http.StatusMisdirectedRequest {
			w.url = location[:strings.Index(location, "/v1/")]
			path = location[len(w.url):]
			continue
		}
		w.status, w.refused = status, earshot.Error{}
		switch {
		case status == http.StatusOK || status == http.StatusAccepted || status == http.StatusCreated:
			w.queueReply = queueReply{}
			if err := json.Unmarshal(data, &w.queueReply); err != nil {
				w.t.Fatal(err)
			}
			if w.URL != "" {
				w.url = w.URL
			}
		case status != http.StatusNoContent:
			w.refused = wireErrorOf(w.t, data)
		}
		return
	}
	w.t.Fatalf("%s was sent from node to node", w.name)
}

// turn asks until it is their turn.
func (w *waiter) turn() {
	w.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if w.ask(w.Position); w.Ready {
			break
		}
		switch w.status {
		case http.StatusOK:
			pause(50 * time.Millisecond)
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			pause(500 * time.Millisecond)
		default:
			deadline = time.Time{}
		}
	}
	if !w.Ready {
		w.t.Fatalf("%s waits for ever: %d %+v %+v", w.name, w.status, w.queueReply, w.refused)
	}
}

// A world with two places. Bea, cyd and dot wait; each is told their position,
// also when it changes, newcomers do not go before them, and when somebody
// leaves, bea comes in with what she was given.
func TestQueueForAFullWorld(t *testing.T) {
	t.Parallel()
	n := startNode(t, small(2, 1))
	ada, _ := n.guest("ada", nil), n.guest("ann", nil)
	if bye := n.refusedWith("bea", "", nil); bye.Code != earshot.CodeResourceExhausted {
		t.Errorf("without wait she was told %+v", bye)
	}
	bea, cyd, dot := n.wait("bea", "", nil), n.wait("cyd", "", nil), n.wait("dot", "", nil)
	for i, w := range []*waiter{bea, cyd, dot} {
		if w.status != http.StatusAccepted || w.Position != i+1 || w.Waiting != i+1 || w.Ready {
			t.Fatalf("%s waits: %d %+v %+v", w.name, w.status, w.queueReply, w.refused)
		}
	}
	told := make(chan int, 1)
	go func() {
		defer close(told)
		dot.ask(3)
		told <- dot.Position
	}()
	eventually(t, "dot's request is held", func() bool {
		n.queues.mu.Lock()
		defer n.queues.mu.Unlock()
		return n.queues.held == 1
	})
	cyd.leave()
	if at := <-told; cyd.status != http.StatusNoContent || at != 2 {
		t.Errorf("cyd left (%d), and dot is at %d, want 2", cyd.status, at)
	}
	if cyd.ask(0); cyd.refused.Code != earshot.CodeNotFound {
		t.Errorf("who left and asks: %d %+v", cyd.status, cyd.refused)
	}
	ada.say(&protocol.Leave{})
	bea.turn()
	if bye := n.refusedWith("eve", "", nil); bye.Code != earshot.CodeResourceExhausted {
		t.Errorf("a newcomer was told %+v", bye)
	}
	if g := goTo(t, []*node{n}, "bea", "reservation="+bea.Reservation, nil); g.me.Instance != bea.Instance {
		t.Errorf("bea came to %s", g.me.Instance)
	}
	if bea.ask(0); bea.refused.Code != earshot.CodeNotFound {
		t.Errorf("who is in and asks: %d %+v", bea.status, bea.refused)
	}
	if dot.ask(0); dot.Position != 1 || dot.Ready {
		t.Errorf("dot: %+v", dot.queueReply)
	}
	if other := (&waiter{t: t, name: "eve", token: n.token(func(c *Claims) { c.Subject = "eve" }), url: n.url, queueReply: dot.queueReply}); true {
		if other.ask(0); other.refused.Code != earshot.CodePermissionDenied {
			t.Errorf("eve asks with dot's ticket: %d %+v", other.status, other.refused)
		}
	}
}

// A join with media waits the same way; who is in is never held up.
func TestJoinWaits(t *testing.T) {
	t.Parallel()
	n := startNode(t, small(1, 1))
	ada := n.guest("ada", nil)
	token := n.token(func(c *Claims) { c.Subject, c.Name = "bea", "bea" })
	status, body, _ := n.do(http.MethodPost, "/v1/join?wait=1", token, typeSDP, []byte(offer(t)))
	var reply queueReply
	if err := json.Unmarshal(body, &reply); err != nil || status != http.StatusAccepted || reply.Position != 1 || !strings.HasPrefix(reply.Queue, "qu_") {
		t.Fatalf("a join that waits: %d %s", status, body)
	}
	if status, body, _ := n.do(http.MethodPost, "/v1/join", token, typeSDP, []byte(offer(t))); status != http.StatusTooManyRequests {
		t.Errorf("one that does not: %d %s", status, body)
	}
	again := n.guest("ada", nil)
	expect[*protocol.Bye](ada)
	again.say(&protocol.Leave{})
	w := &waiter{t: t, name: "bea", token: token, url: n.url, queueReply: reply}
	w.turn()
	if status, body, _ := n.do(http.MethodPost, "/v1/join?reservation="+w.Reservation, token, typeSDP, []byte(offer(t))); status != http.StatusCreated {
		t.Errorf("bea's turn: %d %s", status, body)
	}
}

// Three who belong together wait for three places; who is alone passes. Who
// wants one instance waits for that one.
func TestPartiesAndInstancesInTheQueue(t *testing.T) {
	t.Parallel()
	n := startNode(t, small(3, 2))
	var in []*guest
	for i := range 6 {
		in = append(in, n.guest(fmt.Sprint("p", i), of([]earshot.InstanceID{"in_plaza", "in_plaza_2"}[i/3])))
	}
	party := n.wait("ada", "", fiberMap{"subjects": []string{"bea", "cyd"}})
	one := n.wait("dot", "", nil)
	two := n.wait("eve", "", fiberMap{"instance": "in_plaza_2"})
	if party.Position != 1 || one.Position != 4 || two.Position != 1 {
		t.Fatalf("positions %d, %d and %d; want 1, 4, and 1 of another", party.Position, one.Position, two.Position)
	}
	in[3].say(&protocol.Leave{})
	one.turn()
	if one.Instance != "in_plaza_2" {
		t.Errorf("dot was given a place in %s", one.Instance)
	}
	goTo(t, []*node{n}, "dot", "reservation="+one.Reservation, nil)
	for _, g := range in[:3] {
		g.say(&protocol.Leave{})
	}
	party.turn()
	for _, name := range []string{"cyd", "bea", "ada"} {
		if g := goTo(t, []*node{n}, name, "reservation="+party.Reservation, nil); g.me.Instance != "in_plaza" {
			t.Errorf("%s came to %s", name, g.me.Instance)
		}
	}
	if two.ask(0); two.Ready || two.Position != 1 {
		t.Errorf("eve waits for in_plaza_2: %+v", two.queueReply)
	}
}

// Two nodes, one queue: whoever is asked, the one that leads it answers. It
// dies, and the order is what it was.
func TestQueueOfAFleet(t *testing.T) {
	t.Parallel()
	shared := store.NewMemory()
	list := nodesOf(t, shared, 2, func(c *Config) {
		small(1, 1)(c)
		mortal(c)
		c.Fleet.Timing.ReturnWithin = 5 * time.Second
	})
	owner, other := ownerOf(t, list, "in_plaza")
	other.queues.mu.Lock()
	other.queues.recall = 5 * time.Second
	other.queues.mu.Unlock()
	goTo(t, list, "ada", "", nil)
	bea := other.wait("bea", "", nil)
	if bea.status != http.StatusAccepted || bea.url != owner.url {
		t.Fatalf("bea: %d %+v %+v, to ask at %s", bea.status, bea.queueReply, bea.refused, bea.url)
	}
	bea.ask(0)
	cyd := owner.wait("cyd", "", nil)
	cyd.ask(0)
	if bea.Position != 1 || cyd.Position != 2 || len(cyd.Alternates) != 1 || cyd.Alternates[0] != other.url {
		t.Fatalf("bea is at %d, cyd at %d, who may also ask at %v", bea.Position, cyd.Position, cyd.Alternates)
	}
	eventually(t, "the other node knows that somebody waits", func() bool { return other.queues.busy("plaza", "", time.Now()) })
	owner.die()
	for _, w := range []*waiter{bea, cyd} {
		w.url = other.url
	}
	eventually(t, "the other node has the queue", func() bool { return other.fleet.Admits("in_plaza") })
	cyd.ask(0) // the first to say their place
	bea.ask(0)
	if cyd.ask(0); bea.Position != 1 || cyd.Position != 2 {
		t.Errorf("after the leader's death bea is at %d, cyd at %d: %+v %+v", bea.Position, cyd.Position, bea.refused, cyd.refused)
	}
	if bye := other.refusedWith("eve", "", nil); bye.Code != earshot.CodeResourceExhausted {
		t.Errorf("a newcomer was told %+v", bye)
	}
	bea.turn() // ada did not come back, and her place was kept for 5 s
	if g := goTo(t, []*node{other}, "bea", "reservation="+bea.Reservation, nil); g.me.Instance != "in_plaza" {
		t.Errorf("bea came to %s", g.me.Instance)
	}
}

// Who asks is answered in time though nothing happens; who does not ask any more
// has lost their place, and a newcomer does not wait behind them.
func TestPlacesAreLost(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) {
		small(1, 1)(c)
		c.Instances.Queue.Away, c.Instances.Queue.Patience = 3*time.Second, 3*time.Second
	})
	ada := n.guest("ada", nil)
	bea := n.wait("bea", "", nil)
	if bea.ask(1); bea.status != http.StatusOK || bea.Position != 1 {
		t.Errorf("a request that was held: %d %+v %+v", bea.status, bea.queueReply, bea.refused)
	}
	eventually(t, "bea is not heard of any more", func() bool { return !n.queues.busy("plaza", "", time.Now()) })
	ada.say(&protocol.Leave{})
	eventually(t, "ada has left", func() bool { return clientsOf(n, "in_plaza") == 0 })
	n.guest("cyd", nil)
	<-time.After(3 * time.Second)
	if bea.ask(0); bea.refused.Code != earshot.CodeNotFound {
		t.Errorf("bea comes back late: %d %+v %+v", bea.status, bea.queueReply, bea.refused)
	}
}

func FuzzReadTicket(f *testing.F) {
	keys, err := NewKeys([]Key{GenerateDevelopmentKey()})
	if err != nil {
		f.Fatal(err)
	}
	good := ticket{World: "plaza", Target: "in_plaza_2", Party: []earshot.ParticipantID{earshot.ParticipantFor("k", "s")}, At: 1 << 60, Node: "nd_a", Seen: 5}
	f.Add(keys.ticket(&good))
	f.Add("qu_e30.AAAA")
	f.Add("qu_")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := keys.readTicket(text)
		if err != nil {
			return
		}
		if got.proved && text != keys.ticket(&got) {
			t.Errorf("%q is proved, and is %q", text, keys.ticket(&got))
		}
		if p := got.place(); !got.proved && p.At != 0 {
			t.Errorf("an unsigned ticket has the place %+v", p)
		}
	})
}
