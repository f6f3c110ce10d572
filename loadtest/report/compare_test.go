package report

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

func runsOf(name string, values ...float64) (runs []*Result) {
	for _, v := range values {
		runs = append(runs, &Result{Scenario: "plaza", Metrics: Metrics{name: v}})
	}
	return runs
}

func TestCompare(t *testing.T) {
	for _, tc := range []struct {
		about, metric string
		a, b          []float64
		want          string
		ratio         float64
	}{
		{"three each, apart, little", "voice.latency_ms.p50", []float64{30, 31, 32}, []float64{33, 34, 35}, Worse, 34. / 31},
		{"three each, overlapping, much", "voice.latency_ms.p50", []float64{10, 20, 60}, []float64{50, 70, 80}, Noise, 3.5},
		{"three each, more is better", "server.packets_per_cpu_second", []float64{30, 31, 32}, []float64{40, 41, 42}, Better, 41. / 31},
		{"single, under a quarter", "voice.latency_ms.p50", []float64{100}, []float64{120}, Noise, 1.2},
		{"single, over a quarter", "voice.latency_ms.p50", []float64{100}, []float64{126}, Worse, 1.26},
		{"single, the other way round", "voice.latency_ms.p50", []float64{126}, []float64{100}, Better, 100. / 126},
		{"single, much of nearly nothing", "voice.latency_ms.p50", []float64{.2}, []float64{.6}, Noise, 3},
		{"two each, apart, under a quarter", "voice.latency_ms.p50", []float64{100, 101}, []float64{110, 111}, Noise, 110.5 / 100.5},
		{"two and five, apart, over a quarter", "voice.latency_ms.p50", []float64{100, 101}, []float64{200, 201, 202, 203, 204}, Worse, 202 / 100.5},
		{"a share near one, half a point", "voice.audible_share", []float64{.99}, []float64{.98}, Worse, .98 / .99},
		{"a share near one, less", "voice.audible_share", []float64{.99}, []float64{.987}, Noise, .987 / .99},
		{"mos", "voice.mos.p50", []float64{4.2}, []float64{4.35}, Better, 4.35 / 4.2},
		{"from nothing", "join.failed", []float64{0}, []float64{3}, Worse, math.NaN()},
		{"leaks that stopped", "voice.forbidden_packets", []float64{5, 6, 7}, []float64{0, 0, 0}, Better, 0},
		{"nothing either way", "join.failed", []float64{0, 0, 0}, []float64{0, 0, 0}, Equal, math.NaN()},
		{"no direction", "server.packets_out_per_s", []float64{100}, []float64{200}, Changed, 2},
		{"unknown name", "my.own", []float64{1, 2, 3}, []float64{4, 5, 6}, Changed, 2.5},
	} {
		c := Compare(runsOf(tc.metric, tc.a...), runsOf(tc.metric, tc.b...))
		row := c.Rows[0]
		if row.Verdict != tc.want {
			t.Errorf("%s: %s, want %s", tc.about, row.Verdict, tc.want)
		}
		if math.IsNaN(tc.ratio) != (row.Ratio == nil) || row.Ratio != nil && math.Abs(*row.Ratio-tc.ratio) > 1e-9 {
			t.Errorf("%s: ratio %v, want %v", tc.about, row.Ratio, tc.ratio)
		}
		if row.Ratio != nil && row.RatioMin != nil && row.RatioMax != nil && !(*row.RatioMin <= *row.Ratio+1e-12 && *row.Ratio <= *row.RatioMax+1e-12) {
			t.Errorf("%s: ratio %v is outside %v to %v", tc.about, *row.Ratio, *row.RatioMin, *row.RatioMax)
		}
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("%s: %v", tc.about, err)
		}
	}
}

func TestCompareDoubts(t *testing.T) {
	a, b := sample(10, 10), sample(12, 10)
	b.Scenario, b.Seed, b.Generator.Limited, b.Machine.CPU = "crowd", 8, true, "other"
	text := strings.Join(Compare([]*Result{a}, []*Result{b}).Notes, "\n")
	for _, want := range []string{"different scenarios", "different numbers of participants", "different machines", "different seeds", "In 1 run the load tester was the limit", "packets_per_cpu_second does not compare", "Fewer than 3 runs"} {
		if !strings.Contains(text, want) {
			t.Errorf("no doubt about %q in:\n%s", want, text)
		}
	}
	same := runsOf("voice.latency_ms.p50", 1, 2, 3)
	if got := Compare(same, runsOf("voice.latency_ms.p50", 3, 4, 5)).Notes; len(got) != 1 || !strings.Contains(got[0], "10 %") { // 2 of 20 orders
		t.Errorf("notes %q, want chance at 10 %%", got)
	}
	if got := Compare(nil, same).Notes; len(got) != 1 || !strings.Contains(got[0], "no run") {
		t.Errorf("notes without runs: %q", got)
	}
}

func TestReadRuns(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"1.json", "2.json"} {
		files = append(files, filepath.Join(dir, name))
		if err := sample(2, 5).WriteFile(files[len(files)-1]); err != nil {
			t.Fatal(err)
		}
	}
	for _, argument := range []string{dir, strings.Join(files, ",")} {
		if runs, err := ReadRuns(argument); err != nil || len(runs) != 2 {
			t.Errorf("ReadRuns(%s) = %d runs, %v, want 2", argument, len(runs), err)
		}
	}
	if _, err := ReadRuns(filepath.Join(dir, "none.json")); err == nil {
		t.Error("a file that is not there was read")
	}
}
