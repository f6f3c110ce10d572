package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"earshot"
	"earshot/gateway/protocol"
)

// Joins beyond those that are worked on wait; beyond the queue, and after the
// deadline, they are told to come back.
func TestTurnstile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTurnstile(cap(newTurnstile(1).work) + 2)
		var inside []func()
		for range cap(d.work) {
			leave, err := d.enter(joinDeadline)
			if err != nil {
				t.Fatal(err)
			}
			inside = append(inside, leave)
		}
		answers := make(chan error, 2)
		for range 2 {
			go func() {
				leave, err := d.enter(joinDeadline)
				if err == nil {
					defer leave()
				}
				answers <- err
			}()
		}
		synctest.Wait()
		if _, err := d.enter(joinDeadline); earshot.CodeOf(err) != earshot.CodeUnavailable {
			t.Errorf("one more than the queue holds: %v, want unavailable", err)
		}
		inside[0]()
		if err := <-answers; err != nil {
			t.Errorf("one who waited for a place that became free: %v", err)
		}
		if err := <-answers; err != nil {
			t.Errorf("the next: %v", err)
		}
		inside = append(inside[1:], func() {})
		leave, err := d.enter(joinDeadline)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := d.enter(joinDeadline); earshot.CodeOf(err) != earshot.CodeUnavailable || time.Since(began) > joinDeadline {
			t.Errorf("one who waits in vain: %v after %v", err, time.Since(began))
		}
		leave()
		for _, leave := range inside {
			leave()
		}
		if len(d.queue) != 0 || len(d.work) != 0 {
			t.Errorf("%d in the queue, %d at work after all have left", len(d.queue), len(d.work))
		}
	})
}

// One key is held to its rate; others are not touched, and are forgotten when
// they have been quiet.
func TestPace(t *testing.T) {
	p, now := newPace(1, 20), time.Now()
	allowed := 0
	for n := range 10_000 {
		if p.allow("one", now.Add(time.Duration(n)*time.Millisecond)) {
			allowed++
		}
	}
	if allowed < 29 || allowed > 31 {
		t.Errorf("%d of a flood of 10 s were allowed, want 20 and one a second", allowed)
	}
	for n := range 3 * mostKept {
		if !p.allow(fmt.Sprint(n), now.Add(10*time.Second)) {
			t.Fatalf("the first of key %d was refused", n)
		}
	}
	if len(p.of) > mostKept {
		t.Errorf("%d are remembered, want at most %d", len(p.of), mostKept)
	}
	p.allow("late", now.Add(time.Hour))
	if len(p.of) > 1 {
		t.Errorf("%d are remembered after an hour", len(p.of))
	}
	if off := newPace(0, 0); !off.allow("x", now) || !off.allow("x", now) {
		t.Error("a pace of 0 refuses")
	}
}

// A participant that joins again and again is told to wait; others join.
func TestJoinsOfOneParticipant(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	token, began, joins := n.token(nil), time.Now(), 0
	for {
		status, body, header := n.do("POST", "/v1/join", token, typeSDP, []byte("v=0"))
		if status == http.StatusTooManyRequests {
			if e := wireErrorOf(t, body); e.Code != earshot.CodeResourceExhausted || header.Get("Retry-After") != "1" {
				t.Errorf("%s, Retry-After %q", e.Code, header.Get("Retry-After"))
			}
			break
		}
		if joins++; float64(joins) > protocol.JoinBurst+1+protocol.JoinPerSecond*time.Since(began).Seconds() {
			t.Fatalf("%d joins of one participant within %v, the last %d, want 429", joins, time.Since(began), status)
		}
	}
	n.guest("another", nil)
}

// More joins than one address may make are refused before their tokens are read.
func TestJoinsFromOneAddress(t *testing.T) {
	t.Parallel()
	const most = 3
	n := startNode(t, func(c *Config) { c.MaxJoinsPerAddress = most })
	got, began := map[int]int{}, time.Now()
	for got[http.StatusServiceUnavailable] < 15 {
		status, _, _ := n.do("POST", "/v1/join", "", typeSDP, []byte("v=0"))
		got[status]++
		if float64(got[http.StatusUnauthorized]) > 3*most+1+most*time.Since(began).Seconds() {
			t.Fatalf("joins within %v: %v, want 9 and a few that are looked at, the others 503", time.Since(began), got)
		}
	}
	if got[http.StatusUnauthorized] < 3*most || len(got) != 2 {
		t.Errorf("joins at once: %v, want 9 and a few that are looked at, the others 503", got)
	}
	if status, _, _ := n.do("GET", "/v1/worlds", "", "", nil); status != http.StatusOK {
		t.Errorf("GET /v1/worlds = %d", status)
	}
}

