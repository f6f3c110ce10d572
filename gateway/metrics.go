package gateway

import "github.com/prometheus/client_golang/prometheus"

// metrics of the gateway. None has an id as a label: what concerns one session
// is in the admin API.
type metrics struct {
	joins        *prometheus.CounterVec // by code, "ok" for success
	sessions     prometheus.Gauge
	participants *prometheus.GaugeVec   // by world
	viewers      *prometheus.GaugeVec   // by world
	beyond       *prometheus.GaugeVec   // by world
	left         *prometheus.CounterVec // by reason
	messages     *prometheus.CounterVec // control messages received, by type
	refused      *prometheus.CounterVec // control messages refused, by code
	poses        *prometheus.CounterVec // by result: taken, dropped
	datagrams    prometheus.Counter     // pose datagrams sent
	tick         prometheus.Histogram   // seconds
	calls        *prometheus.CounterVec // of LiveKit's room service, by call and code
	forwarded    prometheus.Gauge       // LiveKit clients passed on to other nodes
	reviewed     *prometheus.CounterVec // by action

	queued    *prometheus.GaugeVec     // people who wait, by world
	queueWait *prometheus.HistogramVec // seconds, by world
	queueLeft *prometheus.CounterVec   // parties, by how it ended
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
		beyond: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "earshot_beyond", Help: "People of neighbouring worlds who are seen across the borders of a world.",
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
		forwarded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "earshot_livekit_forwarded", Help: "Signal connections of LiveKit clients that are passed on to the node that has their room.",
		}),
		reviewed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_instances_reviewed_total", Help: "Public instances that were opened ahead of need, put together with others, listed again after that, and closed, by action: open, merge, relist, close.",
		}, []string{"action"}),
	}
	m.queueMetrics(reg)
	reg.MustRegister(m.joins, m.sessions, m.participants, m.viewers, m.beyond, m.left, m.messages, m.refused, m.poses, m.datagrams, m.tick, m.calls, m.forwarded, m.reviewed)
	return m
}

// queueMetrics are of who waits for worlds whose queue this node leads.
func (m *metrics) queueMetrics(reg prometheus.Registerer) {
	m.queued = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "earshot_queue_waiting", Help: "People who wait for a world that is full, by world, on the node that leads its queue.",
	}, []string{"world"})
	m.queueWait = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "earshot_queue_wait_seconds", Help: "How long parties waited until a place was kept for them, by world.",
		Buckets: prometheus.ExponentialBuckets(1, 2, 13),
	}, []string{"world"})
	m.queueLeft = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "earshot_queue_left_total", Help: "Parties that wait no longer: admitted, left, lost (nothing was heard of them), refused.",
	}, []string{"how"})
	reg.MustRegister(m.queued, m.queueWait, m.queueLeft)
}
