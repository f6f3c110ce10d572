package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"earshot"
	"earshot/gateway"
	"earshot/npc"
	"earshot/sfu"
)

// shutdownLimit is how long goodbyes may take; then the process ends anyway. A
// node that sends its people to others first has that time besides.
const shutdownLimit = 2 * time.Second

// serve is the command that runs a node until ctx ends.
func (p program) serve(ctx context.Context, args []string) error {
	set := p.flags("serve", serveText)
	var s settings
	s.bind(set)
	if err := parse(set, args); err != nil {
		return err
	}
	cfg, err := loadConfig(s, p.env)
	if err != nil {
		return err
	}
	log := p.logger(cfg.Log)

	listener, err := listen("listen", cfg.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	var admin net.Listener
	if cfg.Admin != "" {
		if admin, err = listen("admin", cfg.Admin); err != nil {
			return err
		}
		defer admin.Close()
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "earshot_build_info", Help: "1; the label says which version runs.",
		ConstLabels: prometheus.Labels{"version": versionText()},
	}, func() float64 { return 1 }))
	media, err := sfu.New(cfg.Media, sfu.Deps{Log: log, Metrics: metrics})
	var wrong *earshot.Error
	if errors.As(err, &wrong) {
		return usagef("configuration: media.%s", wrong.Message)
	}
	if err != nil {
		return usagef("udp: %s; choose another port with -udp PORT (0 takes a free one)", message(err))
	}
	inference, err := npc.New(cfg.Inference, npc.Deps{Log: log, Metrics: metrics})
	if err != nil {
		return usagef("configuration: inference.%s", message(err))
	}
	npcs, closeNPCs, err := cfg.NPC.cast(ctx, inference, metrics, log)
	if err != nil {
		return err
	}
	defer closeNPCs()
	judged, closeJournal, err := cfg.Moderation.open(cfg.Worlds, log)
	if err != nil {
		return err
	}
	defer closeJournal()
	recordings, err := cfg.recordings(metrics, log)
	if err != nil {
		return err
	}
	shared, err := cfg.openStore(ctx)
	if err != nil {
		return err
	}
	if shared != nil {
		defer shared.Close()
	}
	g, err := gateway.New(cfg.Config, gateway.Deps{
		Log: log, Metrics: metrics, SFU: media, Inference: inference, NPCs: npcs, Moderation: judged, Listener: listener, AdminListener: admin,
		Recordings: recordings, Store: shared,
	})
	if err != nil {
		return usagef("configuration: %s", message(err))
	}
	p.greet(g, listener.Addr(), admin, log)
	ended := make(chan struct{})
	defer close(ended)
	limit := cmp.Or(p.goodbye, shutdownLimit)
	if shared != nil && cfg.Fleet.Drain > 0 {
		limit += cfg.Fleet.Drain + 2*time.Second
	}
	context.AfterFunc(ctx, func() { guardShutdown(ended, limit, log) })
	return g.Run(ctx)
}

// greet tells a person what was started. The first line is for scripts too.
func (p program) greet(g *gateway.Gateway, addr net.Addr, admin net.Listener, log *slog.Logger) {
	fmt.Fprintf(p.out, "Earshot is on %s\n", pageURL(addr))
	if admin != nil {
		fmt.Fprintf(p.out, "Metrics and profiles are on %s/metrics\n", pageURL(admin.Addr()))
	}
	key := g.DevelopmentKey()
	if key == nil {
		return
	}
	fmt.Fprintf(p.out, "No key is configured: whoever asks gets a token. The key of this run, id %q:\n  %s\n", key.ID, string(key.Secret))
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("anybody who reaches this address may join, as whom they like: configure keys", "listen", addr.String())
	}
}

func pageURL(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() && !tcp.IP.IsUnspecified() {
		return "http://" + addr.String()
	}
	return fmt.Sprintf("http://localhost:%d", tcp.Port)
}

func listen(setting, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, usagef("%s: %w; stop what uses it or choose another address with -%s HOST:PORT", setting, err, setting)
	}
	return l, nil
}

// guardShutdown ends the process where goodbyes hang.
func guardShutdown(ended <-chan struct{}, limit time.Duration, log *slog.Logger) {
	log.Info("saying goodbye; press Ctrl-C again to end at once")
	select {
	case <-ended:
	case <-time.After(limit):
		log.Error("did not end in time; ending now", "limit", limit)
		os.Exit(exitFailed)
	}
}

func (p program) logger(cfg LogConfig) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(p.log, options))
	}
	return slog.New(slog.NewTextHandler(p.log, options))
}
