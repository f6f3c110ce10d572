package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
)

// jsep is a session description in Janus's words.
type jsep struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// janusReply is what of Janus's messages we read.
type janusReply struct {
	Janus       string `json:"janus"`
	Transaction string `json:"transaction"`
	Data        struct {
		ID uint64 `json:"id"`
	} `json:"data"`
	Error *struct {
		Code   int    `json:"code"`
		Reason string `json:"reason"`
	} `json:"error"`
	Plugin struct {
		Data struct {
			ID        uint64 `json:"id"`
			ErrorCode int    `json:"error_code"`
			Error     string `json:"error"`
		} `json:"data"`
	} `json:"plugindata"`
	JSEP *jsep `json:"jsep"`
}

func decodeJanus(b []byte) (*janusReply, error) {
	r := &janusReply{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("peer: a message of Janus: %w", err)
	}
	return r, nil
}

// janusError is a refusal.
type janusError struct {
	code int
	text string
}

func (e *janusError) Error() string { return fmt.Sprintf("Janus says %q (%d)", e.text, e.code) }

func noSuchFeed(err error) bool {
	var e *janusError
	return errors.As(err, &e) && e.code == 428
}

// janusHandle is a WebSocket with one session and one handle in it: what one
// participant has.
type janusHandle struct {
	conn    *websocket.Conn
	session uint64
	handle  uint64

	writing sync.Mutex
	mu      sync.Mutex
	next    int
	waiting map[string]chan *janusReply
	ended   chan struct{} // after err is set
	err     error
	stop    context.CancelFunc
	work    sync.WaitGroup
	close   sync.Once
}

// attach connects and attaches to a plugin.
func (j *Janus) attach(ctx context.Context, plugin string) (*janusHandle, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"janus-protocol"}}
	conn, _, err := dialer.DialContext(ctx, j.URL, http.Header{})
	if err != nil {
		return nil, fmt.Errorf("Janus's WebSocket: %w", err)
	}
	conn.SetReadLimit(maxJanus)
	run, stop := context.WithCancel(context.Background())
	h := &janusHandle{conn: conn, waiting: map[string]chan *janusReply{}, ended: make(chan struct{}), stop: stop}
	h.work.Go(h.read)
	h.work.Go(func() { h.keepAlive(run) })
	reply, err := h.request(ctx, map[string]any{"janus": "create"})
	if err == nil {
		h.setSession(reply.Data.ID)
		reply, err = h.request(ctx, map[string]any{"janus": "attach", "plugin": plugin})
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.handle = reply.Data.ID
	return h, nil
}

func (h *janusHandle) setSession(id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.session = id
}

// plugin sends a message to the plugin and returns its answer.
func (h *janusHandle) plugin(ctx context.Context, body map[string]any, description *jsep) (*janusReply, error) {
	m := map[string]any{"janus": "message", "handle_id": h.handle, "body": body}
	if description != nil {
		m["jsep"] = description
	}
	return h.request(ctx, m)
}

// request sends a message and waits for what it leads to, an acknowledgement
// not being that.
func (h *janusHandle) request(ctx context.Context, m map[string]any) (*janusReply, error) {
	reply := make(chan *janusReply, 1)
	h.mu.Lock()
	h.next++
	id := strconv.Itoa(h.next)
	h.waiting[id] = reply
	if h.session != 0 {
		m["session_id"] = h.session
	}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting, id)
	}()
	m["transaction"] = id
	if err := h.send(m); err != nil {
		return nil, err
	}
	select {
	case r := <-reply:
		switch {
		case r.Error != nil:
			return nil, &janusError{r.Error.Code, r.Error.Reason}
		case r.Plugin.Data.ErrorCode != 0:
			return nil, &janusError{r.Plugin.Data.ErrorCode, r.Plugin.Data.Error}
		}
		return r, nil
	case <-h.ended:
		return nil, fmt.Errorf("Janus's WebSocket ended: %w", h.err)
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for Janus: %w", ctx.Err())
	}
}

// send writes one frame: Janus refuses what WriteJSON makes (error 454).
func (h *janusHandle) send(m map[string]any) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	h.writing.Lock()
	defer h.writing.Unlock()
	return h.conn.WriteMessage(websocket.TextMessage, data)
}

func (h *janusHandle) read() {
	defer close(h.ended)
	for {
		_, data, err := h.conn.ReadMessage()
		if err != nil {
			h.err = err
			return
		}
		r, err := decodeJanus(data)
		if err != nil {
			h.err = err
			return
		}
		if r.Janus == "ack" || r.Transaction == "" {
			continue
		}
		h.mu.Lock()
		if c := h.waiting[r.Transaction]; c != nil {
			select {
			case c <- r:
			default:
			}
		}
		h.mu.Unlock()
	}
}

// keepAliveEvery is well below the 60 s after which Janus ends a session.
const keepAliveEvery = 20 * time.Second

func (h *janusHandle) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(keepAliveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			h.mu.Lock()
			session := h.session
			h.mu.Unlock()
			if h.send(map[string]any{"janus": "keepalive", "session_id": session, "transaction": "alive"}) != nil {
				return
			}
		}
	}
}

// Close ends the session.
func (h *janusHandle) Close() error {
	var err error
	h.close.Do(func() {
		h.stop()
		err = h.conn.Close()
		h.work.Wait()
	})
	return err
}
