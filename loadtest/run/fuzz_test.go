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
