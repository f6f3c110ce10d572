package loadtest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/fasthttp/websocket"

	"earshot/gateway/protocol"
)

// SocketBot is a participant without media: control messages and poses over a
// WebSocket, as a dashboard or a 2-D companion has them.
type SocketBot struct {
	*View
	cfg  Config
	conn *websocket.Conn

	writing sync.Mutex // a WebSocket has one writer at a time
	stop    context.CancelFunc
	work    sync.WaitGroup
	close   sync.Once
}

// JoinSocket is Join over a WebSocket. Slots, Speak and Net do not matter.
func JoinSocket(ctx context.Context, cfg Config) (*SocketBot, error) {
	cfg.fill()
	dialer := websocket.Dialer{NetDialContext: cfg.Dial}
	target := "ws" + strings.TrimPrefix(strings.TrimSuffix(cfg.URL, "/"), "http") + "/v1/control"
	conn, res, err := dialer.DialContext(ctx, target, http.Header{"Authorization": {"Bearer " + cfg.Token}})
	if err != nil {
		return nil, dialError(res, err)
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &SocketBot{View: newView(&cfg), cfg: cfg, conn: conn, stop: stop}
	s.work.Go(s.read)
	if err := s.Await(ctx, func() bool { return s.Welcome() != nil }); err != nil {
		s.Close()
		return nil, fmt.Errorf("welcome: %w", err)
	}
	if err := s.Send(&protocol.Ready{Blocks: cfg.Blocks}); err != nil {
		s.Close()
		return nil, fmt.Errorf("ready: %w", err)
	}
	if cfg.PoseEvery > 0 {
		s.work.Go(func() { posing(run, &s.cfg, s.sendPose) })
	}
	return s, nil
}

// dialError is the server's wire error where the upgrade was refused with one.
func dialError(res *http.Response, err error) error {
	if res == nil || res.Body == nil {
		return err
	}
	body := make([]byte, 1024)
	n, _ := res.Body.Read(body)
	return refusal(res.StatusCode, body[:n])
}

// Send sends a control message.
func (s *SocketBot) Send(m protocol.ClientMessage) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.conn.WriteMessage(websocket.TextMessage, protocol.EncodeClient(m, ""))
}

// Close drops the connection, which leaves, and returns when the bot's
// goroutines have ended. It may be called again.
func (s *SocketBot) Close() error {
	var err error
	s.close.Do(func() {
		s.stop()
		err = s.conn.Close()
		s.work.Wait()
	})
	return err
}

func (s *SocketBot) sendPose(datagram []byte) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.conn.WriteMessage(websocket.BinaryMessage, datagram) // the reader learns that it is closed
}

func (s *SocketBot) read() {
	defer s.View.end()
	for {
		kind, data, err := s.conn.ReadMessage()
		switch {
		case err != nil:
			return
		case kind == websocket.TextMessage:
			s.View.control(s.cfg.Now(), data)
		case kind == websocket.BinaryMessage:
			s.View.datagram(s.cfg.Now(), data)
		}
	}
}
