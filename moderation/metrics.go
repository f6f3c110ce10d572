package moderation

import "github.com/prometheus/client_golang/prometheus"

// metrics of a Pipeline. None has a person, a world's people or words as a
// label.
type metrics struct {
	events    *prometheus.CounterVec   // by kind and what happened to it
	textTime  prometheus.Histogram     // seconds of Text
	guards    *prometheus.CounterVec   // events by tier and outcome
	guardTime *prometheus.HistogramVec // seconds of a batch by tier
	audits    *prometheus.CounterVec   // by whether the guard found what tier 0 had not
	retracted prometheus.Counter
	released  prometheus.Counter
	incidents *prometheus.CounterVec // by source
	acts      *prometheus.CounterVec // by action
	enforced  *prometheus.CounterVec // by outcome
	toAction  prometheus.Histogram   // seconds from verdict to enforced
	journal   *prometheus.CounterVec // by outcome
	refused   *prometheus.CounterVec // what there was no room for, by what
	reports   *prometheus.CounterVec // by what became of it
	windows   *prometheus.CounterVec // of voice, by outcome
	packets   *prometheus.CounterVec // of voice, by outcome
}

func newMetrics() *metrics {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "moderation", Name: name, Help: help}, labels)
	}
	one := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "moderation", Name: name, Help: help})
	}
	seconds := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Namespace: "earshot", Subsystem: "moderation", Name: name, Help: help, Buckets: buckets}
	}
	long := []float64{.01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30}
	return &metrics{
		events:    vec("events_total", "What was judged, by kind and by what happened to it first: pass, masked, held, unverified, refused.", "kind", "result"),
		textTime:  prometheus.NewHistogram(seconds("text_seconds", "How long a text waited for its verdict; 50 ms is the most.", []float64{.0001, .0005, .001, .005, .01, .02, .03, .04, .05, .075, .1})),
		guards:    vec("guard_events_total", "Events for guard models, by tier (sound: windows for the classifier) and outcome: ok, late, failed, garbage, resting (the breaker is open), full.", "tier", "outcome"),
		guardTime: prometheus.NewHistogramVec(seconds("guard_seconds", "How long a batch took at a guard model.", long), []string{"tier"}),
		audits:    vec("audits_total", "Texts that looked clean and were judged anyway, by what was found: clean, found, unanswered.", "result"),
		retracted: one("retractions_total", "Texts taken back after they were delivered."),
		released:  one("releases_total", "Held texts that were delivered after all."),
		incidents: vec("incidents_total", "Recorded decisions by what found it.", "source"),
		acts:      vec("acts_total", "Acts ordered.", "action"),
		enforced:  vec("enforcements_total", "Orders by outcome: done, failed (and tried again).", "outcome"),
		toAction:  prometheus.NewHistogram(seconds("to_action_seconds", "From a verdict to its enforcement, the journal included.", long)),
		journal:   vec("journal_writes_total", "Writes to the journal by outcome: ok, failed (and tried again), refused.", "outcome"),
		refused:   vec("refused_total", "What there was no room for: decisions, held, people, speakers, reports.", "what"),
		reports:   vec("reports_total", "Reports: taken, repeated, refused.", "result"),
		windows:   vec("voice_windows_total", "Stretches of speech: judged, silent, failed, skipped (a newer one took its place), dropped.", "result"),
		packets:   vec("voice_packets_total", "Packets of voices: kept, dropped.", "result"),
	}
}

// register registers everything, and gauges of what waits.
func (m *metrics) register(r prometheus.Registerer, writes, orders *lanes) error {
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{
		m.events, m.textTime, m.guards, m.guardTime, m.audits, m.retracted, m.released, m.incidents, m.acts, m.enforced,
		m.toAction, m.journal, m.refused, m.reports, m.windows, m.packets,
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	for lane, l := range map[string]*lanes{"journal": writes, "enforcement": orders} {
		err := r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "earshot", Subsystem: "moderation", Name: "jobs", Help: "Jobs that wait, by what for: journal, enforcement.",
			ConstLabels: prometheus.Labels{"lane": lane},
		}, func() float64 { return float64(l.depth()) }))
		if err != nil {
			return err
		}
	}
	return nil
}
