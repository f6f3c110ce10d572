package sfu

import (
	"slices"
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
			s.session.limits.refuse(forward.OffenceMalformed)
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
		if s.means(p.MediaSSRC) {
			s.repairLoss(p, burst)
		}
	case *rtcp.ReceiverReport:
		s.heed(p.Reports, time.Now(), burst)
	case *rtcp.SenderReport: // of one who publishes too
		s.heed(p.Reports, time.Now(), burst)
	case *rtcp.PictureLossIndication:
		if s.means(p.MediaSSRC) {
			s.wantKeyFrame()
		}
	case *rtcp.FullIntraRequest:
		if slices.ContainsFunc(p.FIR, func(e rtcp.FIREntry) bool { return s.means(e.SSRC) }) {
			s.wantKeyFrame()
		}
	case *rtcp.TransportLayerCC:
		s.session.hears(p, time.Now())
	}
}

// means reports whether feedback is about this slot: pion hands a compound
// packet to each SSRC that any part of it speaks of.
func (s *slot) means(ssrc uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ssrc == s.header.SSRC
}

// wantKeyFrame passes a listener's wish on, within the listener's budget and
// not more often than publishers are asked at all (forward.KeyFrames).
func (s *slot) wantKeyFrame() {
	now := time.Now()
	if !s.session.limits.take(forward.OffenceKeyFrames, 1, now) {
		return
	}
	s.mu.Lock()
	source, layer := s.source, max(0, s.choice.Encoding())
	s.mu.Unlock()
	if source != nil && source.open.Load() {
		source.wantKeyFrame(layer, now)
	}
}

// tailAfter is how long nothing was sent when a report that misses the newest
// packet speaks of loss, rather than of a packet on the way.
const tailAfter = 500 * time.Millisecond

// repairTail sends the newest packet of a video again where a report says that
// it did not come. Whoever lost the end of what was sent, a screen that changed
// once and then stood still, cannot know it and so cannot ask for it; given the
// newest packet, the listener asks for those before. It has to come on the
// slot's own stream: a browser asks for nothing before a packet of the other.
func (s *slot) repairTail(reports []rtcp.ReceptionReport, now time.Time, burst *egress.Burst) {
	if s.kind != forward.Video {
		return
	}
	for _, r := range reports {
		s.mu.Lock()
		newest, at, ok := s.rewriter.Newest()
		missing := ok && r.SSRC == s.header.SSRC && int16(newest-uint16(r.LastSequenceNumber)) > 0
		s.mu.Unlock()
		if missing && now.Sub(at) >= tailAfter && s.session.limits.repair(now) && s.resendInPlace(newest, burst) {
			s.session.sfu.metrics.repaired.Inc()
		}
	}
}

// maxRepairs bounds what one feedback packet can ask for.
const maxRepairs = 64

func (s *slot) repairLoss(nack *rtcp.TransportLayerNack, burst *egress.Burst) {
	m, now := s.session.sfu.metrics, time.Now()
	count := 0
	for _, pair := range nack.Nacks {
		pair.Range(func(seq uint16) bool {
			if count++; count > maxRepairs {
				s.session.limits.refuse(forward.OffenceRepairs)
				return true
			}
			if !s.session.limits.repair(now) {
				return true
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
