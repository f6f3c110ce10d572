package gateway

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"earshot"
	"earshot/gateway/protocol"
)

// What of a session ends before it has begun: whatever comes first, and whoever
// hears of it, nothing stays and the node goes on.

func (n *node) claims(change func(*Claims)) *Claims {
	n.t.Helper()
	claims, err := n.keys.Verify(n.token(change), time.Now())
	if err != nil {
		n.t.Fatal(err)
	}
	return claims
}

// The sfu gives a join up of which it has told the session nothing but the end:
// because it takes too long, as on a machine that slept.
func TestJoinThatIsGivenUp(t *testing.T) {
	n := startNode(t, nil)
	sdp := offer(t)
	late, cancel := context.WithCancel(context.Background())
	cancel()
	given := 0
	for range 20 {
		if _, _, err := n.join(late, n.claims(nil), &asking{}, sdp, false); err != nil {
			given++
		}
		if _, _, err := n.joinStream(late, n.claims(nil), "", sdp); err != nil {
			given++
		}
	}
	if given == 0 {
		t.Error("every join came in time")
	}
	n.await("/readyz")
}

// Its media end while a session is being let in: nobody is left behind.
func TestSessionEndsWhileItIsLetIn(t *testing.T) {
	n := startNode(t, nil)
	in, err := n.run("in_plaza", "plaza")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		barred bool
		want   earshot.Code
	}{
		"let in":  {false, earshot.CodeAborted},
		"refused": {true, earshot.CodePermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(in, n.claims(func(c *Claims) { c.Subject = name }), time.Now())
			if _, err := s.offered(context.Background(), offer(t)); err != nil {
				t.Fatal(err)
			}
			in.mu.Lock()
			if c.barred {
				in.barred[s.participant] = time.Now().Add(time.Hour)
			}
			in.mu.Unlock()
			s.media.Close() // which says so to the session
			if err := n.enter(s, time.Now()); earshot.CodeOf(err) != c.want {
				t.Errorf("enter = %v, want %s", err, c.want)
			}
			<-s.done
			if in.live.Load().byID[s.participant] != nil {
				t.Error("who has ended is a member")
			}
			if _, there := n.session(s.id); there {
				t.Error("the node knows of the session")
			}
		})
	}
}

// One who is refused only as they are let in, by a WebSocket, is told why.
func TestSocketIsToldWhy(t *testing.T) {
	n := startNode(t, nil)
	n.guest("bea", nil) // who keeps the instance open
	token := n.token(nil)
	claims, in := n.claims(nil), n.plaza()
	in.mu.Lock()
	in.barred[claims.Participant()] = time.Now().Add(time.Hour)
	in.mu.Unlock()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+n.url[len("http"):]+"/v1/control", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if bye := expect[*protocol.Bye](&guest{t: t, conn: conn}); bye.Code != earshot.CodePermissionDenied || bye.Message == "" {
		t.Errorf("told %+v, want that they may not come in", bye)
	}
}
