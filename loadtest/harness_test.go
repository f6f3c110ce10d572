package loadtest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/pion/transport/v4"
	"github.com/prometheus/client_golang/prometheus"

	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// node is a whole Earshot in the test's process: gateway, presence and SFU,
// wired as cmd/earshot does.
type node struct {
	t    *testing.T
	url  string
	key  gateway.Key
	http *http.Client
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	stop func() // says goodbye and waits
}

// startNode runs a node whose HTTP comes by listener and whose media goes by
// the address udp of network (nil is the OS). more changes what it is made of.
func startNode(t *testing.T, listener net.Listener, udp string, network transport.Net, more ...func(*gateway.Deps)) *node {
	t.Helper()
	key := gateway.GenerateDevelopmentKey()
	key.ID = "test"
	cfg := gateway.DefaultConfig()
	cfg.Keys, cfg.Admin = []gateway.Key{key}, ""
	media := sfu.DefaultConfig()
	media.UDP, media.Loopback = udp, network == nil
	metrics := prometheus.NewRegistry()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	plane, err := sfu.New(media, sfu.Deps{Log: log, Metrics: metrics, Net: network})
	if err != nil {
		t.Fatal(err)
	}
	deps := gateway.Deps{Log: log, Metrics: metrics, SFU: plane, Listener: listener}
	for _, f := range more {
		f(&deps)
	}
	g, err := gateway.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	n := &node{t: t, url: "http://" + listener.Addr().String(), key: key}
	n.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
	return n
}

// startLoopback runs a node on sockets of 127.0.0.1. It ends with the test.
func startLoopback(t *testing.T) *node {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, listener, "127.0.0.1:0", nil)
	t.Cleanup(n.stop)
	n.awaitReady()
	return n
}

// token is one in the name of subject; without grants it is good for all that
// bots do.
func (n *node) token(subject string, grants ...string) string {
	n.t.Helper()
	if len(grants) == 0 {
		grants = []string{
			protocol.GrantPublishAudio, protocol.GrantPublishPose, protocol.GrantSubscribe, protocol.GrantChat,
		}
	}
	now := time.Now()
	token, _, err := gateway.Issue(n.key, gateway.Claims{
		Subject: subject, Name: subject, World: "plaza", Kind: "bot", Expires: now.Add(time.Hour), Grants: grants,
	}, now)
	if err != nil {
		n.t.Fatal(err)
	}
	return token
}

// config returns that of bot number on this node.
func (n *node) config(number uint32) Config {
	return Config{
		URL: n.url, Token: n.token(fmt.Sprintf("bot %d", number)), HTTP: n.http, Dial: n.dial,
		Number: number, Seed: uint64(number),
	}
}

// awaitReady returns when the node accepts joins.
func (n *node) awaitReady() {
	n.t.Helper()
	client := n.http
	if client == nil {
		client = http.DefaultClient
	}
	for range 3000 {
		if res, err := client.Get(n.url + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	n.t.Fatal("the node never became ready")
}
