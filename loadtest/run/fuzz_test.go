package run

import (
	"math"
	"strings"
	"testing"
)

// What a server says of itself is not trusted: whatever it is, it is read to
// the end or refused.
func FuzzParseMetrics(f *testing.F) {
	for _, seed := range []string{
		"earshot_x 1\n", "earshot_x{a=\"b\"} 2 1700000000\n", "# HELP x\n\n", "x{", "x }", "x NaN\nx +Inf\n", strings.Repeat("a", 2<<20),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, _ := parseMetrics(strings.NewReader(string(data)))
		for name := range m {
			if name == "" || strings.ContainsAny(name, "{ \t") {
				t.Errorf("a metric is called %q", name)
			}
		}
	})
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (a) S 1 1 1 0 -1 1 1 2 3 4 250 50 9 9 20 0 17 0 100 1000 256 1"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if u, err := parseStat(data); err == nil && math.IsNaN(u.cpu.Seconds()) {
			t.Errorf("%q: %+v", data, u)
		}
		_ = listening(data, 80)
		_ = issuerOf(string(data))
	})
}

func TestVersionIn(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "up 1\n": "",
		"# HELP earshot_build_info x\nearshot_build_info{version=\"v1.2.3\"} 1\n": "v1.2.3",
		"earshot_build_info{a=\"b\",version=\"" + strings.Repeat("9", 99):         strings.Repeat("9", maxVersion),
	} {
		if got := versionIn(strings.NewReader(text)); got != want {
			t.Errorf("versionIn(%q) = %q, want %q", text, got, want)
		}
	}
}
