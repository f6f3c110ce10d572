package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/sfu"
	"earshot/sfu/record"
	"earshot/sfu/record/format"
)

// node is a whole Earshot that may record, in the test's process.
type node struct {
	t     *testing.T
	url   string
	admin string
	dir   string
	key   gateway.Key
}

func startNode(t *testing.T, worlds ...string) *node {
	t.Helper()
	return startNodeIn(t, t.TempDir(), worlds...)
}

func startNodeIn(t *testing.T, dir string, worlds ...string) *node {
	t.Helper()
	n := &node{t: t, dir: dir, key: gateway.GenerateDevelopmentKey()}
	n.key.ID = "test"
	cfg := gateway.DefaultConfig()
	cfg.Keys, cfg.Worlds = []gateway.Key{n.key}, map[string]gateway.WorldConfig{}
	for _, world := range worlds {
		w := gateway.DefaultWorld()
		w.Capacity = 50
		cfg.Worlds[world] = w
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	metrics := prometheus.NewRegistry()
	media := sfu.DefaultConfig()
	media.UDP, media.Loopback = "127.0.0.1:0", true
	plane, err := sfu.New(media, sfu.Deps{Log: log, Metrics: metrics})
	check(t, err)
	recording := record.DefaultConfig()
	recording.Dir, recording.MinFree = n.dir, 0
	library, err := record.New(recording, record.Deps{Log: log, Metrics: metrics})
	check(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	n.url, n.admin = "http://"+listener.Addr().String(), "http://"+admin.Addr().String()
	g, err := gateway.New(cfg, gateway.Deps{
		Log: log, Metrics: metrics, SFU: plane, Recordings: library, Listener: listener, AdminListener: admin,
	})
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	until(t, "the node is ready", func() bool {
		res, err := http.Get(n.url + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return n
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for range 3000 {
		if cond() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("it never happened: %s", what)
}

func (n *node) token(subject, world string, grants ...string) string {
	n.t.Helper()
	if len(grants) == 0 {
		grants = []string{protocol.GrantPublishAudio, protocol.GrantPublishVideo, protocol.GrantPublishPose, protocol.GrantSubscribe}
	}
	now := time.Now()
	token, _, err := gateway.Issue(n.key, gateway.Claims{
		Subject: subject, Name: subject, World: world, Kind: "bot", Expires: now.Add(time.Hour), Grants: grants,
	}, now)
	check(n.t, err)
	return token
}

// ask makes a request and decodes the answer, which has to have a status.
func (n *node) ask(method, url, token, body string, status int, into any) {
	n.t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	check(n.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	check(n.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	check(n.t, err)
	if res.StatusCode != status {
		n.t.Fatalf("%s %s = %d %s, want %d", method, url, res.StatusCode, b, status)
	}
	if into != nil {
		check(n.t, json.Unmarshal(b, into))
	}
}

// record starts to record a world, as its operator.
func (n *node) record(world string) {
	n.t.Helper()
	var m format.Manifest
	n.ask(http.MethodPost, n.admin+"/v1/instances/in_"+world+"/recording", "", "", http.StatusOK, &m)
}

func (n *node) stop(world string) *format.Manifest {
	n.t.Helper()
	m := &format.Manifest{}
	n.ask(http.MethodDelete, n.admin+"/v1/instances/in_"+world+"/recording", "", "", http.StatusOK, m)
	return m
}

// join brings a bot in that does what change makes of it.
func (n *node) join(world string, number uint32, change func(*loadtest.Config)) *loadtest.Bot {
	n.t.Helper()
	cfg := loadtest.Config{
		URL: n.url, Token: n.token(fmt.Sprintf("bot %d", number), world), Number: number, Seed: uint64(number), KeepMessages: 1000,
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bot, err := loadtest.Join(ctx, cfg)
	check(n.t, err)
	n.t.Cleanup(func() { _ = bot.Close() })
	return bot
}

// still is somebody who stands where they are.
type still earshot.Pose

func (s still) Pose(time.Time) earshot.Pose { return earshot.Pose(s) }
