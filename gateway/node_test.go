package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
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
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
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
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run = %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Run did not return")
		}
	}
	t.Cleanup(n.stop)
	n.await("/readyz")
	return n
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
	for range 500 {
		if resp, err := http.Get(n.url + path); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		<-time.After(20 * time.Millisecond)
	}
	n.t.Fatalf("GET %s never answered 200", path)
}

// token signs claims with the node's key; unset members get useful values.
func (n *node) token(change func(*Claims)) string {
	n.t.Helper()
	claims := Claims{
		Subject: "ada", Name: "Ada", World: "plaza", Kind: "person", Expires: time.Now().Add(time.Minute),
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
	req, err := http.NewRequest(method, n.url+path, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp.StatusCode, data, resp.Header
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
	conn *websocket.Conn
	me   protocol.Welcome
	npcs []*protocol.NPC // as they were told, the newest last

	orders   map[string]*protocol.Order // as they were told, the newest of each
	outcomes []*protocol.Reported       // of their reports
	recorded []*protocol.Recording      // as they were told
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
	header := http.Header{"Authorization": {"Bearer " + token}}
	conn, _, err := websocket.DefaultDialer.Dial("ws"+n.url[len("http"):]+"/v1/control", header)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { conn.Close() })
	g := &guest{t: n.t, conn: conn, orders: map[string]*protocol.Order{}}
	g.me = *expect[*protocol.Welcome](g)
	g.say(&protocol.Ready{})
	g.say(&protocol.Ping{}) // answered when ready has taken effect
	expect[*protocol.Pong](g)
	return g
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

// next returns the next control message, or nil when none comes within d.
func (g *guest) next(d time.Duration) protocol.ServerMessage {
	g.t.Helper()
	_ = g.conn.SetReadDeadline(time.Now().Add(d))
	for {
		kind, data, err := g.conn.ReadMessage()
		if err != nil {
			return nil
		}
		if kind != websocket.TextMessage {
			continue
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
}

// expect returns the next message of type M, passing over others.
func expect[M protocol.ServerMessage](g *guest) M {
	g.t.Helper()
	for range 200 {
		msg := g.next(5 * time.Second)
		if msg == nil {
			break
		}
		if m, ok := msg.(M); ok {
			return m
		}
	}
	var none M
	g.t.Fatalf("no %T came", none)
	return none
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
