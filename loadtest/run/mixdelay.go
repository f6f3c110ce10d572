package run

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"earshot/loadtest/report"
	"earshot/loadtest/truth"
)

// metricMixDelay is the server's histogram of how old the sound in its mixes and
// beds is. It is the only one of which buckets are kept.
const metricMixDelay = "earshot_mix_delay_seconds_bucket"

// mixerMs is what the server's limiter (5 ms) and encoder (2.5 ms) hold back beyond
// its own figure of the delay of mixes.
const mixerMs = 7.5

// measureMixes adds how late mixes and beds are, by the server's figures of the
// window and by how their packets came.
func (r *Runner) measureMixes(m *measured) {
	first, last, ok := r.server.window()
	if !ok || last.metrics == nil || first.metrics == nil {
		return
	}
	for _, in := range []string{"mix", "bed"} {
		d := delayIn(first.metrics, last.metrics, in)
		m.put(in+".delay_ms", d)
		way, known := m.metrics["voice.latency_ms.p95"]
		hold, held := m.metrics["mix.hold_ms.p95"]
		switch {
		case d.Count == 0:
		case !known || !held:
			r.note("what of the way to and from the mixer is the network's is not known: %s.mouth_to_ear_ms takes a group with plain slots besides", in)
		default:
			m.metrics[in+".mouth_to_ear_ms.p95"] = truth.CodecDelayMs + way + d.P95 + mixerMs + hold
		}
	}
}

// delayIn is the distribution of the oldest sounds in mixes or beds, in ms, between
// two readings of the server's metrics.
func delayIn(first, last map[string]float64, in string) report.Distribution {
	var counts []report.Bucket
	d := report.Distribution{Unit: "ms"}
	for name, n := range last {
		labels, ok := strings.CutPrefix(name, metricMixDelay+"{")
		if !ok || !strings.Contains(labels, `in="`+in+`"`) || !strings.Contains(labels, `of="oldest"`) {
			continue
		}
		_, edge, _ := strings.Cut(labels, `le="`)
		edge, _, _ = strings.Cut(edge, `"`)
		if le, err := strconv.ParseFloat(edge, 64); err == nil {
			counts = append(counts, report.Bucket{LE: 1000 * le, N: int64(n - first[name])})
		}
	}
	slices.SortFunc(counts, func(a, b report.Bucket) int { return cmp.Compare(a.LE, b.LE) })
	if len(counts) == 0 || counts[len(counts)-1].N <= 0 {
		return d
	}
	d.Count = counts[len(counts)-1].N
	quantile := func(q float64) float64 { return bucketQuantile(counts, q) }
	d.P05, d.P50, d.P90 = quantile(.05), quantile(.5), quantile(.9)
	d.P95, d.P99, d.P999 = quantile(.95), quantile(.99), quantile(.999)
	below, edge := int64(0), 0.0
	for _, c := range counts {
		n := c.N - below
		if n == 0 {
			edge = c.LE
			continue
		}
		top := c.LE
		if math.IsInf(top, 1) {
			top = 2 * edge // by its name: later than the last edge
		}
		if len(d.Buckets) == 0 {
			d.Min = edge
		}
		d.Max = top
		d.Mean += float64(n) / float64(d.Count) * (edge + top) / 2
		d.Buckets = append(d.Buckets, report.Bucket{LE: top, N: n})
		below, edge = c.N, c.LE
	}
	return d
}

// bucketQuantile returns a quantile of cumulative counts: within a bucket values
// count as even, and those above the last edge as it.
func bucketQuantile(counts []report.Bucket, q float64) float64 {
	want := q * float64(counts[len(counts)-1].N)
	below, edge := 0.0, 0.0
	for _, c := range counts {
		n := float64(c.N)
		if n >= want && n > below {
			if math.IsInf(c.LE, 1) {
				return edge
			}
			return edge + (c.LE-edge)*(want-below)/(n-below)
		}
		below, edge = n, c.LE
	}
	return edge
}
