package report

import (
	"os"
	"path/filepath"
	"testing"
)

// EARSHOT_SHOTS is a folder for the pages, for who wants to look at them.
func TestPagesToLookAt(t *testing.T) {
	dir := os.Getenv("EARSHOT_SHOTS")
	if dir == "" {
		t.Skip("set EARSHOT_SHOTS to a folder to have the pages written there")
	}
	limited := judged(sample(300, 120), badRules()...)
	limited.Generator.Limited, limited.Generator.Why = true, "It used 97 % of its core and its timers were 41 ms late (99th percentile)."
	for name, r := range map[string]*Result{
		"passed": judged(sample(200, 60), goodRules()...), "failed": judged(sample(200, 60), badRules()...), "limited": limited,
		"capacity": withSteps(judged(sample(240, 120), "voice.latency_ms.p99 <= 150", "voice.audible_share >= 98%", "voice.mos.p05 >= 3.6")), "empty": {},
	} {
		f, err := os.Create(filepath.Join(dir, name+".html"))
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteHTML(f, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
