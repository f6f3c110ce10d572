package run

import (
	"context"
	"time"

	"earshot/loadtest/report"
)

type judge struct{ latency samples }

func newJudge() *judge { return &judge{} }

func (r *Runner) compare(ctx context.Context) { <-ctx.Done() }

func (j *judge) second() map[string]float64 {
	d := j.latency.distribution("ms")
	return map[string]float64{report.SeriesLatency: d.P50, report.SeriesLatencyP99: d.P99, seriesLatencyP95: d.P95}
}
func (j *judge) worst(n int) []string          { return nil }
func (j *judge) forbidden() int                { return 0 }
func (j *judge) open(r *Runner, now time.Time) { j.latency.reset() }
func (j *judge) close(r *Runner, m *measured, now time.Time) {
	m.put("voice.latency_ms", j.latency.distribution("ms"))
}
