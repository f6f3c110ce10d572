package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	dialled "github.com/fasthttp/websocket"
	"github.com/gofiber/contrib/websocket"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/presence/cluster"
)

// maxLKDown bounds a message of the owner's to a client that is passed on, in
// bytes: the join response of a full instance fits.
const maxLKDown = 4 << 20

// lkForward is the signal connection of a LiveKit client that this node passes on
// to the owner of its room, frame by frame and without reading any. Pings and
// pongs go through as well, so that each end sees whether the other is there. One
// goroutine for each direction: what one end does not take waits at the other.
type lkForward struct {
	client *websocket.Conn
	owner  *dialled.Conn

	// mu guards stopped and ended: a deadline that is set after either would undo
	// it, or be another connection's. It is not held while frames are passed.
	mu             sync.Mutex
	stopped, ended bool
}

// forwardLiveKit serves a client by the node that has its room, until either ends
// the connection. An error means that the owner did not let it in.
func (g *Gateway) forwardLiveKit(conn *websocket.Conn, guest *lkGuest, away *misdirected) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*joinDeadline)
	defer cancel()
	owner, err := g.dialOwner(ctx, &guest.arrival, away)
	if err != nil {
		return err
	}
	f := &lkForward{client: conn, owner: owner}
	defer f.end()
	if !g.forwards.add(f) {
		return earshot.Errorf(earshot.CodeUnavailable, "the server is shutting down; join again in a moment")
	}
	defer g.forwards.remove(f)
	g.metrics.forwarded.Inc()
	defer g.metrics.forwarded.Dec()
	f.run()
	return nil
}

// dialOwner opens the same connection at the owner as the client has here.
func (g *Gateway) dialOwner(ctx context.Context, a *arrival, away *misdirected) (*dialled.Conn, error) {
	dialer := dialled.Dialer{HandshakeTimeout: joinDeadline}
	owner, resp, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(away.url, "http")+a.uri, a.header(g, away, time.Now()))
	if err == nil {
		owner.SetReadLimit(maxLKDown)
		return owner, nil
	}
	if resp != nil && errors.Is(err, dialled.ErrBadHandshake) {
		return nil, refusalOf(resp)
	}
	g.log.Warn("a LiveKit client could not be passed on", "instance", away.instance, "to", away.url, "error", err)
	return nil, earshot.Errorf(earshot.CodeUnavailable, "the node of instance %s does not answer; join again in a second", away.instance)
}

// refusalOf is the error with which a node answered.
func refusalOf(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	e := &earshot.Error{}
	if json.Unmarshal(body, e) != nil || e.Code == "" {
		return earshot.Errorf(earshot.CodeUnavailable, "the node of this instance answered %d; join again in a second", resp.StatusCode)
	}
	return e
}

// run passes frames on until one of the two has ended.
func (f *lkForward) run() {
	f.passControl(f.client, f.owner)
	f.passControl(f.owner, f.client)
	var down sync.WaitGroup
	down.Go(func() { f.pass(f.owner, f.client) })
	f.pass(f.client, f.owner)
	down.Wait()
}

// frames is a WebSocket of either library, which are the same underneath.
type frames interface {
	ReadMessage() (kind int, data []byte, err error)
	WriteMessage(kind int, data []byte) error
	WriteControl(kind int, data []byte, deadline time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	SetPingHandler(func(text string) error)
	SetPongHandler(func(text string) error)
}

// passControl has the pings and pongs of one end go to the other.
func (f *lkForward) passControl(from, to frames) {
	pass := func(kind int) func(string) error {
		return func(text string) error {
			_ = to.WriteControl(kind, []byte(text), time.Now().Add(socketWrite)) // an end that is gone is noticed by reading
			return f.alive(from)
		}
	}
	from.SetPingHandler(pass(websocket.PingMessage))
	from.SetPongHandler(pass(websocket.PongMessage))
}

// pass carries what one end sends to the other, its goodbye included.
func (f *lkForward) pass(from, to frames) {
	for {
		err := f.alive(from)
		var kind int
		var data []byte
		if err == nil {
			kind, data, err = from.ReadMessage()
		}
		if err != nil {
			f.part(to, err)
			return
		}
		_ = to.SetWriteDeadline(time.Now().Add(socketWrite))
		if to.WriteMessage(kind, data) != nil {
			f.stop()
			return
		}
	}
}

// part says to one end how the other went: by its own words, or, where it just
// broke off, so that a client knows to resume.
func (f *lkForward) part(to frames, err error) {
	goodbye := websocket.FormatCloseMessage(websocket.CloseServiceRestart, "")
	var closed *dialled.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseNoStatusReceived && closed.Code != websocket.CloseAbnormalClosure {
		goodbye = websocket.FormatCloseMessage(closed.Code, closed.Text)
	}
	_ = to.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(socketWrite))
	f.stop()
}

// alive gives one end more time to say something.
func (f *lkForward) alive(of frames) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return errStopped
	}
	return of.SetReadDeadline(time.Now().Add(socketSilence))
}

// stop has both directions end. It may be called from any goroutine.
func (f *lkForward) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	if now := time.Now(); !f.ended {
		_ = f.client.SetReadDeadline(now)
		_ = f.owner.SetReadDeadline(now)
	}
}

// end closes the owner's side; the client's is closed by whose handler it is.
func (f *lkForward) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	_ = f.owner.Close()
}

var errStopped = errors.New("gateway: a forwarded connection was ended")

// attending is the session of a LiveKit client that comes back: here, or by
// misdirected on another node.
func (g *Gateway) attending(claims *Claims, asked earshot.InstanceID) (*session, error) {
	who := claims.Participant()
	id, world, err := g.named(claims, asked)
	if err != nil {
		return nil, err
	}
	for _, in := range g.running() {
		if s := in.live.Load().byID[who]; s != nil && s.door != nil && in.world == world && (id == "" || in.id == id) {
			return s, nil
		}
	}
	if g.fleet != nil && !g.cfg.Cluster.spans(world) {
		return nil, g.fleet.attending(who, world)
	}
	return nil, errNoResume
}

// attending says by misdirected which node has who; else errNoResume.
func (f *fleet) attending(who earshot.ParticipantID, world string) error {
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	r, err := f.g.deps.Store.Do(ctx, cluster.Find{Participant: who})
	if err != nil || r.At.Instance == "" || r.At.Node == f.ID() || worldOf(r.At.Instance) != world {
		return errNoResume // the client joins anew, which says what is the matter
	}
	var away *misdirected
	if err := f.elsewhere(r.At.Instance, r.At.Node); errors.As(err, &away) {
		return away
	}
	return errNoResume
}

// resumes reports whether a signal connection of guest goes on with s.
func (s *session) resumes(guest *lkGuest) bool {
	return !s.ending.Load() && s.door.guest.hello.V1 == guest.hello.V1 &&
		guest.hello.Request.ParticipantSID == livekit.ParticipantSID(s.participant)
}
