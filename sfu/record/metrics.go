package record

import "github.com/prometheus/client_golang/prometheus"

// metrics are the counters of a library. None carries an id as a label.
type metrics struct {
	active                                 prometheus.Gauge
	written, lost, dropped, failed, erased prometheus.Counter
	errors                                 *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "recording", Name: name, Help: help})
	}
	m := &metrics{
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "earshot", Subsystem: "recording", Name: "active", Help: "Recordings that go on.",
		}),
		written: counter("frames_written_total", "Packets of voice and pictures of video written."),
		lost:    counter("packets_lost_total", "RTP packets of recorded tracks that never came."),
		dropped: counter("packets_dropped_total", "RTP packets dropped because too much waited for the disk."),
		failed:  counter("frames_failed_total", "Packets of voice and pictures of video that could not be written."),
		erased:  counter("erased_total", "Recordings deleted because they were old."),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "recording", Name: "errors_total",
			Help: "Times that writing began to fail, by what: disk_full or write.",
		}, []string{"what"}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.active, m.written, m.lost, m.dropped, m.failed, m.erased, m.errors} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