// visitor is a client with media, to be rude with.
type visitor struct {
	pc      *webrtc.PeerConnection
	session string // URL
	came    chan protocol.ServerMessage
	pose    *webrtc.DataChannel
}

// visit joins with media and returns when the client was welcomed.
func (n *node) visit(name string) *visitor {
	n.t.Helper()
	s := webrtc.SettingEngine{}
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = pc.GracefulClose() })
	v := &visitor{pc: pc, came: make(chan protocol.ServerMessage, 1024)}
	yes := true
	for label, id := range map[string]uint16{"control": 0, "pose-up": 1, "pose-down": 2} {
		dc, err := pc.CreateDataChannel(label, &webrtc.DataChannelInit{Negotiated: &yes, ID: &id})
		if err != nil {
			n.t.Fatal(err)
		}
		switch label {
		case "control":
			dc.OnMessage(func(m webrtc.DataChannelMessage) {
				if msg, err := protocol.Decode(m.Data); err == nil {
					v.came <- msg
				}
			})
		case "pose-up":
			v.pose = dc
		}
	}
	offer, err := pc.CreateOffer(nil)
	if err == nil {
		err = pc.SetLocalDescription(offer)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	token := n.token(func(c *Claims) { c.Subject, c.Name = name, name })
	status, answer, header := n.do("POST", "/v1/join", token, typeSDP, []byte(offer.SDP))
	if status != http.StatusCreated {
		n.t.Fatalf("POST /v1/join = %d %s", status, answer)
	}
	v.session = header.Get("Location")
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}); err != nil {
		n.t.Fatal(err)
	}
	if _, ok := (<-v.came).(*protocol.Welcome); !ok {
		n.t.Fatal("no welcome came first")
	}
	return v
}

// bye waits for the goodbye.
func (v *visitor) bye(t *testing.T) *protocol.Bye {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-v.came:
			if bye, ok := m.(*protocol.Bye); ok {
				return bye
			}
		case <-deadline:
			t.Fatal("no bye came")
		}
	}
}

// Whoever floods is told why, removed, and the others are told that.
func TestFloodersAreRemoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flood func(n *node, v *visitor) // once
		says  string
	}{
		"RTCP that cannot be read": {func(_ *node, v *visitor) {
			raw := rtcp.RawPacket{0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0xf8, 0, 0, 1, 0} // ends in mid-packet
			_ = v.pc.WriteRTCP([]rtcp.Packet{&raw})
		}, "cannot be read"},
		"PATCH": {func(n *node, v *visitor) {
			n.do("PATCH", v.session, n.token(func(c *Claims) { c.Subject, c.Name = "rude", "rude" }), typeSDP, []byte("v=0"))
		}, "renegotiating"},
		"poses": {func(_ *node, v *visitor) {
			for v.pose.BufferedAmount() < 64<<10 {
				_ = v.pose.Send(make([]byte, 40))
			}
		}, "too many poses"},
		"messages": {func(_ *node, v *visitor) {}, "too many messages"},
	} {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, nil)
			witness := n.guest("witness", nil)
			if name == "messages" {
				n.floodControl(t, witness)
				return
			}
			v := n.visit("rude")
			expect[*protocol.Joined](witness)
			stop := make(chan struct{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				tick := time.NewTicker(5 * time.Millisecond)
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
						c.flood(n, v)
					case <-stop:
						return
					}
				}
			}()
			bye := v.bye(t)
			close(stop)
			<-done
			if bye.Code != earshot.CodeResourceExhausted || bye.Reconnect || !strings.Contains(bye.Message, c.says) {
				t.Errorf("bye %+v, want resource_exhausted that says %q", bye, c.says)
			}
			if left := expect[*protocol.Left](witness); left.Reason != protocol.ReasonKicked {
				t.Errorf("others were told %q, want %q", left.Reason, protocol.ReasonKicked)
			}
			witness.say(&protocol.Ping{T: 1})
			expect[*protocol.Pong](witness)
		})
	}
}

// floodControl sends control messages over a WebSocket until it is thrown out.
func (n *node) floodControl(t *testing.T, witness *guest) {
	rude := n.guest("rude", nil)
	expect[*protocol.Joined](witness)
	go func() {
		for rude.conn.WriteMessage(1, []byte(`{"type":"ping","t":1}`)) == nil { // until it is thrown out
		}
	}()
	for {
		m := rude.next(patience)
		if m == nil {
			t.Fatal("no bye came")
		}
		if bye, ok := m.(*protocol.Bye); ok {
			if bye.Code != earshot.CodeResourceExhausted {
				t.Errorf("bye %+v, want resource_exhausted", bye)
			}
			break
		}
	}
	if left := expect[*protocol.Left](witness); left.Reason != protocol.ReasonKicked {
		t.Errorf("others were told %q, want %q", left.Reason, protocol.ReasonKicked)
	}
}
