package gateway

import (
	"net/http"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
)

func TestWorldOf(t *testing.T) {
	for id, want := range map[earshot.InstanceID]string{
		"in_plaza": "plaza", "in_plaza_2": "plaza", "in_a-b_birthday-1": "a-b",
		"": "", "plaza": "", "in_": "", "in__2": "", "in_plaza_": "", "in_plaza_a_b": "", "in_plaza_-x": "",
		"in_plaza_abcdefghijklmnopqrstuvwxy": "", "in_PLAZA": "",
	} {
		if got := worldOf(id); got != want {
			t.Errorf("worldOf(%q) = %q, want %q", id, got, want)
		}
	}
}

func of(instance earshot.InstanceID) func(*Claims) {
	return func(c *Claims) { c.World, c.Instance = "", instance }
}

// Four places, NPCs none. People come together in the first instance until it is
// nearly full, then a second opens; when all are nearly full the rest is filled;
// when there is no place at all, that is said.
func TestNewcomersFillInstances(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) {
		w := DefaultWorld()
		w.Capacity, w.MaxInstances = 4, 2
		c.Worlds["plaza"] = w
	})
	var got []earshot.InstanceID
	for _, name := range []string{"ada", "bea", "cyd", "dot", "eve", "fay", "gil", "hal"} {
		got = append(got, n.guest(name, nil).me.Instance)
	}
	want := map[earshot.InstanceID]int{"in_plaza": 4, "in_plaza_2": 4}
	for i := range 4 {
		if got[i] != "in_plaza" {
			t.Errorf("guest %d went to %s: the first instance had room", i, got[i])
		}
	}
	for _, id := range got {
		want[id]--
	}
	if want["in_plaza"] != 0 || want["in_plaza_2"] != 0 {
		t.Errorf("they went to %v", got)
	}
	token := n.token(func(c *Claims) { c.Subject, c.Name = "ivy", "Ivy" })
	status, body, _ := n.do(http.MethodPost, "/v1/join", token, typeSDP, []byte(offer(t)))
	if status != http.StatusTooManyRequests {
		t.Errorf("the ninth: %d %s", status, body)
	}
}

// A private copy is opened by who holds a token for it; nobody is sent there.
// One person is in one instance of a world at a time.
func TestCopiesByName(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	host := n.guest("ada", of("in_plaza_birthday"))
	if host.me.Instance != "in_plaza_birthday" {
		t.Fatalf("Instance = %s", host.me.Instance)
	}
	if bea := n.guest("bea", nil); bea.me.Instance != "in_plaza" {
		t.Errorf("a stranger was sent to %s", bea.me.Instance)
	}
	again := n.guest("ada", nil)
	bye := expect[*protocol.Bye](host)
	if again.me.Instance != "in_plaza" || bye.Code != earshot.CodeAborted {
		t.Errorf("ada is in %s, and was told %v", again.me.Instance, bye)
	}
	eventually(t, "the copy is empty", func() bool { return clientsOf(n, "in_plaza_birthday") == 0 })
}

// The query names an instance that runs, within what the token is good for.
func TestJoinsOfAnInstance(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.guest("ada", of("in_plaza_2"))
	for _, c := range []struct {
		asked string
		token func(*Claims)
		want  earshot.Code
	}{
		{"in_plaza_2", nil, ""},
		{"in_plaza", nil, ""},
		{"in_plaza_3", nil, earshot.CodeNotFound},
		{"in_garden", nil, earshot.CodeNotFound},
		{"plaza", nil, earshot.CodeInvalidArgument},
		{"in_plaza", of("in_plaza_2"), earshot.CodePermissionDenied},
		{"in_plaza_2", of("in_plaza_2"), ""},
	} {
		header := http.Header{"Authorization": {"Bearer " + n.token(func(cl *Claims) {
			cl.Subject, cl.Name = "bea", "Bea"
			if c.token != nil {
				c.token(cl)
			}
		})}}
		conn, _, err := websocket.DefaultDialer.Dial("ws"+n.url[len("http"):]+"/v1/control?instance="+c.asked, header)
		if err != nil {
			t.Fatal(err)
		}
		g := &guest{t: t, conn: conn}
		if c.want == "" {
			if in := expect[*protocol.Welcome](g).Instance; string(in) != c.asked {
				t.Errorf("asked for %s, came to %s", c.asked, in)
			}
		} else if bye := expect[*protocol.Bye](g); bye.Code != c.want {
			t.Errorf("asked for %s: %v, want %s", c.asked, bye, c.want)
		}
		conn.Close()
	}
}

// A copy that nobody is in ends, the first instance of a world does not, and
// the next to come finds a new one.
func TestEmptyCopiesEnd(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	for _, id := range []earshot.InstanceID{"in_plaza", "in_plaza_2"} {
		g := n.guest("ada", of(id))
		in := n.runningAs(id)
		now := time.Now()
		if in.retire(now) || in.retire(now.Add(time.Hour)) {
			t.Errorf("%s ended with somebody in it", id)
		}
		g.conn.Close()
		eventually(t, "ada has left", func() bool { return clientsOf(n, id) == 0 })
		in.closeIdle(now.Add(time.Hour))
		if in.retire(now) || id != "in_plaza" && in.retire(now.Add(time.Hour)) {
			t.Errorf("%s ended before the review said that nobody needs it", id)
		}
		n.reviewer.proposed(cluster.Proposal{Kind: cluster.ProposeClose, World: "plaza", By: "in_plaza", Instance: id})
		if ended, want := in.retire(now.Add(time.Hour)), id != "in_plaza"; ended != want {
			t.Errorf("%s ended: %v, want %v", id, ended, want)
		}
	}
	if in := n.guest("bea", of("in_plaza_2")).me.Instance; in != "in_plaza_2" {
		t.Errorf("bea came to %s", in)
	}
}

func clientsOf(n *node, id earshot.InstanceID) int {
	for _, in := range n.running() {
		if in.id == id {
			return in.live.Load().clients
		}
	}
	return 0
}
