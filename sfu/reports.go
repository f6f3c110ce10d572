package sfu

import (
	"encoding/binary"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtcp"
)

// What of RTCP is taken here (RFC 3550, section 6.4; transport-wide feedback is
// format 15 of type 205), and its sizes in bytes.
const (
	typeReceiverReport    = 201
	typeSourceDescription = 202
	typeTransportFeedback = 205
	formatTransportWide   = 15

	reportHeader = 8 // header and SSRC
	reportBlock  = 24
)

// reportParts returns what is in a compound RTCP packet, part by part, where it
// is nothing but reports on what was received and transport-wide feedback: what
// every listener sends all the time. All else is left to pion, and so is what is
// not well-formed, so that it is judged in one place.
func reportParts(compound []byte, take func(part []byte)) bool {
	for rest := compound; len(rest) > 0; {
		n := partSize(rest)
		if n == 0 {
			return false
		}
		if take != nil {
			take(rest[:n])
		}
		rest = rest[n:]
	}
	return len(compound) > 0
}

// partSize returns the bytes of the first part of a compound packet, 0 where it
// is none that is taken here.
func partSize(b []byte) int {
	if len(b) < reportHeader || b[0]>>5 != 2<<1 { // version 2 without padding
		return 0
	}
	n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
	if n > len(b) || n < reportHeader {
		return 0
	}
	switch count := int(b[0] & 0x1f); {
	case b[1] == typeReceiverReport && n == reportHeader+count*reportBlock:
	case b[1] == typeSourceDescription: // passed over
	case b[1] == typeTransportFeedback && count == formatTransportWide:
	default:
		return 0
	}
	return n
}

// hear takes what the listener says of what came, as pion would have handed it to
// each slot (readRTCP). The goroutine that reads the socket calls it, and nothing
// of it waits for anybody.
func (s *Session) hear(compound []byte, now time.Time) {
	reportParts(compound, func(part []byte) {
		switch part[1] {
		case typeReceiverReport:
			s.hearReports(part[reportHeader:], now)
		case typeTransportFeedback:
			s.hearFeedback(part, now)
		}
	})
}

func (s *Session) hearReports(blocks []byte, now time.Time) {
	if len(blocks) == 0 {
		s.limits.take(forward.OffenceReports, 1, now)
		return
	}
	burst := s.sfu.burst()
	var one [1]rtcp.ReceptionReport
	for ; len(blocks) >= reportBlock; blocks = blocks[reportBlock:] {
		if !s.limits.take(forward.OffenceReports, 1, now) {
			continue // each counts, as if pion had handed it to its slot
		}
		one[0] = rtcp.ReceptionReport{
			SSRC:               binary.BigEndian.Uint32(blocks),
			FractionLost:       blocks[4],
			TotalLost:          binary.BigEndian.Uint32(blocks[4:]) & 0xffffff,
			LastSequenceNumber: binary.BigEndian.Uint32(blocks[8:]),
			Jitter:             binary.BigEndian.Uint32(blocks[12:]),
			LastSenderReport:   binary.BigEndian.Uint32(blocks[16:]),
			Delay:              binary.BigEndian.Uint32(blocks[20:]),
		}
		if sl := s.slotOf(one[0].SSRC); sl != nil {
			sl.heed(one[:], now, &burst)
		}
	}
	burst.Send()
}

func (s *Session) hearFeedback(part []byte, now time.Time) {
	var feedback rtcp.TransportLayerCC
	switch {
	case !s.limits.take(forward.OffenceReports, 1, now):
	case feedback.Unmarshal(part) != nil:
		s.sfu.metrics.dropMalformed.Inc()
		s.limits.refuse(forward.OffenceMalformed)
	default:
		s.hears(&feedback, now)
	}
}

// slotOf returns the slot that sends with an SSRC, or nil.
func (s *Session) slotOf(ssrc uint32) *slot {
	l := s.lineup.Load()
	for _, sl := range l.voice {
		if sl.ssrc.Load() == ssrc {
			return sl
		}
	}
	for _, sl := range l.video {
		if sl.ssrc.Load() == ssrc {
			return sl
		}
	}
	return nil
}

// takeReports reports whether an SRTCP packet from the client was dealt with, and
// returns what was in it, in scratch, where that is to be heard. What is to be
// pion's is still as it came. The caller hears it without the lane's mutex, which
// is taken with that of a slot held.
func (l *lane) takeReports(packet, scratch []byte, now time.Time) (compound []byte, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil || !l.reports.Takes(packet) {
		return nil, false
	}
	sure := l.reports.Opened()
	plain, ok := l.reports.Open(l.keys, scratch, packet)
	switch {
	case !ok: // forged, or a second time
		return nil, sure
	case now.Sub(l.shown) >= 2*l.every: // pion has to see that the client is there
		l.shown = now
		return nil, false
	case !reportParts(plain, nil):
		return nil, false
	}
	l.strays.limits.metrics.reportsLane.Inc()
	return plain, true
}

// isReport reports whether a packet has RTCP's type, where there is no RTP: RFC
// 5761, section 4.
func isReport(packet []byte) bool { return packet[1] >= 192 && packet[1] <= 223 }
