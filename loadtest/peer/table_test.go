package peer

import (
	"strings"
	"testing"
	"time"

	"earshot/loadtest/report"
)

func resultOf(kind, cell, round string, perCPU float64) *report.Result {
	return &report.Result{
		Target:   report.Target{Kind: kind, Version: "1.2"},
		Settings: map[string]string{"cell": cell, "round": round, "server_cores": "[0]", "generator_cores": "[1]"},
		Machine:  report.Machine{CPU: "a CPU", Cores: 2, Kernel: "6.1", Go: "go1.26"}, Started: time.Unix(0, 0).UTC(), Seconds: 12,
		Command: "earshot loadtest peers",
		Metrics: report.Metrics{"server.packets_per_cpu_second": perCPU, "server.cpu_share": 0.5, "generator.cpu_share": 0.6,
			"voice.latency_ms.p50": 1.5, "voice.latency_ms.p99": 20, "voice.loss_share": 0, "server.rss_mb": 100, "server.rss_kb_per_participant": 1000},
	}
}

func TestTable(t *testing.T) {
	heavy := resultOf("livekit", "audio:10x100", "1", 80_000)
	heavy.Metrics["server.rss_mb"] = 200
	broken := resultOf("janus", "audio:10x100", "1", 0)
	broken.Errors = []string{"it\nbroke"}
	limited := resultOf("earshot", "audio:10x50", "2", 110_000)
	limited.Generator.Limited = true
	limited.Settings["replayed"] = "2"
	results := []*report.Result{
		resultOf("earshot", "audio:10x50", "1", 100_000), resultOf("livekit", "audio:10x50", "1", 50_000), resultOf("janus", "audio:10x50", "1", 25_000),
		limited, resultOf("livekit", "audio:10x50", "2", 100_000), resultOf("janus", "audio:10x50", "2", 20_000),
		resultOf("earshot", "audio:10x100", "1", 40_000), heavy, broken,
	}
	got := Table(results)
	for _, want := range []string{
		"Earshot 1.2, LiveKit 1.2, Janus 1.2; a CPU, 2 cores, Linux 6.1, go1.26; 1970-01-01. Server on cores 0, generator on 1, 12 s measured each.",
		"| audio:10x50 | Earshot | 105.0 (100.0 to 110.0)k \\* | 1.55 (1.10 to 2.00) | 4.75 (4.00 to 5.50) | 50 | 60 | 1.5 | 20 | 0.000 | 100 | 1000 |",
		"| audio:10x50 | Janus | 22.5 (20.0 to 25.0)k |",
		"- **audio:10x50**: packets a CPU-second: no clear winner, Earshot at best (1.6 (1.1 to 2.0) times LiveKit, within noise; 4.8 (4.0 to 5.5) times Janus). Delay p99: no clear winner",
		"- **audio:10x100**: packets a CPU-second: LiveKit is ahead (2.0 times Earshot).",
		"Memory: Earshot is ahead (LiveKit has 2.0 times that)",
		"Played again because the clients themselves were 20 ms late or more (p99), whatever the result: Earshot 2.",
		"| audio:10x100 | Janus | failed |",
		"- **audio:10x100, Janus, round 1 failed**: it broke",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks\n%s\n\n%s", want, got)
		}
	}
	if got := Table(nil); !strings.Contains(got, "Nothing was measured") {
		t.Errorf("a table of nothing: %s", got)
	}
}

func TestReplaceTable(t *testing.T) {
	text := "# Before\n\n" + tableBegin + "\nold\n" + tableEnd + "\n\nAfter.\n"
	got, err := replaceTable(text, "new\n")
	if want := "# Before\n\n" + tableBegin + "\nnew\n" + tableEnd + "\n\nAfter.\n"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for _, text := range []string{"", tableBegin, tableEnd + tableBegin} {
		if got, err := replaceTable(text, "new"); err == nil {
			t.Errorf("replaceTable(%q) = %q, want an error", text, got)
		}
	}
}
