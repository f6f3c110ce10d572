package sfu

import (
	"time"

	"github.com/pion/rtcp"
)

// readRTCP serves what the listener says about a slot until the session ends:
// lost packets are sent again, wishes for a key frame are passed on. Reports
// are only read, so that they do not pile up.
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
		for _, p := range packets {
			s.serve(p)
		}
	}
}

func (s *slot) serve(p rtcp.Packet) {
	switch p := p.(type) {
	case *rtcp.TransportLayerNack:
		s.repairLoss(p)
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		s.mu.Lock()
		source := s.source
		s.mu.Unlock()
		if source != nil && source.open.Load() {
			source.wantKeyFrame(time.Now())
		}
	}
}

// maxRepairs bounds what one feedback packet can ask for.
const maxRepairs = 64

func (s *slot) repairLoss(nack *rtcp.TransportLayerNack) {
	m := s.session.sfu.metrics
	count := 0
	for _, pair := range nack.Nacks {
		pair.Range(func(seq uint16) bool {
			if count++; count > maxRepairs {
				return false
			}
			if s.resend(seq) {
				m.repaired.Inc()
			} else {
				m.unrepaired.Inc()
			}
			return true
		})
	}
}
