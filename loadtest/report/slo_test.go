package report

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestParseSLO(t *testing.T) {
	text := "# what a meeting needs\n\nvoice.audible_share >= 98%   # of the time\nvoice.latency_ms.p99<=150\r\n\tvoice.forbidden_packets == 0\nserver.cpu_share < 1.5\nnet.down_kbps.voice.p95 > 1e2\n"
	got, err := ParseSLO("slo", []byte(text))
	want := SLO{{"voice.audible_share", ">=", .98}, {"voice.latency_ms.p99", "<=", 150}, {"voice.forbidden_packets", "==", 0}, {"server.cpu_share", "<", 1.5}, {"net.down_kbps.voice.p95", ">", 100}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseSLO = %v, %v; want %v", got, err, want)
	}
	for _, r := range want {
		if again, err := ParseRule(r.String()); err != nil || again != r {
			t.Errorf("ParseRule(%q) = %v, %v", r, again, err)
		}
	}
}

func TestParseSLOErrors(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"voice.latency_ms.p99", "has no comparison"},
		{"voice.latency_ms.p99 = 150", "write voice.latency_ms.p99 == 150"},
		{"voice.latency_ms.p99 => 150", "=> is no comparison"},
		{"voice.latency_ms.p99 <=", "the number is missing"},
		{"voice.latency_ms.p99 <= fast", `"fast" is no number: write it plainly, in milliseconds`},
		{"voice.latency_ms.p99 <= NaN", "is no number"},
		{"voice.latency_ms.p99 <= 150ms", "is no number"},
		{"voice.latency_ms.p99 <= 5%", "not in percent"},
		{"voice.latency_ms <= 150", "has many values: say which, as in voice.latency_ms.p99"},
		{"voice.latency.p99 <= 150", "did you mean voice.latency_ms.p99?"},
		{"audible_share >= 0.9", "did you mean voice.audible_share?"},
		{"voice.audible_share >= 98", "write 98% or 0.98"},
		{"weather <= 3", "there is no metric"},
	} {
		_, err := ParseSLO("slo.txt", []byte("\n"+tc.line))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "slo.txt:2: ") {
			t.Errorf("%q: %v, want slo.txt:2 with %q", tc.line, err, tc.want)
		}
	}
	if _, err := ParseSLO("x", []byte("a\nb\n")); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two bad lines: %v, want both", err)
	}
	if _, err := ParseSLO("x", make([]byte, MaxSLOBytes+1)); err == nil {
		t.Error("a file without end was read")
	}
}

func TestCheck(t *testing.T) {
	m := Metrics{"voice.mos.p50": 4, "join.failed": 0, "voice.loss_share": math.NaN()}
	for _, tc := range []struct {
		rule             string
		measured, passed bool
		words            string
	}{
		{"voice.mos.p50 >= 4", true, true, "voice quality, median: 4.00, at least 4.00 wanted"},
		{"voice.mos.p50 > 4", true, false, "voice quality, median: 4.00, more than 4.00 wanted"},
		{"voice.mos.p50 < 4", true, false, "voice quality, median: 4.00, less than 4.00 wanted"},
		{"voice.mos.p50 <= 4", true, true, "voice quality, median: 4.00, at most 4.00 wanted"},
		{"join.failed == 0", true, true, "joins that failed: 0, exactly 0 wanted"},
		{"voice.loss_share <= 1%", false, false, "voice packets lost: not measured in this run, at most 1 % wanted"},
		{"chat.latency_ms.p50 <= 9", false, false, "delay of chat, median: not measured in this run, at most 9 ms wanted"},
	} {
		rule, err := ParseRule(tc.rule)
		if err != nil {
			t.Fatal(err)
		}
		v := SLO{rule}.Check(m)[0]
		if v.Measured != tc.measured || v.Passed != tc.passed || v.Words() != tc.words {
			t.Errorf("%s: %+v %q, want measured %v, passed %v, %q", tc.rule, v, v.Words(), tc.measured, tc.passed, tc.words)
		}
	}
}

// How much of what a rule allows was used.
func TestUsed(t *testing.T) {
	for _, tc := range []struct {
		rule Rule
		v    float64
		want float64
	}{
		{Rule{"voice.latency_ms.p99", "<=", 150}, 75, .5}, {Rule{"voice.audible_share", ">=", .98}, .99, .5}, {Rule{"voice.audible_share", ">=", .98}, .96, 2},
		{Rule{"voice.mos.p50", ">=", 3.5}, 4.5, 0}, {Rule{"pose.hz", ">=", 10}, 20, .5}, {Rule{"join.failed", "==", 0}, 0, 0}, {Rule{"join.failed", "<=", 0}, 3, 2},
	} {
		if got := tc.rule.used(tc.v); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%v used by %v = %v, want %v", tc.rule, tc.v, got, tc.want)
		}
	}
}

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range Names() {
		if seen[name] || !Known(name) || TitleOf(name) == name {
			t.Errorf("%s: twice, unknown or without a title", name)
		}
		seen[name] = true
	}
	for _, m := range Catalogue() {
		if m.About == "" || m.Unit == "" || m.Better != "" && m.Better != "lower" && m.Better != "higher" || len(m.Suffixes) == 0 {
			t.Errorf("%s is not fully described: %+v", m.Name, m)
		}
	}
	for _, name := range []string{"voice.latency_ms.p99", "voice.mos.p05", "voice.mos.mean", "net.up_kbps.control.p95", "generator.sched_ms.p99", "join.failed"} {
		if !seen[name] {
			t.Errorf("%s, of which scenarios speak, is not there", name)
		}
	}
	if Known("voice.latency_ms") || Known("voice.latency_ms.p98") || Known("") {
		t.Error("what is no figure is known")
	}
}

func TestFormatValue(t *testing.T) {
	for _, tc := range []struct {
		unit string
		v    float64
		want string
	}{
		{"share", 1, "100 %"}, {"share", .99999, "99.99 %"}, {"share", .9917, "99.17 %"}, {"share", .0012, "0.12 %"}, {"share", 0, "0 %"}, {"share", .64, "64 %"},
		{"ms", .42, "0.42 ms"}, {"ms", 31.14, "31.1 ms"}, {"ms", 999, "999 ms"}, {"ms", 999.9, "1 s"}, {"ms", 1234, "1.23 s"}, {"kbps", 1240, "1.24 Mbit/s"},
		{"count", 24981, "24,981"}, {"count", 1234567, "1,234,567"}, {"per_s", 26480, "26,480/s"}, {"mos", 4.2, "4.20"}, {"ms", math.NaN(), "–"}, {"mm", .0004, "0.0004 mm"}, {"count", -1500, "-1,500"},
	} {
		if got := FormatValue(tc.unit, tc.v); got != tc.want {
			t.Errorf("FormatValue(%s, %v) = %q, want %q", tc.unit, tc.v, got, tc.want)
		}
	}
}

func FuzzParseSLO(f *testing.F) {
	f.Add([]byte("voice.latency_ms.p99 <= 150 # ms\nvoice.audible_share >= 98%"))
	f.Add([]byte("a<=b\n==\n!= 3\nvoice.mos == 1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		slo, err := ParseSLO("f", text)
		if err != nil && slo != nil {
			t.Error("rules and an error")
		}
		for _, r := range slo {
			if again, err := ParseRule(r.String()); err != nil || again != r {
				t.Errorf("%q comes back as %v, %v", r.String(), again, err)
			}
		}
		VerdictText(slo.Check(Metrics{"voice.mos.p50": 1}), true)
	})
}
