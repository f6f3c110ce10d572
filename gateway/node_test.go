package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc"
	"earshot/sfu"
)

// node is a whole Gateway on loopback sockets with one configured key.
type node struct {
	*Gateway
	t    *testing.T
	url  string
	adm  string
	key  Key
	stop func()
}

func startNode(t *testing.T, change func(*Config)) *node {
	t.Helper()
	return startNodeWith(t, change, nil)
}

// startNodeWith starts a node that routes to model servers.
func startNodeWith(t *testing.T, change func(*Config), inference *npc.Inference, more ...func(*Deps)) *node {
	t.Helper()
	key := GenerateDevelopmentKey()
	key.ID = "test"
	cfg := DefaultConfig()
	cfg.Keys = []Key{key}
	if change != nil {
		change(&cfg)
	}
	reg := prometheus.NewRegistry()
	log := slog.New(slog.NewTextHandler(logOf(t), &slog.HandlerOptions{Level: slog.LevelWarn}))
	media := sfu.DefaultConfig()
	media.UDP, media.Loopback = "127.0.0.1:0", true
	plane, err := sfu.New(media, sfu.Deps{Log: log, Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	listener, admin := listen(t), listen(t)
	deps := Deps{Log: log, Metrics: reg, SFU: plane, Inference: inference, Listener: listener, AdminListener: admin}
	for _, f := range more {
		f(&deps)
	}
	g, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	n := &node{Gateway: g, t: t, url: "http://" + deps.Listener.Addr().String(), adm: "http://" + admin.Addr().String(), key: key}
	stopped := false
	n.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		wellEnded(t, ended)
	}
	t.Cleanup(func() {
		if n.fleet != nil {
			n.fleet.cfg.Drain = 0 // nobody is left who would follow
		}
		n.stop()
	})
	n.await("/readyz")
	return n
}

// wellEnded waits for what Run returned.
func wellEnded(t *testing.T, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run = %v", err)
		}
	case <-time.After(patience):
		t.Error("Run did not return")
	}
}

// testLog is the output of a test for as long as that runs: what is logged later
// would be a panic.
type testLog struct {
	mu  sync.Mutex
	out io.Writer // nil: the test is over
}

func logOf(t *testing.T) *testLog {
	l := &testLog{out: t.Output()}
	t.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.out = nil
	})
	return l
}

