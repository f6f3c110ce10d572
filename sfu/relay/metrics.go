package relay

import "github.com/prometheus/client_golang/prometheus"

// register offers the sums over all links to a registry. None has a peer as a
// label: how many nodes there are is nobody's to count by it.
func (m *Mesh) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "earshot", Subsystem: "relay", Name: "links", Help: "Links to other nodes that work.",
	}, func() float64 { return float64(len(m.Links())) })
	if err := r.Register(gauge); err != nil {
		return err
	}
	for _, c := range []struct {
		name, help string
		labels     prometheus.Labels
		of         func(*Counters) uint64
	}{
		{"media_total", "RTP packets sent to other nodes, each once for a link, and taken from them.", dir("out"), func(c *Counters) uint64 { return c.Media }},
		{"media_total", "RTP packets sent to other nodes, each once for a link, and taken from them.", dir("in"), func(c *Counters) uint64 { return c.MediaIn }},
		{"poses_total", "Poses sent to other nodes and taken from them.", dir("out"), func(c *Counters) uint64 { return c.Poses }},
		{"poses_total", "Poses sent to other nodes and taken from them.", dir("in"), func(c *Counters) uint64 { return c.PosesIn }},
		{"datagrams_total", "Datagrams of media and poses between nodes.", dir("out"), func(c *Counters) uint64 { return c.Datagrams }},
		{"datagrams_total", "Datagrams of media and poses between nodes.", dir("in"), func(c *Counters) uint64 { return c.DatagramsIn }},
		{"bytes_total", "Bytes of those datagrams.", dir("out"), func(c *Counters) uint64 { return c.Bytes }},
		{"bytes_total", "Bytes of those datagrams.", dir("in"), func(c *Counters) uint64 { return c.BytesIn }},
		{"asked_total", "Datagrams from other nodes that were lost and asked for.", nil, func(c *Counters) uint64 { return c.Asked }},
		{"repaired_total", "Datagrams that other nodes lost and were sent again.", nil, func(c *Counters) uint64 { return c.Repaired }},
		{"struck_total", "Packets and poses that an order struck out before they could leave, or leave again.", nil, func(c *Counters) uint64 { return c.Struck }},
		{"dropped_total", "Records not sent to other nodes, by reason.", why("old"), func(c *Counters) uint64 { return c.DroppedOld }},
		{"dropped_total", "Records not sent to other nodes, by reason.", why("video"), func(c *Counters) uint64 { return c.DroppedVideo }},
		{"dropped_total", "Records not sent to other nodes, by reason.", why("long"), func(c *Counters) uint64 { return c.DroppedLong }},
		{"refused_total", "Datagrams and records from other nodes that were not taken, by reason.", why("double"), func(c *Counters) uint64 { return c.Doubled }},
		{"refused_total", "Datagrams and records from other nodes that were not taken, by reason.", why("malformed"), func(c *Counters) uint64 { return c.Malformed }},
	} {
		counter := prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "relay", Name: c.name, Help: c.help, ConstLabels: c.labels,
		}, func() float64 {
			all := m.Counters()
			return float64(c.of(&all))
		})
		if err := r.Register(counter); err != nil {
			return err
		}
	}
	return nil
}

func dir(way string) prometheus.Labels { return prometheus.Labels{"direction": way} }

func why(reason string) prometheus.Labels { return prometheus.Labels{"reason": reason} }

// add adds the counters of a link.
func (c *Counters) add(d *Counters) {
	c.Media += d.Media
	c.Poses += d.Poses
	c.Datagrams += d.Datagrams
	c.Bytes += d.Bytes
	c.Repaired += d.Repaired
	c.Struck += d.Struck
	c.DroppedOld += d.DroppedOld
	c.DroppedVideo += d.DroppedVideo
	c.DroppedLong += d.DroppedLong
	c.MediaIn += d.MediaIn
	c.PosesIn += d.PosesIn
	c.DatagramsIn += d.DatagramsIn
	c.BytesIn += d.BytesIn
	c.Asked += d.Asked
	c.Doubled += d.Doubled
	c.Malformed += d.Malformed
}
