package gateway

import (
	"context"
	"slices"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/near"
)

// nearQueue is how many messages wait for one who reads slowly.
const nearQueue = 64

// upgradeNear refuses before the upgrade, with ordinary replies, what can be.
func (g *Gateway) upgradeNear(c *fiber.Ctx) error {
	if !websocket.IsWebSocketUpgrade(c) {
		return fiber.ErrUpgradeRequired
	}
	if err := g.mayKnock(c.IP(), time.Now()); err != nil {
		return err
	}
	if c.Get(fiber.HeaderAuthorization) != "" {
		who, err := g.seeking(c)
		if err != nil {
			return err
		}
		c.Locals("seeker", who)
	}
	return c.Next()
}

func (g *Gateway) serveNear() fiber.Handler {
	return websocket.New(func(conn *websocket.Conn) {
		conn.SetReadLimit(near.MaxMessageBytes)
		who, _ := conn.Locals("seeker").(*seeker)
		err := g.lookout.attend(conn, who)
		g.lookout.metrics.asks.WithLabelValues("subscribe", resultLabel(err)).Inc()
		if err != nil {
			_, e := wireError(err)
			_ = conn.SetWriteDeadline(time.Now().Add(socketWrite))
			_ = conn.WriteMessage(websocket.TextMessage, near.Encode(&near.Bye{Code: e.Code, Message: e.Message}))
		}
	})
}

// attend serves a connection until it ends. An error means that it was not let
// in.
func (l *lookout) attend(conn *websocket.Conn, who *seeker) error {
	if who == nil {
		var err error
		if who, err = l.firstWord(conn); err != nil {
			return err
		}
	}
	out := &outbox{conn: conn, kind: websocket.TextMessage, messages: make(chan []byte, nearQueue)}
	line := newNearLine(who.expires, func(ctx context.Context, w near.Watch, reach float64) ([]near.Person, bool, error) {
		return l.look(ctx, who, w, reach)
	}, out.send)
	if err := l.enter(who.id, line); err != nil {
		return err
	}
	defer l.leave(who.id, line)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out.start()
	ended := make(chan struct{})
	l.g.work.Go(func() {
		defer close(ended)
		bye := line.run(ctx)
		if bye != nil {
			l.metrics.ended.WithLabelValues(string(bye.Code)).Inc()
			out.last(near.Encode(bye))
		}
		out.close()
	})
	out.read(func(kind int, data []byte) {
		if kind == websocket.TextMessage {
			line.hear(data, time.Now())
		}
	})
	cancel()
	<-ended
	return nil
}

func (l *lookout) firstWord(conn *websocket.Conn) (*seeker, error) {
	_ = conn.SetReadDeadline(time.Now().Add(firstMessage))
	_, data, err := conn.ReadMessage()
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeDeadlineExceeded, "no auth message came within %v", firstMessage)
	}
	msg, err := near.Parse(data)
	if err != nil {
		return nil, err
	}
	auth, ok := msg.(*near.Auth)
	if !ok {
		return nil, earshot.Errorf(earshot.CodeUnauthenticated, `the first message must be {"type":"auth","token":"…"}`)
	}
	claims, err := l.g.keys.Verify(auth.Token, time.Now())
	if err != nil {
		return nil, err
	}
	return l.g.seekerOf(claims)
}

// look says who is within reach of what a watch is about.
func (l *lookout) look(ctx context.Context, who *seeker, w near.Watch, reach float64) ([]near.Person, bool, error) {
	q := nearQuestion{viewer: who.id, world: who.world, place: w.At, radius: reach, friends: w.Friends, limit: near.MaxPeople}
	if w.Stage != "" {
		var err error
		if q.place, err = l.g.stageAt(who.world, w.Stage); err != nil {
			return nil, false, err
		}
	}
	a, err := l.near(ctx, q)
	return a.people, a.complete, err
}

// enter counts a connection in; the oldest of who has too many ends.
func (l *lookout) enter(id earshot.ParticipantID, line *nearLine) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return earshot.Errorf(earshot.CodeUnavailable, "the server is shutting down; connect again in a moment")
	}
	if l.count >= maxSubscribers {
		return earshot.Errorf(earshot.CodeUnavailable, "this node has %d subscribers already; try again later, or another node", maxSubscribers)
	}
	if own := l.lines[id]; len(own) >= maxOwnSocket {
		own[len(own)-maxOwnSocket].end(earshot.CodeAborted, "you subscribed from elsewhere")
	}
	l.lines[id] = append(l.lines[id], line)
	l.count++
	l.metrics.subscribers.Set(float64(l.count))
	return nil
}

func (l *lookout) leave(id earshot.ParticipantID, line *nearLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[id] = slices.DeleteFunc(l.lines[id], func(o *nearLine) bool { return o == line })
	if len(l.lines[id]) == 0 {
		delete(l.lines, id)
	}
	l.count--
	l.metrics.subscribers.Set(float64(l.count))
}

// close ends every connection with a word; those goroutines are Gateway.work's.
func (l *lookout) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, own := range l.lines {
		for _, line := range own {
			line.end(earshot.CodeUnavailable, "the server is shutting down; connect again in a moment")
		}
	}
}
