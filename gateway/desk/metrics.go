package desk

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	listeners, talkers, beds     prometheus.Gauge
	missed, undecoded, unencoded prometheus.Counter
	overruns                     prometheus.Counter
	beat, late, plan             prometheus.Histogram
	ofMixes, ofBeds              delay
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
	histogram := func(name, help string, buckets ...float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "earshot_mix_" + name, Help: help, Buckets: buckets})
		r.MustRegister(h)
		return h
	}
	mixes, beds := newDelays(r)
	return &metrics{
		ofMixes: mixes, ofBeds: beds,
		listeners: gauge("listeners", "Listeners who get a binaural mix."),
		talkers:   gauge("talkers", "Talkers whose voice is in a mix, or was lately."),
		beds:      gauge("beds", "Beds of crowds that are mixed."),
		missed:    counter("missed_beats_total", "Beats of 20 ms that were left out because the machine was too slow."),
		undecoded: counter("undecoded_total", "Beats for which a talker got no decoder."),
		unencoded: counter("unencoded_total", "Packets of mixes that could not be encoded."),
		overruns:  counter("overruns_total", "Beats whose work took longer than their 20 ms."),
		beat: histogram("beat_seconds", "How long the work of one beat of 20 ms takes.",
			.0005, .001, .002, .004, .006, .008, .01, .012, .014, .016, .018, .02, .03, .05),
		plan: histogram("plan_seconds", "How long it takes to plan a crowd's beds, four times a second.",
			.0005, .001, .002, .005, .01, .02, .03, .05, .1, .2, .25),
		late: histogram("late_seconds", "How long after they were due the packets of a beat are out.",
			.001, .002, .004, .006, .008, .01, .015, .02, .03, .04, .06, .1),
	}
}
