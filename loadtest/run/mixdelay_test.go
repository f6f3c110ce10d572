package run

import (
	"math"
	"strings"
	"testing"
)

const mixMetrics = `# TYPE earshot_mix_delay_seconds histogram
earshot_mix_delay_seconds_bucket{in="bed",of="oldest",le="0.05"} 9
earshot_mix_delay_seconds_bucket{in="mix",of="oldest",le="0.02"} 0
earshot_mix_delay_seconds_bucket{in="mix",of="oldest",le="0.05"} %50
earshot_mix_delay_seconds_bucket{in="mix",of="oldest",le="0.1"} %100
earshot_mix_delay_seconds_bucket{in="mix",of="oldest",le="+Inf"} %100
earshot_mix_delay_seconds_bucket{in="mix",of="youngest",le="0.02"} 77
earshot_mix_delay_seconds_count{in="mix",of="oldest"} 100
`

// The delay of mixes in a window is what the buckets of the oldest sounds gained.
func TestDelayIn(t *testing.T) {
	read := func(text string) map[string]float64 {
		m, err := parseMetrics(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first, last := read(strings.ReplaceAll(mixMetrics, "%", "")), read(strings.ReplaceAll(mixMetrics, "%", "1"))
	d := delayIn(first, last, "mix")
	// 50 packets came within 50 ms before and 150 do now, of 100 and 1100.
	if d.Count != 1000 || d.Max != 100 || d.Min != 20 {
		t.Fatalf("delayIn = %+v, want 1000 from 20 to 100 ms", d)
	}
	if math.Abs(d.P50-(50+50*400.0/900)) > 0.01 || math.Abs(d.P05-35) > 0.01 {
		t.Errorf("p50 %v, p05 %v, want 72.2 and 35 ms", d.P50, d.P05)
	}
	if got := delayIn(first, last, "bed"); got.Count != 0 {
		t.Errorf("beds, of which none came: %+v", got)
	}
}