func (l *testLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == nil {
		return len(line), nil
	}
	return l.out.Write(line)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// await asks for path until it answers 200.
func (n *node) await(path string) {
	n.t.Helper()
	eventually(n.t, "GET "+path+" to answer 200", func() bool {
		resp, err := http.Get(n.url + path)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// token signs claims with the node's key; unset members get useful values. It is
// good for longer than any test lasts.
func (n *node) token(change func(*Claims)) string {
	n.t.Helper()
	claims := Claims{
		Subject: "ada", Name: "Ada", World: "plaza", Kind: "person", Expires: time.Now().Add(time.Hour),
		Grants: []string{
			protocol.GrantPublishAudio, protocol.GrantPublishVideo, protocol.GrantPublishPose,
			protocol.GrantSubscribe, protocol.GrantChat,
		},
	}
	if change != nil {
		change(&claims)
	}
	token, _, err := Issue(n.key, claims, time.Now())
	if err != nil {
		n.t.Fatal(err)
	}
	return token
}

// do makes a request and returns status and body.
func (n *node) do(method, path, token, contentType string, body []byte) (int, []byte, http.Header) {
	n.t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return n.send(method, path, header, body)
}

// send is do with any headers. Where a body is too large to be read, the answer
// may be lost with the connection, which the server closes: such a request is made
// again.
func (n *node) send(method, path string, header http.Header, body []byte) (int, []byte, http.Header) {
	n.t.Helper()
	for deadline := time.Now().Add(patience); ; pause(step) {
		req, err := http.NewRequest(method, n.url+path, bytes.NewReader(body))
		if err != nil {
			n.t.Fatal(err)
		}
		req.Header = header.Clone()
		resp, err := http.DefaultClient.Do(req)
		var data []byte
		if err == nil {
			data, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			return resp.StatusCode, data, resp.Header
		}
		if len(body) <= protocol.MaxSDPBytes || time.Now().After(deadline) {
			n.t.Fatal(err)
		}
	}
}

// offer returns a well-formed offer with a microphone and two voice slots.
func offer(t *testing.T) string {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	negotiated, id := true, protocol.ChannelControlID
	if _, err := pc.CreateDataChannel(protocol.ChannelControl, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []webrtc.RTPTransceiverDirection{
		webrtc.RTPTransceiverDirectionSendonly, webrtc.RTPTransceiverDirectionRecvonly, webrtc.RTPTransceiverDirectionRecvonly,
	} {
		if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: d}); err != nil {
			t.Fatal(err)
		}
	}
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	return o.SDP
}

// guest is a participant without media, over the WebSocket.
type guest struct {
	t    *testing.T
	conn *websocket.Conn // which read alone reads
	me   protocol.Welcome
	npcs []*protocol.NPC // as they were told, the newest last

	orders   map[string]*protocol.Order // as they were told, the newest of each
	outcomes []*protocol.Reported       // of their reports
	recorded []*protocol.Recording      // as they were told

	reading sync.Once
	came    chan []byte // control messages; closed where the connection ends
	poses   chan []byte // datagrams, as far as somebody takes them
}

// guest joins by WebSocket, and is welcomed and ready.
func (n *node) guest(name string, change func(*Claims)) *guest {
	n.t.Helper()
	token := n.token(func(c *Claims) {
		c.Subject, c.Name = name, name
		if change != nil {
			change(c)
		}
	})
	var g *guest
	for deadline := time.Now().Add(patience); ; pause(200 * time.Millisecond) {
		header := http.Header{"Authorization": {"Bearer " + token}}
		conn, _, err := websocket.DefaultDialer.Dial("ws"+n.url[len("http"):]+"/v1/control", header)
		if err != nil {
			n.t.Fatal(err)
		}
		n.t.Cleanup(func() { conn.Close() })
		g = &guest{t: n.t, conn: conn, orders: map[string]*protocol.Order{}}
		refused := g.welcomed()
		if refused == nil {
			break
		}
		if refused.Code != earshot.CodeUnavailable || time.Now().After(deadline) { // else: in a moment
			n.t.Fatalf("%s was told %+v", name, refused)
		}
	}
	g.say(&protocol.Ready{})
	g.say(&protocol.Ping{}) // answered when ready has taken effect
	expect[*protocol.Pong](g)
	return g
}

// welcomed waits for the welcome, or for the bye that comes instead.
func (g *guest) welcomed() *protocol.Bye {
	g.t.Helper()
	for {
		switch m := g.next(patience).(type) {
		case nil:
			g.t.Fatal("no welcome came")
		case *protocol.Welcome:
			g.me = *m
			return nil
		case *protocol.Bye:
			return m
		}
	}
}

func (g *guest) say(m protocol.ClientMessage) {
	g.t.Helper()
	g.write(protocol.EncodeClient(m, "r1"))
}

func (g *guest) write(data []byte) {
	g.t.Helper()
	if err := g.conn.WriteMessage(websocket.TextMessage, data); err != nil {
		g.t.Fatal(err)
	}
}

// read has what comes read from now on, in a goroutine of its own: a read of the
// connection itself that was given up could not be repeated.
func (g *guest) read() {
	g.reading.Do(func() {
		g.came, g.poses = make(chan []byte, 4096), make(chan []byte, 64)
		go func() {
			defer close(g.came)
			for {
				kind, data, err := g.conn.ReadMessage()
				if err != nil {
					return
				}
				if kind != websocket.TextMessage {
					select {
					case g.poses <- data:
					default:
					}
					continue
				}
				select {
				case g.came <- data:
				case <-g.t.Context().Done():
					return
				}
			}
		}()
	})
}

// next returns the next control message, or nil when none comes within d or the
// connection has ended.
func (g *guest) next(d time.Duration) protocol.ServerMessage {
	g.t.Helper()
	g.read()
	var data []byte
	select {
	case data = <-g.came:
	default:
		select {
		case data = <-g.came:
		case <-time.After(d):
		}
	}
	if data == nil {
		return nil
	}
	msg, err := protocol.Decode(data)
	if err != nil {
		g.t.Fatalf("Decode(%s): %v", data, err)
	}
	switch m := msg.(type) {
	case *protocol.NPC:
		g.npcs = append(g.npcs, m)
	case *protocol.Order:
		g.orders[m.ID] = m
	case *protocol.Recording:
		g.recorded = append(g.recorded, m)
	case *protocol.Reported:
		if m.Outcome != "" {
			g.outcomes = append(g.outcomes, m)
		}
	}
	return msg
}

func errorsOf(list []*protocol.Error) (text []string) {
	for _, e := range list {
		text = append(text, string(e.Code)+": "+e.Message)
	}
	return text
}

// expect returns the next message of type M, passing over others.
func expect[M protocol.ServerMessage](g *guest) M {
	g.t.Helper()
	var refusals []*protocol.Error // why it may not have come
	for deadline := time.Now().Add(patience); ; {
		msg := g.next(time.Until(deadline))
		if m, ok := msg.(M); ok {
			return m
		}
		if e, ok := msg.(*protocol.Error); ok {
			refusals = append(refusals, e)
		}
		if msg == nil || time.Now().After(deadline) {
			var none M
			g.t.Fatalf("no %T came; errors meanwhile: %q", none, errorsOf(refusals))
		}
	}
}

func (g *guest) id() earshot.ParticipantID { return g.me.You.ID }

func wireErrorOf(t *testing.T, body []byte) earshot.Error {
	t.Helper()
	var e earshot.Error
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("the body is not a wire error: %q", body)
	}
	return e
}
