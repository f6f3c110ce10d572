package run

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files anew")

func states() map[string]*State {
	nan := math.NaN()
	return map[string]*State{
		"joining": {
			Scenario: "plaza: 200 people wander over a plaza", Phase: "joining", Elapsed: 4 * time.Second, Total: 75 * time.Second,
			Joined: 61, Target: 200, Heard: nan, LatencyP50: nan, LatencyP95: nan, Loss: nan, MOS: nan, PacketsPerSec: 0,
			KbpsPerPerson: nan, ServerCores: nan, GeneratorShare: .41, GeneratorLate: 1.2,
		},
		"measuring": {
			Scenario: "plaza: 200 people wander over a plaza", Phase: "measuring", Elapsed: 41 * time.Second, Total: 75 * time.Second,
			Joined: 198, Target: 200, Failed: 1, Dropped: 1, Heard: .987, LatencyP50: 3.2, LatencyP95: 18, Loss: .0004, MOS: 4.31,
			PacketsPerSec: 31250, KbpsPerPerson: 212, ServerCores: .62, ServerRSS: 141e6, GeneratorShare: .55, GeneratorLate: 2.1,
			Trend:     []float64{.2, .5, .9, .97, .99, nan, .98, 1},
			Offenders: []string{"walkers-17: hears 71 % of what it should", "walkers-140: delay 95 ms"},
		},
		"leak": {
			Scenario: "smoke: 8 people", Phase: "measuring", Elapsed: time.Second, Joined: 8, Target: 8, Heard: 1, LatencyP50: 1,
			LatencyP95: 2, Loss: 0, MOS: 4.4, PacketsPerSec: 900, KbpsPerPerson: 40, ServerCores: .1, GeneratorShare: .1,
			GeneratorLate: nan, Forbidden: 12, Message: "stopping: one more Ctrl-C gives up the report",
		},
	}
}

// The view is compared with files, at three widths: go test -run Screen -update
// writes them.
func TestScreenIsAsInTheGoldenFiles(t *testing.T) {
	for name, s := range states() {
		for _, width := range []int{40, 80, 120} {
			var b strings.Builder
			for _, line := range Screen(s, width, false) {
				if n := utf8.RuneCountInString(line); n > width {
					t.Errorf("%s at %d: a line of %d columns: %q", name, width, n, line)
				}
				b.WriteString(strings.TrimRight(line, " ") + "\n")
			}
			b.WriteString(Line(s) + "\n")
			golden(t, name+"-"+map[int]string{40: "narrow", 80: "usual", 120: "wide"}[width]+".txt", b.String())
		}
	}
}

func TestScreenColoursChangeNoText(t *testing.T) {
	for name, s := range states() {
		plain, painted := Screen(s, 80, false), Screen(s, 80, true)
		for i := range plain {
			stripped := painted[i]
			for _, code := range []string{"\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"} {
				stripped = strings.ReplaceAll(stripped, code, "")
			}
			if stripped != plain[i] {
				t.Errorf("%s: painted %q, plain %q", name, stripped, plain[i])
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}
