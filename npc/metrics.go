package npc

import (
	"time"

	"earshot"
	"earshot/npc/router"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of one Inference. None carries an id as a label.
type metrics struct {
	requests     *prometheus.CounterVec
	ttft         *prometheus.HistogramVec
	degraded     *prometheus.CounterVec
	attempts     *prometheus.CounterVec
	probesFailed *prometheus.CounterVec
	hedges       prometheus.Counter
	retries      prometheus.Counter
}

func newMetrics(r prometheus.Registerer, in *Inference) (*metrics, error) {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "inference", Name: name, Help: help}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "inference", Name: name, Help: help})
	}
	m := &metrics{
		requests: vec("requests_total", "Requests, by class and the code of how they began.", "class", "code"),
		ttft: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "earshot", Subsystem: "inference", Name: "first_token_seconds", Help: "From request to first token.",
			Buckets: []float64{.01, .025, .05, .1, .2, .35, .5, .75, 1, 1.5, 2.5, 5, 10, 30},
		}, []string{"class"}),
		degraded:     vec("degraded_total", "Answers that were not quite what was asked for, by how far.", "degradation"),
		attempts:     vec("attempts_total", "Requests sent to backends, by how they ended.", "result"),
		probesFailed: vec("probe_failures_total", "Probes of backends that failed, by kind.", "kind"),
		hedges:       counter("hedges_total", "Second attempts beside one that was late."),
		retries:      counter("retries_total", "Requests sent again after a failure."),
	}
	if r == nil {
		return m, nil
	}
	queued := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "earshot", Subsystem: "inference", Name: "waiting", Help: "Requests without a first token yet.",
	}, func() float64 {
		in.mu.Lock()
		defer in.mu.Unlock()
		return float64(len(in.calls))
	})
	for _, c := range []prometheus.Collector{m.requests, m.ttft, m.degraded, m.attempts, m.probesFailed, m.hedges, m.retries, queued} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// answered counts how a request began.
func (m *metrics) answered(class router.Class, s *Stream, err error) {
	code := "ok"
	if err != nil {
		code = string(earshot.CodeOf(err))
	}
	m.requests.WithLabelValues(className(class), code).Inc()
	if s != nil && s.placement.Degraded != router.NotDegraded {
		m.degraded.WithLabelValues(s.placement.Degraded.String()).Inc()
	}
}

func (m *metrics) firstToken(class router.Class, took time.Duration) {
	m.ttft.WithLabelValues(className(class)).Observe(took.Seconds())
}

// className is safe for a class that the router refused.
func className(class router.Class) string {
	if class > router.Moderation {
		return "unknown"
	}
	return class.String()
}
