package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"earshot"
	"earshot/loadtest/report"
)

// Config says what is compared and how.
type Config struct {
	Servers []Server // in the order of the first round
	Cells   []Cell
	Rounds  int           // each plays every cell with every server; 1 or more
	Measure time.Duration // of a cell, after everybody is in and hears
	Video   VideoLoad     // where a cell has no Picture; the zero value is 600 kbit/s at 30 frames
	Out     string        // folder for a result of each cell, server and round; "" keeps none
	Command string        // for the results: what was typed
	Seed    uint64        // shown in results; the streams are always the same

	// Prefer puts server and generator before other work of the machine while
	// they run. It needs root, and has no effect otherwise.
	Prefer bool
	// Log gets a line on each step. Nil is none.
	Log io.Writer
}

// Bench compares servers. Use Run once.
type Bench struct {
	cfg              Config
	server, generate []int // cores of the server and of the generator; empty: not pinned
	versions         map[string]string
	machine          report.Machine
}

// NewBench checks cfg and finds the cores. With two or more, a server gets the
// first and the generator the others.
func NewBench(cfg Config) (*Bench, error) {
	switch {
	case len(cfg.Servers) == 0:
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "there is no server to measure")
	case len(cfg.Cells) == 0:
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "there is no cell to measure; write -cells audio:10x50")
	case cfg.Rounds < 1 || cfg.Rounds > 100:
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%d rounds: use 1 to 100", cfg.Rounds)
	case cfg.Measure < time.Second || cfg.Measure > 10*time.Minute:
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "measuring for %v: use 1 s to 10 min", cfg.Measure)
	}
	if cfg.Video == (VideoLoad{}) {
		cfg.Video = VideoLoad{Kbps: 600, FPS: 30}
	}
	if cfg.Video.FPS < 1 || cfg.Video.FPS > 120 || cfg.Video.Kbps < 10 || cfg.Video.Kbps > 20000 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "video of %d kbit/s at %d frames: use 10 to 20000 at 1 to 120", cfg.Video.Kbps, cfg.Video.FPS)
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	cores, err := allowed()
	if err != nil {
		return nil, err
	}
	b := &Bench{cfg: cfg, versions: map[string]string{}}
	if len(cores) > 1 {
		b.server, b.generate = cores[:1], cores[1:]
	}
	return b, nil
}

// Run plays all rounds and returns a result for each server and cell of each.
// A server that cannot run a cell has a result that says so in Errors and no
// metrics. The process is on the generator's cores while it runs.
func (b *Bench) Run(ctx context.Context) ([]*report.Result, error) {
	for _, s := range b.cfg.Servers {
		v, err := s.Version(ctx)
		if err != nil {
			return nil, err
		}
		b.versions[s.Kind()] = v
		b.say("%s %s", s.Kind(), v)
	}
	if len(b.server) > 0 {
		before, err := allowed()
		if err != nil {
			return nil, err
		}
		if err := pinSelf(b.generate...); err != nil {
			return nil, err
		}
		defer pinSelf(before...)
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(len(b.generate)))
	}
	if b.cfg.Prefer && os.Geteuid() == 0 {
		if prefer(os.Getpid(), true) == nil {
			defer prefer(os.Getpid(), false)
		}
	}
	b.machine = machine(max(1, len(b.generate)))
	var results []*report.Result
	for round := range b.cfg.Rounds {
		for _, cell := range b.cfg.Cells {
			for i := range b.cfg.Servers {
				s := b.cfg.Servers[(i+round)%len(b.cfg.Servers)]
				if cell.Media == Mixed && s.Kind() != "janus" {
					continue
				}
				res, err := b.one(ctx, s, cell, round)
				if err != nil {
					return results, err
				}
				results = append(results, res)
			}
		}
	}
	return results, nil
}

// replays is how often a trial is played again whose clients were late. That is
// decided by their own lateness alone, before anybody looks at a figure of the
// server, and counted in the table.
const replays = 2

// one measures a server with a cell. An error is only what ends the bench.
func (b *Bench) one(ctx context.Context, s Server, cell Cell, round int) (*report.Result, error) {
	var res *report.Result
	for try := range replays + 1 {
		res = b.blank(s, cell, round)
		res.Settings["replayed"] = strconv.Itoa(try)
		if err := (&trial{bench: b, server: s, cell: cell, res: res}).run(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			res.Errors = append(res.Errors, err.Error())
		}
		b.say("round %d  %-12s %-8s %s", round+1, cell, s.Kind(), summary(res))
		if res.Generator.SchedP99ms < lateMost {
			break
		}
	}
	if b.cfg.Out == "" {
		return res, nil
	}
	if err := os.MkdirAll(b.cfg.Out, 0o755); err != nil {
		return nil, err
	}
	return res, res.WriteFile(filepath.Join(b.cfg.Out, fmt.Sprintf("%s-%s-%d.json", cell.slug(), s.Kind(), round+1)))
}

// blank is a result with all that is known before.
func (b *Bench) blank(s Server, cell Cell, round int) *report.Result {
	res := &report.Result{
		Scenario: "peers-" + cell.slug(), Title: cell.title(), Command: b.cfg.Command, Seed: b.cfg.Seed,
		Settings: map[string]string{"cell": cell.String(), "round": strconv.Itoa(round + 1),
			"server_cores": fmt.Sprint(b.server), "generator_cores": fmt.Sprint(b.generate)},
		Started: time.Now().UTC(), Participants: cell.Talkers + cell.Listeners,
		Target: report.Target{Kind: s.Kind(), Version: b.versions[s.Kind()]}, Machine: b.machine, Metrics: report.Metrics{},
	}
	if cell.Media == Video {
		load := cell.video(b.cfg.Video)
		res.Settings["video"] = fmt.Sprintf("%d kbit/s at %d frames", load.Kbps, load.FPS)
	}
	return res
}

func (b *Bench) say(format string, args ...any) {
	fmt.Fprintf(b.cfg.Log, format+"\n", args...)
}

// summary is a result in a line.
func summary(res *report.Result) string {
	if len(res.Errors) > 0 {
		return "FAILED: " + res.Errors[0]
	}
	m := res.Metrics
	kind := metricKind(res)
	line := fmt.Sprintf("%6.1fk packets a CPU-second  server %3.0f %%  generator %3.0f %%", m["server.packets_per_cpu_second"]/1000,
		100*m["server.cpu_share"], 100*m["generator.cpu_share"])
	if _, ok := m[kind+".latency_ms.p50"]; ok {
		line += fmt.Sprintf("  p50 %.1f p99 %.1f ms", m[kind+".latency_ms.p50"], m[kind+".latency_ms.p99"])
	}
	line += fmt.Sprintf("  lost %.3f %%  %.0f MB", 100*m[kind+".loss_share"], m["server.rss_mb"])
	if res.Generator.Limited {
		line += "  (the generator was the limit)"
	}
	return line
}

// metricKind is the first word of the metrics of a result's medium.
func metricKind(res *report.Result) string {
	if c, err := parseCell(res.Settings["cell"]); err == nil && c.Media == Video {
		return "video"
	}
	return "voice"
}

// gather joins the errors of several goroutines, the first few of them.
func gather(errs []error) error {
	const most = 3
	var some []error
	for _, err := range errs {
		if err != nil {
			some = append(some, err)
		}
	}
	if n := len(some); n > most {
		some = append(some[:most], fmt.Errorf("and %d more", n-most))
	}
	return errors.Join(some...)
}
