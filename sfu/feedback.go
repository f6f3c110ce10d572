package sfu

import (
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtcp"
)

// readRTCP serves what the listener says about a slot until the session ends:
// lost packets are sent again, wishes for a key frame are passed on.
func (s *slot) readRTCP() {
	b := make([]byte, readSize)
	for {
		n, _, err := s.sender.Read(b)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(b[:n])
		if err != nil {
			s.session.sfu.metrics.dropMalformed.Inc()
			continue
		}
		burst := s.session.sfu.burst()
		for _, p := range packets {
			s.serve(p, &burst)
		}
		burst.Send()
	}
}

func (s *slot) serve(p rtcp.Packet, burst *egress.Burst) {
	switch p := p.(type) {
	case *rtcp.TransportLayerNack:
		s.repairLoss(p, burst)
	case *rtcp.ReceiverReport:
		s.repairTail(p.Reports, time.Now(), burst)
	case *rtcp.SenderReport: // of one who publishes too
		s.repairTail(p.Reports, time.Now(), burst)
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		s.mu.Lock()
		source, layer := s.source, max(0, s.choice.Encoding())
		s.mu.Unlock()
		if source != nil && source.open.Load() {
			source.wantKeyFrame(layer, time.Now())
		}
	case *rtcp.TransportLayerCC:
		s.session.downlink.feedback(p, time.Now())
	}
}

// tailAfter is how long nothing was sent when a report that misses the newest
// packet speaks of loss, rather than of a packet on the way.
const tailAfter = 500 * time.Millisecond

// repairTail sends the newest packet of a video again where a report says that
// it did not come. Whoever lost the end of what was sent, a screen that changed
// once and then stood still, cannot know it and so cannot ask for it; given the
// newest packet, the listener asks for those before.
func (s *slot) repairTail(reports []rtcp.ReceptionReport, now time.Time, burst *egress.Burst) {
	if s.kind != forward.Video {
		return
	}
	for _, r := range reports {
		s.mu.Lock()
		newest, at, ok := s.rewriter.Newest()
		missing := ok && r.SSRC == s.header.SSRC && int16(newest-uint16(r.LastSequenceNumber)) > 0
		s.mu.Unlock()
		if missing && now.Sub(at) >= tailAfter && s.resend(newest, burst) {
			s.session.sfu.metrics.repaired.Inc()
		}
	}
}

// maxRepairs bounds what one feedback packet can ask for.
const maxRepairs = 64

func (s *slot) repairLoss(nack *rtcp.TransportLayerNack, burst *egress.Burst) {
	m := s.session.sfu.metrics
	count := 0
	for _, pair := range nack.Nacks {
		pair.Range(func(seq uint16) bool {
			if count++; count > maxRepairs {
				return false
			}
			if s.resend(seq, burst) {
				m.repaired.Inc()
			} else {
				m.unrepaired.Inc()
			}
			return true
		})
	}
}
