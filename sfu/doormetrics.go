package sfu

import "github.com/prometheus/client_golang/prometheus"

// registerDoors adds what media over TCP and the relay count, where there are
// such.
func (m *metrics) registerDoors(r prometheus.Registerer, s *SFU) error {
	if r == nil {
		return nil
	}
	var all []prometheus.Collector
	gauge := func(subsystem, name, help string, value func() float64) {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "earshot", Subsystem: subsystem, Name: name, Help: help,
		}, value))
	}
	counter := func(subsystem, name, help string, value func() uint64) {
		all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: subsystem, Name: name, Help: help,
		}, func() float64 { return float64(value()) }))
	}
	if d := s.door; d != nil {
		gauge("sfu_tcp", "connections", "Connections for media over TCP.", func() float64 { return float64(d.Open()) })
		counter("sfu_tcp", "refused_total", "Connections closed for a limit, or without a valid ICE check in time.", d.Refused)
		counter("sfu_tcp", "sent_total", "Packets handed to connections, of ICE and data too.", d.counters.sent.Load)
		counter("sfu_tcp", "dropped_total", "Packets dropped because a client did not take them.", d.counters.dropped.Load)
	}
	if t := s.relay; t != nil && s.cfg.TURN.On() {
		gauge("sfu_turn", "allocations", "Relayed addresses.", func() float64 { return float64(t.Counters().Allocations) })
		gauge("sfu_turn", "connections", "Connections to the relay over TCP and TLS.", func() float64 { return float64(t.Counters().Connections) })
		counter("sfu_turn", "up_total", "Packets relayed from clients.", func() uint64 { return t.Counters().Up })
		counter("sfu_turn", "down_total", "Packets relayed to clients.", func() uint64 { return t.Counters().Down })
		counter("sfu_turn", "limited_total", "Packets dropped above the bitrate of an allocation.", func() uint64 { return t.Counters().Limited })
		counter("sfu_turn", "misdirected_total", "Packets and permissions for others than our media.",
			func() uint64 { return t.Counters().Misdirected + t.Counters().RefusedPeers })
		counter("sfu_turn", "refused_allocations_total", "Allocations refused for a limit.", func() uint64 { return t.Counters().RefusedAllocations })
		counter("sfu_turn", "refused_requests_total", "Requests signed with a wrong password.", func() uint64 { return t.Counters().RefusedRequests })
		counter("sfu_turn", "refused_connections_total", "Connections closed for a limit, or without an allocation in time.", func() uint64 { return t.Counters().RefusedConnections })
	}
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}
