package desk

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	listeners, talkers           prometheus.Gauge
	missed, undecoded, unencoded prometheus.Counter
	beat                         prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "earshot_mix_" + name, Help: help})
		r.MustRegister(g)
		return g
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "earshot_mix_" + name, Help: help})
		r.MustRegister(c)
		return c
	}
	m := &metrics{
		listeners: gauge("listeners", "Listeners who get a binaural mix."),
		talkers:   gauge("talkers", "Talkers whose voice is in a mix, or was lately."),
		missed:    counter("missed_beats_total", "Beats of 20 ms that were left out because the machine was too slow."),
		undecoded: counter("undecoded_total", "Beats for which a talker got no decoder."),
		unencoded: counter("unencoded_total", "Packets of mixes that could not be encoded."),
		beat: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "earshot_mix_beat_seconds", Help: "How long the work of one beat of 20 ms takes.",
			Buckets: []float64{.0005, .001, .002, .004, .006, .008, .01, .012, .014, .016, .018, .02, .03, .05},
		}),
	}
	r.MustRegister(m.beat)
	return m
}
