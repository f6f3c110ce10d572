package gateway

import "github.com/prometheus/client_golang/prometheus"

// metrics of the gateway. None has an id as a label: what concerns one session
// is in the admin API.
type metrics struct {
	joins        *prometheus.CounterVec // by code, "ok" for success
	sessions     prometheus.Gauge
	participants *prometheus.GaugeVec   // by world
	viewers      *prometheus.GaugeVec   // by world
	left         *prometheus.CounterVec // by reason
	messages     *prometheus.CounterVec // control messages received, by type
	refused      *prometheus.CounterVec // control messages refused, by code
	poses        *prometheus.CounterVec // by result: taken, dropped
	datagrams    prometheus.Counter     // pose datagrams sent
	tick         prometheus.Histogram   // seconds
	calls        *prometheus.CounterVec // of LiveKit's room service, by call and code
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		joins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_joins_total", Help: "Join requests by result code.",
		}, []string{"code"}),
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "earshot_sessions", Help: "Sessions, connecting ones included.",
		}),
		participants: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "earshot_participants", Help: "Participants by world.",
		}, []string{"world"}),
		viewers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "earshot_viewers", Help: "Players (WHEP) by world; they are no participants.",
		}, []string{"world"}),
		left: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_left_total", Help: "Sessions ended by reason.",
		}, []string{"reason"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_control_messages_total", Help: "Control messages accepted by type.",
		}, []string{"type"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_control_refused_total", Help: "Control messages refused by code.",
		}, []string{"code"}),
		poses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_pose_datagrams_received_total", Help: "Pose datagrams received by result.",
		}, []string{"result"}),
		datagrams: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_pose_datagrams_sent_total", Help: "Pose datagrams sent.",
		}),
		tick: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "earshot_tick_seconds", Help: "Time one tick of an instance takes; 1/60 s is all there is.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 2, 11),
		}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_livekit_calls_total", Help: "Calls of LiveKit's room service by call and code, \"ok\" for success.",
		}, []string{"call", "code"}),
	}
	reg.MustRegister(m.joins, m.sessions, m.participants, m.viewers, m.left, m.messages, m.refused, m.poses, m.datagrams, m.tick, m.calls)
	return m
}
