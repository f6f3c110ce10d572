package gateway

import (
	"errors"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

const (
	socketMessage = 64 << 10 // bytes; longer ones end the socket, as on the data channel
	socketQueue   = 512      // control messages; more means the reader is too slow
	socketPoses   = 8        // pose datagrams; the newest is dropped when full
	socketWrite   = 5 * time.Second
	socketSilence = 60 * time.Second // without a word or pong the socket is dead
	socketPing    = 20 * time.Second
	firstMessage  = 5 * time.Second
)

var errSlow = errors.New("gateway: the queue of a WebSocket is full")

// upgradeControl verifies the token, where the request carries one, before the
// upgrade: refusals are then ordinary HTTP replies.
func (g *Gateway) upgradeControl(c *fiber.Ctx) error {
	if !websocket.IsWebSocketUpgrade(c) {
		return fiber.ErrUpgradeRequired
	}
	if err := g.mayKnock(c.IP(), time.Now()); err != nil {
		return err
	}
	if c.Get(fiber.HeaderAuthorization) != "" {
		claims, err := g.authorize(c)
		if err != nil {
			return err
		}
		c.Locals("claims", claims)
	}
	return c.Next()
}

func (g *Gateway) serveControl() fiber.Handler {
	return websocket.New(func(conn *websocket.Conn) {
		claims, _ := conn.Locals("claims").(*Claims)
		conn.SetReadLimit(socketMessage)
		asked, err := askingOf(conn.Query)
		if err == nil {
			err = g.attend(conn, claims, &asked)
		}
		g.metrics.joins.WithLabelValues(resultLabel(err)).Inc()
		if err != nil {
			_, e := wireError(err)
			word := &protocol.Bye{Code: e.Code, Message: e.Message}
			var away *misdirected
			if errors.As(err, &away) {
				word.URL, word.Instance, word.Reconnect = away.url, away.instance, true
			}
			bye := protocol.Encode(word)
			_ = conn.SetWriteDeadline(time.Now().Add(socketWrite))
			_ = conn.WriteMessage(websocket.TextMessage, bye)
		}
	})
}

// attend lets the bearer of claims, or of the token in the first message, in
// to the instance asked for, if one is, and serves them until the socket ends.
// An error means they were not let in.
func (g *Gateway) attend(conn *websocket.Conn, claims *Claims, asked *asking) error {
	if claims == nil {
		var err error
		if claims, err = g.firstMessage(conn); err != nil {
			return err
		}
	}
	if err := g.mayJoin(claims.Participant(), time.Now()); err != nil {
		return err
	}
	pass, err := g.admissible(claims, asked)
	if err != nil {
		return err
	}
	s := newSession(pass.in, claims, time.Now())
	s.pass = pass
	line := newSocket(conn)
	s.line = line
	if err := g.enter(s, s.created); err != nil {
		return err
	}
	s.OnControlOpen()
	line.read(s)
	s.end(protocol.ReasonLost, nil)
	<-s.done
	return nil
}

func (g *Gateway) firstMessage(conn *websocket.Conn) (*Claims, error) {
	_ = conn.SetReadDeadline(time.Now().Add(firstMessage))
	_, data, err := conn.ReadMessage()
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeDeadlineExceeded, "no join message came within %v", firstMessage)
	}
	msg, _, err := protocol.Parse(data)
	if err != nil {
		return nil, err
	}
	join, ok := msg.(*protocol.Join)
	if !ok {
		return nil, earshot.Errorf(earshot.CodeUnauthenticated, `the first message must be {"type":"join","token":"..."}`)
	}
	return g.keys.Verify(join.Token, time.Now())
}

// socket is the line of a participant without media.
type socket struct{ outbox }

var (
	_ line = (*socket)(nil)
	_ line = (*sfu.Session)(nil)
)

func newSocket(conn *websocket.Conn) *socket {
	w := &socket{outbox{conn: conn, kind: websocket.TextMessage, poses: make(chan []byte, socketPoses)}}
	w.start()
	return w
}

// SendControl queues a message and fails when the queue is full.
func (w *socket) SendControl(msg []byte) error {
	select {
	case <-w.quit:
		return errSlow
	default:
	}
	if !w.send(msg) {
		return errSlow
	}
	return nil
}

// SendPose queues a copy of datagram, or drops it.
func (w *socket) SendPose(datagram []byte) bool {
	select {
	case w.poses <- append([]byte(nil), datagram...):
		return true
	default:
		return false
	}
}

// Close ends the socket; what is queued is still written, within a deadline.
func (w *socket) Close() { w.close() }

// read hands what comes to s until the socket ends.
func (w *socket) read(s *session) {
	w.outbox.read(func(kind int, data []byte) {
		if kind == websocket.BinaryMessage {
			s.OnPose(data)
		} else {
			s.OnControl(data)
		}
	})
}
