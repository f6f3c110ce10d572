package sfu

import (
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"
)

// probePacket is about how many bytes a packet of a probe has.
const probePacket = 1100

// probe sends packets of the videos shown once more, on their streams of
// repairs, to find out whether more passes than is sent. What is sent was sent
// before to the same listener, by a source that they see now, so that a probe
// can carry nothing that they may not have. mu is held; the burst is sent
// without it.
func (s *Session) probe(target float64, now time.Time, burst *egress.Burst) {
	left := forward.ProbeBytes(target, probePacket)
	s.downlink.beginProbe(target, now)
	for _, i := range s.demanded {
		if left -= s.video[i].probe(left, burst); left <= 0 {
			break
		}
	}
	s.downlink.endProbe()
	s.sfu.metrics.probes.Inc()
}

// canProbe reports whether a slot of the session has a stream of repairs.
func (s *Session) canProbe() bool {
	for _, sl := range s.video {
		if sl.probes() {
			return true
		}
	}
	return false
}

// probes reports whether the slot can send padding.
func (s *slot) probes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repairs != nil && s.twccID != 0
}

// maxProbe is how many packets of one slot a probe has at most.
const maxProbe = 64

// probe sends about so many bytes of what the slot sent last, once more, and
// returns how many it did.
func (s *slot) probe(size int, burst *egress.Burst) (sent int) {
	newest, span := s.newest()
	if span == 0 {
		return 0
	}
	span = min(span, 16)
	for n := 0; sent < size && n < maxProbe; n++ {
		got := s.repeat(newest-uint16(span-1-n%span), burst)
		if got == 0 && n >= span && sent == 0 {
			return 0 // nothing of it is kept
		}
		sent += got
	}
	return sent
}

// newest returns the newest packet of the present epoch and how many there are.
func (s *slot) newest() (seq uint16, span int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq, _, ok := s.rewriter.Newest(); ok && s.repairs != nil {
		for span < 16 {
			if _, ok := s.rewriter.Source(seq - uint16(span)); !ok {
				break
			}
			span++
		}
		return seq, span
	}
	return 0, 0
}

// repeat sends a packet of the present epoch on the stream of repairs and
// returns its size.
func (s *slot) repeat(out uint16, burst *egress.Burst) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	stamp, codec, payload, ok := s.recall(out)
	if !ok || !s.repairsApart(codec) {
		return 0
	}
	return s.retransmit(stamp, codec, payload, burst)
}

// beginProbe says that the packets numbered from now on are a probe.
func (d *downlink) beginProbe(target float64, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.probe.Begin(d.seq+1, target, now)
	d.rate.Shield(now)
}

// endProbe says that the probe is complete.
func (d *downlink) endProbe() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.probe.End(d.seq)
}

// judgeProbe takes the result of a probe once it is there. mu is held.
func (d *downlink) judgeProbe(now time.Time) {
	if rate, done := d.probe.Result(now); done && rate > 0 {
		d.rate.Probed(rate)
	}
}
