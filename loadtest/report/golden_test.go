package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Texts for the terminal, as people see them. EARSHOT_GOLDEN=write writes them
// anew.
func TestTexts(t *testing.T) {
	failed := judged(sample(200, 60), badRules()...)
	limited := judged(sample(300, 60), goodRules()...)
	limited.Generator.Limited = true
	leak := sample(50, 60)
	leak.Metrics["voice.forbidden_packets"], leak.Errors = 12, []string{"bot-3: the control channel closed"}
	var a, b []*Result
	for i := range 3 {
		x, y := sample(50, 20), sample(50, 20)
		factor := 1 + float64(i-1)*.03
		x.Metrics["voice.latency_ms.p99"] *= factor
		y.Metrics["voice.latency_ms.p99"] *= 1.3 * factor
		x.Metrics["server.cpu_share"] *= factor
		y.Metrics["server.cpu_share"] *= .8 * factor
		x.Metrics["voice.loss_share"] *= factor
		y.Metrics["voice.loss_share"] *= factor * 1.02
		delete(x.Metrics, "pose.hz")
		a, b = append(a, x), append(b, y)
	}
	for name, got := range map[string]string{
		"passed.txt":    judged(sample(200, 60), goodRules()...).Summary(false),
		"failed.txt":    failed.Summary(false),
		"limited.txt":   limited.Summary(false),
		"leak.txt":      judged(leak, goodRules()...).Summary(false),
		"capacity.txt":  withSteps(sample(240, 60)).Summary(false),
		"empty.txt":     (&Result{}).Summary(false),
		"verdicts.txt":  VerdictText(failed.Verdicts, true),
		"compare.txt":   Compare(a, b).Text(),
		"catalogue.txt": CatalogueText(),
	} {
		path := filepath.Join("testdata", name)
		if os.Getenv("EARSHOT_GOLDEN") == "write" {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs; EARSHOT_GOLDEN=write go test ./loadtest/report writes it. Got:\n%s", name, got)
		}
		if n := strings.Count(got, "\n"); strings.Contains(name, "ed.txt") && (n < 10 || n > 25) {
			t.Errorf("%s has %d lines, want a summary", name, n)
		}
	}
}
