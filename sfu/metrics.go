package sfu

import (
	"sync/atomic"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of one SFU. None carries an id as a label.
type metrics struct {
	sessions     prometheus.Gauge
	joins        *prometheus.CounterVec
	packetsIn    prometheus.Counter
	packetsLane  prometheus.Counter
	reportsLane  prometheus.Counter
	pumpLost     prometheus.Counter
	bytesIn      prometheus.Counter
	switches     prometheus.Counter
	tails        prometheus.Counter
	repaired     prometheus.Counter
	unrepaired   prometheus.Counter
	redundant    prometheus.Counter
	filled       prometheus.Counter
	probes       prometheus.Counter
	reception    receptionMetrics
	keyFrames    prometheus.Counter
	layers       prometheus.Counter
	poseDropped  prometheus.Counter
	slowSessions prometheus.Counter

	excess, expelled [forward.Offences]prometheus.Counter
	gated            [forward.Traffics]prometheus.Counter
	replayed         prometheus.Counter

	byPion struct{ packets, bytes atomic.Uint64 } // what pion sent

	egressBatched prometheus.Counter
	egressPion    *prometheus.CounterVec

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
		packetsLane:  counter("packets_lane_total", "RTP packets that were opened here, past pion's queues."),
		reportsLane:  counter("reports_lane_total", "RTCP packets of listeners that were opened here, past pion's queues."),
		pumpLost:     counter("pump_lost_total", "Datagrams that were dropped because the reader did not come to take them while people joined."),
		bytesIn:      counter("bytes_in_total", "RTP bytes received, headers included."),
		switches:     counter("slot_switches_total", "Slots that got another source."),
		tails:        counter("tails_total", "Talkspurts that were ended with silence frames."),
		repaired:     counter("nack_repaired_total", "RTP packets sent again."),
		unrepaired:   counter("nack_unrepaired_total", "RTP packets asked for that could not be sent again."),
		redundant:    counter("red_packets_total", "Voice packets that carried earlier frames to a listener who loses packets."),
		filled:       counter("red_filled_total", "Voice packets that a publisher's later packets brought after they were lost."),
		probes:       counter("probes_total", "Trains of repeated packets, sent to find out whether a listener's downlink carries more."),
		reception:    newReceptionMetrics(),
		keyFrames:    counter("key_frame_requests_total", "Key frames asked of publishers."),
		layers:       counter("layer_switches_total", "Sizes of a video (simulcast or spatial layers) that took the place of another in a slot."),
		poseDropped:  counter("pose_dropped_total", "Pose datagrams dropped because too many were waiting."),
		slowSessions: counter("control_overflow_total", "Control messages refused because too many were waiting."),

		egressBatched: counter("egress_batched_sessions_total", "Sessions whose media is sent in batches."),
		egressPion: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "sfu", Name: "egress_pion_sessions_total",
			Help: "Sessions whose media pion sends although batches are on, by reason.",
		}, []string{"reason"}),

		dropMalformed: drops.WithLabelValues("malformed"),
		dropRate:      drops.WithLabelValues("rate"),
		dropCodec:     drops.WithLabelValues("codec"),
		dropOld:       drops.WithLabelValues("old"),
		dropKeyFrame:  drops.WithLabelValues("key_frame"),
		dropWrite:     drops.WithLabelValues("write"),
	}
	limits := m.newLimits()
	if r == nil {
		return m, nil
	}
	for _, c := range append(limits,
		m.sessions, m.joins, m.packetsIn, m.packetsLane, m.reportsLane, m.pumpLost, m.bytesIn, m.switches, m.tails,
		m.repaired, m.unrepaired, m.keyFrames, m.layers, m.poseDropped, m.slowSessions, drops,
		m.egressBatched, m.egressPion, m.redundant, m.filled, m.probes, m.reception.loss, m.reception.jitter, m.reception.roundTrip,
	) {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// sentByPion counts a packet.
func (m *metrics) sentByPion(bytes int) {
	m.byPion.packets.Add(1)
	m.byPion.bytes.Add(uint64(bytes))
}

// registerSent adds what was sent, by pion and by the batched sender, which
// counts for itself: a batch at a time instead of each packet. s may be nil.
func (m *metrics) registerSent(r prometheus.Registerer, s *egress.Sender) error {
	if r == nil {
		return nil
	}
	for _, c := range []struct {
		name, help string
		pion       *atomic.Uint64
		batched    func(egress.Counters) uint64
	}{
		{"packets_out_total", "RTP packets sent.", &m.byPion.packets, func(c egress.Counters) uint64 { return c.Packets + c.Streamed }},
		{"bytes_out_total", "RTP bytes sent, headers included.", &m.byPion.bytes, func(c egress.Counters) uint64 { return c.Bytes }},
	} {
		if err := r.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "sfu", Name: c.name, Help: c.help,
		}, func() float64 {
			n := c.pion.Load()
			if s != nil {
				n += c.batched(s.Counters())
			}
			return float64(n)
		})); err != nil {
			return err
		}
	}
	return nil
}

// registerEgress adds what the batched sender counts, where there is one.
func (m *metrics) registerEgress(r prometheus.Registerer, s *egress.Sender) error {
	if r == nil || s == nil {
		return nil
	}
	for _, c := range []struct {
		name, help string
		value      func(egress.Counters) uint64
	}{
		{"packets_total", "RTP packets handed to the kernel in batches.", func(c egress.Counters) uint64 { return c.Packets }},
		{"streamed_total", "RTP packets handed to connections over TCP.", func(c egress.Counters) uint64 { return c.Streamed }},
		{"messages_total", "Messages these were in: packets for one address that leave together.", func(c egress.Counters) uint64 { return c.Messages }},
		{"calls_total", "System calls these took; packets by calls is the size of a batch.", func(c egress.Counters) uint64 { return c.Calls }},
		{"unaddressed_total", "Packets dropped for want of an address.", func(c egress.Counters) uint64 { return c.Unaddressed }},
		{"refused_total", "Packets dropped because their nonce was used for another.", func(c egress.Counters) uint64 { return c.Refused }},
		{"failed_total", "Packets that the kernel refused.", func(c egress.Counters) uint64 { return c.Failed }},
		{"singly_total", "Messages that the kernel refused, so that each packet took a call.", func(c egress.Counters) uint64 { return c.Singly }},
	} {
		read := c.value
		if err := r.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "sfu_egress", Name: c.name, Help: c.help,
		}, func() float64 { return float64(read(s.Counters())) })); err != nil {
			return err
		}
	}
	return r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "earshot", Subsystem: "sfu_egress", Name: "gather_seconds",
		Help: "How long packets wait for others at present; 0 while the load is low.",
	}, func() float64 { return s.Gather().Seconds() }))
}

// newLimits makes the counters of what was too much.
func (m *metrics) newLimits() []prometheus.Collector {
	vec := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "sfu", Name: name, Help: help,
		}, []string{"reason"})
	}
	excess := vec("excess_total", "What sessions sent above their limits and was refused, by kind.")
	expelled := vec("expelled_total", "Sessions that ended because they went on with that, by kind.")
	gated := vec("gated_total", "Datagrams of one address above what any session sends, dropped unread, by what they claim to be; and connection checks copied from another address.")
	for o := range forward.Offences {
		m.excess[o], m.expelled[o] = excess.WithLabelValues(o.String()), expelled.WithLabelValues(o.String())
	}
	for t := range forward.Traffics {
		m.gated[t] = gated.WithLabelValues(t.String())
	}
	m.replayed = gated.WithLabelValues("copied_check")
	return []prometheus.Collector{excess, expelled, gated}
}
