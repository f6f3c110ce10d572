package run

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"earshot/loadtest/scenario"
)

// faults are what is planted into a server, and the rule that catches it.
var faults = []struct{ name, rule string }{
	{"", ""}, // the same build without a fault: all rules hold
	{"third", "voice.wrong_share"},
	{"delay", "voice.latency_ms.p50"},
	{"drop", "voice.loss_share"},
	{"leak", "voice.forbidden_packets"},
}

// patches are where the faults go into the product's source. The product has
// no hooks for them: the server is built from changed copies (go build
// -overlay).
var patches = []struct{ file, old, new string }{
	{"gateway/mixer.go", "s.media.SetVoice(now, m.voice)", "s.media.SetVoice(now, plantedVoice(m.voice))"},
	{"gateway/session.go", "range m.Blocks {", "range plantedBlocks(m.Blocks) {"},
	{"cmd/earshot/serve.go", "sfu.Deps{Log: log, Metrics: metrics}", "sfu.Deps{Log: log, Metrics: metrics, Net: plantedNet()}"},
}

// TestPlantedFaultsAreFound runs a scenario against a server that sends the
// third most audible talker instead of the first, one that is 60 ms late, one
// that drops 2 %, and one that leaks blocked speakers: each misses the rule it
// should. The same server without a fault misses none.
func TestPlantedFaultsAreFound(t *testing.T) {
	if os.Getenv("EARSHOT_E2E") == "" {
		t.Skip("builds servers and runs in real time: make e2e, or EARSHOT_E2E=1")
	}
	program := buildPlanted(t)
	for _, fault := range faults {
		t.Run("fault "+fault.name, func(t *testing.T) {
			broken := brokenBy(t, program, fault.name)
			for again := 2; again > 0 && fault.rule == "" && len(broken) > 0; again-- { // a busy machine misses some
				t.Logf("missed %v: trying again", broken)
				broken = brokenBy(t, program, fault.name)
			}
			switch {
			case fault.rule == "" && len(broken) > 0:
				t.Errorf("a server without a fault misses %v", broken)
			case fault.rule != "" && !strings.Contains(strings.Join(broken, "\n"), fault.rule):
				t.Errorf("the fault was not found by %s; missed rules: %v", fault.rule, broken)
			}
		})
	}
}

// brokenBy runs the scenario against program with a fault and returns the
// rules it missed.
func brokenBy(t *testing.T, program, fault string) (broken []string) {
	t.Helper()
	s := readScenario(t, "testdata/planted/scenario.yaml")
	url := startServer(t, program, "EARSHOT_PLANTED="+fault)
	res, err := Run(t.Context(), Config{Scenario: s, URL: url, Admin: "off"})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range res.Verdicts {
		t.Log(v.Words())
		if !v.Passed {
			broken = append(broken, v.Rule)
		}
	}
	for _, e := range res.Errors {
		t.Log(e)
	}
	return broken
}

func readScenario(t *testing.T, path string) *scenario.Scenario {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// buildPlanted builds the server with all faults in it, to be chosen by an
// environment variable.
func buildPlanted(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for _, p := range patches {
		source, err := os.ReadFile(filepath.Join(root, p.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), p.old); n != 1 {
			t.Fatalf("%s has %q %d times, want once: plant the fault elsewhere", p.file, p.old, n)
		}
		changed := filepath.Join(dir, strings.ReplaceAll(p.file, "/", "_"))
		if err := os.WriteFile(changed, []byte(strings.Replace(string(source), p.old, p.new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, p.file)] = changed
	}
	for into, from := range map[string]string{"gateway": "planted_gateway.go.txt", "cmd/earshot": "planted_main.go.txt"} {
		path, err := filepath.Abs(filepath.Join("testdata/planted", from))
		if err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, into, "planted.go")] = path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "earshot")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "earshot/cmd/earshot")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// startServer starts a development server on free ports. It ends with the test.
func startServer(t *testing.T, program string, env ...string) (url string) {
	t.Helper()
	cmd := exec.Command(program, "serve", "-listen", "127.0.0.1:0", "-udp", "127.0.0.1:0", "-admin", "off", "-log-format", "text")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "msg=serving listen="); ok {
			address, _, _ := strings.Cut(rest, " ")
			go io.Copy(io.Discard, out)
			return "http://" + address
		}
	}
	t.Fatal("the server did not come up")
	return ""
}
