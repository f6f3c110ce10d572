package sfu

import (
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtcp"
	"github.com/prometheus/client_golang/prometheus"
)

// heed takes the listener's reports, of which some may be on this slot.
func (s *slot) heed(reports []rtcp.ReceptionReport, now time.Time, burst *egress.Burst) {
	for i := range reports {
		s.receive(&reports[i], now)
	}
	s.repairTail(reports, now, burst)
}

// receive takes one report.
func (s *slot) receive(r *rtcp.ReceptionReport, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.SSRC != s.header.SSRC || r.SSRC == 0 {
		return
	}
	expected, lost, ok := s.got.Report(forward.ReportBlock{
		Highest: r.LastSequenceNumber, Lost: r.TotalLost, Jitter: r.Jitter, Last: r.LastSenderReport, Delay: r.Delay,
	}, s.kind, &s.left, now, uint32(ntp(now)>>16))
	s.session.sfu.metrics.reception.observe(s.kind, &s.got, ok && expected > 0)
	if ok && s.kind == forward.Audio {
		_, _, congested := s.session.downlink.estimate()
		s.session.protection.observe(expected, lost, now, congested)
	}
}

// reception returns how the listener gets the slot.
func (s *slot) reception() forward.Reception {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// receptionMetrics are what listeners report, each time they do. The label is
// audio or video.
type receptionMetrics struct {
	loss, jitter, roundTrip *prometheus.HistogramVec
	of                      [2]receptionOf // by kind
}

// receptionOf are those of one kind: to look them up by name takes longer than all
// else that is done with a report.
type receptionOf struct{ loss, jitter, roundTrip prometheus.Observer }

func newReceptionMetrics() receptionMetrics {
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "earshot", Subsystem: "sfu", Name: name, Help: help, Buckets: buckets,
		}, []string{"kind"})
	}
	m := receptionMetrics{
		loss: histogram("subscription_loss_ratio", "Share of packets of a slot lost on the way to its listener, by report.",
			0, .002, .005, .01, .02, .05, .1, .2, .5),
		jitter: histogram("subscription_jitter_seconds", "Jitter of the arrival of a slot's packets, by report.",
			.001, .002, .005, .01, .02, .03, .05, .1, .2),
		roundTrip: histogram("subscription_round_trip_seconds", "Round trip to a listener and back, by report.",
			.005, .01, .02, .05, .1, .15, .2, .3, .5, 1),
	}
	for kind, label := range map[forward.Kind]string{forward.Audio: "audio", forward.Video: "video"} {
		m.of[kind] = receptionOf{
			m.loss.WithLabelValues(label), m.jitter.WithLabelValues(label), m.roundTrip.WithLabelValues(label),
		}
	}
	return m
}

func (m *receptionMetrics) observe(kind forward.Kind, r *forward.Reception, spans bool) {
	of := &m.of[kind]
	if spans {
		of.loss.Observe(r.Loss)
	}
	of.jitter.Observe(r.Jitter.Seconds())
	if r.RoundTrip > 0 {
		of.roundTrip.Observe(r.RoundTrip.Seconds())
	}
}
