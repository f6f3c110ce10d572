package run

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot/gateway"
	"earshot/sfu"
)

// startNode runs a development server in this process and returns its address.
// It ends with the test.
func startNode(t *testing.T, change ...func(*gateway.Config)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	media := sfu.DefaultConfig()
	media.UDP, media.Loopback = "127.0.0.1:0", true
	metrics := prometheus.NewRegistry()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	plane, err := sfu.New(media, sfu.Deps{Log: log, Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	cfg := gateway.DefaultConfig()
	cfg.Admin = ""
	for _, f := range change {
		f(&cfg)
	}
	g, err := gateway.New(cfg, gateway.Deps{Log: log, Metrics: metrics, SFU: plane, Listener: listener})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	url := "http://" + listener.Addr().String()
	for range 3000 {
		if res, err := http.Get(url + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return url
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("the node never became ready")
	return ""
}
