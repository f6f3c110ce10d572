package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestRealServers plays a small cell with each server there is, to see that the
// drivers speak what the servers speak. EARSHOT_TEST_PEERS=1 turns it on;
// LIVEKIT and JANUS name the programs.
func TestRealServers(t *testing.T) {
	if os.Getenv("EARSHOT_TEST_PEERS") == "" {
		t.Skip("=== NOT RUN: the drivers against real servers; EARSHOT_TEST_PEERS=1 LIVEKIT=/path/to/livekit-server runs it ===")
	}
	binary := filepath.Join(t.TempDir(), "earshot")
	if out, err := exec.Command("go", "build", "-o", binary, "earshot/cmd/earshot").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	servers := []Server{EarshotServer{Binary: binary}}
	for _, s := range []struct {
		variable, program string
		of                func(string) Server
	}{
		{"LIVEKIT", "livekit-server", func(p string) Server { return LiveKitServer{Binary: p} }},
		{"LIVEKIT", "livekit-server", func(p string) Server { return LiveKitServer{Binary: p, Dual: true} }},
		{"JANUS", "janus", func(p string) Server { return JanusServer{p} }},
	} {
		program := s.program
		if named := os.Getenv(s.variable); named != "" {
			program = named
		}
		path, err := exec.LookPath(program)
		if err != nil {
			t.Logf("=== NOT RUN: %s is not there; %s=PATH names it ===", program, s.variable)
			continue
		}
		servers = append(servers, s.of(path))
	}
	cells, err := ParseCells("audio:2x3,video:1x2,mixed:2x2")
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBench(Config{Servers: servers, Cells: cells, Rounds: 1, Measure: time.Second, Out: t.TempDir(), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	results, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if len(r.Errors) > 0 {
			t.Errorf("%s with %s: %v", r.Settings["cell"], r.Target.Kind, r.Errors)
			continue
		}
		if r.Server.PacketsOut == 0 || r.Metrics[metricKind(r)+".loss_share"] > 0.01 {
			t.Errorf("%s with %s: %v packets, delivered %s", r.Settings["cell"], r.Target.Kind, r.Server.PacketsOut, r.Settings["delivered"])
		}
	}
}
