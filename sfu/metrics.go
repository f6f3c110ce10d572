package sfu

import "github.com/prometheus/client_golang/prometheus"

// metrics are the counters of one SFU. None carries an id as a label.
type metrics struct {
	sessions     prometheus.Gauge
	joins        *prometheus.CounterVec
	packetsIn    prometheus.Counter
	packetsOut   prometheus.Counter
	bytesIn      prometheus.Counter
	bytesOut     prometheus.Counter
	switches     prometheus.Counter
	tails        prometheus.Counter
	repaired     prometheus.Counter
	unrepaired   prometheus.Counter
	keyFrames    prometheus.Counter
	layers       prometheus.Counter
	poseDropped  prometheus.Counter
	slowSessions prometheus.Counter

	dropMalformed, dropRate, dropCodec, dropOld, dropKeyFrame, dropWrite prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "sfu", Name: name, Help: help})
	}
	drops := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "earshot", Subsystem: "sfu", Name: "packets_dropped_total",
		Help: "RTP packets not forwarded, by reason.",
	}, []string{"reason"})
	m := &metrics{
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "earshot", Subsystem: "sfu", Name: "sessions", Help: "Sessions that are open.",
		}),
		joins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "sfu", Name: "joins_total", Help: "Offers, by the code of the answer.",
		}, []string{"code"}),
		packetsIn:    counter("packets_in_total", "RTP packets received."),
		packetsOut:   counter("packets_out_total", "RTP packets sent."),
		bytesIn:      counter("bytes_in_total", "RTP bytes received, headers included."),
		bytesOut:     counter("bytes_out_total", "RTP bytes sent, headers included."),
		switches:     counter("slot_switches_total", "Slots that got another source."),
		tails:        counter("tails_total", "Talkspurts that were ended with silence frames."),
		repaired:     counter("nack_repaired_total", "RTP packets sent again."),
		unrepaired:   counter("nack_unrepaired_total", "RTP packets asked for that could not be sent again."),
		keyFrames:    counter("key_frame_requests_total", "Key frames asked of publishers."),
		layers:       counter("layer_switches_total", "Simulcast layers that took the place of another in a slot."),
		poseDropped:  counter("pose_dropped_total", "Pose datagrams dropped because too many were waiting."),
		slowSessions: counter("control_overflow_total", "Control messages refused because too many were waiting."),

		dropMalformed: drops.WithLabelValues("malformed"),
		dropRate:      drops.WithLabelValues("rate"),
		dropCodec:     drops.WithLabelValues("codec"),
		dropOld:       drops.WithLabelValues("old"),
		dropKeyFrame:  drops.WithLabelValues("key_frame"),
		dropWrite:     drops.WithLabelValues("write"),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.sessions, m.joins, m.packetsIn, m.packetsOut, m.bytesIn, m.bytesOut, m.switches, m.tails,
		m.repaired, m.unrepaired, m.keyFrames, m.layers, m.poseDropped, m.slowSessions, drops,
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
